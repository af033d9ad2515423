//! `DescribeInstanceInformation`: what SSM believes about agents.

use super::{constraint, invalid_token, page_size};
use crate::api::{Answer, CallError};
use crate::compute::{Associations, Instance, State};
use crate::paging::page;
use crate::wire::timestamp::epoch_seconds;
use crate::world::World;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DescribeInstanceInformation {
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    instance_information_filter_list: Vec<OldFilter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OldFilter {
    key: String,
    #[serde(default)]
    value_set: Vec<String>,
}

const AGENT_VERSION: &str = "3.3.3050.0";

/// Ids that are unknown, not registered yet or terminated are silently absent.
pub(super) fn describe(world: &World, input: DescribeInstanceInformation) -> Answer {
    let old = input.instance_information_filter_list;
    if !old.is_empty() && !input.filters.is_empty() {
        return Err(CallError::sender(
            "ValidationException",
            "Filters and InstanceInformationFilterList cannot be used together",
        ));
    }
    let mut filters = input.filters;
    filters.extend(old.into_iter().map(|filter| Filter {
        key: filter.key,
        values: filter.value_set,
    }));
    check(&filters)?;
    let found: Vec<Value> = world
        .compute
        .instances
        .values()
        .filter(|instance| instance.state == State::Running)
        .filter(|instance| instance.agent.registered_at.is_some())
        .filter(|instance| filters.iter().all(|filter| passes(world, instance, filter)))
        .map(|instance| output(world, instance))
        .collect();
    let size = page_size(input.max_results, 5, 10, 50)?;
    let (found, next) = page(found, size, input.next_token.as_deref()).ok_or_else(invalid_token)?;
    Ok(json!({ "InstanceInformationList": found, "NextToken": next }))
}

fn check(filters: &[Filter]) -> Result<(), CallError> {
    let is_tag = |filter: &Filter| filter.key == "tag-key" || filter.key.starts_with("tag:");
    for filter in filters {
        let known = matches!(
            filter.key.as_str(),
            "InstanceIds" | "PingStatus" | "PlatformTypes" | "ResourceType" | "AgentVersion"
        );
        if !known && !is_tag(filter) {
            return Err(CallError::sender(
                "InvalidFilterKey",
                format!(
                    "the simulated region does not support the filter {}",
                    filter.key
                ),
            ));
        }
        if !(1..=100).contains(&filter.values.len()) {
            return Err(constraint(
                &format!("{:?}", filter.values),
                "filters.1.member.values",
                "Member must have length between 1 and 100",
            ));
        }
    }
    if filters.iter().any(is_tag) && !filters.iter().all(is_tag) {
        return Err(CallError::sender(
            "ValidationException",
            "Cannot mix tag or inventory filter with any other filter.",
        ));
    }
    Ok(())
}

fn passes(world: &World, instance: &Instance, filter: &Filter) -> bool {
    let wanted = |text: &str| filter.values.iter().any(|value| value == text);
    match filter.key.as_str() {
        "InstanceIds" => wanted(&instance.id),
        "PingStatus" => wanted(ping_status(world, instance)),
        "PlatformTypes" => wanted(instance.platform),
        "ResourceType" => wanted("EC2Instance"),
        "AgentVersion" => wanted(AGENT_VERSION),
        "tag-key" => instance.tags.keys().any(|key| wanted(key)),
        key => key
            .strip_prefix("tag:")
            .and_then(|key| instance.tags.get(key))
            .is_some_and(|value| wanted(value)),
    }
}

/// What SSM believes of an agent that has registered: `Online` until heartbeats have stayed away
/// for a while, which takes minutes; then `ConnectionLost`.
pub fn ping_status(world: &World, instance: &Instance) -> &'static str {
    let timings = &world.settings.timings;
    let scale = world.settings.time_scale;
    let heartbeat = timings.agent_heartbeat.mul_f64(scale);
    let patience = timings.agent_lost_after.mul_f64(scale);
    match instance.agent.last_ping(world.now, heartbeat) {
        Some(ping) if world.now - ping < patience => "Online",
        _ => "ConnectionLost",
    }
}

fn output(world: &World, instance: &Instance) -> Value {
    let scale = world.settings.time_scale;
    let heartbeat = world.settings.timings.agent_heartbeat.mul_f64(scale);
    let mut output = json!({
        "InstanceId": instance.id,
        "PingStatus": ping_status(world, instance),
        "LastPingDateTime": instance
            .agent
            .last_ping(world.now, heartbeat)
            .map(epoch_seconds),
        "AgentVersion": AGENT_VERSION,
        "IsLatestVersion": true,
        "PlatformType": instance.platform,
        "PlatformName": if instance.platform == "Linux" { "Amazon Linux" } else { instance.platform },
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
    });
    // A machine without associations has none of these (samples of the API reference and of users).
    let status = match instance.associations {
        Associations::None => return output,
        Associations::Pending => "Pending",
        Associations::Done(at) => {
            output["LastAssociationExecutionDate"] = epoch_seconds(at);
            output["LastSuccessfulAssociationExecutionDate"] = epoch_seconds(at);
            "Success"
        }
    };
    output["AssociationStatus"] = status.into();
    output["AssociationOverview"] = json!({
        "DetailedStatus": status,
        "InstanceAssociationStatusAggregatedCount": { status: 1 },
    });
    output
}
