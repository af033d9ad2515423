//! `DescribeAutoScalingInstances`, `DescribeInstanceRefreshes` and `DescribeScalingActivities`.

use super::describe_groups::template_output;
use super::tags::{Filter, page_size, unknown_filter};
use super::{Activity, Group, Member, Status, refusal};
use crate::api::{Answer, CallError};
use crate::paging::page;
use crate::wire::timestamp::parse_iso;
use crate::world::World;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DescribeInstances {
    #[serde(default)]
    instance_ids: Vec<String>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

/// Ids that are in no group are silently absent.
pub(super) fn instances(world: &World, input: DescribeInstances) -> Answer {
    let ids = input.instance_ids;
    if ids.len() > 50 {
        return Err(CallError::validation(
            "The number of instance ids that may be passed in is limited to 50",
        ));
    }
    let members: Vec<Value> = world
        .autoscaling
        .groups
        .values()
        .flat_map(|group| group.members.iter().map(move |member| (group, member)))
        .filter(|(_, (id, _))| ids.is_empty() || ids.contains(id))
        .map(|(group, (id, member))| instance_output(world, group, id, member))
        .collect();
    let size = page_size(input.max_records, 50, 50)?;
    let token = input.next_token.as_deref();
    let (members, next) = page(members, size, token)
        .ok_or_else(|| refusal::invalid_token(token.unwrap_or_default()))?;
    Ok(json!({ "AutoScalingInstances": members, "NextToken": next }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DescribeRefreshes {
    auto_scaling_group_name: String,
    #[serde(default)]
    instance_refresh_ids: Vec<String>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

/// Nothing here starts a refresh, so no group ever had one.
pub(super) fn instance_refreshes(world: &World, input: &DescribeRefreshes) -> Answer {
    world.autoscaling.get(&input.auto_scaling_group_name)?;
    page_size(input.max_records, 50, 100)?;
    if let Some(token) = &input.next_token {
        return Err(refusal::invalid_token(token));
    }
    if let Some(id) = input.instance_refresh_ids.first() {
        return Err(CallError::validation(format!(
            "Instance refresh {id} not found"
        )));
    }
    Ok(json!({ "InstanceRefreshes": [] }))
}

/// Health is in capitals here, unlike in `DescribeAutoScalingGroups`.
fn instance_output(world: &World, group: &Group, id: &str, member: &Member) -> Value {
    let machine = world.compute.instances.get(id);
    json!({
        "InstanceId": id,
        "InstanceType": machine.map(|machine| &machine.instance_type),
        "AutoScalingGroupName": group.name,
        "AvailabilityZone": machine.map(|machine| &machine.zone),
        "LifecycleState": member.lifecycle.name(),
        "HealthStatus": if member.healthy { "HEALTHY" } else { "UNHEALTHY" },
        "LaunchTemplate": member.template.as_ref().map(template_output),
        "ProtectedFromScaleIn": member.protected,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DescribeActivities {
    auto_scaling_group_name: Option<String>,
    #[serde(default)]
    activity_ids: Vec<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    /// Activities of deleted groups are not kept.
    #[serde(rename = "IncludeDeletedGroups")]
    _include_deleted_groups: Option<bool>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

/// How long activities are kept: six weeks.
const KEPT: Duration = Duration::from_hours(6 * 7 * 24);

/// Those in progress first, then the newest first.
pub(super) fn activities(world: &World, input: &DescribeActivities) -> Answer {
    let groups: Vec<&Group> = match &input.auto_scaling_group_name {
        Some(name) => vec![world.autoscaling.get(name)?],
        None => world.autoscaling.groups.values().collect(),
    };
    let ids = &input.activity_ids;
    let mut found: Vec<(&Group, &Activity)> = Vec::new();
    for group in groups {
        for activity in group.activities.iter().rev() {
            if activity.started_at + KEPT >= world.now
                && (ids.is_empty() || ids.contains(&activity.id))
                && passes(activity, &input.filters)?
            {
                found.push((group, activity));
            }
        }
    }
    found.sort_by_key(|(_, activity)| {
        (
            activity.status != Status::InProgress,
            std::cmp::Reverse(activity.started_at),
        )
    });
    let size = page_size(input.max_records, 100, 100)?;
    let token = input.next_token.as_deref();
    let (found, next) = page(found, size, token)
        .ok_or_else(|| refusal::invalid_token(token.unwrap_or_default()))?;
    let activities: Vec<Value> = found
        .into_iter()
        .map(|(group, activity)| activity.output(&group.name, &group.arn))
        .collect();
    Ok(json!({ "Activities": activities, "NextToken": next }))
}

fn passes(activity: &Activity, filters: &[Filter]) -> Result<bool, CallError> {
    for filter in filters {
        let value = filter.values.first().map_or("", String::as_str);
        let passes = match filter.name.as_str() {
            "StartTimeLowerBound" => activity.started_at >= bound(value)?,
            "StartTimeUpperBound" => activity.started_at <= bound(value)?,
            "Status" => filter
                .values
                .iter()
                .any(|status| status == activity.status.name()),
            other => return Err(unknown_filter(other)),
        };
        if !passes {
            return Ok(false);
        }
    }
    Ok(true)
}

fn bound(text: &str) -> Result<OffsetDateTime, CallError> {
    parse_iso(text).ok_or_else(|| CallError::validation(format!("'{text}' is not a valid time")))
}
