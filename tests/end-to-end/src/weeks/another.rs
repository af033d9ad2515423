//! Whoever learns the same minutes from the region's own books, and decides by the pure functions.

use ready_pool_sizing::tags::Checkpoint;
use ready_pool_sizing::{Learner, Minute, Record, Target};
use region::autoscaling::{Activity, Status};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::OffsetDateTime;

/// Launches that ended since a checkpoint, and failures that still say something, began so long before at most.
const BEFORE: Duration = Duration::from_mins(40);
/// From its cause to a launch's start.
const NOTICE: f64 = 25.0;

/// What the region's books say.
#[derive(Debug, Default)]
pub(super) struct Books {
    detached: BTreeMap<Minute, u32>,
    leads: BTreeMap<Minute, Vec<f64>>,
    failures: BTreeSet<Minute>,
}

pub(super) fn minute(time: OffsetDateTime) -> Minute {
    Minute::of_unix_seconds(time.unix_timestamp())
}

impl Books {
    /// Of a pool's activities, oldest first, as far as they matter from `from` on. Detaches of `own` instances are no
    /// demand.
    pub(super) fn read(activities: &[Activity], own: &BTreeSet<String>, from: Minute) -> Self {
        let since = from.plus(-i64::try_from(BEFORE.as_secs() / 60).expect("short"));
        let mut books = Self::default();
        // The API shows whole seconds, and launches are learned in the order in which they ended.
        let whole = |time: OffsetDateTime| time.replace_nanosecond(0).expect("zero is one");
        let mut ended = Vec::new();
        let recent = activities.iter().rev();
        for one in recent.take_while(|one| minute(one.started_at) >= since) {
            let instance = one.instance.clone().unwrap_or_default();
            let failed = matches!(one.status, Status::Failed | Status::Cancelled);
            if one.description.starts_with("Detaching") {
                if !failed && !own.contains(&instance) {
                    *books.detached.entry(minute(one.started_at)).or_default() += 1;
                }
            } else if one.description.starts_with("Launching")
                && let Some(end) = one.ended_at
            {
                match one.status {
                    Status::Successful => ended.push((whole(end), instance, whole(one.started_at))),
                    Status::Failed => {
                        books.failures.insert(minute(end));
                    }
                    Status::Cancelled | Status::InProgress => {}
                }
            }
        }
        ended.sort();
        for (end, _, start) in ended {
            let seconds = (end - start).as_seconds_f64() + NOTICE;
            books.leads.entry(minute(end)).or_default().push(seconds);
        }
        books
    }

    /// Who resumes from the checkpoint and learns until `end`. `waited` claims waited since, of which nobody waits now.
    pub(super) fn learn(
        &self,
        checkpoint: &Checkpoint,
        end: Minute,
        waited: u64,
        target: Target,
    ) -> Learner {
        let mut learner = Learner::resume(checkpoint.state.clone());
        let mut waited = u32::try_from(waited).expect("few");
        while learner.state().until() < end {
            let minute = learner.state().until();
            let failing = minute.plus(-9)..=minute;
            let record = Record {
                detached: self.detached.get(&minute).copied().unwrap_or(0),
                waited: Some(std::mem::take(&mut waited)),
                waiting: Some(0),
                lead_seconds: self.leads.get(&minute).map_or(&[], Vec::as_slice),
                failing: self.failures.range(failing).next().is_some(),
                held: checkpoint.held.contains(minute),
                capped: checkpoint.capped.contains(minute),
            };
            learner.learn(&record, target);
        }
        learner
    }
}
