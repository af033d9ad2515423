//! How many instances the pool shall have: its size, and one more for each claim that waits.
//!
//! What is beyond the size was launched for claims that waited, and leaves with them:
//! claim-instance detaches as many without a replacement. So the capacity comes down by itself, and
//! is lowered here only once nobody has any use for it.

use super::launches::{self, Probe};
use super::members::{is_ready, staying, whole};
use super::{Growth, Plan, View, zones};
use ready_pool_core::Timestamp;
use ready_pool_core::activity::{Activity, ActivityKind};
use ready_pool_core::group::Group;
use std::time::Duration;

/// For how long after a detach its claim's message may still be on the queue: a delivery has it
/// for 50 s at most (the queue's visibility time-out), and after a crash it comes once more.
pub(super) const SERVED_FOR: Duration = Duration::from_mins(1);
/// For how long nothing must have been launched or detached before the capacity is lowered: what
/// is ready may be just about to be handed out.
pub(super) const QUIET: Duration = Duration::from_mins(5);

/// Without the history nobody knows whether launches fail, so the capacity stays what it is: Auto Scaling replaces what
/// leaves. (Where it would stay anyway, the history is not read.) Without the backlog it is not raised for those who
/// wait, and not lowered.
pub(super) fn plan(view: &View, plan: &mut Plan) {
    let Some(activities) = &view.activities else {
        if view.backlog == Some(0) {
            plan.growth = Growth::default();
        }
        return;
    };
    if plan.paused {
        return;
    }
    let desired = view.pool.desired_capacity;
    let unserved = unserved(view, activities);
    let wanted = view.size.saturating_add(unserved);
    let waiting = waiting_for_instances(view, activities);
    let wanted = zones::capacity(view, activities, waiting, wanted, plan).unwrap_or(wanted);
    let wanted = if wanted < desired && !is_quiet(view, activities) {
        desired
    } else {
        wanted
    };
    let mut wanted = within_bounds(wanted, &view.pool);
    if let Some(row) = launches::failing(activities, view.now) {
        // Auto Scaling would try them all, forever. What is there stays, and one is tried.
        plan.failing_launches = row.failures;
        plan.failure = Some(row.failure);
        let staying = whole(staying(view).count());
        let allowed = match row.probe(&view.pool, activities, view.now) {
            Probe::Over => wanted,
            Probe::Now => {
                let tried = staying.saturating_add(1);
                if unserved > 0 && wanted > staying {
                    plan.tried_in = row.tried_in(desired < tried, view.now);
                }
                tried
            }
            Probe::UnderWay => staying,
            Probe::In(wait) => {
                plan.probe_in = (wanted > staying).then_some(wait);
                staying
            }
        };
        wanted = wanted.min(allowed.max(view.pool.min_size));
    }
    if wanted != desired {
        plan.desired_capacity = Some(wanted);
    }
    if unserved > 0 {
        let fit = view.pool.members.iter().filter(|member| member.is_fit());
        plan.silent = fit.filter(|member| !is_ready(view, member)).count();
    }
}

/// What the group's own bounds leave of a capacity.
pub(super) fn within_bounds(capacity: i32, pool: &Group) -> i32 {
    // Not `clamp`: it panics where a group's bounds are crossed.
    capacity.min(pool.max_size).max(pool.min_size)
}

/// Why nothing is launched though instances are lacking. Who has paused replenishing knows.
pub(super) fn launches_nothing(view: &View, plan: &Plan) -> Option<String> {
    let desired = view.pool.desired_capacity;
    let wanted = plan.desired_capacity.unwrap_or(desired);
    let lacking = !plan.paused && whole(staying(view).count()) < wanted;
    view.pool.launches_nothing().filter(|_| lacking)
}

/// Claims beyond those that were just served and those that what is ready will serve.
pub(super) fn unserved(view: &View, activities: &[Activity]) -> i32 {
    whole(zones::unserved(
        view,
        waiting_for_instances(view, activities),
    ))
}

/// Claims that are paused wait for somebody, not for an instance.
fn waiting_for_instances(view: &View, activities: &[Activity]) -> usize {
    if view.pool.pause().claims {
        return 0;
    }
    waiting(view.backlog, activities, view.now)
}

/// Claims on the queue beyond those that were just served.
pub(super) fn waiting(backlog: Option<usize>, activities: &[Activity], now: Timestamp) -> usize {
    let served = activities.iter().filter(|activity| {
        activity.kind == ActivityKind::Detach
            && !activity.failed
            && activity.started_at > now - SERVED_FOR
    });
    backlog.unwrap_or_default().saturating_sub(served.count())
}

/// Whether claims wait, as far as can be seen: then the agents of all members are asked for, because
/// claim-instance hands out nobody whose agent is away.
pub fn claims_wait(
    backlog: Option<usize>,
    activities: Option<&[Activity]>,
    now: Timestamp,
) -> bool {
    activities.is_some_and(|activities| waiting(backlog, activities, now) > 0)
}

/// Nobody waits, and nothing comes or goes.
fn is_quiet(view: &View, activities: &[Activity]) -> bool {
    view.backlog == Some(0)
        && !activities.iter().any(|activity| {
            matches!(activity.kind, ActivityKind::Launch | ActivityKind::Detach)
                && !activity.failed
                && activity
                    .ended_at
                    .is_none_or(|ended_at| ended_at > view.now - QUIET)
        })
}
