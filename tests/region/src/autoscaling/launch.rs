//! A launch, from the decision to `InService`.

use super::activity::{self, Kind, Status};
use super::{
    Due, Group, LaunchSource, Lifecycle, Member, TemplateVersion, Transition, capacity, hooks,
    rebalance, termination,
};
use crate::compute::{self, DEFAULT_INSTANCE_TYPE, Launch};
use crate::journal::Happening;
use crate::wire::timestamp::iso_seconds;
use crate::world::{Due as Agenda, World};
use std::collections::BTreeMap;

/// Launches one instance for a group that has `size` now. Without capacity the activity fails.
pub(super) fn launch(world: &mut World, name: &str, size: u32) {
    let now = iso_seconds(world.now);
    let cause = format!(
        "At {now} an instance was started in response to a difference between desired and actual \
         capacity, increasing the capacity from {size} to {}.",
        size + 1
    );
    launch_for(world, name, cause);
}

/// Launches one instance in the emptiest zone.
pub(super) fn launch_for(world: &mut World, name: &str, cause: String) {
    let Some((zone, subnet)) = capacity::emptiest_zone(world, name) else {
        return;
    };
    let group = &world.autoscaling.groups[name];
    let (instance_type, tags, role) = machine_of(world, group);
    let (template, protected) = (template_of(world, group), group.protects_new);
    if world.compute.capacity_refused {
        let reason = format!(
            "We currently do not have sufficient {instance_type} capacity in the Availability \
             Zone you requested ({zone}). Our system will be working on provisioning additional \
             capacity. Launching EC2 instance failed."
        );
        activity::launch_refused(world, name, &zone, cause, &reason);
        return;
    }
    let instance = compute::launch(
        world,
        Launch {
            zone,
            subnet,
            instance_type,
            tags,
            role,
        },
    );
    let activity = activity::start(world, name, Kind::Launch, &instance, cause);
    let member = Member {
        lifecycle: Lifecycle::Pending,
        healthy: true,
        protected,
        template,
        attached: false,
        in_service_since: None,
        activity,
        waits_for: BTreeMap::new(),
        heartbeats_end: BTreeMap::new(),
    };
    if let Some(group) = world.autoscaling.groups.get_mut(name) {
        group.members.insert(instance.clone(), member);
    }
    let group = name.to_owned();
    world.record(Happening::Launching {
        group: group.clone(),
        instance: instance.clone(),
    });
    let boot = world.draw(world.settings.timings.boot);
    world.after(boot, Agenda::AutoScaling(Due::Booted { group, instance }));
}

/// Instance type, tags and role of a launch: the template's tags, the group's propagated ones over
/// them, and AWS's own.
fn machine_of(world: &World, group: &Group) -> (String, BTreeMap<String, String>, Option<String>) {
    let mut role = None;
    let mut tags = BTreeMap::new();
    let mut instance_type = DEFAULT_INSTANCE_TYPE.to_owned();
    if let Some(template) = template_of(world, group) {
        if let Some(id) = &template.id {
            tags.insert("aws:ec2launchtemplate:id".to_owned(), id.clone());
        }
        tags.insert(
            "aws:ec2launchtemplate:version".to_owned(),
            template.version.clone(),
        );
        let key = template.id.or(template.name).unwrap_or_default();
        if let Some(known) = world.compute.launch_template(&key) {
            instance_type.clone_from(&known.instance_type);
            tags.extend(known.instance_tags.clone());
            role.clone_from(&known.role);
        }
    }
    if let LaunchSource::Mixed(_, types) = &group.launch_source
        && let Some(next) = types.iter().cycle().nth(group.members.len())
    {
        instance_type.clone_from(next);
    }
    tags.extend(propagated_tags(group));
    (instance_type, tags, role)
}

