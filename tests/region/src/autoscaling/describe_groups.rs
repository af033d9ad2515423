//! `DescribeAutoScalingGroups`.

use super::tags::{self, Filter, page_size, unknown_filter};
use super::{Group, LaunchSource, Member, TemplateVersion, launch, refusal};
use crate::api::{Answer, CallError};
use crate::paging::page;
use crate::wire::timestamp::iso_millis;
use crate::world::World;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DescribeGroups {
    #[serde(default)]
    auto_scaling_group_names: Vec<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    include_instances: Option<bool>,
    next_token: Option<String>,
    max_records: Option<usize>,
}

/// Unknown names are silently absent.
pub(super) fn groups(world: &World, input: &DescribeGroups) -> Answer {
    let names = &input.auto_scaling_group_names;
    let mut matching = Vec::new();
    for group in world.autoscaling.groups.values() {
        if (names.is_empty() || names.contains(&group.name)) && passes(group, &input.filters)? {
            matching.push(group);
        }
    }
    let size = page_size(input.max_records, 50, 100)?;
    let token = input.next_token.as_deref();
    let (matching, next) = page(matching, size, token)
        .ok_or_else(|| refusal::invalid_token(token.unwrap_or_default()))?;
    let with_instances = input.include_instances.unwrap_or(true);
    let groups: Vec<Value> = matching
        .into_iter()
        .map(|group| output(world, group, with_instances))
        .collect();
    Ok(json!({ "AutoScalingGroups": groups, "NextToken": next }))
}

fn passes(group: &Group, filters: &[Filter]) -> Result<bool, CallError> {
    for filter in filters {
        let wanted = |text: &String| filter.values.contains(text);
        let found = match filter.name.as_str() {
            "tag-key" => group.tags.keys().any(wanted),
            "tag-value" => group.tags.values().any(|tag| wanted(&tag.value)),
            name => match name.strip_prefix("tag:") {
                Some(key) => group.tags.get(key).is_some_and(|tag| wanted(&tag.value)),
                None => return Err(unknown_filter(name)),
            },
        };
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}

fn output(world: &World, group: &Group, with_instances: bool) -> Value {
    let instances: Vec<Value> = group
        .members
        .iter()
        .filter(|_| with_instances)
        .map(|(id, member)| member_output(world, id, member))
        .collect();
    let suspended: Vec<Value> = group
        .suspended
        .iter()
        .map(|(process, reason)| json!({ "ProcessName": process, "SuspensionReason": reason }))
        .collect();
    let tags: Vec<Value> = group
        .tags
        .iter()
        .map(|(key, tag)| tags::output(group, key, tag))
        .collect();
    let subnets: Vec<&str> = group.subnets.iter().map(|(id, _)| id.as_str()).collect();
    let configuration = match &group.launch_source {
        LaunchSource::Configuration(name) => Some(name),
        LaunchSource::Template(_) | LaunchSource::Mixed(..) => None,
    };
    // Where there is a policy, the group itself names no launch template (API reference, `AutoScalingGroup`).
    let (template, policy) = match &group.launch_source {
        LaunchSource::Configuration(_) => (Value::Null, Value::Null),
        LaunchSource::Template(asked) => (shown_template(world, group, asked), Value::Null),
        LaunchSource::Mixed(asked, types) => {
            let types = types.iter().map(|name| json!({ "InstanceType": name }));
            let policy = json!({ "LaunchTemplate": {
                "LaunchTemplateSpecification": shown_template(world, group, asked),
                "Overrides": types.collect::<Vec<_>>(),
            } });
            (Value::Null, policy)
        }
    };
    json!({
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "LaunchConfigurationName": configuration,
        "LaunchTemplate": template,
        "MixedInstancesPolicy": policy,
        "MinSize": group.min,
        "MaxSize": group.max,
        "DesiredCapacity": group.desired,
        "DefaultCooldown": group.default_cooldown,
        "AvailabilityZones": group.zones,
        "LoadBalancerNames": [],
        "TargetGroupARNs": [],
        "HealthCheckType": group.health_check_type,
        "HealthCheckGracePeriod": group.health_check_grace,
        "Instances": instances,
        "CreatedTime": iso_millis(group.created_at),
        "SuspendedProcesses": suspended,
        "VPCZoneIdentifier": subnets.join(","),
        "EnabledMetrics": [],
        "Status": group.deleting.then_some("Delete in progress"),
        "Tags": tags,
        "TerminationPolicies": ["Default"],
        "WarmPoolConfiguration": group.warm_pool,
        "WarmPoolSize": group.warm_pool.as_ref().map(|_| 0),
        "NewInstancesProtectedFromScaleIn": group.protects_new,
        "ServiceLinkedRoleARN": world.settings.global_arn(
            "iam",
            "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
        ),
    })
}

/// The group shows the version it was given (`$Latest`), with id and name completed.
fn shown_template(world: &World, group: &Group, asked: &TemplateVersion) -> Value {
    let known = launch::template_of(world, group).unwrap_or_else(|| asked.clone());
    template_output(&TemplateVersion {
        version: asked.version.clone(),
        ..known
    })
}

pub(super) fn template_output(template: &TemplateVersion) -> Value {
    json!({
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "Version": template.version,
    })
}

fn member_output(world: &World, id: &str, member: &Member) -> Value {
    let machine = world.compute.instances.get(id);
    json!({
        "InstanceId": id,
        "InstanceType": machine.map(|machine| &machine.instance_type),
        "AvailabilityZone": machine.map(|machine| &machine.zone),
        "LifecycleState": member.lifecycle.name(),
        "HealthStatus": if member.healthy { "Healthy" } else { "Unhealthy" },
        "LaunchTemplate": member.template.as_ref().map(template_output),
        "ProtectedFromScaleIn": member.protected,
    })
}
