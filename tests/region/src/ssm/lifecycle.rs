//! A command's way: pending, in progress, over; with its events.

use super::{Command, Due, Invocation, Status};
use crate::api::{Answer, CallError, Service};
use crate::commands::{CommandRun, ScriptEnd};
use crate::compute::{self, State};
use crate::faults;
use crate::journal::Happening;
use crate::settings::DeadMachinesCommands;
use crate::wire::timestamp::iso_millis;
use crate::world::{Due as Agenda, Effect, World};
use serde::Deserialize;
use serde_json::json;

/// How much output an agent reports, in characters (amazon-ssm-agent's `MaxStdoutLength` and
/// `MaxStderrLength`).
const MAX_STDOUT: usize = 24_000;
const MAX_STDERR: usize = 8_000;

/// The exit code that stands for a script killed at its time-out, and so any script's that ends with it
/// (amazon-ssm-agent's `CommandStoppedPreemptivelyExitCode`, and `GetStatus` in `pluginutil_unix.go`).
const KILLED: i32 = 137;
/// The exit code that ends a document with success (`ExitWithSuccess`, in its `iohandler.go`).
const EXIT_WITH_SUCCESS: i32 = 168;

/// What an agent asks for to take a command, and to report its end.
const TAKES: [&str; 2] = ["ec2messages:GetMessages", "ec2messages:AcknowledgeMessage"];
const REPORTS: [&str; 2] = ["ec2messages:SendReply", "ec2messages:DeleteMessage"];

/// The agent starts the script, if it still works.
pub(super) fn pick_up(world: &mut World, command_id: &str, instance: &str) {
    if !agent_works(world, instance) {
        return;
    }
    if let Some(up_again) = world.faults.down_until(Service::Ssm, world.now) {
        let due = Due::PickUp {
            command: command_id.to_owned(),
            instance: instance.to_owned(),
        };
        world.at(up_again, Agenda::Ssm(due));
        return;
    }
    if !compute::agent_may(world, instance, &TAKES) {
        return;
    }
    let pretend_for = world.draw(world.settings.timings.command_run);
    let region = world.settings.region_name.clone();
    let now = world.now;
    let machine = world.compute.instances.get(instance);
    let user_data_done = machine.is_some_and(|machine| machine.user_data_done_at.is_some());
    let Some(command) = world.ssm.commands.get_mut(command_id) else {
        return;
    };
    let run = CommandRun {
        command_id: command_id.to_owned(),
        instance: instance.to_owned(),
        region,
        script: command.parameters["commands"].join("\n"),
        working_directory: command
            .parameters
            .get("workingDirectory")
            .map(|values| values[0].clone())
            .filter(|directory| !directory.is_empty()),
        execution_timeout: command.execution_timeout,
        user_data_done,
        pretend_for,
    };
    let Some(invocation) = command.invocations.get_mut(instance) else {
        return;
    };
    if invocation.status != Status::Pending {
        return;
    }
    invocation.status = Status::InProgress;
    invocation.started_at = Some(now);
    world.record(Happening::CommandStarted {
        instance: instance.to_owned(),
        command_id: command_id.to_owned(),
    });
    world.effect(Effect::RunCommand(run));
    emit(world, command_id, instance);
}

/// An agent that was away is back: it reports what ended meanwhile, and takes what is still to be delivered.
pub fn agent_returned(world: &mut World, instance: &str) {
    let (its, others) = std::mem::take(&mut world.ssm.unreported)
        .into_iter()
        .partition(|(of, ..)| of == instance);
    world.ssm.unreported = others;
    for (_, command, ended) in its {
        finished(world, &command, instance, ended);
    }
    let waiting: Vec<String> = (world.ssm.commands.values())
        .filter(|command| {
            let invocation = command.invocations.get(instance);
            invocation.is_some_and(|invocation| invocation.status == Status::Pending)
        })
        .map(|command| command.id.clone())
        .collect();
    for command in waiting {
        let pick_up = world.draw(world.settings.timings.command_pickup);
        let instance = instance.to_owned();
        world.after(pick_up, Agenda::Ssm(Due::PickUp { command, instance }));
    }
}

/// Whether a reboot took the script along.
fn was_cut_short(world: &World, command_id: &str, instance: &str) -> bool {
    let machine = world.compute.instances.get(instance);
    let rebooted_at = machine.and_then(|machine| machine.rebooted_at);
    let command = world.ssm.commands.get(command_id);
    let invocation = command.and_then(|command| command.invocations.get(instance));
    let started_at = invocation.and_then(|invocation| invocation.started_at);
    rebooted_at.is_some_and(|rebooted| started_at.is_none_or(|started| started <= rebooted))
}

/// The script ended: the agent reports, if it still works.
pub fn finished(world: &mut World, command_id: &str, instance: &str, ended: ScriptEnd) {
    if was_cut_short(world, command_id, instance) {
        return;
    }
    let machine = world.compute.instances.get(instance);
    if machine.is_some_and(|machine| machine.agent.away_since.is_some()) {
        let unreported = (instance.to_owned(), command_id.to_owned(), ended);
        world.ssm.unreported.push(unreported);
        return;
    }
    if !agent_works(world, instance) || !compute::agent_may(world, instance, &REPORTS) {
        return;
    }
    faults::remember(world);
    let (status, exit_code, stdout, stderr) = match ended {
        ScriptEnd::Exited {
            exit_code,
            stdout,
            stderr,
        } => {
            let status = match exit_code {
                0 | EXIT_WITH_SUCCESS => Status::Success,
                KILLED => Status::ExecutionTimedOut,
                _ => Status::Failed,
            };
            (status, exit_code, stdout, stderr)
        }
        ScriptEnd::TimedOut { stdout, stderr } => {
            (Status::ExecutionTimedOut, KILLED, stdout, stderr)
        }
    };
    let Some(invocation) = unfinished(world, command_id, instance) else {
        return;
    };
    invocation.exit_code = exit_code;
    invocation.stdout = truncated(stdout, MAX_STDOUT);
    invocation.stderr = truncated(stderr, MAX_STDERR);
    end(world, command_id, instance, status);
}