/// What joining a group writes on an instance.
pub(super) fn propagated_tags(group: &Group) -> BTreeMap<String, String> {
    let mut tags: BTreeMap<_, _> = group
        .tags
        .iter()
        .filter(|(_, tag)| tag.propagate_at_launch)
        .map(|(key, tag)| (key.clone(), tag.value.clone()))
        .collect();
    tags.insert(GROUP_NAME_TAG.to_owned(), group.name.clone());
    tags
}

/// The tag by which EC2 shows the membership.
pub(super) const GROUP_NAME_TAG: &str = "aws:autoscaling:groupName";

/// The group's launch template with id, name and version as numbers, as far as it is known.
pub(super) fn template_of(world: &World, group: &Group) -> Option<TemplateVersion> {
    let asked = group.launch_source.template()?;
    let key = asked.id.as_deref().or(asked.name.as_deref())?;
    let Some(known) = world.compute.launch_template(key) else {
        return Some(asked.clone());
    };
    let version = if asked.version.starts_with('$') {
        known.version.to_string()
    } else {
        asked.version.clone()
    };
    Some(TemplateVersion {
        id: Some(known.id.clone()),
        name: Some(known.name.clone()),
        version,
    })
}

/// The machine is up: into the launch hooks, or into service.
pub(super) fn booted(world: &mut World, group: &str, instance: &str) {
    let Some(member) = world.autoscaling.member_mut(group, instance) else {
        return;
    };
    if member.lifecycle != Lifecycle::Pending {
        return;
    }
    if !world.compute.is_running(instance) {
        abandon(world, group, instance, "Instance failed to launch");
        return;
    }
    if hooks::begin(world, group, instance, Transition::Launching) {
        if let Some(member) = world.autoscaling.member_mut(group, instance) {
            member.lifecycle = Lifecycle::PendingWait;
        }
        world.record(Happening::Waiting {
            group: group.to_owned(),
            instance: instance.to_owned(),
        });
    } else {
        in_service(world, group, instance);
    }
}

/// All launch hooks said `CONTINUE`.
pub(super) fn proceed(world: &mut World, group: &str, instance: &str) {
    if let Some(member) = world.autoscaling.member_mut(group, instance) {
        member.lifecycle = Lifecycle::PendingProceed;
        let duration = world.draw(world.settings.timings.hook_proceed);
        let (group, instance) = (group.to_owned(), instance.to_owned());
        world.after(
            duration,
            Agenda::AutoScaling(Due::Proceeded { group, instance }),
        );
    }
}

/// The launch is over.
pub(super) fn in_service(world: &mut World, group: &str, instance: &str) {
    let now = world.now;
    let Some(member) = world.autoscaling.member_mut(group, instance) else {
        return;
    };
    if !matches!(
        member.lifecycle,
        Lifecycle::Pending | Lifecycle::PendingProceed
    ) {
        return;
    }
    member.lifecycle = Lifecycle::InService;
    member.in_service_since = Some(now);
    let activity = member.activity.clone();
    world.record(Happening::InService {
        group: group.to_owned(),
        instance: instance.to_owned(),
    });
    activity::finish(
        world,
        group,
        Kind::Launch,
        &activity,
        Status::Successful,
        "",
    );
    // What was launched for the balance of the zones is one too many from now on.
    capacity::notice(world, group);
    rebalance::notice(world, group);
}

/// The launch failed: the instance is terminated and the capacity looked at again.
pub(super) fn abandon(world: &mut World, group: &str, instance: &str, reason: &str) {
    let Some(member) = world.autoscaling.member_mut(group, instance) else {
        return;
    };
    member.waits_for.clear();
    let activity = member.activity.clone();
    activity::finish(
        world,
        group,
        Kind::Launch,
        &activity,
        Status::Cancelled,
        reason,
    );
    let cause = format!(
        "At {} instance {instance} was taken out of service in response to a failed launch.",
        iso_seconds(world.now)
    );
    termination::terminate(world, group, instance, cause);
}
