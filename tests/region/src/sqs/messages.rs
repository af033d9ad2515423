//! The operations on single messages.

use super::errors::{invalid, invalid_value, missing, not_for_this_queue_type};
use super::inputs::{
    ChangeMessageVisibility, DeleteMessage, ReceiveMessage, SendMessage, queue_name, read_input,
    seconds,
};
use super::message_attributes::{self, MessageAttributes, md5_of_attributes, md5_of_body};
use super::queue::{Message, NewMessage, Queue, Received};
use crate::api::{Answer, Call, CallError};
use crate::world::World;
use serde_json::{Map, Value, json};
use std::time::Duration;
use time::OffsetDateTime;

pub(super) fn send(world: &mut World, call: &Call) -> Answer {
    let request: SendMessage = read_input(&call.input)?;
    let queue = queue_name(world, request.queue_url.as_ref())?;
    send_to(world, &queue, &call.caller, request.message()?)
}

/// Sends and words the answer, which is the same for a single send and for one of a batch.
pub(super) fn send_to(world: &mut World, queue: &str, sender: &str, message: NewMessage) -> Answer {
    let mut answer = json!({ "MD5OfMessageBody": md5_of_body(&message.body) });
    if let Some(digest) = md5_of_attributes(&message.attributes) {
        answer["MD5OfMessageAttributes"] = digest.into();
    }
    if let Some(header) = &message.trace_header {
        let attributes = MessageAttributes::from([(
            "AWSTraceHeader".to_owned(),
            message_attributes::MessageAttribute::string(header),
        )]);
        answer["MD5OfMessageSystemAttributes"] = md5_of_attributes(&attributes).into();
    }
    let sent = super::send(world, queue, sender, message)?;
    answer["MessageId"] = sent.message_id.into();
    if let Some(number) = sent.sequence_number {
        answer["SequenceNumber"] = number.into();
    }
    Ok(answer)
}

