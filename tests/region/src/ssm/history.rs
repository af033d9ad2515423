//! The read side of Run Command: `ListCommands`, `ListCommandInvocations` and
//! `GetCommandInvocation`. A new command shows only after a moment.

use super::{Command, Invocation, Status, constraint, invalid_token, page_size};
use crate::api::{Answer, CallError};
use crate::paging::page;
use crate::wire::timestamp::{epoch_seconds, iso_millis, parse_iso};
use crate::world::World;
use serde::Deserialize;
use serde_json::{Value, json};
use std::cmp::Reverse;
use time::OffsetDateTime;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListCommands {
    command_id: Option<String>,
    instance_id: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    key: String,
    value: String,
}

/// By instance a command is listed once its agent has it, and not before: "You can't specify a managed
/// node ID in the same command that you specify Status = Pending. This is because the command hasn't
/// reached the managed node yet" (API reference, `ListCommands`). That one which never reached it is listed
/// once that is certain is assumed.
pub(super) fn list_commands(world: &World, input: &ListCommands) -> Answer {
    let of_pending = |filter: &Filter| filter.key == "Status" && filter.value == "Pending";
    if input.instance_id.is_some() && input.filters.iter().any(of_pending) {
        return Err(CallError::sender(
            "InvalidFilterKey",
            "You can't specify a managed node ID together with Status = Pending.",
        ));
    }
    let mut found = Vec::new();
    for command in visible(world, input.command_id.as_deref()) {
        let on_instance = input.instance_id.as_ref().is_none_or(|id| {
            let there = command.invocations.get(id);
            there.is_some_and(|invocation| invocation.status != Status::Pending)
        });
        if on_instance && passes(command, command.status(), &input.filters)? {
            found.push(command);
        }
    }
    let size = page_size(input.max_results, 1, 50, 50)?;
    let (found, next) = page(found, size, input.next_token.as_deref()).ok_or_else(invalid_token)?;
    let commands: Vec<Value> = found.into_iter().map(command_output).collect();
    Ok(json!({ "Commands": commands, "NextToken": next }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListCommandInvocations {
    command_id: Option<String>,
    instance_id: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    details: bool,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn list_command_invocations(world: &World, input: &ListCommandInvocations) -> Answer {
    let mut found = Vec::new();
    for command in visible(world, input.command_id.as_deref()) {
        for (instance, invocation) in &command.invocations {
            let wanted = input.instance_id.as_ref().is_none_or(|id| id == instance);
            if wanted && passes(command, invocation.status, &input.filters)? {
                found.push((command, instance, invocation));
            }
        }
    }
    let size = page_size(input.max_results, 1, 50, 50)?;
    let (found, next) = page(found, size, input.next_token.as_deref()).ok_or_else(invalid_token)?;
    let invocations: Vec<Value> = found
        .into_iter()
        .map(|(command, instance, invocation)| {
            invocation_output(command, instance, invocation, input.details)
        })
        .collect();
    Ok(json!({ "CommandInvocations": invocations, "NextToken": next }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GetCommandInvocation {
    command_id: String,
    instance_id: String,
    plugin_name: Option<String>,
}

pub(super) fn get_command_invocation(world: &World, input: &GetCommandInvocation) -> Answer {
    if let Some(plugin) = input.plugin_name.as_ref().filter(|name| *name != PLUGIN) {
        return Err(CallError::sender(
            "InvalidPluginName",
            format!("The plugin {plugin} is not valid."),
        ));
    }
    let command = visible(world, Some(&input.command_id)).into_iter().next();
    let (command, invocation) = command
        .and_then(|command| Some((command, command.invocations.get(&input.instance_id)?)))
        .ok_or_else(|| {
            CallError::sender(
                "InvocationDoesNotExist",
                "The command ID and managed node ID you specified didn't match any invocations. \
                 Verify the command ID and the managed node ID and try again.",
            )
        })?;
    let time = |time: Option<OffsetDateTime>| time.map(iso_millis).unwrap_or_default();
    let elapsed = match (invocation.started_at, invocation.ended_at) {
        (Some(start), Some(end)) => format!("PT{:.3}S", (end - start).as_seconds_f64()),
        _ => String::new(),
    };
    Ok(json!({
        "CommandId": command.id,
        "InstanceId": input.instance_id,
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": "$DEFAULT",
        "PluginName": PLUGIN,
        "ResponseCode": invocation.exit_code,
        "ExecutionStartDateTime": time(invocation.started_at),
        "ExecutionElapsedTime": elapsed,
        "ExecutionEndDateTime": time(invocation.ended_at),
        "Status": invocation.status.name(),
        "StatusDetails": invocation.status.details(),
        "StandardOutputContent": invocation.stdout,
        "StandardOutputUrl": "",
        "StandardErrorContent": invocation.stderr,
        "StandardErrorUrl": "",
    }))
}

/// The document's only plugin.
const PLUGIN: &str = "aws:runShellScript";

/// The commands that the read APIs show now, newest first.
fn visible<'w>(world: &'w World, id: Option<&str>) -> Vec<&'w Command> {
    let mut commands: Vec<&Command> = world
        .ssm
        .commands
        .values()
        .filter(|command| command.visible_at <= world.now)
        .filter(|command| id.is_none_or(|id| command.id == id))
        .collect();
    commands.sort_by_key(|command| (Reverse(command.requested_at), command.id.clone()));
    commands
}

fn passes(command: &Command, status: Status, filters: &[Filter]) -> Result<bool, CallError> {
    for filter in filters {
        let time = || {
            parse_iso(&filter.value).ok_or_else(|| {
                constraint(&filter.value, "filters", "Member must be an ISO 8601 time")
            })
        };
        let passes = match filter.key.as_str() {
            "InvokedAfter" => command.requested_at >= time()?,
            "InvokedBefore" => command.requested_at <= time()?,
            "Status" => filter.value == status.name(),
            "DocumentName" => filter.value == command.document,
            "ExecutionStage" => match filter.value.as_str() {
                "Executing" => !status.is_final(),
                "Complete" => status.is_final(),
                _ => false,
            },
            unknown => {
                return Err(CallError::sender(
                    "InvalidFilterKey",
                    format!("The specified filter {unknown} is not valid."),
                ));
            }
        };
        if !passes {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A command as `SendCommand` and `ListCommands` show it.
pub(super) fn command_output(command: &Command) -> Value {
    let count = |wanted: fn(Status) -> bool| {
        command
            .invocations
            .values()
            .filter(|invocation| wanted(invocation.status))
            .count()
    };
    let status = command.status();
    let instances: Vec<&String> = command.invocations.keys().collect();
    json!({
        "CommandId": command.id,
        "DocumentName": command.document,
        "DocumentVersion": "$DEFAULT",
        "Comment": command.comment,
        "ExpiresAfter": epoch_seconds(command.expires_at()),
        "Parameters": command.parameters,
        "InstanceIds": instances,
        "Targets": [],
        "RequestedDateTime": epoch_seconds(command.requested_at),
        "Status": status.name(),
        "StatusDetails": status.details(),
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
        "ServiceRole": "",
        "NotificationConfig": {
            "NotificationArn": "", "NotificationEvents": [], "NotificationType": "",
        },
        "MaxConcurrency": "50",
        "MaxErrors": "0",
        "TargetCount": instances.len(),
        "CompletedCount": count(Status::is_final),
        "ErrorCount": count(|status| status.name() == "Failed"),
        "DeliveryTimedOutCount": count(|status| status == Status::DeliveryTimedOut),
        "TimeoutSeconds": command.delivery_timeout.as_secs(),
    })
}

fn invocation_output(
    command: &Command,
    instance: &str,
    invocation: &Invocation,
    details: bool,
) -> Value {
    let status = invocation.status;
    let plugins: Vec<Value> = [()]
        .iter()
        .filter(|()| details)
        .map(|()| {
            json!({
                "Name": PLUGIN,
                "Status": status.name(),
                "StatusDetails": status.details(),
                "ResponseCode": invocation.exit_code,
                "ResponseStartDateTime": invocation.started_at.map(epoch_seconds),
                "ResponseFinishDateTime": invocation.ended_at.map(epoch_seconds),
                "Output": plugin_output(invocation),
                "StandardOutputUrl": "",
                "StandardErrorUrl": "",
            })
        })
        .collect();
    json!({
        "CommandId": command.id,
        "InstanceId": instance,
        "InstanceName": "",
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": "$DEFAULT",
        "RequestedDateTime": epoch_seconds(command.requested_at),
        "Status": status.name(),
        "StatusDetails": status.details(),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": plugins,
    })
}

/// Both outputs in one text of at most 2,500 characters, as amazon-ssm-agent makes it (`TruncateOutput` in
/// its `iohandler.go`): of both the beginning.
fn plugin_output(invocation: &Invocation) -> String {
    const ERRORS: &str = "\n----------ERROR-------\n";
    const OUTPUT_CUT: &str = "\n---Output truncated---";
    const ERRORS_CUT: &str = "\n---Error truncated----";
    let (stdout, stderr) = (&invocation.stdout, &invocation.stderr);
    let title = if stderr.is_empty() { "" } else { ERRORS };
    let space = 2_500 - title.len();
    let (output, errors) = (stdout.chars().count(), stderr.chars().count());
    let first = |text: &str, characters: usize| text.chars().take(characters).collect::<String>();
    if output + errors < space {
        [stdout, title, stderr].concat()
    } else if output > space / 2 && errors > space / 2 {
        let half = (space - OUTPUT_CUT.len() - ERRORS_CUT.len()) / 2;
        let (output, errors) = (first(stdout, half), first(stderr, half));
        [&output, OUTPUT_CUT, title, &errors, ERRORS_CUT].concat()
    } else if output < space / 2 {
        let errors = first(stderr, space - ERRORS_CUT.len() - output);
        [stdout, title, &errors, ERRORS_CUT].concat()
    } else {
        let output = first(stdout, space - OUTPUT_CUT.len() - errors);
        [&output, OUTPUT_CUT, title, stderr].concat()
    }
}
