//! Creating, updating and deleting groups.

use super::hooks::HookSpecification;
use super::tags::{self, TagInput};
use super::{Group, LaunchSource, TemplateVersion, capacity, refusal, termination};
use crate::api::{Answer, CallError};
use crate::settings::Settings;
use crate::wire::timestamp::iso_seconds;
use crate::world::World;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What creating and updating have in common.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LaunchTemplateSpecification {
    launch_template_id: Option<String>,
    launch_template_name: Option<String>,
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct MixedInstancesPolicy {
    launch_template: MixedLaunchTemplate,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct MixedLaunchTemplate {
    launch_template_specification: LaunchTemplateSpecification,
    #[serde(default)]
    overrides: Vec<Override>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Override {
    instance_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateGroup {
    auto_scaling_group_name: String,
    launch_template: Option<LaunchTemplateSpecification>,
    mixed_instances_policy: Option<MixedInstancesPolicy>,
    launch_configuration_name: Option<String>,
    min_size: u32,
    max_size: u32,
    desired_capacity: Option<u32>,
    default_cooldown: Option<u32>,
    #[serde(default)]
    availability_zones: Vec<String>,
    #[serde(rename = "VPCZoneIdentifier")]
    vpc_zone_identifier: Option<String>,
    health_check_type: Option<String>,
    health_check_grace_period: Option<u32>,
    new_instances_protected_from_scale_in: Option<bool>,
    #[serde(default)]
    termination_policies: Vec<String>,
    #[serde(default)]
    lifecycle_hook_specification_list: Vec<HookSpecification>,
    #[serde(default)]
    tags: Vec<TagInput>,
}

pub(super) fn create(world: &mut World, input: CreateGroup) -> Answer {
    let name = input.auto_scaling_group_name;
    check_name(&name)?;
    if let Some(group) = world.autoscaling.groups.get(&name) {
        return Err(refusal::group_exists(group));
    }
    let (min, max) = (input.min_size, input.max_size);
    let desired = input.desired_capacity.unwrap_or(min);
    check_sizes(desired, min, max)?;
    check_policies(&input.termination_policies)?;
    let (zones, subnets) = placement(
        world,
        input.availability_zones,
        input.vpc_zone_identifier.as_deref(),
    )?;
    if zones.is_empty() {
        return Err(CallError::validation(
            "At least one Availability Zone or VPC Subnet is required.",
        ));
    }
    let launch_source = launch_source(
        input.launch_template,
        input.mixed_instances_policy,
        input.launch_configuration_name,
    )?
    .ok_or_else(|| {
        CallError::validation(
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, \
                 InstanceId or MixedInstancesPolicy parameter.",
        )
    })?;
    let hooks = input
        .lifecycle_hook_specification_list
        .into_iter()
        .map(HookSpecification::into_hook)
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    let tags = tags::of_new_group(input.tags, &name)?;
    let id = world.uuid();
    let arn = arn(&world.settings, &id, &name);
    let group = Group {
        name: name.clone(),
        arn,
        min,
        max,
        desired,
        zones,
        subnets,
        launch_source,
        default_cooldown: input.default_cooldown.unwrap_or(300),
        health_check_type: checked_health_type(input.health_check_type)?
            .unwrap_or_else(|| "EC2".to_owned()),
        health_check_grace: input.health_check_grace_period.unwrap_or(0),
        protects_new: input.new_instances_protected_from_scale_in.unwrap_or(false),
        created_at: world.now,
        tags,
        hooks,
        suspended: BTreeMap::new(),
        failing: None,
        members: BTreeMap::new(),
        activities: Vec::new(),
        deleting: false,
        warm_pool: None,
        noticing: false,
        rebalancing: false,
    };
    world.autoscaling.groups.insert(name.clone(), group);
    // A new group launches at once.
    capacity::reconcile(world, &name);
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UpdateGroup {
    auto_scaling_group_name: String,
    launch_template: Option<LaunchTemplateSpecification>,
    mixed_instances_policy: Option<MixedInstancesPolicy>,
    launch_configuration_name: Option<String>,
    min_size: Option<u32>,
    max_size: Option<u32>,
    desired_capacity: Option<u32>,
    default_cooldown: Option<u32>,
    #[serde(default)]
    availability_zones: Vec<String>,
    #[serde(rename = "VPCZoneIdentifier")]
    vpc_zone_identifier: Option<String>,
    health_check_type: Option<String>,
    health_check_grace_period: Option<u32>,
    new_instances_protected_from_scale_in: Option<bool>,
    #[serde(default)]
    termination_policies: Vec<String>,
}

pub(super) fn update(world: &mut World, input: UpdateGroup) -> Answer {
    let name = input.auto_scaling_group_name;
    let (zones, subnets) = placement(
        world,
        input.availability_zones,
        input.vpc_zone_identifier.as_deref(),
    )?;
    check_policies(&input.termination_policies)?;
    let launch_source = launch_source(
        input.launch_template,
        input.mixed_instances_policy,
        input.launch_configuration_name,
    )?;
    let health_check_type = checked_health_type(input.health_check_type)?;
    let group = world.autoscaling.get_mut(&name)?;
    if group.deleting {
        return Err(refusal::group_pending_delete());
    }
    let min = input.min_size.unwrap_or(group.min);
    let max = input.max_size.unwrap_or(group.max);
    // New bounds move the desired capacity, unless the call sets it.
    let desired = match input.desired_capacity {
        Some(desired) => desired,
        None if min <= max => group.desired.clamp(min, max),
        None => group.desired,
    };
    check_sizes(desired, min, max)?;
    (group.min, group.max, group.desired) = (min, max, desired);
    if !zones.is_empty() {
        (group.zones, group.subnets) = (zones, subnets);
    }
    if let Some(source) = launch_source {
        group.launch_source = source;
    }
    if let Some(kind) = health_check_type {
        group.health_check_type = kind;
    }
    if let Some(seconds) = input.health_check_grace_period {
        group.health_check_grace = seconds;
    }
    if let Some(seconds) = input.default_cooldown {
        group.default_cooldown = seconds;
    }
    if let Some(protects) = input.new_instances_protected_from_scale_in {
        group.protects_new = protects;
    }
    capacity::notice(world, &name);
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteGroup {
    auto_scaling_group_name: String,
    force_delete: Option<bool>,
}

/// By force, the group ends when its last member is gone.
pub(super) fn delete(world: &mut World, input: DeleteGroup) -> Answer {
    let name = input.auto_scaling_group_name;
    let group = world.autoscaling.get_mut(&name)?;
    if group.members.is_empty() {
        world.autoscaling.groups.remove(&name);
        return Ok(Value::Null);
    }
    if !input.force_delete.unwrap_or(false) {
        return Err(refusal::group_has_instances());
    }
    group.deleting = true;
    (group.min, group.desired) = (0, 0);
    let members: Vec<String> = group
        .members
        .iter()
        .filter(|(_, member)| member.lifecycle.stays())
        .map(|(id, _)| id.clone())
        .collect();
    for instance in members {
        let cause = format!(
            "At {} a user request force deleted AutoScalingGroup, terminating its instances.",
            iso_seconds(world.now)
        );
        termination::terminate(world, &name, &instance, cause);
    }
    Ok(Value::Null)
}

fn arn(settings: &Settings, id: &str, name: &str) -> String {
    let resource = format!("autoScalingGroup:{id}:autoScalingGroupName/{name}");
    settings.arn("autoscaling", &resource)
}

/// A group that is older than today's text for names, and cannot be renamed: it is made under a name that
/// this text allows, and then has always had this one. (The API's pattern takes spaces; groups with one
/// were reported from 2015 to 2023: AutoSpotting#494, autoscaler#2629.)
///
/// # Panics
/// When there is no such group, or it has members already.
pub fn was_always_named(world: &mut World, group: &str, name: &str) {
    let made = world.autoscaling.groups.remove(group);
    let mut made = made.unwrap_or_else(|| panic!("there is no group {group}"));
    assert!(made.members.is_empty(), "its members know it by its name");
    let id = world.uuid();
    made.arn = arn(&world.settings, &id, name);
    name.clone_into(&mut made.name);
    world.autoscaling.groups.insert(name.to_owned(), made);
}

fn check_name(name: &str) -> Result<(), CallError> {
    let well_formed = (1..=255).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b':');
    if well_formed {
        return Ok(());
    }
    Err(refusal::constraint(
        name,
        "autoScalingGroupName",
        "Member must have 1 to 255 ASCII characters (33 to 126) without a colon",
    ))
}

fn check_sizes(desired: u32, min: u32, max: u32) -> Result<(), CallError> {
    if min > max {
        return Err(refusal::min_above_max(min, max));
    }
    if !(min..=max).contains(&desired) {
        return Err(refusal::bad_sizes(desired, min, max));
    }
    Ok(())
}

/// Only the default policy is simulated.
fn check_policies(policies: &[String]) -> Result<(), CallError> {
    match policies.iter().find(|policy| *policy != "Default") {
        Some(policy) => Err(CallError::validation(format!(
            "the simulated region does not support the termination policy {policy}"
        ))),
        None => Ok(()),
    }
}

fn checked_health_type(kind: Option<String>) -> Result<Option<String>, CallError> {
    match kind.as_deref() {
        // There are no load balancers here, so `ELB` never adds a reason to `EC2`.
        None | Some("EC2" | "ELB") => Ok(kind),
        Some(other) => Err(CallError::validation(format!(
            "the simulated region does not support the health check type {other}"
        ))),
    }
}

type Placement = (Vec<String>, Vec<(String, String)>);

/// Zones, and subnets with theirs. A subnet is in the zone of its id's last letter; one whose
/// id ends otherwise is in zone `a`.
fn placement(
    world: &World,
    zones: Vec<String>,
    subnets: Option<&str>,
) -> Result<Placement, CallError> {
    let region = &world.settings.region_name;
    let is_zone = |zone: &str| {
        zone.strip_prefix(region.as_str())
            .is_some_and(|letter| matches!(letter.as_bytes(), [b'a'..=b'f']))
    };
    if let Some(zone) = zones.iter().find(|zone| !is_zone(zone)) {
        return Err(CallError::validation(format!(
            "Invalid availability zones: [{zone}]"
        )));
    }
    let subnets: Vec<(String, String)> = subnets
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(|id| {
            let letter = id
                .chars()
                .next_back()
                .filter(|letter| matches!(letter, 'a'..='f'))
                .unwrap_or('a');
            (id.to_owned(), format!("{region}{letter}"))
        })
        .collect();
    let mut all = Vec::new();
    let of_subnets = subnets.iter().map(|(_, zone)| zone.clone());
    let given: Vec<String> = if subnets.is_empty() {
        zones
    } else {
        of_subnets.collect()
    };
    for zone in given {
        if !all.contains(&zone) {
            all.push(zone);
        }
    }
    Ok((all, subnets))
}

/// At most one of the three, of which a new group needs one.
fn launch_source(
    template: Option<LaunchTemplateSpecification>,
    policy: Option<MixedInstancesPolicy>,
    configuration: Option<String>,
) -> Result<Option<LaunchSource>, CallError> {
    match (template, policy, configuration) {
        (None, None, None) => Ok(None),
        (None, None, Some(name)) => Ok(Some(LaunchSource::Configuration(name))),
        (Some(template), None, None) => template_version(template)
            .map(LaunchSource::Template)
            .map(Some),
        (None, Some(policy), None) => {
            let template = policy.launch_template;
            let types = template.overrides.into_iter();
            let types = types.map(|one| one.instance_type).collect();
            let version = template_version(template.launch_template_specification)?;
            Ok(Some(LaunchSource::Mixed(version, types)))
        }
        (Some(_), None, Some(_)) => Err(CallError::validation(
            "Valid requests must contain either LaunchTemplate or LaunchConfigurationName, not \
             both.",
        )),
        // The text is assumed.
        (_, Some(_), _) => Err(CallError::validation(
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId \
             or MixedInstancesPolicy parameter.",
        )),
    }
}

fn template_version(asked: LaunchTemplateSpecification) -> Result<TemplateVersion, CallError> {
    if asked.launch_template_id.is_some() == asked.launch_template_name.is_some() {
        return Err(CallError::validation(
            "Valid requests must contain either launchTemplateId or LaunchTemplateName",
        ));
    }
    Ok(TemplateVersion {
        id: asked.launch_template_id,
        name: asked.launch_template_name,
        version: asked.version.unwrap_or_else(|| "$Default".to_owned()),
    })
}
