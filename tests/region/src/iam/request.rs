//! What a call asks of IAM: an action on each of its resources, with the condition keys that the
//! Service Authorization Reference has for them.

use super::Principal;
use super::actions::{self, Resources};
use super::condition::Context;
use super::document::Request;
use super::launch;
use crate::api::{Call, CallError, Service};
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeSet;

/// The requests of an API call.
pub(super) fn of_call(
    world: &World,
    principal: &Principal,
    call: &Call,
) -> Result<Vec<Request>, CallError> {
    let action = action_of(call);
    let unknown = || CallError::unknown_operation(call.service, &call.operation);
    let common = context(world, principal);
    let request = |resource: String, keys: Context| {
        let mut context = common.clone();
        context.extend(keys);
        Request {
            action: action.clone(),
            resource,
            context,
        }
    };
    let input = &call.input;
    Ok(match actions::resources(&action).ok_or_else(unknown)? {
        Resources::None => vec![request("*".to_owned(), Context::new())],
        Resources::NoneInSystemsManager => vec![request(anything(world), Context::new())],
        Resources::Groups => groups_of(world, input)
            .into_iter()
            .map(|group| {
                let (arn, mut keys) = group_keys(world, &group);
                keys.extend(request_tags(input));
                keys.extend(launch::keys(call));
                request(arn, keys)
            })
            .chain(launch::of_call(world, principal, call))
            .collect(),
        Resources::Queue => return Ok(on_queues(world, principal, call, &action)),
        Resources::DocumentAndInstances => {
            let mut requests = vec![request(document_arn(world, input), Context::new())];
            for instance in texts(&input["InstanceIds"]) {
                requests.push(request(
                    instance_arn(world, &instance),
                    instance_keys(world, &instance),
                ));
            }
            requests
        }
        Resources::Instance | Resources::LogStream | Resources::Function | Resources::Launch => {
            return Err(unknown());
        }
    })
}

/// The request of a service by itself.
pub(super) fn of_service(
    world: &World,
    principal: &Principal,
    action: &str,
    resource: &str,
) -> Request {
    let resource = match actions::resources(action) {
        Some(Resources::None) => "*".to_owned(),
        Some(Resources::NoneInSystemsManager) => anything(world),
        _ => resource.to_owned(),
    };
    Request {
        action: action.to_owned(),
        resource,
        context: context(world, principal),
    }
}

/// The batch operations of SQS need the permission for the single one.
fn action_of(call: &Call) -> String {
    let operation = match call.service {
        Service::Sqs => call.operation.trim_end_matches("Batch"),
        Service::AutoScaling | Service::Ssm | Service::Sts => &call.operation,
    };
    let prefix = match call.service {
        Service::AutoScaling => "autoscaling",
        Service::Ssm => "ssm",
        Service::Sqs => "sqs",
        Service::Sts => "sts",
    };
    format!("{prefix}:{operation}")
}

/// Keys of every request.
pub(super) fn context(world: &World, principal: &Principal) -> Context {
    let mut context = Context::new();
    let mut set = |key: &str, value: String| context.insert(key.to_lowercase(), vec![value]);
    let is_service = matches!(principal, Principal::Service { .. });
    set("aws:PrincipalIsAWSService", is_service.to_string());
    if let Principal::Service { source, .. } = principal {
        set("aws:SourceAccount", world.settings.account_id.clone());
        if let Some(source) = source {
            set("aws:SourceArn", source.clone());
        }
    } else {
        set("aws:PrincipalArn", principal.identity_arn());
    }
    context
}

/// The groups that a call names. An instance that is to be terminated is its group's.
fn groups_of(world: &World, input: &Value) -> BTreeSet<String> {
    if let Some(tags) = input["Tags"].as_array()
        && input.get("AutoScalingGroupName").is_none()
    {
        let names = tags.iter().filter_map(|tag| tag["ResourceId"].as_str());
        return names.map(str::to_owned).collect();
    }
    let named = input["AutoScalingGroupName"].as_str();
    let name = match (named, input["InstanceId"].as_str()) {
        (Some(name), _) => name.to_owned(),
        (None, Some(instance)) => world
            .autoscaling
            .group_of(instance)
            .map_or_else(|| "*".to_owned(), |group| group.name.clone()),
        (None, None) => "*".to_owned(),
    };
    BTreeSet::from([name])
}

