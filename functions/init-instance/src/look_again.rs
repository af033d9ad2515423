//! See how a claim stands: the event may be lost, or the messages died.

use crate::command_finished::in_trace_of;
use crate::conclude::Subject;
use crate::decide::{Check, Checked, Delivery, KnownAttach, Occasion, check};
use crate::ended::Ended;
use crate::function::{InitInstance, Progress};
use ready_pool_aws::clock::Invocation;
use ready_pool_core::call_error::CallError;
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
        match (checked, instance) {
            (Checked::CommandEnded(command) | Checked::Missing(command), Some(instance)) => {
                let ended = Ended {
                    occasion: Occasion::Look,
                    command,
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
                let command = match &command {
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
                    run: None,
                    command,
                };
                let invocation = &in_trace_of(command, invocation);
                self.conclude(&subject, conclusion, invocation).await
            }
        }
    }
}
