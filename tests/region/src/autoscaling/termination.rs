//! Termination of members.

use super::activity::{self, Kind, Status};
use super::{Lifecycle, Transition, capacity, hooks, refusal};
use crate::api::Answer;
use crate::compute::{self, State};
use crate::wire::timestamp::iso_seconds;
use crate::world::World;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TerminateInstance {
    instance_id: String,
    should_decrement_desired_capacity: bool,
}

/// `TerminateInstanceInAutoScalingGroup`: whatever group the instance is in. Neither protection
/// nor a suspended `Terminate` process stops it.
pub(super) fn terminate_instance(world: &mut World, input: &TerminateInstance) -> Answer {
    let instance = &input.instance_id;
    let group = world
        .autoscaling
        .group_of(instance)
        .ok_or_else(|| refusal::not_managed(instance))?;
    let name = group.name.clone();
    let member = &group.members[instance];
    if !member.lifecycle.stays() {
        return Err(refusal::activity_in_progress(&member.activity));
    }
    let (desired, min) = (group.desired, group.min);
    let mut cause = format!(
        "At {} instance {instance} was taken out of service in response to a user request",
        iso_seconds(world.now)
    );
    if input.should_decrement_desired_capacity {
        if desired <= min {
            return Err(refusal::below_min_without_replacement(min));
        }
        capacity::shrink(world, &name, &mut cause);
    }
    cause.push('.');
    let activity = terminate(world, &name, instance, cause);
    Ok(json!({ "Activity": activity::output(world, &name, &activity) }))
}

/// Starts the termination of a member: through its hooks, if there are any and the machine runs.
/// Returns the activity's id.
pub(super) fn terminate(world: &mut World, group: &str, instance: &str, cause: String) -> String {
    cut_short(world, group, instance);
    let activity = activity::start(world, group, Kind::Terminate, instance, cause);
    let Some(member) = world.autoscaling.member_mut(group, instance) else {
        return activity;
    };
    let was_in_service = member.lifecycle == Lifecycle::InService;
    member.lifecycle = Lifecycle::Terminating;
    member.waits_for.clear();
    member.activity.clone_from(&activity);
    capacity::notice(world, group);
    if was_in_service
        && world.compute.is_running(instance)
        && hooks::begin(world, group, instance, Transition::Terminating)
    {
        if let Some(member) = world.autoscaling.member_mut(group, instance) {
            member.lifecycle = Lifecycle::TerminatingWait;
        }
    } else {
        shut_down(world, group, instance);
    }
    activity
}

/// A launch or attach that has not ended yet never will.
fn cut_short(world: &mut World, group: &str, instance: &str) {
    let Some(member) = world.autoscaling.member_mut(group, instance) else {
        return;
    };
    let (kind, activity) = match member.lifecycle {
        Lifecycle::Pending | Lifecycle::PendingWait | Lifecycle::PendingProceed => (
            if member.attached {
                Kind::Attach
            } else {
                Kind::Launch
            },
            member.activity.clone(),
        ),
        _ => return,
    };
    let in_progress = world.autoscaling.groups[group]
        .activities
        .iter()
        .any(|one| one.id == activity && one.status == Status::InProgress);
    if in_progress {
        activity::finish(
            world,
            group,
            kind,
            &activity,
            Status::Cancelled,
            "The instance is being terminated",
        );
    }
}

/// The hooks are over: the machine goes.
pub(super) fn shut_down(world: &mut World, group: &str, instance: &str) {
    let Some(member) = world.autoscaling.member_mut(group, instance) else {
        return;
    };
    member.lifecycle = Lifecycle::Terminating;
    let activity = member.activity.clone();
    let cause = world.autoscaling.groups[group]
        .activities
        .iter()
        .rev()
        .find(|one| one.id == activity)
        .map_or_else(String::new, |one| one.cause.clone());
    let state = world.compute.instances.get(instance).map(|it| it.state);
    match state {
        None | Some(State::Terminated) => instance_terminated(world, instance),
        Some(_) => compute::shut_down(world, instance, &cause),
    }
}

/// A machine is gone: if its group was terminating it, the membership ends.
pub(crate) fn instance_terminated(world: &mut World, instance: &str) {
    let Some(group) = world.autoscaling.group_of(instance) else {
        return;
    };
    let member = &group.members[instance];
    if member.lifecycle != Lifecycle::Terminating {
        return;
    }
    let (name, activity) = (group.name.clone(), member.activity.clone());
    activity::finish(
        world,
        &name,
        Kind::Terminate,
        &activity,
        Status::Successful,
        "",
    );
    leave(world, &name, instance);
}

/// Ends a membership, and with the last one a group that is being deleted.
pub(super) fn leave(world: &mut World, name: &str, instance: &str) {
    let Some(group) = world.autoscaling.groups.get_mut(name) else {
        return;
    };
    group.members.remove(instance);
    if group.deleting && group.members.is_empty() {
        world.autoscaling.groups.remove(name);
    }
}
