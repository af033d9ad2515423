//! Launches that fail one after the other: of which kind, and when one more is tried.
//!
//! Launching is not held back for a time, as nobody knows how long an outage lasts: one launch at a
//! time is tried. What a try costs decides how soon. One that EC2 refuses (no capacity, a quota, no such
//! image) has no instance and costs nothing. An instance that runs and never becomes ready (a bad
//! image, no way to Systems Manager) is paid for until its boot limit.

use super::gate::launched_at;
use ready_pool_core::Timestamp;
use ready_pool_core::activity::{Activity, ActivityKind};
use ready_pool_core::group::{Group, Lifecycle};
use std::time::Duration;

/// So many launches that failed one after the other are no accident.
pub(super) const TOO_MANY_FAILURES: usize = 5;
/// A row whose last failure ended so long ago says nothing any more.
pub(super) const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);
/// Rows are read back to here at most.
pub const FAILURES_BACK: Duration = Duration::from_hours(6);
/// From this length of an outage on the waits do not grow any more.
const LONG: Duration = Duration::from_mins(30);
/// Until then a refused launch is tried again as soon as Auto Scaling does that by itself: about every
/// thirty seconds.
const AT_ONCE_FOR: Duration = Duration::from_mins(5);
const SHORTEST_WAIT: Duration = Duration::from_secs(30);
/// Auto Scaling does not try sooner than this after a refusal, or after the capacity was raised.
const TRIED_AFTER: Duration = Duration::from_secs(20);

/// What becomes of the launches that fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// EC2 refuses them: no instance comes of them.
    Refused,
    /// Instances come of them that do not get into service.
    NotReady,
}

/// Launches that failed one after the other, too many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) failures: usize,
    pub(super) failure: Failure,
    /// When the newest one ended.
    last: Timestamp,
    /// When the first of this kind ended.
    first: Timestamp,
}

/// What the pool may do while its launches fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probe {
    /// One more launch than what is there.
    Now,
    /// None: in so long.
    In(Duration),
    /// None: one is under way.
    UnderWay,
    /// As many as it likes: EC2 has capacity again.
    Over,
}

/// Launches that failed since the last good one, if they are too many and not long ago. Those that
/// are under way have not said anything yet.
pub(super) fn failing(activities: &[Activity], now: Timestamp) -> Option<Row> {
    let row: Vec<(Failure, Timestamp)> = ended_launches(activities)
        .take_while(|(activity, _)| activity.failed)
        .map(|(activity, ended_at)| (kind(activity), ended_at))
        .collect();
    let (_, last) = *row.first()?;
    if row.len() < TOO_MANY_FAILURES
        || (last <= now - FORGOTTEN_AFTER && !any_under_way(activities))
    {
        return None;
    }
    // One instance that failed to boot an hour before EC2 ran out of capacity changes nothing.
    let newest = row.iter().take(TOO_MANY_FAILURES);
    let failure = if newest
        .clone()
        .all(|(failure, _)| *failure == Failure::Refused)
    {
        Failure::Refused
    } else {
        Failure::NotReady
    };
    let first = row
        .iter()
        .take_while(|(of, _)| failure == Failure::NotReady || *of == failure)
        .last()
        .map_or(last, |(_, ended_at)| *ended_at);
    Some(Row {
        failures: row.len(),
        failure,
        last,
        first,
    })
}

/// Whether these activities (those under way, then the newest first) show all of the row that
/// matters.
pub(super) fn row_is_known(activities: &[Activity], now: Timestamp) -> bool {
    let mut ended = ended_launches(activities);
    let Some((newest, last)) = ended.next() else {
        return false;
    };
    let is_old = last <= now - FORGOTTEN_AFTER && !any_under_way(activities);
    if !newest.failed || is_old {
        return true;
    }
    let mut failures = 1;
    ended.any(|(activity, ended_at)| {
        failures += 1;
        !activity.failed || (failures >= TOO_MANY_FAILURES && ended_at <= now - LONG)
    })
}

impl Row {
    /// When one more launch is tried.
    pub(super) fn probe(&self, pool: &Group, activities: &[Activity], now: Timestamp) -> Probe {
        let booting = || {
            pool.members.iter().filter(|member| {
                matches!(
                    member.lifecycle,
                    Lifecycle::Pending | Lifecycle::PendingWait
                )
            })
        };
        let waited = now - self.last;
        let wait = self.wait();
        match self.failure {
            // An instance was launched since: it says nothing of the image, but all of the capacity.
            Failure::Refused
                if booting().any(|member| {
                    launched_at(activities, &member.instance)
                        .is_some_and(|launched| launched >= self.last)
                }) =>
            {
                Probe::Over
            }
            Failure::NotReady if booting().next().is_some() => Probe::UnderWay,
            _ if waited >= wait => Probe::Now,
            _ => Probe::In((wait - waited).try_into().unwrap_or(SHORTEST_WAIT)),
        }
    }

    /// In how long it can show whether EC2 launches the one that is tried. Of a launch that begins no event tells: only
    /// of its end, a boot time later. `raises`: whether the capacity is raised for it now.
    pub(super) fn tried_in(&self, raises: bool, now: Timestamp) -> Option<Duration> {
        let since = if raises { now } else { self.last };
        let left = Duration::try_from(since + TRIED_AFTER - now).unwrap_or_default();
        (self.failure == Failure::Refused).then_some(left.min(TRIED_AFTER))
    }

    /// How long after a failure: the longer the outage had lasted by then, the longer.
    fn wait(&self) -> Duration {
        let lasts: Duration = (self.last - self.first).try_into().unwrap_or_default();
        match self.failure {
            Failure::Refused if lasts < AT_ONCE_FOR => Duration::ZERO,
            Failure::Refused => (lasts.min(LONG) / 10).max(SHORTEST_WAIT),
            Failure::NotReady => (lasts.min(LONG) / 3).max(SHORTEST_WAIT),
        }
    }
}

fn kind(launch: &Activity) -> Failure {
    if launch.instance.is_some() {
        Failure::NotReady
    } else {
        Failure::Refused
    }
}

fn launches(activities: &[Activity]) -> impl Iterator<Item = &Activity> {
    (activities.iter()).filter(|activity| activity.kind == ActivityKind::Launch)
}

fn ended_launches(activities: &[Activity]) -> impl Iterator<Item = (&Activity, Timestamp)> {
    launches(activities).filter_map(|activity| Some((activity, activity.ended_at?)))
}

fn any_under_way(activities: &[Activity]) -> bool {
    launches(activities).any(|activity| activity.ended_at.is_none())
}
