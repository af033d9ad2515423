//! See how a claim stands: the event may be lost, or the messages died.

use crate::command_finished::in_trace_of;
use crate::conclude::Subject;
use crate::config::COMMANDS_LATE;
use crate::decide::{Check, Checked, Delivery, KnownAttach, Occasion, check, serves};
use crate::ended::Ended;
use crate::function::{InitInstance, Progress};
use ready_pool_aws::clock::Invocation;
use ready_pool_aws::systems_manager::Found;
use ready_pool_core::call_error::CallError;
use ready_pool_core::claim::MAX_TIME_TO_EXPIRY;
use ready_pool_core::command::{InitCommand, init_command};
use ready_pool_core::message::LookAgain;
use ready_pool_core::times::Times;

impl InitInstance {
    pub(crate) async fn look_again(
        &self,
        message: &LookAgain,
        delivery: Delivery,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        let instance = message.instance_id.as_ref();
        let history = match instance {
            Some(instance) => self.systems_manager.history(instance).await?,
            None => Vec::new(),
        };
        let target = self.target(&message.target_group).await?;
        let entry = target
            .as_ref()
            .and_then(|target| target.entry(&message.claim_id));
        let command = init_command(&history, &message.key());
        let has_instance = match (&target, instance) {
            (Some(target), Some(instance)) => target.has(instance),
            _ => false,
        };
        let checked = check(Check {
            message,
            delivery,
            entry: entry.as_ref(),
            command: command.clone(),
            has_instance,
            now: invocation.now(),
        });
        let sent = match &command {
            InitCommand::Sent(command) => Some(command),
            InitCommand::NotSent | InitCommand::SentForAnother => None,
        };
        let subject = Subject {
            claim_id: &message.claim_id,
            target_group: Some(&message.target_group),
            instance,
            attempt: message.attempt,
            known: None,
            times: Times::default(),
            command: sent,
            run: None,
        };
        let invocation = &in_trace_of(sent, invocation);
        match (checked, instance) {
            (Checked::CommandEnded(command) | Checked::Missing(command), Some(instance)) => {
                let ended = Ended {
                    occasion: Occasion::Look,
                    command,
                    run: None,
                    claim_id: message.claim_id.clone(),
                    instance: instance.clone(),
                    target,
                    attach: KnownAttach::Unasked,
                };
                self.settle(ended, invocation).await
            }
            // No instance, no command.
            (Checked::CommandEnded(_) | Checked::Missing(_), None) => Ok(Progress::Done),
            (Checked::Conclude(conclusion), _) => {
                self.conclude(&subject, conclusion, invocation).await
            }
            (Checked::NeverSent(end), _) => {
                let Some(serving) = self.serving(message).await? else {
                    return self.conclude(&subject, end, invocation).await;
                };
                // By instance a command is listed only once its agent has it.
                if Some(&serving.instance) == instance {
                    let found = (Occasion::Look, serving);
                    return self.settle_with(message, found, invocation).await;
                }
                // Should this be cut in between, the next look finds the same again.
                let retired = end.without_the_claim();
                match self.conclude(&subject, retired, invocation).await? {
                    Progress::Done => {
                        let found = (Occasion::Elsewhere, serving);
                        self.settle_with(message, found, invocation).await
                    }
                    Progress::Later => Ok(Progress::Later),
                }
            }
        }
    }

    /// The instance that serves the claim after all: its own, or another one.
    async fn serving(&self, message: &LookAgain) -> Result<Option<Found>, CallError> {
        let sent = message.expires_at - MAX_TIME_TO_EXPIRY - COMMANDS_LATE
            ..message.expires_at + COMMANDS_LATE;
        let found = self
            .systems_manager
            .init_commands_of(&message.key(), sent)
            .await?;
        let own = message.instance_id.as_ref();
        let mut serving = found.into_iter();
        Ok(serving.find(|it| own == Some(&it.instance) || serves(&it.command)))
    }

    async fn settle_with(
        &self,
        message: &LookAgain,
        (occasion, serving): (Occasion, Found),
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        let ended = Ended {
            occasion,
            command: serving.command,
            run: None,
            claim_id: message.claim_id.clone(),
            instance: serving.instance,
            target: self.target(&message.target_group).await?,
            attach: KnownAttach::Unasked,
        };
        self.settle(ended, invocation).await
    }
}
