//! Details of the EventBridge events that wake the functions. AWS delivers them at best once,
//! sometimes late, twice or never: they are hints, and read leniently.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use ready_pool_core::Timestamp;
use ready_pool_core::ids::CommandId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use time::format_description::well_known::Rfc3339;

/// `detail` of the `aws.autoscaling` events. Only the group is common to all of them.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase", default)]
pub struct AutoScalingDetail {
    /// The group it is about.
    pub auto_scaling_group_name: Option<String>,
    /// `Launching a new EC2 instance: …`, `Attaching an existing EC2 instance: …`; absent from
    /// failures and hooks.
    pub description: Option<String>,
    /// The instance.
    #[serde(rename = "EC2InstanceId")]
    pub instance_id: Option<String>,
}

/// When what an event is about happened: to the second.
pub fn time_of<T>(event: &EventBridgeEvent<T>) -> Option<Timestamp>
where
    T: Serialize + DeserializeOwned,
{
    Timestamp::from_unix_timestamp(event.time?.timestamp()).ok()
}

impl AutoScalingDetail {
    /// Reads an event's detail; anything unreadable is empty.
    pub fn of(event: &EventBridgeEvent<Value>) -> Self {
        serde_json::from_value(event.detail.clone()).unwrap_or_default()
    }

    /// Whether the event tells of an attach: AWS sends `EC2 Instance Launch Successful` for those.
    pub fn is_attach(&self) -> bool {
        self.description
            .as_deref()
            .is_some_and(|text| text.starts_with("Attaching an existing EC2 instance"))
    }
}

/// `detail` of `EC2 Command Invocation Status-change Notification` (kebab-case, and unlike the
/// *Command* event without the script's parameters).
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub struct CommandDetail {
    /// The command.
    pub command_id: CommandId,
    /// The instance.
    pub instance_id: String,
    /// The status it changed to.
    pub status: String,
    /// When it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_date_time: Option<String>,
}

impl CommandDetail {
    /// Whether the command was certainly sent longer ago than this.
    pub fn is_older_than(&self, age: Duration, now: Timestamp) -> bool {
        self.requested_date_time
            .as_deref()
            .and_then(|text| Timestamp::parse(text, &Rfc3339).ok())
            .is_some_and(|requested| requested < now - age)
    }
}
