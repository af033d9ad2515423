//! Times and numbers as people write them.

use ready_pool_core::Timestamp;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const MOMENT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
const CLOCK: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second]");

/// A moment, to the second.
pub(crate) fn moment(at: Timestamp) -> String {
    in_utc(at).format(MOMENT).unwrap_or_default()
}

/// A moment of today, to the second, UTC.
pub(crate) fn clock(at: Timestamp) -> String {
    in_utc(at).format(CLOCK).unwrap_or_default()
}

fn in_utc(at: Timestamp) -> Timestamp {
    at.to_offset(time::UtcOffset::UTC)
}

/// How long it is between two moments, whichever comes first.
pub(crate) fn span(one: Timestamp, other: Timestamp) -> String {
    let seconds = (one - other).whole_seconds().unsigned_abs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// When a deadline is, seen from `now`.
pub(crate) fn deadline(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        format!("until {} (in {})", clock(at), span(at, now))
    } else {
        format!("deadline {} ago", span(at, now))
    }
}

/// A number with its noun.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    }
}

/// So many whole days.
pub(crate) fn days(time: std::time::Duration) -> String {
    match time.as_secs() / 86_400 {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// That there are so many, of a noun with a regular plural.
pub(crate) fn there_are(number: usize, noun: &str) -> String {
    match number {
        1 => format!("there is 1 {noun}"),
        number => format!("there are {number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn spans_are_in_the_unit_that_people_would_take() {
        let now = datetime!(2026-11-29 13:00 UTC);
        let seconds = |seconds: i64| span(now, now + time::Duration::seconds(seconds));
        assert_eq!(seconds(119), "119 s");
        assert_eq!(seconds(120), "2 min");
        assert_eq!(seconds(7_200), "2 h");
        assert_eq!(seconds(172_800), "2 days");
    }

    #[test]
    fn a_deadline_is_before_or_behind_us_and_in_utc() {
        let at = datetime!(2026-11-29 14:00 +1);
        let before = deadline(at, datetime!(2026-11-29 12:55 UTC));
        assert_eq!(before, "until 13:00:00 (in 5 min)");
        let after = deadline(at, datetime!(2026-11-29 13:01 UTC));
        assert_eq!(after, "deadline 60 s ago");
    }
}
