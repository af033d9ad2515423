//! When what takes its time is tried or looked at next: not before it can be over, and then often.
//!
//! A detach takes about three seconds, an attach about as long (`tests/region/src/settings.rs` has the sources).
//! Each try is a call, of a limit that all of the account's share.

use crate::config::{ASK_WHERE_AFTER, LOOK_EVERY};
use ready_pool_core::Timestamp;
use ready_pool_core::ids::InstanceId;
use std::time::Duration;

/// From a detach's answer to the first try to attach. A call takes effect half-way, so this one does when half of
/// all detaches are over; tried sooner it is refused as a rule, and the next one takes effect half a second later.
const DETACH_TAKES: Duration = Duration::from_millis(2_600);
/// From an answer to the next try, but for the second one: while the first was on its way and back, half a second
/// passed, in which nearly all detaches end.
const NEXT_TRY: Duration = Duration::from_millis(250);
/// From an attach's answer to the first look whether it is in service.
const ATTACH_TAKES: Duration = Duration::from_millis(2_450);
/// From a look to the next one.
const NEXT_LOOK: Duration = Duration::from_millis(120);

/// How long until a detach can be over, whose answer came at this time.
pub(crate) fn until_detached(answered: Option<Timestamp>, now: Timestamp) -> Duration {
    until(answered, DETACH_TAKES, now)
}

/// How long until an attach can be over, whose answer came at this time. Where it takes much longer than it should,
/// looks are further apart.
pub(crate) fn until_in_service(answered: Option<Timestamp>, now: Timestamp) -> Duration {
    if answered.is_none_or(|answered| answered + ATTACH_TAKES * 2 < now) {
        return LOOK_EVERY;
    }
    until(answered, ATTACH_TAKES, now).max(NEXT_LOOK)
}

/// From an answer to the next try, after so many. Jittered by up to a fifth of [`NEXT_TRY`], by the instance: claims
/// that came together do not try together. A detach that is still not over after some tries takes its time.
pub(crate) fn next_try(instance: &InstanceId, tried: u32) -> Duration {
    if tried >= ASK_WHERE_AFTER {
        return LOOK_EVERY;
    }
    let digits = instance.as_str().bytes().map(u32::from).sum::<u32>();
    let jitter = NEXT_TRY * ((digits + tried * 7) % 21) / 100;
    if tried == 1 {
        return jitter;
    }
    NEXT_TRY + jitter
}

fn until(began: Option<Timestamp>, takes: Duration, now: Timestamp) -> Duration {
    let left = began.map(|began| began + takes - now);
    let left = left.and_then(|left| Duration::try_from(left).ok());
    // Never longer than it takes, whatever two clocks say.
    left.unwrap_or_default().min(takes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: Timestamp = datetime!(2026-11-22 20:00 UTC);

    #[test]
    fn the_first_try_comes_when_a_detach_can_be_over() {
        let ago = |milliseconds| Some(NOW - Duration::from_millis(milliseconds));
        assert_eq!(until_detached(ago(600), NOW), Duration::from_secs(2));
        assert_eq!(until_detached(ago(10_000), NOW), Duration::ZERO);
        assert_eq!(until_detached(None, NOW), Duration::ZERO);
        let tomorrow = Some(NOW + Duration::from_hours(24));
        assert_eq!(until_detached(tomorrow, NOW), DETACH_TAKES);
    }

    #[test]
    fn looks_are_often_only_while_an_attach_can_end_any_moment() {
        let ago = |milliseconds| Some(NOW - Duration::from_millis(milliseconds));
        assert_eq!(until_in_service(ago(450), NOW), Duration::from_secs(2));
        assert_eq!(until_in_service(ago(2_500), NOW), NEXT_LOOK);
        assert_eq!(until_in_service(ago(60_000), NOW), LOOK_EVERY);
        assert_eq!(until_in_service(None, NOW), LOOK_EVERY);
    }

    #[test]
    fn the_second_try_comes_at_once_and_tries_are_spread_by_at_most_a_fifth() {
        let instance = |number: u32| InstanceId::try_from(format!("i-{number:08x}")).unwrap();
        for (tried, least) in [(1, Duration::ZERO), (2, NEXT_TRY), (5, NEXT_TRY)] {
            let waits = (0..100).map(|number| next_try(&instance(number), tried));
            let waits: std::collections::BTreeSet<Duration> = waits.collect();
            assert!(waits.len() > 10, "{waits:?}");
            let longest = least + NEXT_TRY / 5;
            assert!(waits.iter().all(|wait| (least..=longest).contains(wait)));
        }
        assert_eq!(next_try(&instance(1), ASK_WHERE_AFTER), LOOK_EVERY);
    }
}
