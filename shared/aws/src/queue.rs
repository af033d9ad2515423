//! SQS: sending in batches, and keeping or giving back what was received.

use crate::clients::Clients;
use crate::error;
use aws_lambda_events::event::sqs::SqsMessage;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageAttributeValue, MessageSystemAttributeNameForSends as SystemAttribute,
    MessageSystemAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry,
};
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::ids::ReceiptHandle;
use ready_pool_core::trace::Trace;
use std::collections::BTreeSet;
use std::time::Duration;

/// Entries in one batch call (API model).
const MAX_BATCH: usize = 10;
/// Bytes in one batch call (SQS quota: 1 MiB, attributes included).
const MAX_BATCH_BYTES: usize = 1024 * 1024;

const SEND: &str = "SendMessageBatch";

/// One queue.
#[derive(Clone, Debug)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its body.
    pub body: String,
    /// Group and deduplication id, for a FIFO queue.
    pub fifo: Option<Fifo>,
    /// String attributes, to filter and look by.
    pub attributes: Vec<(&'static str, String)>,
    /// The trace that it is part of. SQS passes it on to the receiver, and does not count it in the
    /// message's size (SQS API reference, `AWSTraceHeader`).
    pub trace: Option<Trace>,
}

impl Outgoing {
    /// A message for a standard queue, with this body.
    pub fn plain(body: String) -> Self {
        Self {
            body,
            fifo: None,
            attributes: Vec::new(),
            trace: None,
        }
    }

    /// A message that holds `value` as JSON.
    pub fn json(value: &impl serde::Serialize) -> Result<Self, CallError> {
        let body = serde_json::to_string(value).map_err(|error| CallError {
            operation: SEND,
            code: "NotSerializable".to_owned(),
            message: error.to_string(),
            effect: Effect::Refused,
        })?;
        Ok(Self::plain(body))
    }

    /// The message for a FIFO queue.
    #[must_use]
    pub fn ordered(self, group_id: impl Into<String>, deduplication_id: String) -> Self {
        Self {
            fifo: Some(Fifo {
                group_id: group_id.into(),
                deduplication_id,
            }),
            ..self
        }
    }

    /// The message as part of this trace.
    #[must_use]
    pub fn traced(self, trace: Option<Trace>) -> Self {
        Self { trace, ..self }
    }

    /// The message with one attribute more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }
}

/// The receipts whose visibility could not be changed, and whether they still work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VisibilityChange {
    /// They no longer work: those messages are another delivery's now, or deleted (SQS calls it the
    /// sender's fault: `ReceiptHandleIsInvalid`, `InvalidParameterValue`, `MessageNotInflight`).
    pub lost: BTreeSet<ReceiptHandle>,
    /// SQS was busy or failed: they keep the time-out that they had.
    pub unchanged: BTreeSet<ReceiptHandle>,
}

/// What a FIFO queue needs to know of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fifo {
    /// Messages of one group are delivered in order, one batch at a time.
    pub group_id: String,
    /// A second message with the same id within five minutes is swallowed.
    pub deduplication_id: String,
}

impl Queue {
    /// The queue at `url`.
    pub fn new(clients: &Clients, url: String) -> Self {
        Self {
            client: clients.queues.clone(),
            url,
        }
    }

