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

    /// The claims of all, in the time that all cover. None where there is no such time.
    pub fn together(all: &[&Self]) -> Option<Self> {
        let start = all.iter().map(|demand| demand.start).max()?;
        let end = |demand: &&Self| demand.start.plus(i64::from(demand.minutes));
        let minutes = all.iter().map(end).min()?.since(start);
        let minutes = u32::try_from(minutes).ok().filter(|minutes| *minutes > 0)?;
        let mut claims = Vec::new();
        for demand in all {
            let before = u64::try_from(start.since(demand.start)).ok()? * MINUTE;
            let later = demand
                .claims
                .iter()
                .filter_map(|claim| claim.checked_sub(before));
            claims.extend(later.filter(|claim| *claim < u64::from(minutes) * MINUTE));
        }
        claims.sort_unstable();
        Some(Self {
            start,
            minutes,
            claims,
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
    /// No launch takes longer.
    pub(crate) const LONGEST: Duration = Duration::from_hours(24);

    /// From seconds; those that no launch can take are left out. None where nothing is left.
    pub fn of_seconds(seconds: impl IntoIterator<Item = f64>) -> Option<Self> {
        let leads: Vec<u64> = seconds
            .into_iter()
            .filter(|seconds| *seconds > 0.0 && *seconds <= Self::LONGEST.as_secs_f64())
            .filter_map(|seconds| {
                let lead = Duration::try_from_secs_f64(seconds).ok()?;
                u64::try_from(lead.as_millis()).ok()
            })
            .collect();
        (!leads.is_empty()).then_some(Self(leads))
    }

    /// The launches of all, each pool's spread evenly among the others'. None of none.
    pub fn together(all: &[&Self]) -> Option<Self> {
        let mut leads: Vec<(f64, u64)> = Vec::new();
        for one in all {
            let share = 1.0 / f64::from(u32::try_from(one.0.len()).ok()?);
            let places = (0..).map(|nth: u32| f64::from(nth) * share);
            leads.extend(places.zip(one.0.iter().copied()));
        }
        leads.sort_by(|one, other| one.0.total_cmp(&other.0));
        let leads: Vec<u64> = leads.into_iter().map(|(_, lead)| lead).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_come_together_in_the_time_that_both_cover() {
        let demand = |start: i64, minutes, claims: &[u64]| Demand {
            start: Minute::new(start),
            minutes,
            claims: claims.to_vec(),
        };
        let long = demand(10, 20, &[0, 5 * MINUTE + 7, 19 * MINUTE]);
        let short = demand(15, 10, &[3, 9 * MINUTE]);
        let both = Demand::together(&[&long, &short]).unwrap();
        assert_eq!(both, demand(15, 10, &[3, 7, 9 * MINUTE]));
        assert_eq!(Demand::together(&[&long, &demand(30, 5, &[])]), None);
    }

    #[test]
    fn launches_of_two_pools_take_turns_by_how_many_there_are() {
        let leads = |seconds: &[f64]| Leads::of_seconds(seconds.iter().copied()).unwrap();
        let both = Leads::together(&[&leads(&[1.0, 2.0]), &leads(&[7.0, 8.0, 9.0, 10.0])]);
        assert_eq!(both, Some(leads(&[1.0, 7.0, 8.0, 2.0, 9.0, 10.0])));
    }
}
