//! `DetachInstances`: the instance leaves its group and runs on, free.

use super::activity::{self, Kind, Status};
use super::launch::GROUP_NAME_TAG;
use super::{Due, Group, Lifecycle, capacity, refusal, termination};
use crate::api::{Answer, CallError};
use crate::journal::Happening;
use crate::settings::MultiDetach;
use crate::wire::timestamp::iso_seconds;
use crate::world::{Due as Agenda, World};
use serde::Deserialize;
use serde_json::{Value, json};

/// Ids per call of `DetachInstances` and `AttachInstances` (Auto Scaling quotas).
pub(super) const MAX_INSTANCES: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DetachInstances {
    #[serde(default)]
    instance_ids: Vec<String>,
    auto_scaling_group_name: String,
    should_decrement_desired_capacity: bool,
}

pub(super) fn detach_instances(world: &mut World, input: DetachInstances) -> Answer {
    let DetachInstances {
        instance_ids,
        auto_scaling_group_name: name,
        should_decrement_desired_capacity: decrement,
    } = input;
    let group = world.autoscaling.get(&name)?;
    if instance_ids.len() > MAX_INSTANCES {
        return Err(refusal::too_many_instances("detach"));
    }
    let count = u32::try_from(instance_ids.len()).expect("at most twenty");
    if decrement && group.desired < group.min + count {
        return Err(refusal::sizes_forbid(group, "detach", instance_ids.len()));
    }
    let first_refused = instance_ids
        .iter()
        .enumerate()
        .find_map(|(position, id)| Some((position, refused(group, &instance_ids, position, id)?)));
    let good = match (&first_refused, world.settings.multi_detach) {
        (None, _) => instance_ids.len(),
        (Some(_), MultiDetach::AllRefused) => 0,
        (Some((position, _)), MultiDetach::GoodOnesDetached) => *position,
    };
    let activities: Vec<Value> = instance_ids[..good]
        .iter()
        .map(|instance| detach(world, &name, instance, decrement))
        .collect();
    capacity::notice(world, &name);
    match first_refused {
        Some((_, error)) => Err(error),
        None => Ok(json!({ "Activities": activities })),
    }
}

fn refused(group: &Group, ids: &[String], position: usize, id: &String) -> Option<CallError> {
    match group.members.get(id) {
        None => Some(refusal::not_part_of(id, &group.name)),
        Some(member) if !matches!(member.lifecycle, Lifecycle::InService | Lifecycle::Standby) => {
            Some(refusal::not_in_service(id))
        }
        // The same id twice in a call.
        Some(_) if ids[..position].contains(id) => Some(refusal::not_in_service(id)),
        Some(_) => None,
    }
}

fn detach(world: &mut World, name: &str, instance: &str, decrement: bool) -> Value {
    let mut cause = format!(
        "At {} instance {instance} was detached in response to a user request",
        iso_seconds(world.now)
    );
    if decrement {
        capacity::shrink(world, name, &mut cause);
    }
    cause.push('.');
    let activity = activity::start(world, name, Kind::Detach, instance, cause);
    if let Some(member) = world.autoscaling.member_mut(name, instance) {
        member.lifecycle = Lifecycle::Detaching;
        member.activity.clone_from(&activity);
    }
    let (group, id) = (name.to_owned(), instance.to_owned());
    world.record(Happening::Detaching {
        group: group.clone(),
        instance: id.clone(),
    });
    let duration = world.draw(world.settings.timings.detach);
    world.after(
        duration,
        Agenda::AutoScaling(Due::Detached {
            group,
            instance: id,
        }),
    );
    activity::output(world, name, &activity)
}

/// The instance is in no group: only `aws:autoscaling:groupName` goes, other tags stay.
pub(super) fn detached(world: &mut World, group: &str, instance: &str) {
    let Some(member) = world.autoscaling.member_mut(group, instance) else {
        return;
    };
    if member.lifecycle != Lifecycle::Detaching {
        return;
    }
    let activity = member.activity.clone();
    if let Some(machine) = world.compute.instances.get_mut(instance) {
        machine.tags.remove(GROUP_NAME_TAG);
    }
    world.record(Happening::Detached {
        group: group.to_owned(),
        instance: instance.to_owned(),
    });
    activity::finish(
        world,
        group,
        Kind::Detach,
        &activity,
        Status::Successful,
        "",
    );
    termination::leave(world, group, instance);
}
