//! SQS as an operator's tool sees it: queues found by their names, what they are set to, and a look at messages
//! that nobody consumes. The functions have their queues' addresses in their settings and need none of this.

use crate::clients::Clients;
use crate::error;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::CallError;
use std::collections::BTreeMap;
use std::time::Duration;

/// Messages in one `ReceiveMessage` (API model).
const MAX_RECEIVED: i32 = 10;

/// Names in one page of `ListQueues` (API model). Without a number there are no pages.
const MAX_LISTED: i32 = 1_000;

/// All queues.
#[derive(Clone, Debug)]
pub struct Queues {
    client: aws_sdk_sqs::Client,
}

/// A message that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its id: the same message may be seen twice.
    pub id: String,
    /// The text.
    pub body: String,
    /// Its string attributes.
    pub attributes: BTreeMap<String, String>,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
}

impl Queues {
    /// The adapter on these clients.
    pub fn new(clients: &Clients) -> Self {
        Self {
            client: clients.queues.clone(),
        }
    }

    /// The address of the queue of this name; `None` where there is none.
    pub async fn url(&self, name: &str) -> Result<Option<String>, CallError> {
        const OPERATION: &str = "GetQueueUrl";
        let answer = self.client.get_queue_url().queue_name(name).send().await;
        match answer {
            Ok(answer) => match answer.queue_url() {
                Some(url) => Ok(Some(url.to_owned())),
                None => Err(CallError::incomplete(OPERATION, "address")),
            },
            Err(error) => unless_absent(error::from_sdk(OPERATION, &error)),
        }
    }

    /// The addresses of the queues whose names begin so. A queue may be missing for a minute after it was made.
    pub async fn beginning_with(&self, prefix: &str) -> Result<Vec<String>, CallError> {
        let request = self.client.list_queues().queue_name_prefix(prefix);
        let mut pages = request
            .max_results(MAX_LISTED)
            .into_paginator()
            .items()
            .send();
        let mut urls = Vec::new();
        while let Some(url) = pages.next().await {
            urls.push(url.map_err(|error| error::from_sdk("ListQueues", &error))?);
        }
        Ok(urls)
    }

    /// The tags of a queue.
    pub async fn tags(&self, url: &str) -> Result<BTreeMap<String, String>, CallError> {
        let answer = self.client.list_queue_tags().queue_url(url).send().await;
        let answer = answer.map_err(|error| error::from_sdk("ListQueueTags", &error))?;
        let tags = answer.tags().into_iter().flatten();
        Ok(tags
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    /// All attributes of a queue by AWS's names; `None` where there is no such queue. Its counts lag a little.
    pub async fn attributes(
        &self,
        url: &str,
    ) -> Result<Option<BTreeMap<String, String>>, CallError> {
        let request = self.client.get_queue_attributes().queue_url(url);
        let answer = request
            .attribute_names(QueueAttributeName::All)
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return unless_absent(error::from_sdk("GetQueueAttributes", &error)),
        };
        let attributes = answer.attributes().into_iter().flatten();
        let attributes = attributes.map(|(name, value)| (name.as_str().to_owned(), value.clone()));
        Ok(Some(attributes.collect()))
    }

    /// Looks at up to ten messages, and hides them for as long from the next look. It counts as a receive, so
    /// it is only for queues that nobody consumes and that have no dead-letter queue.
    pub async fn look(&self, url: &str, hidden_for: Duration) -> Result<Vec<Seen>, CallError> {
        let seconds = i32::try_from(hidden_for.as_secs()).unwrap_or(i32::MAX);
        let request = self.client.receive_message().queue_url(url);
        let answer = request
            .max_number_of_messages(MAX_RECEIVED)
            .visibility_timeout(seconds)
            // Without a wait SQS asks only some of its servers (Developer Guide, "Short and long polling").
            .wait_time_seconds(1)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .send()
            .await;
        let answer = answer.map_err(|error| error::from_sdk("ReceiveMessage", &error))?;
        Ok(answer.messages().iter().map(read).collect())
    }
}

/// Nothing, where the queue is not there: by the query protocol's code and by the model's.
fn unless_absent<T>(error: CallError) -> Result<Option<T>, CallError> {
    let is_absent = ["NonExistentQueue", "QueueDoesNotExist"]
        .iter()
        .any(|code| error.code.ends_with(code));
    if is_absent { Ok(None) } else { Err(error) }
}

fn read(message: &aws_sdk_sqs::types::Message) -> Seen {
    let attributes = message.message_attributes().into_iter().flatten();
    let sent_at = message
        .attributes()
        .and_then(|attributes| attributes.get(&MessageSystemAttributeName::SentTimestamp))
        .and_then(|milliseconds| milliseconds.parse::<i128>().ok())
        .and_then(|milliseconds| {
            Timestamp::from_unix_timestamp_nanos(milliseconds * 1_000_000).ok()
        });
    Seen {
        id: message.message_id().unwrap_or_default().to_owned(),
        body: message.body().unwrap_or_default().to_owned(),
        attributes: attributes
            .filter_map(|(name, value)| Some((name.clone(), value.string_value()?.to_owned())))
            .collect(),
        sent_at,
    }
}
