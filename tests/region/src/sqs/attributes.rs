//! The attributes of a queue: what may be set, within which bounds, and how they are read.

use super::errors::{invalid, invalid_value};
use crate::api::CallError;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The attributes that were set on a queue, validated, with SQS's defaults for the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    values: BTreeMap<String, String>,
}

/// Where messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedrivePolicy {
    /// ARN of the dead-letter queue.
    pub dead_letter_arn: String,
    /// How many receives a message gets before it moves.
    pub max_receive_count: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RedriveDocument {
    dead_letter_target_arn: String,
    max_receive_count: serde_json::Value,
}

/// Attributes with a number: name, smallest, largest, default (seconds, or bytes).
/// Bounds: SQS API reference, `CreateQueue`; 1 MiB since August 2025.
const NUMBERS: [(&str, u32, u32, u32); 6] = [
    ("DelaySeconds", 0, 900, 0),
    ("MaximumMessageSize", 1_024, 1_048_576, 1_048_576),
    ("MessageRetentionPeriod", 60, 1_209_600, 345_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20, 0),
    ("VisibilityTimeout", 0, 43_200, 30),
    ("KmsDataKeyReusePeriodSeconds", 60, 86_400, 300),
];
const SWITCHES: [&str; 3] = [
    "FifoQueue",
    "ContentBasedDeduplication",
    "SqsManagedSseEnabled",
];
/// Kept and shown as they are; only the policy has an effect in the region.
const DOCUMENTS: [&str; 3] = ["Policy", "RedriveAllowPolicy", "KmsMasterKeyId"];

impl Attributes {
    /// Validates `given` and sets it over what is there. An empty value unsets an attribute that
    /// is a document.
    pub fn set(&mut self, given: &BTreeMap<String, String>) -> Result<(), CallError> {
        let mut values = self.values.clone();
        for (name, value) in given {
            check(name, value)?;
            if value.is_empty() {
                values.remove(name);
            } else {
                values.insert(name.clone(), value.clone());
            }
        }
        self.values = values;
        Ok(())
    }

    /// Everything that `GetQueueAttributes` shows of it.
    pub fn shown(&self) -> BTreeMap<String, String> {
        let mut shown: BTreeMap<String, String> = NUMBERS
            .iter()
            .filter(|(name, ..)| *name != "KmsDataKeyReusePeriodSeconds")
            .map(|(name, _, _, default)| ((*name).to_owned(), default.to_string()))
            .collect();
        shown.insert("SqsManagedSseEnabled".to_owned(), "true".to_owned());
        if self.is_fifo() {
            for (name, default) in [
                ("ContentBasedDeduplication", "false"),
                ("DeduplicationScope", "queue"),
                ("FifoThroughputLimit", "perQueue"),
            ] {
                shown.insert(name.to_owned(), default.to_owned());
            }
        }
        shown.extend(self.values.clone());
        shown
    }

    /// The first attribute in `given` whose value differs from this queue's.
    pub fn difference(&self, given: &BTreeMap<String, String>) -> Option<String> {
        let shown = self.shown();
        given
            .iter()
            .find(|(name, value)| shown.get(*name) != Some(value))
            .map(|(name, _)| name.clone())
    }

    /// Whether it is a FIFO queue.
    pub fn is_fifo(&self) -> bool {
        self.is_on("FifoQueue")
    }

    /// Whether the deduplication id defaults to the body's SHA-256.
    pub fn content_based_deduplication(&self) -> bool {
        self.is_on("ContentBasedDeduplication")
    }

    /// Whether deduplication ids are remembered per message group instead of per queue.
    pub fn deduplicates_per_group(&self) -> bool {
        self.values.get("DeduplicationScope").map(String::as_str) == Some("messageGroup")
    }

    /// Default delay of a message.
    pub fn delay(&self) -> Duration {
        self.seconds("DelaySeconds")
    }

    /// Default visibility time-out.
    pub fn visibility_timeout(&self) -> Duration {
        self.seconds("VisibilityTimeout")
    }

    /// How long a message is kept.
    pub fn retention(&self) -> Duration {
        self.seconds("MessageRetentionPeriod")
    }

    /// Default long-polling time.
    pub fn receive_wait(&self) -> Duration {
        self.seconds("ReceiveMessageWaitTimeSeconds")
    }

    /// Largest message, in bytes.
    pub fn maximum_message_size(&self) -> usize {
        usize::try_from(self.number("MaximumMessageSize")).expect("32 bits fit")
    }

    /// Where messages go that were received too often.
    pub fn redrive_policy(&self) -> Option<RedrivePolicy> {
        let text = self.values.get("RedrivePolicy")?;
        Some(parse_redrive(text).expect("checked when it was set"))
    }

    fn is_on(&self, name: &str) -> bool {
        self.values.get(name).map(String::as_str) == Some("true")
    }

    fn seconds(&self, name: &str) -> Duration {
        Duration::from_secs(self.number(name).into())
    }

    fn number(&self, name: &str) -> u32 {
        let (_, _, _, default) = NUMBERS
            .iter()
            .find(|(known, ..)| *known == name)
            .expect("a number's name");
        self.values
            .get(name)
            .map_or(*default, |value| value.parse().expect("checked when set"))
    }
}

fn check(name: &str, value: &str) -> Result<(), CallError> {
    let fine = if let Some((_, min, max, _)) = NUMBERS.iter().find(|(known, ..)| *known == name) {
        value
            .parse::<u32>()
            .is_ok_and(|number| (*min..=*max).contains(&number))
    } else if SWITCHES.contains(&name) {
        matches!(value, "true" | "false")
    } else if name == "DeduplicationScope" {
        matches!(value, "queue" | "messageGroup")
    } else if name == "FifoThroughputLimit" {
        matches!(value, "perQueue" | "perMessageGroupId")
    } else if name == "RedrivePolicy" {
        return if value.is_empty() {
            Ok(())
        } else {
            parse_redrive(value).map(|_| ())
        };
    } else if DOCUMENTS.contains(&name) {
        true
    } else {
        return Err(CallError::sender(
            "InvalidAttributeName",
            format!("Unknown Attribute {name}."),
        ));
    };
    if fine {
        Ok(())
    } else {
        Err(CallError::sender(
            "InvalidAttributeValue",
            format!("Invalid value for the parameter {name}."),
        ))
    }
}

fn parse_redrive(text: &str) -> Result<RedrivePolicy, CallError> {
    let refused = |reason: &str| invalid_value(text, "RedrivePolicy", reason);
    let document: RedriveDocument = serde_json::from_str(text).map_err(|error| {
        invalid(format!(
            "Value {text} for parameter RedrivePolicy is invalid. Reason: {error}"
        ))
    })?;
    let count = match &document.max_receive_count {
        serde_json::Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|count| u32::try_from(count).ok()),
    };
    match count {
        Some(max_receive_count @ 1..=1_000) => Ok(RedrivePolicy {
            dead_letter_arn: document.dead_letter_target_arn,
            max_receive_count,
        }),
        _ => Err(refused(
            "Invalid value for maxReceiveCount: must be between 1 and 1000.",
        )),
    }
}
