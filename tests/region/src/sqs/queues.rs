//! The operations on queues.

use super::attributes::Attributes;
use super::errors::{invalid, invalid_value, missing, no_queue};
use super::inputs::{
    CreateQueue, GetQueueAttributes, GetQueueUrl, ListQueueTags, ListQueues, PurgeQueue,
    SetQueueAttributes, queue_name, read_input,
};
use super::queue::Queue;
use crate::api::{Answer, CallError};
use crate::iam;
use crate::paging::page;
use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Queues in one answer of `ListQueues` (API reference).
const MAX_QUEUES: usize = 1_000;

pub(super) fn create(world: &mut World, value: &Value) -> Answer {
    let request: CreateQueue = read_input(value)?;
    let name = request.queue_name.ok_or_else(|| missing("QueueName"))?;
    let mut attributes = Attributes::default();
    attributes.set(&request.attributes)?;
    check_name(&name, attributes.is_fifo())?;
    check_fifo_attributes(&attributes, &request.attributes)?;
    if let Some(existing) = world.sqs.queues.get(&name) {
        return match existing.attributes.difference(&request.attributes) {
            None => Ok(json!({ "QueueUrl": existing.url })),
            Some(attribute) => Err(CallError::sender(
                "QueueNameExists",
                format!(
                    "A queue already exists with the same name and a different value for \
                     attribute {attribute}"
                ),
            )),
        };
    }
    check_redrive(world, &attributes, &request.attributes)?;
    let settings = &world.settings;
    let arn = settings.arn("sqs", &name);
    let url = format!("{}/{}/{name}", settings.endpoint, settings.account_id);
    if let Some(policy) = request.attributes.get("Policy") {
        iam::queue_policy_set(world, &arn, policy)?;
    }
    let mut queue = Queue::new(name.clone(), arn, url.clone(), attributes, world.now);
    queue.tags = request.tags;
    world.sqs.queues.insert(name, queue);
    Ok(json!({ "QueueUrl": url }))
}

fn check_name(name: &str, fifo: bool) -> Result<(), CallError> {
    let stem = if fifo {
        name.strip_suffix(".fifo")
    } else {
        Some(name)
    };
    let fine = stem.is_some_and(|stem| {
        !stem.is_empty()
            && stem
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    }) && name.len() <= 80;
    match (fine, fifo) {
        (true, _) => Ok(()),
        (false, true) => Err(invalid(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
             underscores, must end with .fifo suffix and be 1 to 80 in length.",
        )),
        (false, false) => Err(invalid(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        )),
    }
}

/// Attributes that only a FIFO queue has are unknown to others.
fn check_fifo_attributes(
    attributes: &Attributes,
    given: &BTreeMap<String, String>,
) -> Result<(), CallError> {
    const FIFO_ONLY: [&str; 3] = [
        "ContentBasedDeduplication",
        "DeduplicationScope",
        "FifoThroughputLimit",
    ];
    if attributes.is_fifo() {
        return Ok(());
    }
    // AWS refuses `FifoQueue: false`, too: it can only be left out.
    let refused = given
        .keys()
        .find(|name| FIFO_ONLY.contains(&name.as_str()) || name.as_str() == "FifoQueue");
    let Some(name) = refused else {
        return Ok(());
    };
    let message = match name.as_str() {
        "DeduplicationScope" | "FifoThroughputLimit" => {
            format!("You can specify the {name} only when FifoQueue is set to true.")
        }
        _ => format!("Unknown Attribute {name}."),
    };
    Err(CallError::sender("InvalidAttributeName", message))
}

fn check_redrive(
    world: &World,
    attributes: &Attributes,
    given: &BTreeMap<String, String>,
) -> Result<(), CallError> {
    let (Some(policy), Some(text)) = (attributes.redrive_policy(), given.get("RedrivePolicy"))
    else {
        return Ok(());
    };
    let refused = |reason| Err(invalid_value(text, "RedrivePolicy", reason));
    match world.sqs.by_arn(&policy.dead_letter_arn) {
        None => refused("Dead letter target does not exist."),
        Some(target) if target.attributes.is_fifo() != attributes.is_fifo() => {
            refused("Dead-letter queue must be same type of queue as the source.")
        }
        Some(_) => Ok(()),
    }
}

pub(super) fn url(world: &World, value: &Value) -> Answer {
    let request: GetQueueUrl = read_input(value)?;
    let name = request.queue_name.ok_or_else(|| missing("QueueName"))?;
    if request
        .owner
        .is_some_and(|owner| owner != world.settings.account_id)
    {
        return Err(no_queue());
    }
    let queue = world.sqs.queues.get(&name).ok_or_else(no_queue)?;
    Ok(json!({ "QueueUrl": queue.url }))
}

