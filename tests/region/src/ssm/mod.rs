//! Systems Manager: the inventory of agents, and Run Command with `AWS-RunShellScript` and
//! documents like it.
//!
//! Texts and behaviour are AWS's; sources are in the project's reference on AWS semantics.

mod history;
mod inventory;
mod lifecycle;
mod send;
#[cfg(test)]
mod tests;

pub use inventory::ping_status;
pub use lifecycle::{agent_returned, finished, instance_lost};

use crate::api::{Answer, Call, CallError, Service};
use crate::commands::ScriptEnd;
use crate::world::World;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::OffsetDateTime;

/// Everything that was ever sent, and by what.
#[derive(Clone, Debug, Default)]
pub struct Ssm {
    /// Names of the account's own documents. Each takes the parameters of `AWS-RunShellScript`, and
    /// does the same.
    pub documents: BTreeSet<String>,
    /// By command id.
    pub commands: BTreeMap<String, Command>,
    /// Ends of scripts whose agents are away: instance, command, end.
    pub(crate) unreported: Vec<(String, String, ScriptEnd)>,
}

/// A command, sent to one or more instances.
#[derive(Clone, Debug)]
pub struct Command {
    /// UUID.
    pub id: String,
    /// `DocumentName`.
    pub document: String,
    /// `Comment`.
    pub comment: String,
    /// `Parameters`, as sent.
    pub parameters: BTreeMap<String, Vec<String>>,
    /// When it was accepted.
    pub requested_at: OffsetDateTime,
    /// `TimeoutSeconds`: how long it may take to deliver.
    pub delivery_timeout: Duration,
    /// `executionTimeout`: how long the script may run.
    pub execution_timeout: Duration,
    /// When the read APIs start to show it.
    pub visible_at: OffsetDateTime,
    /// By instance id.
    pub invocations: BTreeMap<String, Invocation>,
}

/// A command on one instance.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// How it stands.
    pub status: Status,
    /// When the agent started the script.
    pub started_at: Option<OffsetDateTime>,
    /// When it reached a final status.
    pub ended_at: Option<OffsetDateTime>,
    /// `ResponseCode`: -1 until the script ended.
    pub exit_code: i32,
    /// Standard output: at most 24,000 characters, empty until the script ended.
    pub stdout: String,
    /// Standard error: at most 8,000 characters, empty until the script ended.
    pub stderr: String,
}

/// Where an invocation stands: `Status` and `StatusDetails` in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not delivered yet.
    Pending,
    /// The script runs.
    InProgress,
    /// It ended with 0.
    Success,
    /// It ended with another code.
    Failed,
    /// It was not delivered within `TimeoutSeconds`.
    DeliveryTimedOut,
    /// It ran longer than `executionTimeout`.
    ExecutionTimedOut,
    /// The instance went before it was delivered.
    Undeliverable,
    /// The instance went while it ran.
    Terminated,
    /// Somebody cancelled it.
    Cancelled,
}

impl Status {
    /// `Status`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Success => "Success",
            Self::Failed | Self::Undeliverable | Self::Terminated => "Failed",
            Self::DeliveryTimedOut | Self::ExecutionTimedOut => "TimedOut",
            Self::Cancelled => "Cancelled",
        }
    }

    /// `StatusDetails`.
    pub fn details(self) -> &'static str {
        match self {
            Self::DeliveryTimedOut => "DeliveryTimedOut",
            Self::ExecutionTimedOut => "ExecutionTimedOut",
            Self::Undeliverable => "Undeliverable",
            Self::Terminated => "Terminated",
            other => other.name(),
        }
    }

    /// Whether it never changes again.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress)
    }
}

impl Command {
    /// The status of the whole command: of the first invocation that says most (a failure, else
    /// a time-out, else success), once all are over.
    pub fn status(&self) -> Status {
        let all = || self.invocations.values().map(|one| one.status);
        if all().all(|status| status == Status::Pending) {
            return Status::Pending;
        }
        if all().any(|status| !status.is_final()) {
            return Status::InProgress;
        }
        let first = |name: &str| all().find(|status| status.name() == name);
        first("Failed")
            .or_else(|| first("TimedOut"))
            .or_else(|| first("Cancelled"))
            .unwrap_or(Status::Success)
    }

    /// `ExpiresAfter`: when AWS gives the command up, whatever the agent says.
    pub fn expires_at(&self) -> OffsetDateTime {
        self.requested_at + self.delivery_timeout + self.execution_timeout
    }
}

/// What happens to commands by itself.
#[derive(Debug)]
#[allow(missing_docs, reason = "each names an invocation")]
pub enum Due {
    /// The agent picks the command up.
    PickUp { command: String, instance: String },
    /// `TimeoutSeconds` are over.
    DeliveryDeadline { command: String, instance: String },
    /// Both time-outs are over.
    Expiry { command: String, instance: String },
}

/// Answers a call.
pub fn answer(world: &mut World, call: &Call) -> Answer {
    let input = &call.input;
    match call.operation.as_str() {
        "CancelCommand" => lifecycle::cancel(world, &read(input)?),
        "DescribeInstanceInformation" => inventory::describe(world, read(input)?),
        "GetCommandInvocation" => history::get_command_invocation(world, &read(input)?),
        "ListCommandInvocations" => history::list_command_invocations(world, &read(input)?),
        "ListCommands" => history::list_commands(world, &read(input)?),
        "SendCommand" => send::send_command(world, read(input)?),
        unknown => Err(CallError::unknown_operation(Service::Ssm, unknown)),
    }
}

fn read<T: DeserializeOwned>(input: &Value) -> Result<T, CallError> {
    crate::wire::input::read(input, "ValidationException")
}

/// AWS's form for a parameter that breaks its model's constraint.
fn constraint(value: &str, parameter: &str, rule: &str) -> CallError {
    CallError::sender(
        "ValidationException",
        format!(
            "1 validation error detected: Value '{value}' at '{parameter}' failed to satisfy \
             constraint: {rule}"
        ),
    )
}

/// `MaxResults`, checked.
fn page_size(
    asked: Option<usize>,
    least: usize,
    default: usize,
    most: usize,
) -> Result<usize, CallError> {
    let size = asked.unwrap_or(default);
    if !(least..=most).contains(&size) {
        return Err(constraint(
            &size.to_string(),
            "maxResults",
            &format!("Member must be between {least} and {most}"),
        ));
    }
    Ok(size)
}

fn invalid_token() -> CallError {
    CallError::sender("InvalidNextToken", "The specified token is not valid.")
}

/// Takes a step that is due.
pub fn happen(world: &mut World, due: Due) {
    match due {
        Due::PickUp { command, instance } => lifecycle::pick_up(world, &command, &instance),
        Due::DeliveryDeadline { command, instance } => {
            lifecycle::delivery_deadline(world, &command, &instance);
        }
        Due::Expiry { command, instance } => lifecycle::expire(world, &command, &instance),
    }
}