    /// Sends messages, in order; each position answers for the message at that position. All
    /// sends are repeatable: FIFO queues swallow repeats, and readers of the others drop them.
    pub async fn send(&self, messages: &[Outgoing]) -> Vec<Result<(), CallError>> {
        let mut results = Vec::with_capacity(messages.len());
        let mut rest = messages;
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(batch_length(rest));
            results.extend(self.send_batch(batch).await);
            rest = later;
        }
        results
    }

    async fn send_batch(&self, messages: &[Outgoing]) -> Vec<Result<(), CallError>> {
        let entries: Result<Vec<_>, _> = messages
            .iter()
            .enumerate()
            .map(|(index, message)| entry(index, message))
            .collect();
        let answer = match entries {
            Ok(entries) => self
                .client
                .send_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries))
                .send()
                .await
                .map_err(|error| error::from_sdk(SEND, &error)),
            Err(_) => Err(CallError::incomplete(SEND, "complete entry")),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return messages.iter().map(|_| Err(error.clone())).collect(),
        };
        // A 200 may hold refusals: only what is listed as sent was sent.
        let sent: BTreeSet<&str> = answer.successful().iter().map(|entry| entry.id()).collect();
        (0..messages.len())
            .map(|index| {
                let id = index.to_string();
                if sent.contains(id.as_str()) {
                    return Ok(());
                }
                let refusal = answer.failed().iter().find(|entry| entry.id() == id);
                Err(CallError {
                    operation: SEND,
                    code: refusal
                        .map_or_else(|| "NotListed".to_owned(), |entry| entry.code().to_owned()),
                    message: refusal
                        .and_then(|entry| entry.message())
                        .unwrap_or_default()
                        .to_owned(),
                    effect: if refusal.is_some_and(|entry| entry.sender_fault()) {
                        Effect::Refused
                    } else {
                        Effect::Unknown
                    },
                })
            })
            .collect()
    }

    /// Sends one message.
    pub async fn send_one(&self, message: Outgoing) -> Result<(), CallError> {
        self.send(&[message]).await.into_iter().collect()
    }

    /// About how many messages it holds: those that can be received and those that somebody has
    /// received and not deleted yet. SQS's counts lag a little.
    pub async fn length(&self) -> Result<usize, CallError> {
        const OPERATION: &str = "GetQueueAttributes";
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .set_attribute_names(Some(counts.to_vec()))
            .send()
            .await
            .map_err(|error| error::from_sdk(OPERATION, &error))?;
        let attributes = answer.attributes();
        let count = |name| {
            let count = attributes.and_then(|attributes| attributes.get(name));
            count
                .and_then(|count| count.parse().ok())
                .ok_or_else(|| CallError::incomplete(OPERATION, "number of messages"))
        };
        let [visible, in_flight] = counts.each_ref().map(count);
        Ok(usize::saturating_add(visible?, in_flight?))
    }

    /// Sets for how long received messages stay invisible from now on.
    pub async fn change_visibility(
        &self,
        receipts: &[ReceiptHandle],
        duration: Duration,
    ) -> Result<VisibilityChange, CallError> {
        const OPERATION: &str = "ChangeMessageVisibilityBatch";
        let seconds = i32::try_from(duration.as_secs()).unwrap_or(i32::MAX);
        let mut change = VisibilityChange::default();
        for batch in receipts.chunks(MAX_BATCH) {
            let entries: Result<Vec<_>, _> = batch
                .iter()
                .enumerate()
                .map(|(index, receipt)| {
                    ChangeMessageVisibilityBatchRequestEntry::builder()
                        .id(index.to_string())
                        .receipt_handle(receipt.as_str())
                        .visibility_timeout(seconds)
                        .build()
                })
                .collect();
            let entries =
                entries.map_err(|_| CallError::incomplete(OPERATION, "complete entry"))?;
            let answer = self
                .client
                .change_message_visibility_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries))
                .send()
                .await
                .map_err(|error| error::from_sdk(OPERATION, &error))?;
            for failed in answer.failed() {
                let position = failed.id().parse::<usize>().ok();
                let Some(receipt) = position.and_then(|position| batch.get(position)) else {
                    continue;
                };
                if failed.sender_fault() {
                    change.lost.insert(receipt.clone());
                } else {
                    change.unchanged.insert(receipt.clone());
                }
            }
        }
        Ok(change)
    }

    /// Deletes received messages. One whose receipt no longer works is somebody else's, and stays.
    pub async fn delete(&self, receipts: &[ReceiptHandle]) -> Result<(), CallError> {
        const OPERATION: &str = "DeleteMessageBatch";
        for batch in receipts.chunks(MAX_BATCH) {
            let entries: Result<Vec<_>, _> = batch
                .iter()
                .enumerate()
                .map(|(index, receipt)| {
                    DeleteMessageBatchRequestEntry::builder()
                        .id(index.to_string())
                        .receipt_handle(receipt.as_str())
                        .build()
                })
                .collect();
            let entries =
                entries.map_err(|_| CallError::incomplete(OPERATION, "complete entry"))?;
            self.client
                .delete_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries))
                .send()
                .await
                .map_err(|error| error::from_sdk(OPERATION, &error))?;
        }
        Ok(())
    }
}

/// The trace that a received message was sent in: SQS passes it on in a system attribute (SQS Developer
/// Guide, message metadata).
pub fn trace_of(record: &SqsMessage) -> Option<Trace> {
    record.attributes.get("AWSTraceHeader")?.parse().ok()
}

fn entry(index: usize, message: &Outgoing) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(&message.body);
    if let Some(fifo) = &message.fifo {
        entry = entry
            .message_group_id(&fifo.group_id)
            .message_deduplication_id(&fifo.deduplication_id);
    }
    for (name, value) in &message.attributes {
        let value = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(value)
            .build()?;
        entry = entry.message_attributes(*name, value);
    }
    if let Some(trace) = &message.trace {
        let value = MessageSystemAttributeValue::builder()
            .data_type("String")
            .string_value(trace.to_string())
            .build()?;
        entry = entry.message_system_attributes(SystemAttribute::AwsTraceHeader, value);
    }
    entry.build()
}

/// How many of the messages go into one call.
fn batch_length(messages: &[Outgoing]) -> usize {
    let mut bytes = 0;
    let fitting = messages
        .iter()
        .take(MAX_BATCH)
        .take_while(|message| {
            bytes += message.body.len();
            for (name, value) in &message.attributes {
                bytes += name.len() + "String".len() + value.len();
            }
            bytes <= MAX_BATCH_BYTES
        })
        .count();
    fitting.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(count: usize, bytes: usize) -> Vec<Outgoing> {
        vec![Outgoing::plain("x".repeat(bytes)); count]
    }

    #[test]
    fn a_batch_stays_within_both_limits() {
        assert_eq!(batch_length(&messages(25, 100)), 10);
        assert_eq!(batch_length(&messages(3, 100)), 3);
        assert_eq!(batch_length(&messages(10, 300_000)), 3);
        assert_eq!(batch_length(&messages(2, 2_000_000)), 1);
    }
}
