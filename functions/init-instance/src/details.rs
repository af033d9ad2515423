//! What an outcome says of how the command went, beyond how the claim ended.

use crate::config::TIME_FOR_DETAILS;
use crate::function::InitInstance;
use ready_pool_aws::clock::Invocation;
use ready_pool_aws::systems_manager::Run;
use ready_pool_core::command::Command;
use ready_pool_core::ids::{Attempt, InstanceId};
use ready_pool_core::outcome::{CommandEnd, Details, output_end};
use ready_pool_core::times::Times;
use tracing::warn;

impl InitInstance {
    /// Reads the details. What cannot be read now is left out: the caller waits for the outcome, not
    /// for them. `attempt` is the ledger's, for where the script's own word is missing.
    pub(crate) async fn details(
        &self,
        command: &Command,
        instance: &InstanceId,
        attempt: Attempt,
        known: Option<&Run>,
        invocation: &Invocation,
    ) -> Details {
        let read;
        let run = if let Some(known) = known {
            known
        } else {
            read = self.run(command, instance, invocation).await;
            &read
        };
        details(command, attempt, run, self.config.output_characters)
    }

    /// How the command ran, as far as that can be read.
    pub(crate) async fn run(
        &self,
        command: &Command,
        instance: &InstanceId,
        invocation: &Invocation,
    ) -> Run {
        if !invocation.has(TIME_FOR_DETAILS) {
            return Run::default();
        }
        let run = self.systems_manager.run(&command.id, instance).await;
        run.unwrap_or_else(|error| {
            warn!(command_id = %command.id, %error, "cannot read the command's details; the outcome is published without them");
            Run::default()
        })
    }
}

fn details(command: &Command, attempt: Attempt, run: &Run, output_characters: usize) -> Details {
    let record = &command.record;
    Details {
        attempt: Some(record.header.attempt.unwrap_or(attempt)),
        command: Some(CommandEnd {
            command_id: command.id.clone(),
            status_detail: record.status_detail.clone(),
            exit_code: run.exit_code,
            output_end: output_end(&run.output, &run.errors, output_characters),
        }),
        times: Times {
            command_sent: record.sent_at,
            ended: run.ended_at,
            ..record.header.times
        },
        ..Details::default()
    }
}
