//! Which of the instances that left the pool are checked for a leak, and when.
//!
//! An instance is a candidate for a day. The day is looked at in twelve slices, one every five minutes, by
//! the clock alone: each detach comes up about once an hour, for a page of history in five minutes. Whatever
//! passes are lost, each candidate has other hours; nothing must be remembered.

use ready_pool_core::Timestamp;
use ready_pool_core::activity::{Activity, ActivityKind};
use ready_pool_core::claim::MAX_TIME_TO_EXPIRY;
use ready_pool_core::ids::InstanceId;
use std::ops::Range;
use std::time::Duration;

/// From how long after its detach on an instance is checked for a leak: its claim must have
/// expired by then, with an hour for everything that may come late.
pub const LEAK_CHECKED_FROM: Duration =
    Duration::from_secs(MAX_TIME_TO_EXPIRY.whole_seconds().unsigned_abs() + 3600);
/// For how long after that. Older leaks are a person's: command history is kept 30 days.
pub const LEAK_CHECKED_FOR: Duration = Duration::from_hours(24);
/// How many suspects one look asks the history of. Those of the next minutes, and then of the next hour, go on with
/// the next ones.
pub const LEAK_CHECKS_PER_PASS: usize = 20;
/// Slices that [`LEAK_CHECKED_FOR`] is looked at in: one for each five minutes of an hour.
const SLICES: u8 = 12;
const MINUTES_A_SLICE: u8 = 60 / SLICES;

/// When a candidate was detached.
pub fn leak_window(now: Timestamp) -> Range<Timestamp> {
    (now - LEAK_CHECKED_FROM - LEAK_CHECKED_FOR)..(now - LEAK_CHECKED_FROM)
}

/// The part of [`leak_window`] that a look at `now` is about. While an hour passes the slices go
/// from its newest end to its oldest, and overlap by the minutes that lie between two of them.
pub fn leak_slice(now: Timestamp) -> Range<Timestamp> {
    let slice = LEAK_CHECKED_FOR / u32::from(SLICES);
    let newest = leak_window(now).end - slice * u32::from(now.minute() / MINUTES_A_SLICE);
    (newest - slice)..newest
}

/// Whether a look at `now` is about its slice at all: the first one, and while there are more suspects in it than one
/// look can check.
pub fn leak_slice_is_due(last: Option<Timestamp>, is_crowded: bool, now: Timestamp) -> bool {
    let turn = |time: Timestamp| {
        time.unix_timestamp()
            .div_euclid(i64::from(MINUTES_A_SLICE) * 60)
    };
    is_crowded || last.is_none_or(|last| turn(last) != turn(now))
}

/// Instances that were detached in this window, newest first.
pub fn leak_candidates(activities: &[Activity], window: &Range<Timestamp>) -> Vec<InstanceId> {
    activities
        .iter()
        .filter(|activity| activity.kind == ActivityKind::Detach && !activity.failed)
        .filter(|activity| window.contains(&activity.started_at))
        .filter_map(|activity| activity.instance.clone())
        .collect()
}

/// Of the candidates that run in no group, those whose turn it is in this minute. Each is asked for
/// alone, which is dear, so not all at once.
pub fn leak_checks(suspects: &[InstanceId], now: Timestamp) -> &[InstanceId] {
    let hour = usize::try_from(now.unix_timestamp() / 3600).unwrap_or_default();
    let minute = usize::from(now.minute() % MINUTES_A_SLICE);
    let turn = hour * usize::from(MINUTES_A_SLICE) + minute;
    let turns = suspects.len().div_ceil(LEAK_CHECKS_PER_PASS).max(1);
    suspects
        .chunks(LEAK_CHECKS_PER_PASS)
        .nth(turn % turns)
        .unwrap_or_default()
}
