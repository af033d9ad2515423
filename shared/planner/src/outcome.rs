//! What became of a pool's claims, and what it cost in instance-hours.

use crate::demand::{DAY, Demand, MINUTE, index, percentile};
use std::time::Duration;

/// What was counted in the minutes that are scored.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// When counting begins, and when it ends, in milliseconds.
    from: u64,
    to: u64,
    /// How long each claim waited that had to.
    waits: Vec<u64>,
    /// By days: claims, and those that waited.
    days: Vec<(u32, u32)>,
    /// Milliseconds of ready instances, of stopped ones, of boots for nothing, and of starts.
    ready: u64,
    stopped: u64,
    wasted: u64,
    starting: u64,
    terminated: u32,
    changes: u32,
    capped_minutes: u32,
    /// The size in each minute, those that are not scored included.
    sizes: Vec<u32>,
}

impl Outcome {
    pub(crate) fn new(demand: &Demand, unscored_minutes: u32) -> Self {
        let scored = demand.minutes.saturating_sub(unscored_minutes);
        let days = index(u64::from(scored.div_ceil(DAY)));
        Self {
            from: u64::from(unscored_minutes) * MINUTE,
            to: u64::from(demand.minutes) * MINUTE,
            waits: Vec::new(),
            days: vec![(0, 0); days],
            ready: 0,
            stopped: 0,
            wasted: 0,
            starting: 0,
            terminated: 0,
            changes: 0,
            capped_minutes: 0,
            sizes: Vec::with_capacity(index(u64::from(demand.minutes))),
        }
    }

    pub(crate) fn idle(&mut self, passed: u64, ready: usize, stopped: u32) {
        self.ready += passed * u64::try_from(ready).unwrap_or(0);
        self.stopped += passed * u64::from(stopped);
    }

    pub(crate) fn decided(&mut self, minute: u32, size: u32, is_capped: bool) {
        if u64::from(minute) * MINUTE >= self.from {
            self.capped_minutes += u32::from(is_capped);
            self.changes += u32::from(self.sizes.last().is_some_and(|last| *last != size));
        }
        self.sizes.push(size);
    }

    pub(crate) fn terminated(&mut self, ran: u64) {
        self.terminated += 1;
        self.wasted += ran;
    }

    pub(crate) fn started(&mut self, start: u64) {
        self.starting += start;
    }

    pub(crate) fn came(&mut self, at: u64) {
        if let Some((claims, _)) = self.day(at) {
            *claims += 1;
        }
    }

    pub(crate) fn waited(&mut self, came: u64, served: u64) {
        if let Some((_, waited)) = self.day(came) {
            *waited += 1;
            self.waits.push(served - came);
        }
    }

    pub(crate) fn close(&mut self) {
        self.waits.sort_unstable();
    }

    fn day(&mut self, at: u64) -> Option<&mut (u32, u32)> {
        let day = at.checked_sub(self.from)? / (u64::from(DAY) * MINUTE);
        self.days.get_mut(index(day))
    }

    /// How long was scored.
    pub fn scored(&self) -> Duration {
        Duration::from_millis(self.to.saturating_sub(self.from))
    }

    /// Claims that came.
    pub fn claims(&self) -> u32 {
        self.days.iter().map(|(claims, _)| claims).sum()
    }

    /// Claims that found nothing ready.
    pub fn waited_claims(&self) -> u32 {
        self.days.iter().map(|(_, waited)| waited).sum()
    }

    /// The share of claims that found a ready instance; 1 where there was none.
    pub fn hit_rate(&self) -> f64 {
        1.0 - share(self.waited_claims(), self.claims())
    }

    /// The hit rate's standard error, days being what differs by chance. None under two days.
    pub fn standard_error(&self) -> Option<f64> {
        let missed = share(self.waited_claims(), self.claims());
        let squares: f64 = self
            .days
            .iter()
            .map(|(claims, waited)| (f64::from(*waited) - missed * f64::from(*claims)).powi(2))
            .sum();
        let days = f64::from(u32::try_from(self.days.len()).ok()?);
        (days >= 2.0 && self.claims() > 0)
            .then(|| (squares * days / (days - 1.0)).sqrt() / f64::from(self.claims()))
    }

    /// How long so many percent of all claims waited at most.
    pub fn wait_percentile(&self, percent: usize) -> Duration {
        let served = index(u64::from(self.claims() - self.waited_claims()));
        // Whoever did not wait stands before whoever did.
        let all = served + self.waits.len();
        let at = (all * percent).div_ceil(100).saturating_sub(1);
        let wait = at.checked_sub(served).and_then(|at| self.waits.get(at));
        Duration::from_millis(wait.copied().unwrap_or(0))
    }

    /// The longest wait.
    pub fn longest_wait(&self) -> Duration {
        Duration::from_millis(percentile(&self.waits, 100))
    }

    /// How long all claims together waited.
    pub fn waiting(&self) -> Duration {
        Duration::from_millis(self.waits.iter().sum())
    }

    /// Mean wait of those that waited.
    pub fn mean_wait(&self) -> Option<Duration> {
        self.waiting().checked_div(self.waited_claims())
    }

    /// Instance-hours that idled: ready ones, and boots for nothing.
    pub fn idle_hours(&self) -> f64 {
        hours(self.ready + self.wasted)
    }

    /// Instance-hours of stopped instances.
    pub fn stopped_hours(&self) -> f64 {
        hours(self.stopped)
    }

    /// Instance-hours of starts of stopped instances.
    pub fn starting_hours(&self) -> f64 {
        hours(self.starting)
    }

    /// Ready instances, the mean over time.
    pub fn mean_ready(&self) -> f64 {
        let scored = self.scored().as_secs_f64() / 3_600.0;
        if scored > 0.0 {
            hours(self.ready) / scored
        } else {
            0.0
        }
    }

    /// A count as it is in a day.
    fn a_day(&self, count: u32) -> f64 {
        let days = self.scored().as_secs_f64() / 86_400.0;
        if days > 0.0 {
            f64::from(count) / days
        } else {
            0.0
        }
    }

    /// Instances that were terminated unused, a day.
    pub fn terminated_a_day(&self) -> f64 {
        self.a_day(self.terminated)
    }

    /// Changes of the size, a day.
    pub fn changes_a_day(&self) -> f64 {
        self.a_day(self.changes)
    }

    /// The share of time in which the size was the maximum.
    pub fn capped(&self) -> f64 {
        let minutes = self.scored().as_secs() / 60;
        share(self.capped_minutes, u32::try_from(minutes).unwrap_or(0))
    }

    /// The size in each minute of the demand.
    pub fn sizes(&self) -> &[u32] {
        &self.sizes
    }
}

fn hours(milliseconds: u64) -> f64 {
    Duration::from_millis(milliseconds).as_secs_f64() / 3_600.0
}

fn share(part: u32, whole: u32) -> f64 {
    if whole == 0 {
        0.0
    } else {
        f64::from(part) / f64::from(whole)
    }
}
