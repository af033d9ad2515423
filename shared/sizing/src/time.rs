//! Minutes, quarter-hours and hours: learning knows no other times.

/// Unix time of 1970-01-05T00:00Z, the first Monday, in seconds.
const FIRST_MONDAY: i64 = 4 * 86_400;
/// Minutes of a week.
const WEEK: i64 = 7 * 24 * 60;
/// Minutes of a day.
pub(crate) const DAY: i64 = 24 * 60;

/// A whole minute (UTC) since 1970-01-05T00:00Z, a Monday. Minute `t` lasts from `t` to `t + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(i64);

impl Minute {
    /// So many minutes after 1970-01-05T00:00Z.
    pub const fn new(minutes: i64) -> Self {
        Self(minutes)
    }

    /// The minute in which this Unix time lies, in seconds.
    pub fn of_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_sub(FIRST_MONDAY).div_euclid(60))
    }

    /// When it starts, as Unix time in seconds.
    pub fn unix_seconds(self) -> i64 {
        self.0.saturating_mul(60).saturating_add(FIRST_MONDAY)
    }

    /// Minutes since 1970-01-05T00:00Z.
    pub fn minutes(self) -> i64 {
        self.0
    }

    /// So many minutes later.
    #[must_use]
    pub fn plus(self, minutes: i64) -> Self {
        Self(self.0.saturating_add(minutes))
    }

    /// Minutes from `earlier` to this one.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// When the quarter-hour started that this is in.
    #[must_use]
    pub fn quarter_start(self) -> Self {
        self.plus(-self.0.rem_euclid(15))
    }

    /// Which of the day's 96 quarter-hours this is in.
    pub fn quarter_of_day(self) -> usize {
        index(self.0.rem_euclid(DAY) / 15)
    }

    /// Which of the week's 168 hours this is in; the first is Monday's.
    pub fn hour_of_week(self) -> usize {
        index(self.0.rem_euclid(WEEK) / 60)
    }

    /// Whether a quarter-hour ends with it.
    pub fn ends_a_quarter_hour(self) -> bool {
        self.0.rem_euclid(15) == 14
    }

    /// Whether an hour ends with it.
    pub fn ends_an_hour(self) -> bool {
        self.0.rem_euclid(60) == 59
    }
}

fn index(of: i64) -> usize {
    // Not negative and below 168.
    usize::try_from(of).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_week_starts_on_monday() {
        // 2026-11-23T00:00Z, a Monday.
        let monday = Minute::of_unix_seconds(1_795_392_000);
        assert_eq!(monday.hour_of_week(), 0);
        assert_eq!(monday.quarter_of_day(), 0);
        assert_eq!(monday.unix_seconds(), 1_795_392_000);
        let sunday = monday.plus(-1);
        assert_eq!((sunday.hour_of_week(), sunday.quarter_of_day()), (167, 95));
        assert!(sunday.ends_an_hour() && sunday.ends_a_quarter_hour());
        assert_eq!(monday.since(sunday), 1);
    }

    #[test]
    fn no_time_is_beyond_it() {
        for minutes in [i64::MIN, -1, i64::MAX] {
            let minute = Minute::new(minutes);
            assert!(minute.quarter_of_day() < 96 && minute.hour_of_week() < 168);
            assert!(minute.plus(i64::MAX).hour_of_week() < 168);
        }
        assert!(Minute::of_unix_seconds(i64::MIN).hour_of_week() < 168);
    }
}
