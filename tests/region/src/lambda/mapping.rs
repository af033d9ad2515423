//! Event-source mappings: from a queue to a function.
//!
//! Source: Lambda Developer Guide, "Using Lambda with Amazon SQS" (`aws-semantics.md` §6).

use super::Due;
use super::function::FunctionError;
use super::invocation::{self, Source};
use crate::iam;
use crate::sqs::{self, Received};
use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// From one queue to one function.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// ARN of the queue.
    pub queue_arn: String,
    /// Name of the function.
    pub function: String,
    /// Most messages of one invocation.
    pub batch_size: usize,
    /// How long messages are gathered (standard queues only).
    pub batching_window: Duration,
    /// Most invocations at a time.
    pub maximum_concurrency: Option<usize>,
    /// Whether the function may return `batchItemFailures`.
    pub reports_failures: bool,
    /// Whether it polls.
    pub enabled: bool,
    /// Invocations running now.
    pub(super) in_flight: usize,
    /// Whether a poll is on the agenda.
    pub(super) poll_is_due: bool,
}

/// Messages that one invocation works on.
#[derive(Debug)]
pub struct Batch {
    mapping: usize,
    queue: String,
    /// The event, until the function is invoked with it.
    payload: Value,
    /// Message id and receipt handle.
    messages: Vec<(String, String)>,
}

impl Mapping {
    /// A mapping with Lambda's defaults.
    pub fn new(queue_arn: String, function: String) -> Self {
        Self {
            queue_arn,
            function,
            batch_size: 10,
            batching_window: Duration::ZERO,
            maximum_concurrency: None,
            reports_failures: false,
            enabled: true,
            in_flight: 0,
            poll_is_due: false,
        }
    }

    fn is_full(&self) -> bool {
        self.maximum_concurrency
            .is_some_and(|most| self.in_flight >= most)
    }
}

/// The queue may have something to receive: its mappings will look.
pub fn queue_changed(world: &mut World, queue: &str) {
    let Some(queue) = world.sqs.queues.get(queue) else {
        return;
    };
    if !queue.has_available(world.now) {
        return;
    }
    let waiting: Vec<usize> = world
        .lambda
        .mappings
        .iter()
        .enumerate()
        .filter(|(_, mapping)| mapping.queue_arn == queue.arn)
        .map(|(index, _)| index)
        .collect();
    for index in waiting {
        schedule_poll(world, index);
    }
}

/// A function has room again: its mappings will look.
pub(super) fn look_again(world: &mut World, function: &str) {
    let queues: BTreeSet<String> = world
        .lambda
        .mappings
        .iter()
        .filter(|mapping| mapping.function == function)
        .filter_map(|mapping| world.sqs.by_arn(&mapping.queue_arn))
        .map(|queue| queue.name.clone())
        .collect();
    for queue in queues {
        queue_changed(world, &queue);
    }
}

fn schedule_poll(world: &mut World, index: usize) {
    let mapping = &mut world.lambda.mappings[index];
    if mapping.poll_is_due || !mapping.enabled || mapping.is_full() {
        return;
    }
    mapping.poll_is_due = true;
    let window = mapping.batching_window;
    let delay = world.draw(world.settings.timings.queue_to_function) + window;
    world.after(delay, crate::world::Due::Lambda(Due::Poll(index)));
}

/// Receives batches and invokes the function with them, while there are messages and room.
pub(super) fn poll(world: &mut World, index: usize) {
    world.lambda.mappings[index].poll_is_due = false;
    loop {
        let mapping = world.lambda.mappings[index].clone();
        if mapping.is_full() {
            return;
        }
        let Some(queue) = world.sqs.by_arn(&mapping.queue_arn) else {
            return;
        };
        let queue = queue.name.clone();
        let principal = world.iam.principal(&mapping.function);
        if iam::allow(world, &principal, "sqs:ReceiveMessage", &mapping.queue_arn).is_err() {
            // It goes on polling (assumed: at this pace).
            world.lambda.mappings[index].poll_is_due = true;
            let due = crate::world::Due::Lambda(Due::Poll(index));
            world.after(DENIED_POLL_PAUSE, due);
            return;
        }
        let received = gather(world, &queue, mapping.batch_size);
        if received.is_empty() {
            return;
        }
        let payload = records(world, &mapping, &received);
        let late = world.faults.deliveries.start_delay(&queue);
        let batch = Batch {
            mapping: index,
            queue,
            payload,
            messages: received
                .into_iter()
                .map(|received| (received.message.id, received.receipt_handle))
                .collect(),
        };
        if let Some(delay) = late {
            let due = Due::Start(Box::new(batch));
            world.after(delay, crate::world::Due::Lambda(due));
        } else if !start(world, batch) {
            return;
        }
    }
}

