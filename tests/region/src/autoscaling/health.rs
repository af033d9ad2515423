//! Health: dead or unhealthy members are replaced, after Auto Scaling has noticed.

use super::{Due, refusal, termination};
use crate::api::Answer;
use crate::wire::timestamp::iso_seconds;
use crate::world::{Due as Agenda, World};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SetInstanceHealth {
    instance_id: String,
    health_status: String,
    should_respect_grace_period: Option<bool>,
}

pub(super) fn set_instance_health(world: &mut World, input: SetInstanceHealth) -> Answer {
    let instance = input.instance_id;
    let healthy = match input.health_status.as_str() {
        "Healthy" => true,
        "Unhealthy" => false,
        other => {
            return Err(refusal::constraint(
                other,
                "healthStatus",
                "Member must be one of Healthy, Unhealthy",
            ));
        }
    };
    let group = world
        .autoscaling
        .group_of(&instance)
        .ok_or_else(|| refusal::not_managed(&instance))?;
    let name = group.name.clone();
    let member = &group.members[&instance];
    let grace = Duration::from_secs(group.health_check_grace.into());
    let in_grace = member
        .in_service_since
        .is_none_or(|since| world.now < since + grace);
    if !healthy && in_grace && input.should_respect_grace_period.unwrap_or(true) && !grace.is_zero()
    {
        return Ok(Value::Null);
    }
    if let Some(member) = world.autoscaling.member_mut(&name, &instance) {
        member.healthy = healthy;
    }
    if !healthy {
        schedule(world, &name, &instance);
    }
    Ok(Value::Null)
}

/// A machine died on its own: its group will notice.
pub(crate) fn instance_lost(world: &mut World, instance: &str) {
    if let Some(group) = world.autoscaling.group_of(instance) {
        let group = group.name.clone();
        schedule(world, &group, instance);
    }
}

/// Puts a look at every member that needs one on the agenda, after a process was resumed.
pub(super) fn look_again(world: &mut World, name: &str) {
    let Some(group) = world.autoscaling.groups.get(name) else {
        return;
    };
    let ill: Vec<String> = group
        .members
        .iter()
        .filter(|(id, member)| !member.healthy || is_dead(world, id))
        .map(|(id, _)| id.clone())
        .collect();
    for instance in ill {
        schedule(world, name, &instance);
    }
}

fn schedule(world: &mut World, group: &str, instance: &str) {
    let delay = world.draw(world.settings.timings.health_notice);
    let (group, instance) = (group.to_owned(), instance.to_owned());
    world.after(
        delay,
        Agenda::AutoScaling(Due::HealthCheck { group, instance }),
    );
}

fn is_dead(world: &World, instance: &str) -> bool {
    use crate::compute::State::{ShuttingDown, Stopped, Stopping, Terminated};
    let gone = |state| matches!(state, Stopping | Stopped | ShuttingDown | Terminated);
    let instances = &world.compute.instances;
    (instances.get(instance)).is_none_or(|instance| gone(instance.state))
}

/// Looks at one member: a dead machine is unhealthy at once, grace period or not, and an
/// unhealthy member is terminated, unless a suspended process forbids it.
pub(super) fn check(world: &mut World, name: &str, instance: &str) {
    let dead = is_dead(world, instance);
    let Some(group) = world.autoscaling.groups.get_mut(name) else {
        return;
    };
    let checks = !group.is_suspended("HealthCheck");
    let replaces = !group.is_suspended("ReplaceUnhealthy") && !group.is_suspended("Terminate");
    let Some(member) = group.members.get_mut(instance) else {
        return;
    };
    if !member.lifecycle.counts() {
        return;
    }
    if dead && checks {
        member.healthy = false;
    }
    if member.healthy || !replaces {
        return;
    }
    let because = if dead {
        "EC2 health check indicating it has been terminated or stopped"
    } else {
        "user health-check"
    };
    let cause = format!(
        "At {} an instance was taken out of service in response to {} {because}.",
        iso_seconds(world.now),
        if dead { "an" } else { "a" },
    );
    termination::terminate(world, name, instance, cause);
}