fn truncated(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
    }
    text
}

/// Nobody picked it up in time: it will not run.
pub(super) fn delivery_deadline(world: &mut World, command_id: &str, instance: &str) {
    if unfinished(world, command_id, instance).is_some_and(|it| it.status == Status::Pending) {
        end(world, command_id, instance, Status::DeliveryTimedOut);
    }
}

/// The agent started it and fell silent.
pub(super) fn expire(world: &mut World, command_id: &str, instance: &str) {
    if stays(world, instance) {
        return;
    }
    if unfinished(world, command_id, instance).is_some() {
        end(world, command_id, instance, Status::ExecutionTimedOut);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CancelCommand {
    command_id: String,
    #[serde(default)]
    instance_ids: Vec<String>,
}

/// `CancelCommand`. AWS tries its best, and promises nothing; here it always comes in time.
pub(super) fn cancel(world: &mut World, input: &CancelCommand) -> Answer {
    let Some(command) = world.ssm.commands.get(&input.command_id) else {
        return Err(CallError::sender(
            "InvalidCommandId",
            "The specified command ID isn't valid. Verify the ID and try again.",
        ));
    };
    let instances: Vec<String> = command
        .invocations
        .keys()
        .filter(|id| input.instance_ids.is_empty() || input.instance_ids.contains(id))
        .cloned()
        .collect();
    for instance in instances {
        end(world, &input.command_id, &instance, Status::Cancelled);
    }
    Ok(json!({}))
}

/// Whether a command stays as it is: its machine is dead, and nobody ends what ran there.
fn stays(world: &World, instance: &str) -> bool {
    let machines = &world.compute.instances;
    let dead = machines
        .get(instance)
        .is_none_or(|machine| matches!(machine.state, State::ShuttingDown | State::Terminated));
    dead && world.settings.dead_machines_commands == DeadMachinesCommands::Stay
}

/// The machine goes, and its commands with it, as a rule.
pub fn instance_lost(world: &mut World, instance: &str) {
    if stays(world, instance) {
        return;
    }
    let lost: Vec<(String, Status)> = world
        .ssm
        .commands
        .values()
        .filter_map(|command| {
            let status = match command.invocations.get(instance)?.status {
                Status::Pending => Status::Undeliverable,
                Status::InProgress => Status::Terminated,
                _ => return None,
            };
            Some((command.id.clone(), status))
        })
        .collect();
    for (command, status) in lost {
        end(world, &command, instance, status);
    }
}

fn agent_works(world: &World, instance: &str) -> bool {
    world
        .compute
        .instances
        .get(instance)
        .is_some_and(|instance| instance.agent.works())
}

fn unfinished<'w>(
    world: &'w mut World,
    command_id: &str,
    instance: &str,
) -> Option<&'w mut Invocation> {
    let command = world.ssm.commands.get_mut(command_id)?;
    let invocation = command.invocations.get_mut(instance)?;
    (!invocation.status.is_final()).then_some(invocation)
}

fn end(world: &mut World, command_id: &str, instance: &str, status: Status) {
    let now = world.now;
    let Some(invocation) = unfinished(world, command_id, instance) else {
        return;
    };
    invocation.status = status;
    invocation.ended_at = Some(now);
    let finished = Happening::CommandFinished {
        instance: instance.to_owned(),
        command_id: command_id.to_owned(),
        status: status.name().to_owned(),
        exit_code: invocation.exit_code,
        stdout: invocation.stdout.clone(),
        stderr: invocation.stderr.clone(),
    };
    world.record(finished);
    emit(world, command_id, instance);
}

/// Both events of a status change. The command's carries the parameters, as AWS's does.
fn emit(world: &mut World, command_id: &str, instance: &str) {
    let Some(command) = world.ssm.commands.get(command_id) else {
        return;
    };
    let invocation_status = command.invocations[instance].status;
    let resource = |id: &String| world.settings.arn("ec2", &format!("instance/{id}"));
    let everywhere: Vec<String> = command.invocations.keys().map(resource).collect();
    let here = vec![resource(&instance.to_owned())];
    let (command_detail, invocation_detail) = details(command, instance, invocation_status);
    world.emit(
        "aws.ssm",
        "EC2 Command Status-change Notification",
        everywhere,
        command_detail,
    );
    world.emit(
        "aws.ssm",
        "EC2 Command Invocation Status-change Notification",
        here,
        invocation_detail,
    );
}

fn details(
    command: &Command,
    instance: &str,
    status: Status,
) -> (serde_json::Value, serde_json::Value) {
    let requested = iso_millis(command.requested_at);
    let of_command = json!({
        "command-id": command.id,
        "document-name": command.document,
        "expire-after": iso_millis(command.expires_at()),
        "parameters": command.parameters,
        "requested-date-time": requested,
        "status": command.status().name(),
    });
    let of_invocation = json!({
        "command-id": command.id,
        "document-name": command.document,
        "instance-id": instance,
        "requested-date-time": requested,
        "status": status.name(),
    });
    (of_command, of_invocation)
}
