//! What an outcome says of how the command went, beyond how the claim ended.

use crate::config::{LOOK_EVERY, RUN_TRIES, TIME_FOR_DETAILS};
use crate::function::InitInstance;
use ready_pool_aws::clock::{Invocation, sleep};
use ready_pool_aws::systems_manager::Run;
use ready_pool_core::Timestamp;
use ready_pool_core::command::{Command, CommandStatus};
use ready_pool_core::ids::{Attempt, InstanceId};
use ready_pool_core::outcome::{CommandEnd, Details, output_end};
use ready_pool_core::times::Times;
use tracing::{debug, warn};

impl InitInstance {
    /// Reads the details. What cannot be read now is left out: the caller waits for the outcome, not
    /// for them. `attempt` is the ledger's, for where the script's own word is missing; `known` is what was read of
    /// the command's end before.
    pub(crate) async fn details(
        &self,
        command: &Command,
        instance: &InstanceId,
        (attempt, known): (Attempt, Option<&Run>),
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

    /// How a script ran that succeeded, and of which an outcome says no more than its event did.
    pub(crate) fn run_by_event(&self, ended: Timestamp) -> Option<Run> {
        let says_all = self.config.output_characters == 0;
        says_all.then(|| Run {
            exit_code: Some(0),
            ended_at: Some(ended),
            ..Run::default()
        })
    }

    /// How a failed script ended: it may prove that nothing of the claim ran. None where that cannot be read now.
    pub(crate) async fn run_of_failed(
        &self,
        command: &Command,
        instance: &InstanceId,
        invocation: &Invocation,
    ) -> Option<Run> {
        for _ in 0..RUN_TRIES {
            if command.status != CommandStatus::Failed || !invocation.has(TIME_FOR_DETAILS) {
                break;
            }
            match self.systems_manager.run(&command.id, instance).await {
                Ok(run) if run.exit_code.is_some() => return Some(run),
                Ok(_) => debug!(command_id = %command.id, "the script's end cannot be read yet"),
                Err(error) => {
                    warn!(command_id = %command.id, %error, "cannot read how the script ended");
                }
            }
            sleep(LOOK_EVERY).await;
        }
        None
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
