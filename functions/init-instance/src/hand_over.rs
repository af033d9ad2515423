//! A hand-over: attach the instance to its target, send it the init command.

use crate::conclude::Subject;
use crate::config::{HISTORY_SETTLES, LOOK_EVERY, REFUSED_EVERY, TIME_FOR_A_CALL};
use crate::decide::{
    AfterSend, Attached, BeforeSend, Beginning, Cause, Conclusion, Delivery, after_attach,
    after_denial, after_send, before_send, give_up, is_fresh, too_late,
};
use crate::function::{InitInstance, Progress};
use crate::pace;
use crate::read::Read;
use crate::refusals::words;
use crate::stopped;
use ready_pool_aws::clock::{Invocation, sleep};
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::claim::Claim;
use ready_pool_core::command::{InitCommand, STACK_TAG, init_command};
use ready_pool_core::ids::CommandId;
use ready_pool_core::message::HandOver;
use ready_pool_core::times::Times;
use tracing::{error, info, warn};

/// How trying to attach or to send ended.
enum Tried {
    /// It worked.
    Done,
    /// The invocation's time is up.
    Later,
    /// The hand-over ends here.
    Conclude(Conclusion),
}

impl InitInstance {
    pub(crate) async fn hand_over(
        &self,
        hand_over: &HandOver,
        delivery: Delivery,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        let protect = hand_over.claim.protect.unwrap_or(self.config.protects);
        let hand_over = &HandOver {
            claim: Claim {
                protect: Some(protect),
                ..hand_over.claim.clone()
            },
            ..hand_over.clone()
        };
        let attaches_late = hand_over.claim.attach_when == AttachWhen::AfterInit;
        let fresh = is_fresh(hand_over, delivery, invocation.now());
        let read = self.read(hand_over, fresh, invocation.now()).await?;
        let tried = match read.begins(hand_over, invocation.now()) {
            Beginning::Conclude(conclusion) => Tried::Conclude(conclusion),
            Beginning::Attach if attaches_late => {
                self.send(hand_over, Some(&read), invocation).await?
            }
            Beginning::Attach => match self.attach(hand_over, invocation).await {
                Tried::Done => self.send(hand_over, None, invocation).await?,
                otherwise => otherwise,
            },
        };
        let conclusion = match tried {
            Tried::Done => {
                // Its script runs, for hours perhaps. Should this be cut, the end of the command sees to it.
                if protect && !attaches_late {
                    let target = &hand_over.claim.target_group;
                    self.protect(target, &hand_over.instance_id, invocation)
                        .await;
                }
                return Ok(Progress::Done);
            }
            Tried::Later => return Ok(Progress::Later),
            Tried::Conclude(conclusion) => conclusion,
        };
        let late_command = read.late_command(hand_over);
        let subject = Subject {
            known: None,
            claim_id: &hand_over.claim.claim_id,
            target_group: Some(&hand_over.claim.target_group),
            instance: Some(&hand_over.instance_id),
            attempt: hand_over.attempt,
            times: hand_over.times,
            command: late_command.as_ref(),
            run: None,
        };
        self.conclude(&subject, conclusion, invocation).await
    }

