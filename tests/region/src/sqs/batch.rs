//! The batch operations: checked as a whole, then done entry by entry.

use super::errors::invalid;
use super::inputs::{Batch, DeleteEntry, SendEntry, VisibilityEntry, queue_name, read_input};
use super::messages;
use crate::api::{Answer, Call, CallError};
use crate::world::World;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const MOST_ENTRIES: usize = 10;
const MOST_BYTES: usize = 1_048_576;

pub(super) fn send(world: &mut World, call: &Call) -> Answer {
    let (queue, entries) =
        entries::<SendEntry>(world, &call.input, "SendMessageBatchRequestEntry", |e| {
            &e.id
        })?;
    let entries: Vec<_> = entries
        .into_iter()
        .map(|entry| (entry.id.clone(), entry.message()))
        .collect();
    let bytes: usize = entries
        .iter()
        .filter_map(|(_, message)| message.as_ref().ok())
        .map(messages::size)
        .sum();
    if bytes > MOST_BYTES {
        return Err(CallError::sender(
            "BatchRequestTooLong",
            format!(
                "Batch requests cannot be longer than {MOST_BYTES} bytes. You have sent {bytes} \
                 bytes."
            ),
        ));
    }
    for message in entries
        .iter()
        .filter_map(|(_, message)| message.as_ref().ok())
    {
        let known = super::queue_mut(world, &queue)?;
        // These refuse the whole batch, with one code (seen at AWS: LocalStack's
        // `test_send_batch_missing_message_group_id_for_fifo_queue`).
        messages::check_order(known, message).map_err(|error| invalid(error.message))?;
    }
    Ok(each(entries, |message| {
        messages::send_to(world, &queue, &call.caller, message?).map_err(|error| CallError {
            // Worded otherwise than for a single message (`test_send_batch_message_size`).
            message: error.message.replacen(
                "One or more parameters are invalid.",
                "One or more parameters cannot be validated.",
                1,
            ),
            ..error
        })
    }))
}

pub(super) fn delete(world: &mut World, value: &Value) -> Answer {
    let (queue, entries) =
        entries::<DeleteEntry>(world, value, "DeleteMessageBatchRequestEntry", |e| &e.id)?;
    let entries = entries.into_iter().map(|entry| (entry.id.clone(), entry));
    Ok(each(entries, |entry| {
        super::delete(world, &queue, &entry.receipt_handle)?;
        Ok(json!({}))
    }))
}

pub(super) fn change_visibility(world: &mut World, value: &Value) -> Answer {
    let name = "ChangeMessageVisibilityBatchRequestEntry";
    let (queue, entries) = entries::<VisibilityEntry>(world, value, name, |e| &e.id)?;
    let entries = entries.into_iter().map(|entry| (entry.id.clone(), entry));
    Ok(each(entries, |entry| {
        let timeout = messages::visibility(entry.visibility_timeout)?;
        super::change_visibility(world, &queue, &entry.receipt_handle, timeout)?;
        Ok(json!({}))
    }))
}

/// Does the entries one by one; a refused one does not stop the others.
fn each<T>(
    entries: impl IntoIterator<Item = (String, T)>,
    mut act: impl FnMut(T) -> Answer,
) -> Value {
    let mut answer = json!({ "Successful": [], "Failed": [] });
    for (id, entry) in entries {
        let (list, mut result) = match act(entry) {
            Ok(result) => ("Successful", result),
            Err(error) => (
                "Failed",
                json!({
                    "SenderFault": error.status < 500,
                    "Code": error.code,
                    "Message": error.message,
                }),
            ),
        };
        result["Id"] = id.into();
        answer[list].as_array_mut().expect("a list").push(result);
    }
    answer
}

/// The queue's name and the entries, after the checks that refuse the whole request.
fn entries<T: DeserializeOwned>(
    world: &World,
    value: &Value,
    entry_name: &str,
    id: impl Fn(&T) -> &String,
) -> Result<(String, Vec<T>), CallError> {
    let request: Batch = read_input(value)?;
    let queue = queue_name(world, request.queue_url.as_ref())?;
    if request.entries.is_empty() {
        return Err(CallError::sender(
            "EmptyBatchRequest",
            format!("There should be at least one {entry_name} in the request."),
        ));
    }
    if request.entries.len() > MOST_ENTRIES {
        return Err(CallError::sender(
            "TooManyEntriesInBatchRequest",
            format!(
                "Maximum number of entries per request are {MOST_ENTRIES}. You have sent {}.",
                request.entries.len()
            ),
        ));
    }
    let entries: Vec<T> = request
        .entries
        .iter()
        .map(read_input)
        .collect::<Result<_, _>>()?;
    let mut seen = BTreeSet::new();
    for entry in &entries {
        let id = id(entry);
        let fine = (1..=80).contains(&id.len())
            && id
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !fine {
            return Err(CallError::sender(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and \
                 underscores. It can be at most 80 letters long.",
            ));
        }
        if !seen.insert(id) {
            return Err(CallError::sender(
                "BatchEntryIdsNotDistinct",
                format!("Id {id} repeated."),
            ));
        }
    }
    Ok((queue, entries))
}