/// A queue without tags is answered without the member (assumed: as `ListQueues` and `GetQueueAttributes`).
pub(super) fn tags(world: &World, value: &Value) -> Answer {
    let request: ListQueueTags = read_input(value)?;
    let name = queue_name(world, request.queue_url.as_ref())?;
    let tags = &world.sqs.queues[&name].tags;
    if tags.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({ "Tags": tags }))
}

pub(super) fn list(world: &World, value: &Value) -> Answer {
    let request: ListQueues = read_input(value)?;
    let urls: Vec<&str> = world
        .sqs
        .queues
        .values()
        .filter(|queue| queue.name.starts_with(&request.queue_name_prefix))
        .map(|queue| queue.url.as_str())
        .collect();
    // Without `MaxResults` there is no token (API reference).
    let size = request.max_results.unwrap_or(MAX_QUEUES).min(MAX_QUEUES);
    let (urls, next) = page(urls, size, request.next_token.as_deref())
        .ok_or_else(|| invalid("Invalid or expired next token."))?;
    let mut answer = json!({});
    if !urls.is_empty() {
        answer["QueueUrls"] = json!(urls);
    }
    if let Some(next) = next.filter(|_| request.max_results.is_some()) {
        answer["NextToken"] = json!(next);
    }
    Ok(answer)
}

pub(super) fn attributes(world: &World, value: &Value) -> Answer {
    let request: GetQueueAttributes = read_input(value)?;
    let name = queue_name(world, request.queue_url.as_ref())?;
    let queue = &world.sqs.queues[&name];
    let counts = queue.counts(world.now);
    let mut all = queue.attributes.shown();
    all.extend(
        [
            ("QueueArn", queue.arn.clone()),
            ("ApproximateNumberOfMessages", counts.visible.to_string()),
            (
                "ApproximateNumberOfMessagesNotVisible",
                counts.in_flight.to_string(),
            ),
            (
                "ApproximateNumberOfMessagesDelayed",
                counts.delayed.to_string(),
            ),
            (
                "CreatedTimestamp",
                queue.created_at.unix_timestamp().to_string(),
            ),
            (
                "LastModifiedTimestamp",
                queue.modified_at.unix_timestamp().to_string(),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    let wanted = &request.attribute_names;
    if !wanted.iter().any(|name| name == "All") {
        check_attribute_names(wanted)?;
        all.retain(|name, _| wanted.contains(name));
    }
    if all.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({ "Attributes": all }))
}

fn check_attribute_names(names: &[String]) -> Result<(), CallError> {
    const KNOWN: [&str; 21] = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
        "ContentBasedDeduplication",
        "CreatedTimestamp",
        "DeduplicationScope",
        "DelaySeconds",
        "FifoQueue",
        "FifoThroughputLimit",
        "KmsDataKeyReusePeriodSeconds",
        "KmsMasterKeyId",
        "LastModifiedTimestamp",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "Policy",
        "QueueArn",
        "ReceiveMessageWaitTimeSeconds",
        "RedriveAllowPolicy",
        "RedrivePolicy",
        "SqsManagedSseEnabled",
        "VisibilityTimeout",
    ];
    match names.iter().find(|name| !KNOWN.contains(&name.as_str())) {
        Some(name) => Err(CallError::sender(
            "InvalidAttributeName",
            format!("Unknown Attribute {name}."),
        )),
        None => Ok(()),
    }
}

pub(super) fn set_attributes(world: &mut World, value: &Value) -> Answer {
    let request: SetQueueAttributes = read_input(value)?;
    let name = queue_name(world, request.queue_url.as_ref())?;
    let mut attributes = world.sqs.queues[&name].attributes.clone();
    if request.attributes.contains_key("FifoQueue") {
        return Err(CallError::sender(
            "InvalidAttributeName",
            "Unknown Attribute FifoQueue.",
        ));
    }
    attributes.set(&request.attributes)?;
    check_fifo_attributes(&attributes, &request.attributes)?;
    check_redrive(world, &attributes, &request.attributes)?;
    if let Some(policy) = request.attributes.get("Policy") {
        let arn = world.sqs.queues[&name].arn.clone();
        iam::queue_policy_set(world, &arn, policy)?;
    }
    let now = world.now;
    let queue = super::queue_mut(world, &name)?;
    queue.attributes = attributes;
    queue.modified_at = now;
    Ok(Value::Null)
}

pub(super) fn purge(world: &mut World, value: &Value) -> Answer {
    const PAUSE: Duration = Duration::from_mins(1);
    let request: PurgeQueue = read_input(value)?;
    let name = queue_name(world, request.queue_url.as_ref())?;
    let now = world.now;
    let queue = super::queue_mut(world, &name)?;
    if queue.purged_at.is_some_and(|at| at + PAUSE > now) {
        return Err(CallError::sender(
            "PurgeQueueInProgress",
            format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds."),
        ));
    }
    queue.purge(now);
    Ok(Value::Null)
}