/// A group's ARN and tags. One that is not there has no tags, and `*` for its id
/// (data-transfer-hub#156 shows it); that AWS asks for permission first is assumed.
fn group_keys(world: &World, name: &str) -> (String, Context) {
    let Some(group) = world.autoscaling.groups.get(name) else {
        let resource = format!("autoScalingGroup:*:autoScalingGroupName/{name}");
        let arn = world.settings.arn("autoscaling", &resource);
        return (arn, Context::new());
    };
    let tags = group.tags.iter().map(|(key, tag)| (key, &tag.value));
    let keys = tag_keys(&["autoscaling:ResourceTag", "aws:ResourceTag"], tags);
    (group.arn.clone(), keys)
}

fn tag_keys<'tag>(
    prefixes: &[&str],
    tags: impl Iterator<Item = (&'tag String, &'tag String)>,
) -> Context {
    let mut keys = Context::new();
    for (key, value) in tags {
        for prefix in prefixes {
            keys.insert(
                format!("{prefix}/{key}").to_lowercase(),
                vec![value.clone()],
            );
        }
    }
    keys
}

/// `aws:TagKeys` and `aws:RequestTag`: of the whole request, whichever resource each tag is for.
fn request_tags(input: &Value) -> Context {
    let mut keys = Context::new();
    let mut names = Vec::new();
    for tag in input["Tags"].as_array().into_iter().flatten() {
        let Some(key) = tag["Key"].as_str() else {
            continue;
        };
        names.push(key.to_owned());
        let value = tag["Value"].as_str().unwrap_or_default().to_owned();
        keys.insert(format!("aws:RequestTag/{key}").to_lowercase(), vec![value]);
    }
    if !names.is_empty() {
        keys.insert("aws:TagKeys".to_lowercase(), names);
    }
    keys
}

fn on_queues(world: &World, principal: &Principal, call: &Call, action: &str) -> Vec<Request> {
    let input = &call.input;
    let on = |action: &str, resource: &str| of_service(world, principal, action, resource);
    match call.operation.as_str() {
        // A redrive receives, deletes and sends in the name of whoever starts it (SQS Developer
        // Guide, "Configuring queue permissions for a dead-letter queue redrive").
        "StartMessageMoveTask" => {
            let source = text(&input["SourceArn"]);
            let mut requests: Vec<Request> = [
                "sqs:StartMessageMoveTask",
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
            ]
            .map(|action| on(action, &source))
            .into();
            let destinations = match input["DestinationArn"].as_str() {
                Some(destination) => vec![destination.to_owned()],
                None => dead_letter_sources(world, &source),
            };
            requests.extend(
                destinations
                    .iter()
                    .map(|destination| on("sqs:SendMessage", destination)),
            );
            requests
        }
        "ListMessageMoveTasks" => vec![on(action, &text(&input["SourceArn"]))],
        "CancelMessageMoveTask" => {
            let source = world.sqs.source_of_move(&text(&input["TaskHandle"]));
            vec![on(action, &source.unwrap_or_else(|| "*".to_owned()))]
        }
        "CreateQueue" | "GetQueueUrl" => {
            vec![on(action, &queue_arn(world, &text(&input["QueueName"])))]
        }
        _ => {
            let url = text(&input["QueueUrl"]);
            let name = url.rsplit('/').next().unwrap_or_default();
            vec![on(action, &queue_arn(world, name))]
        }
    }
}

/// The queues whose dead letters go to this one.
fn dead_letter_sources(world: &World, arn: &str) -> Vec<String> {
    let queues = world.sqs.queues.values();
    queues
        .filter(|queue| {
            let policy = queue.attributes.redrive_policy();
            policy.is_some_and(|policy| policy.dead_letter_arn == arn)
        })
        .map(|queue| queue.arn.clone())
        .collect()
}

fn queue_arn(world: &World, name: &str) -> String {
    world.settings.arn("sqs", name)
}

/// A document of AWS's own belongs to no account.
fn document_arn(world: &World, input: &Value) -> String {
    let settings = &world.settings;
    let name = text(&input["DocumentName"]);
    if name.starts_with("AWS-") {
        let (partition, region) = (settings.partition(), &settings.region_name);
        return format!("arn:{partition}:ssm:{region}::document/{name}");
    }
    settings.arn("ssm", &format!("document/{name}"))
}

/// The ARN of an instance.
pub(crate) fn instance_arn(world: &World, instance: &str) -> String {
    let resource = format!("instance/{instance}");
    world.settings.arn("ec2", &resource)
}

fn instance_keys(world: &World, instance: &str) -> Context {
    let instance = world.compute.instances.get(instance);
    let tags = instance.into_iter().flat_map(|instance| &instance.tags);
    tag_keys(&["ssm:resourceTag", "aws:ResourceTag"], tags)
}

fn anything(world: &World) -> String {
    world.settings.arn("ssm", "*")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}
