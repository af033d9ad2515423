//! How many instances the pool shall have.

use super::{Plan, View};
use ready_pool_aws::auto_scaling::ActivityKind;
use ready_pool_core::group::Lifecycle;
use std::time::Duration;

/// So many launches that failed one after the other hold launching back.
const TOO_MANY_FAILURES: usize = 5;
/// For how long after the end of the last of them.
pub const HOLD: Duration = Duration::from_mins(10);

pub(super) fn plan(view: &View, plan: &mut Plan) {
    if plan.paused {
        return;
    }
    // Not `clamp`: it panics where a group's bounds are crossed.
    let mut wanted = view.size.min(view.pool.max_size).max(view.pool.min_size);
    let failures = failures_in_a_row(view);
    if failures >= TOO_MANY_FAILURES {
        // Auto Scaling would try forever, and pay for each try. What is there stays; after the
        // hold one more round is tried.
        plan.failing_launches = failures;
        wanted = wanted.min(staying(view).max(view.pool.min_size));
    }
    if wanted != view.pool.desired_capacity {
        plan.desired_capacity = Some(wanted);
    }
}

/// Members that count as capacity: they are there or on their way in.
fn staying(view: &View) -> i32 {
    let staying = view.pool.members.iter().filter(|member| {
        !matches!(
            member.lifecycle,
            Lifecycle::Detaching | Lifecycle::Terminating
        )
    });
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
