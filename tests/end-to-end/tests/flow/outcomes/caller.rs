//! A service that reads the outcome queue: receives, drops repeats, deletes.

use end_to_end::Harness;
use region::api::Service;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a caller waits for what must come.
const PATIENCE: Duration = Duration::from_hours(5);

/// What a caller has heard.
pub(crate) struct Caller<'a> {
    harness: &'a Harness,
    /// One outcome for each claim and target, in the order they came.
    pub(crate) heard: Vec<Heard>,
    /// How many more it received, and dropped.
    pub(crate) repeats: usize,
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// What can be filtered on without reading the body.
    pub(crate) attributes: BTreeMap<String, String>,
    /// The trace that it came in.
    pub(crate) trace: Option<String>,
    /// The outcome.
    pub(crate) outcome: Value,
}

impl<'a> Caller<'a> {
    pub(crate) fn of(harness: &'a Harness) -> Self {
        Self {
            harness,
            heard: Vec::new(),
            repeats: 0,
        }
    }

    /// Reads everything that is there now.
    pub(crate) async fn listen(&mut self) {
        let url = self.harness.queue("OutcomeQueue");
        loop {
            let input = json!({
                "QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"],
                "MessageSystemAttributeNames": ["AWSTraceHeader"],
            });
            let answer = self.harness.call(Service::Sqs, "ReceiveMessage", input);
            let answer = answer.await.expect("the queue can be read");
            let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return;
            }
            for message in messages {
                self.take(&message);
                let input = json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] });
                let deleted = self.harness.call(Service::Sqs, "DeleteMessage", input);
                deleted.await.expect("it can be deleted");
            }
        }
    }

    fn take(&mut self, message: &Value) {
        let outcome: Value = serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
        let attributes = message["MessageAttributes"].as_object().unwrap();
        let attributes = attributes
            .iter()
            .map(|(name, value)| {
                let text = value["StringValue"].as_str().unwrap();
                (name.clone(), text.to_owned())
            })
            .collect();
        let same = |heard: &Heard| {
            heard.outcome["claim_id"] == outcome["claim_id"]
                && heard.outcome["target_group"] == outcome["target_group"]
        };
        if self.heard.iter().any(same) {
            self.repeats += 1;
        } else {
            let trace = &message["Attributes"]["AWSTraceHeader"];
            self.heard.push(Heard {
                attributes,
                trace: trace.as_str().map(str::to_owned),
                outcome,
            });
        }
    }

    /// Waits for a claim's outcome.
    pub(crate) async fn hear(&mut self, claim_id: &str) -> Heard {
        let waiting = async {
            loop {
                self.listen().await;
                let found = self.with("claim_id", claim_id);
                if let [heard, ..] = found.as_slice() {
                    return heard.clone();
                }
                self.harness.pass(Duration::from_secs(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("never heard of {claim_id}"))
    }

    /// What a filter on one attribute lets through.
    pub(crate) fn with(&self, attribute: &str, value: &str) -> Vec<Heard> {
        self.heard
            .iter()
            .filter(|heard| heard.attributes.get(attribute).map(String::as_str) == Some(value))
            .cloned()
            .collect()
    }
}
