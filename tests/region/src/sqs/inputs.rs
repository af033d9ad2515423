//! The input structures of SQS's operations, as the JSON protocol names their members.

use super::errors::{invalid_value, missing, no_queue};
use super::message_attributes::{MessageAttribute, MessageAttributes};
use super::queue::NewMessage;
use crate::api::CallError;
use crate::wire::input;
use crate::world::World;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateQueue {
    pub(super) queue_name: Option<String>,
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
    // The model has it in lower case.
    #[serde(default, rename = "tags", alias = "Tags")]
    pub(super) tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GetQueueUrl {
    pub(super) queue_name: Option<String>,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    pub(super) owner: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GetQueueAttributes {
    pub(super) queue_url: Option<String>,
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SetQueueAttributes {
    pub(super) queue_url: Option<String>,
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListQueues {
    #[serde(default)]
    pub(super) queue_name_prefix: String,
    pub(super) max_results: Option<usize>,
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListQueueTags {
    pub(super) queue_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PurgeQueue {
    pub(super) queue_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SendMessage {
    pub(super) queue_url: Option<String>,
    message_body: Option<String>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    #[serde(default)]
    message_system_attributes: BTreeMap<String, MessageAttribute>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SendEntry {
    pub(super) id: String,
    message_body: Option<String>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    #[serde(default)]
    message_system_attributes: BTreeMap<String, MessageAttribute>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReceiveMessage {
    pub(super) queue_url: Option<String>,
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
    #[serde(default)]
    pub(super) message_system_attribute_names: Vec<String>,
    #[serde(default)]
    pub(super) message_attribute_names: Vec<String>,
    pub(super) max_number_of_messages: Option<i64>,
    pub(super) visibility_timeout: Option<i64>,
    pub(super) wait_time_seconds: Option<i64>,
    /// Accepted: a retried receive is not recognised, it finds its group locked.
    pub(super) receive_request_attempt_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteMessage {
    pub(super) queue_url: Option<String>,
    pub(super) receipt_handle: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ChangeMessageVisibility {
    pub(super) queue_url: Option<String>,
    pub(super) receipt_handle: Option<String>,
    pub(super) visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Batch {
    pub(super) queue_url: Option<String>,
    #[serde(default)]
    pub(super) entries: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteEntry {
    pub(super) id: String,
    pub(super) receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct VisibilityEntry {
    pub(super) id: String,
    pub(super) receipt_handle: String,
    pub(super) visibility_timeout: Option<i64>,
}

impl SendMessage {
    pub(super) fn message(self) -> Result<NewMessage, CallError> {
        Ok(NewMessage {
            body: self.message_body.ok_or_else(|| missing("MessageBody"))?,
            attributes: self.message_attributes,
            trace_header: trace_header(self.message_system_attributes)?,
            delay: seconds(self.delay_seconds, "DelaySeconds", 900)?,
            group_id: self.message_group_id,
            deduplication_id: self.message_deduplication_id,
        })
    }
}

impl SendEntry {
    pub(super) fn message(self) -> Result<NewMessage, CallError> {
        SendMessage {
            queue_url: None,
            message_body: self.message_body,
            delay_seconds: self.delay_seconds,
            message_attributes: self.message_attributes,
            message_system_attributes: self.message_system_attributes,
            message_group_id: self.message_group_id,
            message_deduplication_id: self.message_deduplication_id,
        }
        .message()
    }
}

/// The only system attribute that may be sent is `AWSTraceHeader`.
fn trace_header(given: BTreeMap<String, MessageAttribute>) -> Result<Option<String>, CallError> {
    let mut header = None;
    for (name, attribute) in given {
        if name != "AWSTraceHeader" {
            return Err(super::errors::invalid(format!(
                "Message system attribute name '{name}' is invalid."
            )));
        }
        header = attribute.string_value;
    }
    Ok(header)
}

/// A duration in whole seconds, 0 to `most`.
pub(super) fn seconds(
    given: Option<i64>,
    parameter: &str,
    most: u64,
) -> Result<Option<Duration>, CallError> {
    let Some(given) = given else {
        return Ok(None);
    };
    match u64::try_from(given) {
        Ok(seconds) if seconds <= most => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(invalid_value(
            given,
            parameter,
            &format!("Must be >= 0 and <= {most}, if provided."),
        )),
    }
}

/// Reads an input structure.
pub(super) fn read_input<T: DeserializeOwned>(value: &Value) -> Result<T, CallError> {
    input::read(value, "InvalidParameterValue")
}

/// The name of the queue that a request's `QueueUrl` means.
pub(super) fn queue_name(world: &World, url: Option<&String>) -> Result<String, CallError> {
    let url = url.ok_or_else(|| missing("QueueUrl"))?;
    if !url.contains("://") {
        return Err(CallError::sender(
            "InvalidAddress",
            format!("The address {url} is not valid for this endpoint."),
        ));
    }
    // Clients may know the endpoint by another host name than the region does: only the path
    // (account and name) counts.
    let mut path = url.rsplit('/');
    let name = path.next().unwrap_or_default();
    let account = path.next().unwrap_or_default();
    if account != world.settings.account_id || !world.sqs.queues.contains_key(name) {
        return Err(no_queue());
    }
    Ok(name.to_owned())
}