/// Invokes the function with a batch; answers whether there was room for that. A throttled
/// invocation costs its messages a receive: they come back when their visibility ends.
pub(super) fn start(world: &mut World, mut batch: Batch) -> bool {
    let function = world.lambda.mappings[batch.mapping].function.clone();
    if !invocation::has_capacity(world, &function) {
        return false;
    }
    world.lambda.mappings[batch.mapping].in_flight += 1;
    let payload = std::mem::take(&mut batch.payload);
    let request_id = world.uuid();
    invocation::start(world, &function, request_id, payload, Source::Batch(batch));
    true
}

/// Between two polls that the role does not allow.
const DENIED_POLL_PAUSE: Duration = Duration::from_mins(1);

/// Up to `batch_size` messages; one receive gives at most ten.
fn gather(world: &mut World, queue: &str, batch_size: usize) -> Vec<Received> {
    let mut gathered = Vec::new();
    while gathered.len() < batch_size {
        let limit = (batch_size - gathered.len()).min(10);
        match sqs::receive(world, queue, limit, None) {
            Ok(received) if !received.is_empty() => gathered.extend(received),
            _ => break,
        }
    }
    gathered
}

/// The event of a batch, as Lambda gives it to the function.
fn records(world: &World, mapping: &Mapping, received: &[Received]) -> Value {
    let records: Vec<Value> = received
        .iter()
        .map(|received| record(world, mapping, received))
        .collect();
    json!({ "Records": records })
}

fn record(world: &World, mapping: &Mapping, received: &Received) -> Value {
    let message = &received.message;
    let attributes: serde_json::Map<String, Value> = message
        .attributes
        .iter()
        .map(|(name, attribute)| {
            let mut value = json!({
                "dataType": attribute.data_type,
                "stringListValues": [],
                "binaryListValues": [],
            });
            if let Some(text) = &attribute.string_value {
                value["stringValue"] = text.clone().into();
            }
            if let Some(bytes) = &attribute.binary_value {
                value["binaryValue"] = bytes.clone().into();
            }
            (name.clone(), value)
        })
        .collect();
    let mut value = json!({
        "messageId": message.id,
        "receiptHandle": received.receipt_handle,
        "body": message.body,
        "attributes": sqs::system_attributes(message),
        "messageAttributes": attributes,
        "md5OfBody": message.md5_of_body(),
        "eventSource": "aws:sqs",
        "eventSourceARN": mapping.queue_arn,
        "awsRegion": world.settings.region_name,
    });
    if let Some(digest) = sqs::md5_of_attributes(&message.attributes) {
        value["md5OfMessageAttributes"] = digest.into();
    }
    value
}

/// Deletes what succeeded. What failed stays invisible until its visibility ends.
pub(super) fn settle(world: &mut World, batch: &Batch, result: Result<Value, FunctionError>) {
    let mapping = &mut world.lambda.mappings[batch.mapping];
    mapping.in_flight -= 1;
    let failed = match result {
        Ok(answer) if mapping.reports_failures => failures(&answer, batch),
        Ok(_) => Some(BTreeSet::new()),
        Err(_) => None,
    };
    let Some(failed) = failed else {
        return;
    };
    let (function, arn) = (mapping.function.clone(), mapping.queue_arn.clone());
    let done = |message_id: &String| !failed.contains(message_id);
    if !batch
        .messages
        .iter()
        .any(|(message_id, _)| done(message_id))
    {
        return;
    }
    let principal = world.iam.principal(&function);
    if iam::allow(world, &principal, "sqs:DeleteMessage", &arn).is_err() {
        return;
    }
    for (message_id, handle) in &batch.messages {
        let mut lost = || {
            let deliveries = &mut world.faults.deliveries;
            deliveries.loses_delete(&batch.queue, &mut world.rng)
        };
        if done(message_id) && !lost() {
            // Refused when a FIFO message became visible while the function was running: then it
            // is delivered again, as on AWS.
            let _ = sqs::delete(world, &batch.queue, handle);
        }
    }
}

/// Ids of the failed messages; `None` when the whole batch failed.
/// Source: Lambda Developer Guide, "Success and failure conditions".
fn failures(answer: &Value, batch: &Batch) -> Option<BTreeSet<String>> {
    let list = match answer {
        Value::Null => return Some(BTreeSet::new()),
        Value::Object(answer) => match answer.get("batchItemFailures") {
            None | Some(Value::Null) => return Some(BTreeSet::new()),
            Some(list) => list.as_array()?,
        },
        _ => return None,
    };
    list.iter()
        .map(|item| {
            let id = item.get("itemIdentifier")?.as_str()?;
            let known = batch.messages.iter().any(|(known, _)| known == id);
            known.then(|| id.to_owned())
        })
        .collect()
}