/// What SQS refuses to send to this queue.
pub(super) fn check(queue: &Queue, new: &NewMessage) -> Result<(), CallError> {
    if new.body.is_empty() {
        return Err(missing("MessageBody"));
    }
    let allowed = |c: char| {
        matches!(c, '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{D7FF}'
            | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
    };
    if !new.body.chars().all(allowed) {
        return Err(CallError::sender(
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to \
             #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        ));
    }
    message_attributes::check(&new.attributes)?;
    let most = queue.attributes.maximum_message_size();
    if size(new) > most {
        return Err(invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {most} \
             bytes."
        )));
    }
    if let Some(group) = &new.group_id {
        check_id(group, "MessageGroupId")?;
    }
    if let Some(id) = &new.deduplication_id {
        check_id(id, "MessageDeduplicationId")?;
    }
    check_for_type(queue, new)
}

fn check_for_type(queue: &Queue, new: &NewMessage) -> Result<(), CallError> {
    if !queue.attributes.is_fifo() {
        return match &new.deduplication_id {
            Some(id) => Err(not_for_this_queue_type(id, "MessageDeduplicationId")),
            None => Ok(()),
        };
    }
    if let Some(delay) = new.delay.filter(|delay| !delay.is_zero()) {
        return Err(not_for_this_queue_type(delay.as_secs(), "DelaySeconds"));
    }
    check_order(queue, new)
}

/// What a FIFO queue must know of a message.
pub(super) fn check_order(queue: &Queue, new: &NewMessage) -> Result<(), CallError> {
    if !queue.attributes.is_fifo() {
        return Ok(());
    }
    if new.group_id.is_none() {
        return Err(missing("MessageGroupId"));
    }
    if new.deduplication_id.is_none() && !queue.attributes.content_based_deduplication() {
        return Err(invalid(
            "The queue should either have ContentBasedDeduplication enabled or \
             MessageDeduplicationId provided explicitly",
        ));
    }
    Ok(())
}

/// Body and attributes, in bytes.
pub(super) fn size(new: &NewMessage) -> usize {
    new.body.len() + message_attributes::size(&new.attributes)
}

fn check_id(id: &str, parameter: &str) -> Result<(), CallError> {
    let fine = (1..=128).contains(&id.len()) && id.chars().all(|c| c.is_ascii_graphic());
    if fine {
        return Ok(());
    }
    Err(invalid_value(
        id,
        parameter,
        &format!(
            "{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in \
             length."
        ),
    ))
}

pub(super) fn receive(world: &mut World, value: &Value) -> Answer {
    let request: ReceiveMessage = read_input(value)?;
    let queue = queue_name(world, request.queue_url.as_ref())?;
    check_receive(world, &queue, &request)?;
    let limit = limit(&request)?;
    let visibility = seconds(request.visibility_timeout, "VisibilityTimeout", 43_200)?;
    let received = super::receive(world, &queue, limit, visibility)?;
    if received.is_empty() {
        return Ok(json!({}));
    }
    let messages: Vec<Value> = received
        .iter()
        .map(|received| shown(received, &request))
        .collect();
    Ok(json!({ "Messages": messages }))
}

fn check_receive(world: &World, queue: &str, request: &ReceiveMessage) -> Result<(), CallError> {
    seconds(request.wait_time_seconds, "WaitTimeSeconds", 20)?;
    let fifo = world.sqs.queues[queue].attributes.is_fifo();
    if let Some(id) = &request.receive_request_attempt_id
        && !fifo
    {
        return Err(not_for_this_queue_type(id, "ReceiveRequestAttemptId"));
    }
    Ok(())
}

fn limit(request: &ReceiveMessage) -> Result<usize, CallError> {
    let given = request.max_number_of_messages.unwrap_or(1);
    match usize::try_from(given) {
        Ok(limit @ 1..=10) => Ok(limit),
        _ => Err(invalid_value(
            given,
            "MaxNumberOfMessages",
            "Must be between 1 and 10, if provided.",
        )),
    }
}

/// How long a valid `ReceiveMessage` with this input may wait for a message; `None` where it is
/// refused or does not wait.
pub fn long_poll(world: &World, value: &Value) -> Option<Duration> {
    let request: ReceiveMessage = read_input(value).ok()?;
    let queue = queue_name(world, request.queue_url.as_ref()).ok()?;
    let wait = match seconds(request.wait_time_seconds, "WaitTimeSeconds", 20).ok()? {
        Some(wait) => wait,
        None => world.sqs.queues[&queue].attributes.receive_wait(),
    };
    (!wait.is_zero()).then_some(wait)
}

/// Whether a `ReceiveMessage` with this input would be answered with a message or an error at
/// `now`, so that there is nothing to wait for.
pub fn receivable(world: &World, value: &Value, now: OffsetDateTime) -> bool {
    let Ok(request) = read_input::<ReceiveMessage>(value) else {
        return true;
    };
    match queue_name(world, request.queue_url.as_ref()) {
        Ok(queue) => world.sqs.queues[&queue].has_available(now),
        Err(_) => true,
    }
}

fn shown(received: &Received, request: &ReceiveMessage) -> Value {
    let message = &received.message;
    let mut value = json!({
        "MessageId": message.id,
        "ReceiptHandle": received.receipt_handle,
        "MD5OfBody": message.md5_of_body(),
        "Body": message.body,
    });
    let wants = |name: &str| {
        request
            .message_system_attribute_names
            .iter()
            .chain(&request.attribute_names)
            .any(|wanted| wanted == "All" || wanted == name)
    };
    let mut system = system_attributes(message);
    system.retain(|name, _| wants(name));
    if !system.is_empty() {
        value["Attributes"] = Value::Object(system);
    }
    let attributes: MessageAttributes = message
        .attributes
        .iter()
        .filter(|(name, _)| wants_attribute(&request.message_attribute_names, name))
        .map(|(name, attribute)| (name.clone(), attribute.clone()))
        .collect();
    if let Some(digest) = md5_of_attributes(&attributes) {
        value["MD5OfMessageAttributes"] = digest.into();
        value["MessageAttributes"] = json!(attributes);
    }
    value
}

/// `All`, `.*`, a name, or a prefix followed by `.*`.
fn wants_attribute(wanted: &[String], name: &str) -> bool {
    wanted.iter().any(|wanted| {
        wanted == "All"
            || wanted == name
            || wanted
                .strip_suffix(".*")
                .is_some_and(|prefix| name.starts_with(prefix))
    })
}

/// The system attributes of a received message; all values are texts.
pub(crate) fn system_attributes(message: &Message) -> Map<String, Value> {
    let milliseconds = |time: OffsetDateTime| (time.unix_timestamp_nanos() / 1_000_000).to_string();
    let mut attributes = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            attributes.insert(name.to_owned(), value.into());
        }
    };
    put(
        "ApproximateReceiveCount",
        Some(message.receive_count.to_string()),
    );
    put(
        "ApproximateFirstReceiveTimestamp",
        message.first_received_at.map(milliseconds),
    );
    put("SentTimestamp", Some(milliseconds(message.sent_at)));
    put("SenderId", Some(message.sender.clone()));
    put("MessageGroupId", message.group_id.clone());
    put("MessageDeduplicationId", message.deduplication_id.clone());
    put("SequenceNumber", message.sequence_number.clone());
    put("AWSTraceHeader", message.trace_header.clone());
    put(
        "DeadLetterQueueSourceArn",
        message.dead_letter_source.clone(),
    );
    attributes
}

pub(super) fn delete(world: &mut World, value: &Value) -> Answer {
    let request: DeleteMessage = read_input(value)?;
    let queue = queue_name(world, request.queue_url.as_ref())?;
    let handle = request
        .receipt_handle
        .ok_or_else(|| missing("ReceiptHandle"))?;
    super::delete(world, &queue, &handle)?;
    Ok(Value::Null)
}

pub(super) fn change_visibility(world: &mut World, value: &Value) -> Answer {
    let request: ChangeMessageVisibility = read_input(value)?;
    let queue = queue_name(world, request.queue_url.as_ref())?;
    let handle = request
        .receipt_handle
        .ok_or_else(|| missing("ReceiptHandle"))?;
    let timeout = visibility(request.visibility_timeout)?;
    super::change_visibility(world, &queue, &handle, timeout)?;
    Ok(Value::Null)
}

/// A required `VisibilityTimeout`.
pub(super) fn visibility(given: Option<i64>) -> Result<Duration, CallError> {
    seconds(given, "VisibilityTimeout", 43_200)?.ok_or_else(|| missing("VisibilityTimeout"))
}
