//! What a pool is asked for: claims, and how long launches take.

use ready_pool_sizing::Minute;
use std::time::Duration;

/// A minute in milliseconds, the simulation's unit.
pub const MINUTE: u64 = 60_000;
/// Minutes of a day.
pub const DAY: u32 = 1_440;

/// When claims came, in milliseconds since the start of the first minute.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// The first minute.
    pub start: Minute,
    /// How many there are.
    pub minutes: u32,
    /// In order, each within those minutes.
    pub claims: Vec<u64>,
}

impl Demand {
    /// From Unix times in milliseconds, in whatever order: from the minute of the first claim, or
    /// `from`, to the end of the minute of the last, or `to`. None where there is neither.
    pub fn of_unix_milliseconds(
        mut claims: Vec<i64>,
        from: Option<i64>,
        to: Option<i64>,
    ) -> Option<Self> {
        claims.sort_unstable();
        let first = from.into_iter().chain(claims.first().copied()).min()?;
        let last = to.into_iter().chain(claims.last().copied()).max()?;
        let start = Minute::of_unix_seconds(first.div_euclid(1_000));
        let end = Minute::of_unix_seconds(last.div_euclid(1_000)).plus(1);
        let zero = start.unix_seconds() * 1_000;
        Some(Self {
            start,
            minutes: u32::try_from(end.since(start)).ok()?,
            claims: claims
                .into_iter()
                .filter_map(|claim| u64::try_from(claim - zero).ok())
                .collect(),
        })
    }

    /// How many claims there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.claims.len()).unwrap_or(u32::MAX)
    }

    /// Days, with a fraction.
    pub fn days(&self) -> f64 {
        f64::from(self.minutes) / f64::from(DAY)
    }

    /// Claims of each minute.
    pub fn by_minute(&self) -> Vec<u32> {
        let mut counts = vec![0; index(u64::from(self.minutes))];
        for claim in &self.claims {
            if let Some(count) = counts.get_mut(index(claim / MINUTE)) {
                *count += 1;
            }
        }
        counts
    }

    /// The longest time without a claim, ends included.
    pub fn longest_gap(&self) -> Duration {
        let end = u64::from(self.minutes) * MINUTE;
        let mut last = 0;
        let mut longest = 0;
        for claim in self.claims.iter().copied().chain([end]) {
            longest = longest.max(claim - last);
            last = claim;
        }
        Duration::from_millis(longest)
    }
}

/// How long launches take from their cause to being ready, in milliseconds; taken in order, again
/// and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Leads(Vec<u64>);

impl Leads {
    /// From seconds; those that no launch can take are left out. None where nothing is left.
    pub fn of_seconds(seconds: impl IntoIterator<Item = f64>) -> Option<Self> {
        let leads: Vec<u64> = seconds
            .into_iter()
            .filter(|seconds| *seconds > 0.0 && *seconds <= 86_400.0)
            .filter_map(|seconds| {
                let lead = Duration::try_from_secs_f64(seconds).ok()?;
                u64::try_from(lead.as_millis()).ok()
            })
            .collect();
        (!leads.is_empty()).then_some(Self(leads))
    }

    /// The nth launch's.
    pub fn nth(&self, launch: usize) -> u64 {
        let at = launch.checked_rem(self.0.len()).unwrap_or(0);
        self.0.get(at).copied().unwrap_or(0)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Their mean.
    pub fn mean(&self) -> Duration {
        let sum: u64 = self.0.iter().sum();
        let count = u64::try_from(self.0.len()).unwrap_or(u64::MAX);
        Duration::from_millis(sum.checked_div(count).unwrap_or(0))
    }

    /// The one that 95 of 100 do not exceed.
    pub fn p95(&self) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        Duration::from_millis(percentile(&sorted, 95))
    }

    /// As if launches took a part of their time.
    #[must_use]
    pub fn halved(&self) -> Self {
        Self(self.0.iter().map(|lead| lead / 2).collect())
    }
}

/// Of sorted values the one that so many percent do not exceed; 0 of none.
pub(crate) fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or(0)
}

/// A count as an index.
pub(crate) fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
