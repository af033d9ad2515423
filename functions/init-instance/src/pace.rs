//! When what takes its time is tried or looked at next: not before it can be over, and then often.
//!
//! A detach takes about three seconds, an attach about as long (`tests/region/src/settings.rs` has the sources).
//! Each try is a call, of a limit that all of the account's share.

use crate::config::LOOK_EVERY;
use ready_pool_core::Timestamp;
use ready_pool_core::ids::InstanceId;
use std::time::Duration;

/// From a detach's answer to the first try to attach. A call takes effect half-way, so this one does when half of
/// all detaches are over; tried sooner it is refused as a rule, and the next one takes effect half a second later.
const DETACH_TAKES: Duration = Duration::from_millis(2_600);
/// From an answer to the next try, but for the second one: while the first was on its way and back, half a second
/// passed, in which nearly all detaches end. From the third on each takes longer than the one before: a detach that
/// is not over by then takes tens of seconds.
const NEXT_TRY: Duration = Duration::from_millis(250);
/// How much longer, in tenths.
const GROWS: u32 = 14;
/// Longest time between two tries.
const LONGEST_TRY: Duration = Duration::from_secs(5);
/// From an attach's answer to the first look whether it is in service.
const ATTACH_TAKES: Duration = Duration::from_millis(2_500);
/// From a look to the next one.
const NEXT_LOOK: Duration = Duration::from_millis(170);
/// From a look to the next one where several in a row have missed the instance, and it is waited for all the same. A
/// stale read is over by then, so it takes minutes.
pub(crate) const RARE_LOOK: Duration = Duration::from_secs(10);

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
/// that came together do not try together.
pub(crate) fn next_try(instance: &InstanceId, tried: u32) -> Duration {
    let digits = instance.as_str().bytes().map(u32::from).sum::<u32>();
    let jitter = NEXT_TRY * ((digits + tried * 7) % 21) / 100;
    if tried == 1 {
        return jitter;
    }
    let longer = (2..tried).try_fold(NEXT_TRY, |wait, _| {
        (wait < LONGEST_TRY).then_some(wait * GROWS / 10)
    });
    longer.unwrap_or(LONGEST_TRY).min(LONGEST_TRY) + jitter
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
        assert_eq!(until_in_service(ago(500), NOW), Duration::from_secs(2));
        assert_eq!(until_in_service(ago(2_500), NOW), NEXT_LOOK);
        assert_eq!(until_in_service(ago(60_000), NOW), LOOK_EVERY);
        assert_eq!(until_in_service(None, NOW), LOOK_EVERY);
    }

    #[test]
    fn the_second_try_comes_at_once_and_tries_are_spread_by_at_most_a_fifth() {
        let instance = |number: u32| InstanceId::try_from(format!("i-{number:08x}")).unwrap();
        for (tried, least) in [(1, Duration::ZERO), (2, NEXT_TRY), (3, NEXT_TRY * 14 / 10)] {
            let waits = (0..100).map(|number| next_try(&instance(number), tried));
            let waits: std::collections::BTreeSet<Duration> = waits.collect();
            assert!(waits.len() > 10, "{waits:?}");
            let longest = least + NEXT_TRY / 5;
            assert!(waits.iter().all(|wait| (least..=longest).contains(wait)));
        }
    }

    #[test]
    fn a_detach_that_takes_half_a_minute_is_tried_a_dozen_times_and_noticed_within_a_quarter_of_that()
     {
        let instance = InstanceId::try_from("i-00000abc").unwrap();
        let call = Duration::from_millis(470);
        let mut at = DETACH_TAKES;
        let tries = (1..=12).map(|tried| {
            at += call + next_try(&instance, tried);
            at.as_secs()
        });
        let tries: Vec<u64> = tries.collect();
        assert_eq!(tries, [3, 3, 4, 5, 6, 8, 10, 12, 15, 19, 25, 30]);
        for tried in [20, 1_000] {
            assert!(next_try(&instance, tried) <= LONGEST_TRY + NEXT_TRY);
        }
    }
}
