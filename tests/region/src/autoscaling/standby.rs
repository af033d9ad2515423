//! `EnterStandby` and `ExitStandby`: a member that stays the group's, and is not in service.

use super::activity::{self, Kind, Status};
use super::{Due, Group, Lifecycle, capacity, health, refusal};
use crate::api::{Answer, CallError};
use crate::wire::timestamp::iso_seconds;
use crate::world::{Due as Agenda, World};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct EnterStandby {
    #[serde(default)]
    instance_ids: Vec<String>,
    auto_scaling_group_name: String,
    should_decrement_desired_capacity: bool,
}

/// Refuses instances that are not members in this state, or that are named twice.
fn all_are(group: &Group, ids: &[String], wanted: Lifecycle) -> Result<(), CallError> {
    for (position, id) in ids.iter().enumerate() {
        let Some(member) = group.members.get(id) else {
            return Err(refusal::not_part_of(id, &group.name));
        };
        if member.lifecycle != wanted || ids[..position].contains(id) {
            return Err(refusal::not_in(id, wanted));
        }
    }
    Ok(())
}

/// A member in standby does not count towards the desired capacity: without decrement another
/// one is launched in its place.
pub(super) fn enter(world: &mut World, input: &EnterStandby) -> Answer {
    let name = &input.auto_scaling_group_name;
    let ids = &input.instance_ids;
    let group = world.autoscaling.get(name)?;
    all_are(group, ids, Lifecycle::InService)?;
    let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let decrements = input.should_decrement_desired_capacity;
    if decrements && group.desired < group.min.saturating_add(count) {
        return Err(refusal::sizes_forbid(
            group,
            "place into standby",
            ids.len(),
        ));
    }
    let mut activities = Vec::new();
    for id in ids {
        let mut cause = format!(
            "At {} instance {id} was moved to standby in response to a user request",
            iso_seconds(world.now)
        );
        if decrements {
            capacity::shrink(world, name, &mut cause);
        }
        cause.push('.');
        let activity = activity::start(world, name, Kind::EnterStandby, id, cause);
        if let Some(member) = world.autoscaling.member_mut(name, id) {
            member.lifecycle = Lifecycle::EnteringStandby;
            member.activity.clone_from(&activity);
        }
        activities.push(activity::output(world, name, &activity));
        let delay = world.draw(world.settings.timings.standby);
        let (group, instance) = (name.clone(), id.clone());
        world.after(
            delay,
            Agenda::AutoScaling(Due::StandbyEntered { group, instance }),
        );
    }
    capacity::notice(world, name);
    Ok(json!({ "Activities": activities }))
}

/// It is in standby.
pub(super) fn entered(world: &mut World, group: &str, instance: &str) {
    let Some(member) = world.autoscaling.member_mut(group, instance) else {
        return;
    };
    if member.lifecycle != Lifecycle::EnteringStandby {
        return;
    }
    member.lifecycle = Lifecycle::Standby;
    let activity = member.activity.clone();
    activity::finish(
        world,
        group,
        Kind::EnterStandby,
        &activity,
        Status::Successful,
        "",
    );
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ExitStandby {
    #[serde(default)]
    instance_ids: Vec<String>,
    auto_scaling_group_name: String,
}

/// It counts again, on its way back into service.
pub(super) fn exit(world: &mut World, input: &ExitStandby) -> Answer {
    let name = &input.auto_scaling_group_name;
    let ids = &input.instance_ids;
    let group = world.autoscaling.get(name)?;
    all_are(group, ids, Lifecycle::Standby)?;
    let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    if group.desired.saturating_add(count) > group.max {
        return Err(refusal::sizes_forbid(
            group,
            "place into service",
            ids.len(),
        ));
    }
    let mut activities: Vec<Value> = Vec::new();
    for id in ids {
        let Some(group) = world.autoscaling.groups.get_mut(name) else {
            break;
        };
        group.desired += 1;
        let cause = format!(
            "At {} instance {id} was moved out of standby in response to a user request, \
             increasing the capacity from {} to {}.",
            iso_seconds(world.now),
            group.desired - 1,
            group.desired
        );
        let activity = activity::start(world, name, Kind::ExitStandby, id, cause);
        if let Some(member) = world.autoscaling.member_mut(name, id) {
            member.lifecycle = Lifecycle::Pending;
            member.activity.clone_from(&activity);
        }
        activities.push(activity::output(world, name, &activity));
        let delay = world.draw(world.settings.timings.standby);
        let (group, instance) = (name.clone(), id.clone());
        world.after(
            delay,
            Agenda::AutoScaling(Due::StandbyLeft {
                group,
                instance,
                activity,
            }),
        );
    }
    Ok(json!({ "Activities": activities }))
}

/// It is in service again. Whoever died in standby is noticed only now: nobody looked.
pub(super) fn left(world: &mut World, group: &str, instance: &str, activity: &str) {
    let now = world.now;
    let Some(member) = world.autoscaling.member_mut(group, instance) else {
        return;
    };
    if member.lifecycle != Lifecycle::Pending || member.activity != activity {
        return;
    }
    member.lifecycle = Lifecycle::InService;
    member.in_service_since = Some(now);
    activity::finish(
        world,
        group,
        Kind::ExitStandby,
        activity,
        Status::Successful,
        "",
    );
    health::look_again(world, group);
}
