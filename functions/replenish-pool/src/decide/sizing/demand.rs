//! What the pool's history says of demand and of launches, minute by minute.

use super::minute_of;
use ready_pool_core::Timestamp;
use ready_pool_core::activity::{Activity, ActivityKind};
use ready_pool_core::ids::InstanceId;
use ready_pool_sizing::Minute;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Until Auto Scaling notices that an instance is lacking, and a launch begins: observed.
const NOTICED_AFTER: f64 = 25.0;
/// For so many minutes a launch that failed says that waits are not the size's fault.
const FAILING_FOR: i64 = 10;

/// A history, by minutes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Demand {
    detached: BTreeMap<Minute, u32>,
    /// Seconds, by the minutes in which the launches ended well, in the order in which they did.
    leads: BTreeMap<Minute, Vec<f64>>,
    /// Minutes in which a launch failed.
    failures: BTreeSet<Minute>,
}

impl Demand {
    /// Reads activities. Those on `own` instances are no demand.
    pub(super) fn of(
        activities: &[Activity],
        own: &BTreeSet<InstanceId>,
        boot_limit: Duration,
    ) -> Self {
        let mut demand = Self::default();
        let mut launches: Vec<(Timestamp, &Activity)> = Vec::new();
        for activity in activities {
            let is_own =
                (activity.instance.as_ref()).is_some_and(|instance| own.contains(instance));
            match activity.kind {
                ActivityKind::Detach if !activity.failed && !is_own => {
                    let minute = minute_of(activity.started_at);
                    *demand.detached.entry(minute).or_default() += 1;
                }
                ActivityKind::Launch => {
                    // An end before its start is no end.
                    let end = activity.ended_at.filter(|end| *end >= activity.started_at);
                    launches.extend(end.map(|end| (end, activity)));
                }
                _ => {}
            }
        }
        // A mean of so many launches depends on their order in its last digits.
        launches.sort_by_key(|(end, launch)| (*end, &launch.instance));
        for (end, launch) in launches {
            if !launch.failed {
                let took = (end - launch.started_at).as_seconds_f64();
                if took > 0.0 && took <= 2.0 * boot_limit.as_secs_f64() {
                    let leads = demand.leads.entry(minute_of(end)).or_default();
                    leads.push(took + NOTICED_AFTER);
                }
            } else if !launch.cancelled {
                demand.failures.insert(minute_of(end));
            }
        }
        demand
    }

    /// Instances that left the pool for claims in a minute.
    pub(super) fn detached(&self, minute: Minute) -> u32 {
        self.detached.get(&minute).copied().unwrap_or(0)
    }

    /// Likewise from a minute on.
    pub(super) fn detached_from(&self, minute: Minute) -> u32 {
        self.detached.range(minute..).map(|(_, count)| count).sum()
    }

    /// How long the launches took that ended well in a minute, in seconds.
    pub(super) fn leads(&self, minute: Minute) -> &[f64] {
        self.leads.get(&minute).map_or(&[], Vec::as_slice)
    }

    /// Whether a launch failed in the minutes before this one's end.
    pub(super) fn is_failing(&self, minute: Minute) -> bool {
        let minutes = minute.plus(1 - FAILING_FOR)..=minute;
        self.failures.range(minutes).next().is_some()
    }
}
