//! How many instances the pool shall have.

use super::{Plan, View};
use ready_pool_aws::auto_scaling::ActivityKind;
use std::time::Duration;

/// So many launches that failed one after the other hold launching back.
const TOO_MANY_FAILURES: usize = 5;
/// For how long after the last of them.
const HOLD: Duration = Duration::from_mins(10);

pub(super) fn plan(view: &View, plan: &mut Plan) {
    // Not `clamp`: it panics where a group's bounds are crossed.
    let mut wanted = view.size.min(view.pool.max_size).max(view.pool.min_size);
    let failures = failures_in_a_row(view);
    if failures >= TOO_MANY_FAILURES {
        // Auto Scaling would try forever, and pay for each try. What is there stays; after the
        // hold one more round is tried.
        plan.failing_launches = failures;
        let members = i32::try_from(view.pool.members.len()).unwrap_or(i32::MAX);
        wanted = wanted.min(members.max(view.pool.min_size));
    }
    if wanted != view.pool.desired_capacity {
        plan.desired_capacity = Some(wanted);
    }
}

/// Launches that failed since the last good one, if the newest failed a short while ago.
fn failures_in_a_row(view: &View) -> usize {
    let mut launches = view
        .activities
        .iter()
        .filter(|activity| activity.kind == ActivityKind::Launch)
        .peekable();
    let recent = launches
        .peek()
        .is_some_and(|newest| newest.failed && newest.started_at > view.now - HOLD);
    if recent {
        launches.take_while(|launch| launch.failed).count()
    } else {
        0
    }
}
