//! `InService` shall mean ready: a launch goes through when its agent is online.

use super::members::{agent, is_online};
use super::{Plan, View};
use ready_pool_core::Timestamp;
use ready_pool_core::activity::{Activity, ActivityKind};
use ready_pool_core::group::{Group, Lifecycle};
use ready_pool_core::ids::InstanceId;
use std::time::Duration;

/// For how long after a launch what State Manager has for a new instance is waited for. It runs when the agent is
/// online for the first time, as a rule a minute after the launch; and one that runs again and again is listed as
/// pending between two runs, too.
const ASSOCIATIONS_AWAITED_FOR: Duration = Duration::from_mins(3);

/// It needs the pool and its agents alone, and to give a launch up when it began. Whose agent is not
/// known waits.
pub(super) fn plan(view: &View, plan: &mut Plan) {
    for member in &view.pool.members {
        let instance = &member.instance;
        match member.lifecycle {
            Lifecycle::PendingWait => at_the_hook(view, instance, plan),
            Lifecycle::Pending => plan.booting += 1,
            _ => {}
        }
    }
}

fn at_the_hook(view: &View, instance: &InstanceId, plan: &mut Plan) {
    if is_online(view, instance) && !may_reboot(view, instance) {
        plan.complete.push(instance.clone());
    } else if !is_online(view, instance) && is_overdue(view, instance) {
        // Auto Scaling would launch another one instead of it: while replenishing is paused it is left for a look,
        // until the hook's own time-out.
        if !plan.paused {
            plan.abandon.push(instance.clone());
        }
    } else {
        plan.booting += 1;
        plan.waiting += 1;
    }
}

/// Its agent is online for the first time, and what the account's associations have for it is still to run: it may
/// restart the agent or reboot the instance. Where the launch is not in the history nobody waits for that.
fn may_reboot(view: &View, instance: &InstanceId) -> bool {
    awaits_association(view, instance)
        && launch_of(view, instance)
            .is_some_and(|launched| launched > view.now - ASSOCIATIONS_AWAITED_FOR)
}

/// Its agent is online, and an association is still to run.
pub(super) fn awaits_association(view: &View, instance: &InstanceId) -> bool {
    agent(view, instance).is_some_and(|agent| agent.online && agent.awaits_association)
}

/// An instance whose launch is not in the history is left to the hook's own time-out.
fn is_overdue(view: &View, instance: &InstanceId) -> bool {
    view.agents.is_some()
        && launch_of(view, instance).is_some_and(|launched| launched < view.now - view.boot_limit)
}

/// Those that the hook holds.
pub(super) fn waiting(pool: &Group) -> impl Iterator<Item = &InstanceId> {
    let members = pool.members.iter();
    let waiting = members.filter(|member| member.lifecycle == Lifecycle::PendingWait);
    waiting.map(|member| &member.instance)
}

/// When the instance's launch started, as far as that is known.
pub(super) fn launch_of(view: &View, instance: &InstanceId) -> Option<Timestamp> {
    let remembered = view.launched.get(instance).copied();
    remembered.or_else(|| launched_at(view.activities.as_deref()?, instance))
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
