//! `InService` shall mean ready: a launch goes through when its agent is online.

use super::members::{agent, is_online};
use super::{Plan, View};
use ready_pool_core::Timestamp;
use ready_pool_core::activity::{Activity, ActivityKind};
use ready_pool_core::agent::Agent;
use ready_pool_core::group::Lifecycle;
use ready_pool_core::ids::InstanceId;
use std::time::Duration;

/// For how long after a launch what State Manager has for a new machine is waited for. It runs when the agent is
/// online for the first time, as a rule a minute after the launch; and one that runs again and again is listed as
/// pending between two runs, too.
const ASSOCIATIONS_AWAITED_FOR: Duration = Duration::from_mins(3);

/// It needs the pool and its agents alone, and the history to give a launch up. Whose agent is not
/// known waits.
pub(super) fn plan(view: &View, plan: &mut Plan) {
    for member in &view.pool.members {
        let instance = &member.instance;
        match member.lifecycle {
            Lifecycle::PendingWait if may_reboot(view, instance) => plan.booting += 1,
            Lifecycle::PendingWait if is_online(view, instance) => {
                plan.complete.push(instance.clone());
            }
            // Auto Scaling would launch another one instead of it: it is left for a look, until the
            // hook's own time-out.
            Lifecycle::PendingWait if plan.paused && is_overdue(view, instance) => {}
            Lifecycle::PendingWait if is_overdue(view, instance) => {
                plan.abandon.push(instance.clone());
            }
            Lifecycle::Pending | Lifecycle::PendingWait => plan.booting += 1,
            _ => {}
        }
    }
}

/// Its agent is online for the first time, and what the account's associations have for it is still to run: it may
/// restart the agent or reboot the machine. Where the launch is not in the history nobody waits for that.
fn may_reboot(view: &View, instance: &InstanceId) -> bool {
    let awaits = |agent: Agent| agent.online && agent.awaits_association;
    let launched = launched_at(view.activities.as_deref().unwrap_or_default(), instance);
    agent(view, instance).is_some_and(awaits)
        && launched.is_some_and(|launched| launched > view.now - ASSOCIATIONS_AWAITED_FOR)
}

/// An instance whose launch is not in the history is left to the hook's own time-out.
fn is_overdue(view: &View, instance: &InstanceId) -> bool {
    let (Some(_), Some(activities)) = (&view.agents, &view.activities) else {
        return false;
    };
    launched_at(activities, instance).is_some_and(|launched| launched < view.now - view.boot_limit)
}

/// When the instance's launch started, if these activities say.
pub(super) fn launched_at(activities: &[Activity], instance: &InstanceId) -> Option<Timestamp> {
    activities
        .iter()
        .find(|activity| {
            activity.kind == ActivityKind::Launch && activity.instance.as_ref() == Some(instance)
        })
        .map(|activity| activity.started_at)
}
