//! `AttachInstances`: a running instance that is in no group joins one.

use super::activity::{self, Kind, Status};
use super::detach::MAX_INSTANCES;
use super::launch::propagated_tags;
use super::{Due, Lifecycle, Member, TemplateVersion, rebalance, refusal};
use crate::api::{Answer, CallError};
use crate::compute::State;
use crate::journal::Happening;
use crate::wire::timestamp::iso_seconds;
use crate::world::{Due as Agenda, World};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AttachInstances {
    #[serde(default)]
    instance_ids: Vec<String>,
    auto_scaling_group_name: String,
}

/// Attaches all instances or none.
///
/// AWS does not say which of several reasons to refuse it names. Assumed: the group, then each
/// instance (existence, membership, state, zone), then the sizes: so a repeated attach to a
/// group that is full by now says that the instance is already part of it.
pub(super) fn attach_instances(world: &mut World, input: AttachInstances) -> Answer {
    let AttachInstances {
        instance_ids,
        auto_scaling_group_name: name,
    } = input;
    let group = world.autoscaling.get(&name)?;
    if group.deleting {
        return Err(refusal::group_pending_delete());
    }
    if instance_ids.len() > MAX_INSTANCES {
        return Err(refusal::too_many_instances("attach"));
    }
    if group.is_suspended("Launch") {
        return Err(refusal::launch_suspended(&name));
    }
    check_instances(world, &name, &instance_ids)?;
    let count = u32::try_from(instance_ids.len()).expect("at most twenty");
    if group.desired + count > group.max {
        return Err(refusal::sizes_forbid(group, "attach", instance_ids.len()));
    }
    for instance in &instance_ids {
        attach(world, &name, instance);
    }
    Ok(Value::Null)
}

fn check_instances(world: &World, name: &str, ids: &[String]) -> Result<(), CallError> {
    let unknown: Vec<&str> = ids
        .iter()
        .filter(|id| {
            world
                .compute
                .instances
                .get(*id)
                .is_none_or(|instance| instance.state == State::Terminated)
        })
        .map(String::as_str)
        .collect();
    if !unknown.is_empty() {
        return Err(refusal::invalid_instances(&unknown));
    }
    for (position, id) in ids.iter().enumerate() {
        let instance = &world.compute.instances[id];
        if let Some(group) = world.autoscaling.group_of(id) {
            return Err(refusal::already_part_of(id, &group.name));
        }
        if ids[..position].contains(id) {
            return Err(refusal::already_part_of(id, name));
        }
        if instance.state != State::Running {
            return Err(refusal::not_running(id, instance.state.name()));
        }
        if !world.autoscaling.get(name)?.zones.contains(&instance.zone) {
            return Err(refusal::zone_not_in_group(id, &instance.zone, name));
        }
    }
    Ok(())
}

fn attach(world: &mut World, name: &str, instance: &str) {
    let Some(group) = world.autoscaling.groups.get_mut(name) else {
        return;
    };
    group.desired += 1;
    let cause = format!(
        "At {} an instance was added in response to user request. Keeping the capacity at the \
         new {}.",
        iso_seconds(world.now),
        group.desired
    );
    let protected = group.protects_new;
    let activity = activity::start(world, name, Kind::Attach, instance, cause);
    let template = launched_from(world, instance);
    let member = Member {
        lifecycle: Lifecycle::Pending,
        healthy: true,
        protected,
        template,
        attached: true,
        in_service_since: None,
        activity,
        waits_for: BTreeMap::new(),
        heartbeats_end: BTreeMap::new(),
    };
    let Some(group) = world.autoscaling.groups.get_mut(name) else {
        return;
    };
    group.members.insert(instance.to_owned(), member);
    let tags = propagated_tags(group);
    if let Some(machine) = world.compute.instances.get_mut(instance) {
        machine.tags.extend(tags);
    }
    let (group, id) = (name.to_owned(), instance.to_owned());
    world.record(Happening::Attaching {
        group: group.clone(),
        instance: id.clone(),
    });
    let duration = world.draw(world.settings.timings.attach);
    world.after(
        duration,
        Agenda::AutoScaling(Due::Attached {
            group,
            instance: id,
        }),
    );
}

/// An attached instance keeps the launch template version it was launched from; EC2 has it in
/// the instance's tags.
fn launched_from(world: &World, instance: &str) -> Option<TemplateVersion> {
    let tags = &world.compute.instances.get(instance)?.tags;
    let id = tags.get("aws:ec2launchtemplate:id")?;
    Some(TemplateVersion {
        id: Some(id.clone()),
        name: world
            .compute
            .launch_template(id)
            .map(|template| template.name.clone()),
        version: tags.get("aws:ec2launchtemplate:version")?.clone(),
    })
}

/// The attach is over.
pub(super) fn attached(world: &mut World, group: &str, instance: &str) {
    let now = world.now;
    let Some(member) = world.autoscaling.member_mut(group, instance) else {
        return;
    };
    if member.lifecycle != Lifecycle::Pending {
        return;
    }
    member.lifecycle = Lifecycle::InService;
    member.in_service_since = Some(now);
    let activity = member.activity.clone();
    world.record(Happening::Attached {
        group: group.to_owned(),
        instance: instance.to_owned(),
    });
    activity::finish(
        world,
        group,
        Kind::Attach,
        &activity,
        Status::Successful,
        "",
    );
    rebalance::notice(world, group);
}
