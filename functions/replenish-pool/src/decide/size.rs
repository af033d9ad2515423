//! How many instances the pool shall have: its size, and one more for each claim that waits.
//!
//! What is beyond the size was launched for claims that waited, and leaves with them:
//! claim-instance detaches as many without a replacement. So the capacity comes down by itself, and
//! is lowered here only once nobody has any use for it.

use super::{Plan, View};
use ready_pool_core::activity::ActivityKind;
use std::time::Duration;

/// So many launches that failed one after the other hold launching back.
const TOO_MANY_FAILURES: usize = 5;
/// For how long after the end of the last of them.
pub const HOLD: Duration = Duration::from_mins(10);

/// For how long after a detach its claim's message may still be on the queue: a delivery has it
/// for 50 s at most (the queue's visibility time-out), and after a crash it comes once more.
pub(super) const SERVED_FOR: Duration = Duration::from_mins(1);
/// For how long nothing must have been launched or detached before the capacity is lowered: what
/// is ready may be just about to be handed out.
pub(super) const QUIET: Duration = Duration::from_mins(5);

pub(super) fn plan(view: &View, plan: &mut Plan) {
    if plan.paused {
        return;
    }
    let desired = view.pool.desired_capacity;
    let wanted = view.size.saturating_add(unserved(view));
    let wanted = if wanted < desired && !is_quiet(view) {
        desired
    } else {
        wanted
    };
    // Not `clamp`: it panics where a group's bounds are crossed.
    let mut wanted = wanted.min(view.pool.max_size).max(view.pool.min_size);
    let failures = failures_in_a_row(view);
    if failures >= TOO_MANY_FAILURES {
        // Auto Scaling would try forever, and pay for each try. What is there stays; after the
        // hold one more scan is tried.
        plan.failing_launches = failures;
        wanted = wanted.min(staying(view).max(view.pool.min_size));
    }
    if wanted != desired {
        plan.desired_capacity = Some(wanted);
    }
}

/// Claims beyond those that were just served and those that what is ready will serve. Claims that
/// are paused wait for somebody, not for an instance.
fn unserved(view: &View) -> i32 {
    if view.pool.pause().claims {
        return 0;
    }
    let served = view.activities.iter().filter(|activity| {
        activity.kind == ActivityKind::Detach
            && !activity.failed
            && activity.started_at > view.now - SERVED_FOR
    });
    let ready = view.pool.members.iter().filter(|member| member.is_fit());
    let unserved = view
        .backlog
        .saturating_sub(served.count())
        .saturating_sub(ready.count());
    i32::try_from(unserved).unwrap_or(i32::MAX)
}

/// Nobody waits, and nothing comes or goes.
fn is_quiet(view: &View) -> bool {
    view.backlog == 0
        && !view.activities.iter().any(|activity| {
            matches!(activity.kind, ActivityKind::Launch | ActivityKind::Detach)
                && !activity.failed
                && activity
                    .ended_at
                    .is_none_or(|ended_at| ended_at > view.now - QUIET)
        })
}

/// Members that count as capacity: they are there or on their way in.
fn staying(view: &View) -> i32 {
    let states = view.pool.members.iter().map(|member| member.lifecycle);
    let staying = states.filter(|state| !state.leaves() && !state.is_standby());
    i32::try_from(staying.count()).unwrap_or(i32::MAX)
}

/// Launches that failed since the last good one, if the newest failed a short while ago. Those
/// that are under way have not said anything yet.
fn failures_in_a_row(view: &View) -> usize {
    let mut launches = view
        .activities
        .iter()
        .filter(|activity| activity.kind == ActivityKind::Launch)
        .filter_map(|activity| Some((activity.failed, activity.ended_at?)))
        .peekable();
    let recent = launches
        .peek()
        .is_some_and(|(failed, ended_at)| *failed && *ended_at > view.now - HOLD);
    if recent {
        launches.take_while(|(failed, _)| *failed).count()
    } else {
        0
    }
}
