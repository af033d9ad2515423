//! A hand-over: attach the instance to its target, send it the init command.

use crate::conclude::Subject;
use crate::config::{ATTACH_EVERY, HISTORY_SETTLES, LOOK_EVERY, TIME_FOR_A_CALL};
use crate::decide::{
    AfterSend, Attached, Beginning, Cause, Conclusion, after_attach, after_send, begin, give_up,
    too_late,
};
use crate::function::{InitInstance, Progress};
use ready_pool_aws::clock::{Invocation, sleep};
use ready_pool_core::call_error::CallError;
use ready_pool_core::command::{InitCommand, init_command};
use ready_pool_core::ids::CommandId;
use ready_pool_core::message::HandOver;
use ready_pool_core::times::Times;
use tracing::{info, warn};

/// How trying to attach or to send ended.
enum Tried {
    /// It worked.
    Done,
    /// The invocation's time is up.
    Later,
    /// The hand-over ends here.
    Conclude(Conclusion),
    /// The same, for what AWS said.
    Refused(Conclusion, String),
}

impl InitInstance {
    pub(crate) async fn hand_over(
        &self,
        hand_over: &HandOver,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        let tried = match self.begin(hand_over, invocation).await? {
            Beginning::Conclude(conclusion) => Tried::Conclude(conclusion),
            Beginning::Attach => match self.attach(hand_over, invocation).await {
                Tried::Done => self.send(hand_over, invocation).await?,
                otherwise => otherwise,
            },
        };
        let (conclusion, known) = match tried {
            Tried::Done => return Ok(Progress::Done),
            Tried::Later => return Ok(Progress::Later),
            Tried::Conclude(conclusion) => (conclusion, None),
            Tried::Refused(conclusion, said) => (conclusion, Some(format!("AWS says: {said}"))),
        };
        let subject = Subject {
            known,
            claim_id: &hand_over.claim.claim_id,
            target_group: Some(&hand_over.claim.target_group),
            instance: Some(&hand_over.instance_id),
            attempt: hand_over.attempt,
            times: hand_over.times,
            command: None,
        };
        self.conclude(&subject, conclusion, invocation).await
    }

    /// The history first, then the entry: whose instance is it?
    async fn begin(
        &self,
        hand_over: &HandOver,
        invocation: &Invocation,
    ) -> Result<Beginning, CallError> {
        let claim = &hand_over.claim;
        let history = self.systems_manager.history(&hand_over.instance_id).await?;
        let target = self.target(&claim.target_group).await?;
        let entry = target.and_then(|target| target.entry(&claim.claim_id));
        Ok(begin(hand_over, &history, entry.as_ref(), invocation.now()))
    }

    /// Attaches, trying again while the detach is not finished.
    async fn attach(&self, hand_over: &HandOver, invocation: &Invocation) -> Tried {
        let target = &hand_over.claim.target_group;
        while invocation.has(TIME_FOR_A_CALL) {
            if let Some(conclusion) = too_late(hand_over, invocation.now()) {
                return Tried::Conclude(conclusion);
            }
            let result = self
                .auto_scaling
                .attach(target, &hand_over.instance_id)
                .await;
            match after_attach(&result, hand_over, &self.config.pool, invocation.now()) {
                Attached::Send => {
                    info!("attached to the target");
                    return Tried::Done;
                }
                Attached::TryAgain => {
                    // Otherwise the pool's detach is not finished: as a rule for three seconds.
                    if let Err(error) = result
                        && error.already_part_of().is_none()
                    {
                        let opted_out = error.says_denied()
                            && matches!(self.is_target(target).await, Ok(false));
                        if opted_out {
                            warn!(%error, "the target is gone, or has opted out");
                            let now = invocation.now();
                            return Tried::Conclude(give_up(hand_over, Cause::TargetRefused, now));
                        }
                        warn!(%error, "cannot attach; trying again");
                    }
                    sleep(ATTACH_EVERY).await;
                }
                Attached::Conclude(conclusion) => {
                    let Err(error) = result else {
                        return Tried::Conclude(conclusion);
                    };
                    warn!(%error, "cannot attach");
                    return Tried::Refused(conclusion, error.message);
                }
            }
        }
        Tried::Later
    }

    /// Sends the init command, at most once as far as anybody can know.
    async fn send(
        &self,
        hand_over: &HandOver,
        invocation: &Invocation,
    ) -> Result<Tried, CallError> {
        let claim = &hand_over.claim;
        let instance = &hand_over.instance_id;
        let times = Times {
            // Only known to be over by now: an earlier delivery may have done it.
            attached: Some(invocation.now()),
            ..hand_over.times
        };
        while invocation.has(TIME_FOR_A_CALL) {
            if let Some(conclusion) = too_late(hand_over, invocation.now()) {
                return Ok(Tried::Conclude(conclusion));
            }
            let result = self
                .systems_manager
                .send_init_command(
                    instance,
                    claim,
                    hand_over.attempt,
                    &times,
                    invocation.trace(),
                )
                .await;
            match after_send(&result, hand_over, invocation.now()) {
                AfterSend::Sent => {
                    info!(
                        command_id = result.ok().as_ref().map(CommandId::as_str),
                        "sent the init command"
                    );
                    return Ok(Tried::Done);
                }
                AfterSend::TryAgain => {
                    if let Err(error) = result {
                        warn!(%error, "cannot send the init command; trying again");
                    }
                    sleep(LOOK_EVERY).await;
                }
                AfterSend::LookFirst => {
                    if let Err(error) = result {
                        warn!(%error, "the init command may have been sent; reading the command history");
                    }
                    sleep(HISTORY_SETTLES).await;
                    let history = self.systems_manager.history(instance).await?;
                    if matches!(init_command(&history, &claim.key()), InitCommand::Sent(_)) {
                        return Ok(Tried::Done);
                    }
                }
                AfterSend::Conclude(conclusion) => {
                    if let Err(error) = result {
                        warn!(%error, "cannot send the init command");
                    }
                    return Ok(Tried::Conclude(conclusion));
                }
            }
        }
        Ok(Tried::Later)
    }
}
