//! Desired and actual capacity: Auto Scaling notices a difference after a while and launches or
//! terminates.

use super::{Due, Lifecycle, launch, refusal, termination};
use crate::api::{Answer, CallError};
use crate::wire::timestamp::iso_seconds;
use crate::world::{Due as Agenda, World};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SetDesiredCapacity {
    auto_scaling_group_name: String,
    desired_capacity: u32,
    /// Cooldowns come from scaling policies, which are not here: nothing to honour.
    #[serde(rename = "HonorCooldown")]
    _honor_cooldown: Option<bool>,
}

pub(super) fn set_desired_capacity(world: &mut World, input: &SetDesiredCapacity) -> Answer {
    let name = &input.auto_scaling_group_name;
    let group = world.autoscaling.get_mut(name)?;
    let desired = input.desired_capacity;
    let out_of_bounds = |side: &str, bound: u32| {
        CallError::validation(format!(
            "New SetDesiredCapacity value {desired} is {side} value {bound} for the \
             AutoScalingGroup."
        ))
    };
    if group.deleting {
        return Err(refusal::group_pending_delete());
    }
    if desired > group.max {
        return Err(out_of_bounds("above max", group.max));
    }
    if desired < group.min {
        return Err(out_of_bounds("below min", group.min));
    }
    group.desired = desired;
    notice(world, name);
    Ok(Value::Null)
}

/// Lowers the desired capacity by one, and says so at the end of an activity's cause.
pub(super) fn shrink(world: &mut World, name: &str, cause: &mut String) {
    if let Some(group) = world.autoscaling.groups.get_mut(name) {
        let before = group.desired;
        group.desired -= 1;
        let after = group.desired;
        // Writing to a String cannot fail.
        let _ = write!(cause, ", shrinking the capacity from {before} to {after}");
    }
}

/// Puts a look at the group's capacity on the agenda, if there is a difference to see.
pub(super) fn notice(world: &mut World, name: &str) {
    let Some(group) = world.autoscaling.groups.get_mut(name) else {
        return;
    };
    if group.noticing || group.deleting || group.capacity() == group.desired {
        return;
    }
    group.noticing = true;
    let delay = world.draw(world.settings.timings.launch_notice);
    let group = name.to_owned();
    world.after(delay, Agenda::AutoScaling(Due::Reconcile { group }));
}

/// Launches what is missing, terminates what is too much.
pub(super) fn reconcile(world: &mut World, name: &str) {
    let Some(group) = world.autoscaling.groups.get_mut(name) else {
        return;
    };
    group.noticing = false;
    if group.deleting {
        return;
    }
    let (capacity, desired) = (group.capacity(), group.desired);
    if capacity < desired {
        if group.is_suspended("Launch") {
            return;
        }
        for size in capacity..desired {
            launch::launch(world, name, size);
        }
    } else {
        if group.is_suspended("Terminate") {
            return;
        }
        for size in (desired..capacity).rev() {
            let Some(victim) = victim(world, name) else {
                break;
            };
            let now = iso_seconds(world.now);
            let cause = format!(
                "At {now} an instance was taken out of service in response to a difference \
                 between desired and actual capacity, shrinking the capacity from {} to {size}.  \
                 At {now} instance {victim} was selected for termination.",
                size + 1
            );
            termination::terminate(world, name, &victim, cause);
        }
    }
    // Refused launches are tried again.
    if world
        .autoscaling
        .groups
        .get(name)
        .is_some_and(|group| group.capacity() < group.desired)
    {
        notice(world, name);
    }
}

/// The zone of `name` with the fewest members, and a subnet in it.
pub(super) fn emptiest_zone(world: &World, name: &str) -> Option<(String, Option<String>)> {
    let group = world.autoscaling.groups.get(name)?;
    let load = load_by_zone(world, name);
    let zone = group
        .zones
        .iter()
        .min_by_key(|zone| load.get(zone.as_str()).copied().unwrap_or(0))?;
    let subnet = group
        .subnets
        .iter()
        .find(|(_, of)| of == zone)
        .map(|(subnet, _)| subnet.clone());
    Some((zone.clone(), subnet))
}

pub(super) fn load_by_zone<'w>(world: &'w World, name: &str) -> BTreeMap<&'w str, usize> {
    let mut load = BTreeMap::new();
    let members = world
        .autoscaling
        .groups
        .get(name)
        .map(|group| &group.members);
    for (id, member) in members.into_iter().flatten() {
        if let Some(instance) = world.compute.instances.get(id)
            && member.lifecycle.counts()
        {
            *load.entry(instance.zone.as_str()).or_default() += 1;
        }
    }
    load
}

/// Who goes first, by the default termination policy: a member of the fullest zone, there one of another launch
/// template than the group's, as an attached one is, else the oldest; nobody who is protected, and nobody who is
/// not in service yet while others are.
fn victim(world: &World, name: &str) -> Option<String> {
    let load = load_by_zone(world, name);
    let group = world.autoscaling.groups.get(name)?;
    let current = launch::template_of(world, group);
    group
        .members
        .iter()
        .filter(|(_, member)| member.lifecycle.counts() && !member.protected)
        .filter_map(|(id, member)| Some((world.compute.instances.get(id)?, member)))
        .min_by_key(|(instance, member)| {
            let in_zone = load.get(instance.zone.as_str()).copied().unwrap_or(0);
            (
                std::cmp::Reverse(in_zone),
                member.lifecycle != Lifecycle::InService,
                member.template == current,
                instance.launched_at,
                instance.id.clone(),
            )
        })
        .map(|(instance, _)| instance.id.clone())
}