    /// Attaches, trying again while the detach is not finished.
    async fn attach(&self, hand_over: &HandOver, invocation: &Invocation) -> Tried {
        let target = &hand_over.claim.target_group;
        let mut tried = 0;
        sleep(pace::until_detached(
            hand_over.times.detached,
            invocation.now(),
        ))
        .await;
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
                    tried += 1;
                    let mut pace = pace::next_try(&hand_over.instance_id, tried);
                    // Otherwise the pool's detach is not finished: as a rule for three seconds.
                    if let Err(error) = result
                        && error.already_part_of().is_none()
                    {
                        self.refusals.remember(&hand_over.claim, &error);
                        let opted_out = error.says_denied()
                            && matches!(self.is_target(target).await, Ok(false));
                        if opted_out {
                            warn!(%error, "the target is gone, or has opted out");
                            let now = invocation.now();
                            return Tried::Conclude(give_up(hand_over, Cause::TargetRefused, now));
                        }
                        if error.effect == Effect::Refused {
                            error!(%error, "refused, for every instance; trying again until the deadline");
                            pace = REFUSED_EVERY;
                        } else {
                            pace = LOOK_EVERY;
                            warn!(%error, "cannot attach; trying again");
                        }
                    }
                    sleep(pace).await;
                }
                Attached::Conclude(conclusion) => {
                    if let Err(error) = result {
                        self.refusals.remember(&hand_over.claim, &error);
                        warn!(%error, "cannot attach");
                        if error.says_stopped() {
                            stopped::say(&hand_over.instance_id);
                        }
                    }
                    return Tried::Conclude(conclusion);
                }
            }
        }
        Tried::Later
    }

    /// Sends the init command, at most once as far as anybody can know.
    async fn send(
        &self,
        hand_over: &HandOver,
        mut read: Option<&Read>,
        invocation: &Invocation,
    ) -> Result<Tried, CallError> {
        let claim = &hand_over.claim;
        let instance = &hand_over.instance_id;
        let attaches_late = claim.attach_when == AttachWhen::AfterInit;
        let times = Times {
            // Only known to be over by now: an earlier delivery may have done it.
            attached: (!attaches_late).then(|| invocation.now()),
            ..hand_over.times
        };
        while invocation.has(TIME_FOR_A_CALL) {
            if attaches_late {
                match self.may_send(hand_over, read.take(), invocation).await? {
                    BeforeSend::Send => {}
                    BeforeSend::Wait => {
                        sleep(LOOK_EVERY).await;
                        continue;
                    }
                    BeforeSend::Conclude(conclusion) => return Ok(Tried::Conclude(conclusion)),
                }
            }
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
            let next = match after_send(&result, hand_over, invocation.now()) {
                AfterSend::AskWhy => self.after_denial(hand_over, invocation).await,
                next => next,
            };
            if let Err(error) = &result {
                self.refusals.remember(claim, error);
            }
            let problem = result.as_ref().err().map(|error| words(claim, error));
            match next {
                AfterSend::Sent => {
                    self.refusals.forget(claim.key().as_str());
                    if attaches_late {
                        self.sent.remember(instance, &claim.target_group);
                    }
                    info!(
                        command_id = result.ok().as_ref().map(CommandId::as_str),
                        "sent the init command"
                    );
                    return Ok(Tried::Done);
                }
                AfterSend::TryAgain => {
                    warn!(
                        error = problem,
                        "cannot send the init command; trying again"
                    );
                    sleep(LOOK_EVERY).await;
                }
                // What it asked for could not be read: as if it were nobody's fault here.
                AfterSend::TryAgainLater | AfterSend::AskWhy => {
                    error!(
                        error = problem,
                        "cannot send the init command, to any instance; trying again until the deadline"
                    );
                    sleep(REFUSED_EVERY).await;
                }
                AfterSend::LookFirst => {
                    warn!(
                        error = problem,
                        "the init command may have been sent; reading the command history"
                    );
                    sleep(HISTORY_SETTLES).await;
                    let history = self.history(hand_over, false, invocation.now()).await?;
                    if matches!(init_command(&history, &claim.key()), InitCommand::Sent(_)) {
                        return Ok(Tried::Done);
                    }
                }
                AfterSend::Conclude(conclusion) => {
                    warn!(error = problem, "cannot send the init command");
                    return Ok(Tried::Conclude(conclusion));
                }
            }
        }
        Ok(Tried::Later)
    }

    /// Where is the instance, and would its target take it? Asked before each send; `read` is fresh.
    async fn may_send(
        &self,
        hand_over: &HandOver,
        read: Option<&Read>,
        invocation: &Invocation,
    ) -> Result<BeforeSend, CallError> {
        let again;
        let (target, place) = if let Some(read) = read {
            (&read.target, &read.place)
        } else {
            again = self.target_and_place(hand_over).await?;
            (&again.0, &again.1)
        };
        let now = invocation.now();
        if let Some(conclusion) = too_late(hand_over, now) {
            return Ok(BeforeSend::Conclude(conclusion));
        }
        let (place, target) = (place.as_ref(), target.as_ref());
        Ok(before_send(
            hand_over,
            place,
            target,
            &self.config.pool,
            now,
        ))
    }

    /// Denied on this instance: has it lost its tag?
    async fn after_denial(&self, hand_over: &HandOver, invocation: &Invocation) -> AfterSend {
        let tag = (STACK_TAG, self.config.stack.as_str());
        let instance = &hand_over.instance_id;
        match self.systems_manager.has_tag(instance, tag).await {
            Ok(has_tag) => after_denial(has_tag, hand_over, invocation.now()),
            Err(error) => {
                warn!(%error, "cannot see whether the instance has its tag");
                AfterSend::TryAgainLater
            }
        }
    }
}
