//! `SendCommand`.

use super::{Command, Due, Invocation, Status, constraint, history, inventory};
use crate::api::{Answer, CallError};
use crate::compute::State;
use crate::journal::Happening;
use crate::world::{Due as Agenda, World};
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// AWS's own document; those of the account have its parameters.
const DOCUMENT: &str = "AWS-RunShellScript";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SendCommand {
    document_name: String,
    #[serde(default)]
    instance_ids: Vec<String>,
    #[serde(default)]
    parameters: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    comment: String,
    timeout_seconds: Option<u32>,
}

/// There is no idempotency token: the same call again is another command.
pub(super) fn send_command(world: &mut World, input: SendCommand) -> Answer {
    let name = &input.document_name;
    if name != DOCUMENT && !world.ssm.documents.contains(name) {
        return Err(CallError::sender(
            "InvalidDocument",
            format!(
                "Document {} does not exist in your account",
                input.document_name
            ),
        ));
    }
    if input.comment.chars().count() > 100 {
        return Err(constraint(
            &input.comment,
            "comment",
            "Member must have length less than or equal to 100",
        ));
    }
    let timeout = input.timeout_seconds.unwrap_or(3600);
    if !(30..=2_592_000).contains(&timeout) {
        return Err(constraint(
            &timeout.to_string(),
            "timeoutSeconds",
            "Member must be between 30 and 2592000",
        ));
    }
    let execution_timeout = check_parameters(&input.parameters)?;
    check_instances(world, &input.instance_ids)?;

    let lag = world.draw(world.settings.timings.command_history_lag);
    let pending = Invocation {
        status: Status::Pending,
        started_at: None,
        ended_at: None,
        exit_code: -1,
        stdout: String::new(),
        stderr: String::new(),
    };
    let command = Command {
        id: world.uuid(),
        document: input.document_name,
        comment: input.comment,
        parameters: input.parameters,
        requested_at: world.now,
        delivery_timeout: Duration::from_secs(timeout.into()),
        execution_timeout,
        visible_at: world.now + lag,
        invocations: input
            .instance_ids
            .into_iter()
            .map(|id| (id, pending.clone()))
            .collect(),
    };
    for instance in command.invocations.keys() {
        schedule(world, &command, instance);
    }
    let output = history::command_output(&command);
    world.ssm.commands.insert(command.id.clone(), command);
    Ok(json!({ "Command": output }))
}

fn schedule(world: &mut World, command: &Command, instance: &str) {
    world.record(Happening::CommandSent {
        instance: instance.to_owned(),
        command_id: command.id.clone(),
        comment: command.comment.clone(),
    });
    let ids = || (command.id.clone(), instance.to_owned());
    let pick_up = world.draw(world.settings.timings.command_pickup);
    let (id, on) = ids();
    let due = Due::PickUp {
        command: id,
        instance: on,
    };
    world.after(pick_up, Agenda::Ssm(due));
    // Both deadlines are the user's, so not scaled.
    let (id, on) = ids();
    let due = Due::DeliveryDeadline {
        command: id,
        instance: on,
    };
    world.after(command.delivery_timeout, Agenda::Ssm(due));
    let (id, on) = ids();
    let due = Due::Expiry {
        command: id,
        instance: on,
    };
    world.at(command.expires_at(), Agenda::Ssm(due));
}

/// Checks the document's parameters and returns the execution time-out.
fn check_parameters(parameters: &BTreeMap<String, Vec<String>>) -> Result<Duration, CallError> {
    let invalid = |message: String| CallError::sender("InvalidParameters", message);
    for (name, values) in parameters {
        match (name.as_str(), values.len()) {
            ("commands", 1..) | ("workingDirectory" | "executionTimeout", 1) => {}
            ("commands" | "workingDirectory" | "executionTimeout", count) => {
                return Err(invalid(format!("Parameter {name} has {count} values")));
            }
            _ => {
                return Err(invalid(format!(
                    "Parameter {name} is not defined in the document"
                )));
            }
        }
    }
    if !parameters.contains_key("commands") {
        return Err(invalid("Parameter commands is required".to_owned()));
    }
    let seconds = parameters
        .get("executionTimeout")
        .map_or("3600", |values| values[0].as_str());
    seconds
        .parse()
        .ok()
        .filter(|seconds| (1..=172_800).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| {
            invalid(format!(
                "Parameter executionTimeout: {seconds} is not between 1 and 172800"
            ))
        })
}

/// One bad instance refuses the call. An agent that died but still counts as online is accepted.
fn check_instances(world: &World, ids: &[String]) -> Result<(), CallError> {
    if ids.is_empty() {
        return Err(CallError::sender(
            "ValidationException",
            "InstanceIds is required: the simulated region does not support Targets",
        ));
    }
    if ids.len() > 50 {
        return Err(constraint(
            &format!("{} ids", ids.len()),
            "instanceIds",
            "Member must have length less than or equal to 50",
        ));
    }
    if ids.iter().collect::<BTreeSet<_>>().len() < ids.len() {
        return Err(CallError::sender(
            "DuplicateInstanceId",
            "You can't specify a managed node ID in more than one association.",
        ));
    }
    for id in ids {
        let valid = world.compute.instances.get(id).is_some_and(|instance| {
            instance.state == State::Running && inventory::ping_status(world, instance) == "Online"
        });
        if !valid {
            return Err(CallError::sender(
                "InvalidInstanceId",
                format!(
                    "Instances [[{id}]] not in a valid state for account {}",
                    world.settings.account_id
                ),
            ));
        }
    }
    let other = |id: &&String| {
        let machine = world.compute.instances.get(*id);
        machine.is_some_and(|machine| machine.platform != "Linux")
    };
    // A shell script's document: its text is assumed.
    match ids.iter().find(other) {
        Some(_) => Err(CallError::sender(
            "UnsupportedPlatformType",
            "The document does not support the platform type of the given instance IDs.",
        )),
        None => Ok(()),
    }
}
