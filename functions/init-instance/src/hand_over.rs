//! A hand-over: attach the instance to its target, tell it the init command.

use crate::config::{ATTACH_EVERY, HISTORY_SETTLES, LOOK_EVERY, TIME_FOR_A_CALL};
use crate::decide::{
    AfterTelling, Attached, Beginning, GivingUp, after_attach, after_telling, begin,
    target_refused, too_late,
};
use crate::delivery::{InitInstance, Progress};
use crate::give_up::Claimed;
use ready_pool_aws::clock::{Invocation, sleep};
use ready_pool_core::call_error::CallError;
use ready_pool_core::command::{Told, told};
use ready_pool_core::message::HandOver;
use ready_pool_core::times::Times;
use tracing::{error, info, warn};

/// How trying to attach or to tell ended.
enum Tried {
    /// It worked.
    Done,
    /// The invocation's time is up.
    Later,
    /// The instance must be given up.
    GiveUp(GivingUp),
}

impl InitInstance {
    pub(crate) async fn hand_over(
        &self,
        hand_over: &HandOver,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        let claim = &hand_over.claim;
        let instance = &hand_over.instance_id;
        let history = self.systems_manager.history(instance).await?;
        let target = self.target(&claim.target_group).await?;
        let entry = target.and_then(|target| target.entry(&claim.claim_id));

        match begin(hand_over, &history, entry.as_ref(), invocation.now()) {
            Beginning::ToldBefore => {
                info!(claim_id = %claim.claim_id, instance_id = %instance, "told before");
                Ok(Progress::Done)
            }
            Beginning::Leave => {
                info!(claim_id = %claim.claim_id, instance_id = %instance, attempt = hand_over.attempt, "the claim has moved on, and the instance is another's");
                Ok(Progress::Done)
            }
            Beginning::Abandon => {
                info!(claim_id = %claim.claim_id, instance_id = %instance, attempt = hand_over.attempt, "the claim has moved on; removing the instance");
                self.remove(instance, &claim.target_group, invocation).await
            }
            Beginning::GivenUpBefore { way, retire } => {
                info!(claim_id = %claim.claim_id, instance_id = %instance, attempt = hand_over.attempt, ?way, "given up before; going on from there");
                self.go_on_again(&claimed(hand_over), way, invocation)
                    .await?;
                if retire {
                    self.remove(instance, &claim.target_group, invocation).await
                } else {
                    Ok(Progress::Done)
                }
            }
            Beginning::GiveUp(giving_up) => {
                if !giving_up.retire {
                    error!(claim_id = %claim.claim_id, instance_id = %instance, "the instance came from the pool and was told for another claim before; it is left alone, and perhaps nobody owns it");
                }
                self.give_up_hand_over(hand_over, giving_up, invocation)
                    .await
            }
            Beginning::Attach => {
                match self.attach(hand_over, invocation).await {
                    Tried::Done => {}
                    Tried::Later => return Ok(Progress::Later),
                    Tried::GiveUp(giving_up) => {
                        return self
                            .give_up_hand_over(hand_over, giving_up, invocation)
                            .await;
                    }
                }
                match self.tell(hand_over, invocation).await? {
                    Tried::Done => Ok(Progress::Done),
                    Tried::Later => Ok(Progress::Later),
                    Tried::GiveUp(giving_up) => {
                        self.give_up_hand_over(hand_over, giving_up, invocation)
                            .await
                    }
                }
            }
        }
    }

    /// Attaches, trying again while the detach is not finished.
    async fn attach(&self, hand_over: &HandOver, invocation: &Invocation) -> Tried {
        let claim = &hand_over.claim;
        let instance = &hand_over.instance_id;
        while invocation.has(TIME_FOR_A_CALL) {
            if claim.is_expired(invocation.now()) {
                return Tried::GiveUp(too_late(true));
            }
            let result = self
                .auto_scaling
                .attach(&claim.target_group, instance)
                .await;
            match after_attach(&result, &claim.target_group, &self.config.pool) {
                Attached::Tell => {
                    info!(claim_id = %claim.claim_id, instance_id = %instance, target_group = %claim.target_group, "attached to the target");
                    return Tried::Done;
                }
                Attached::TryAgain => {
                    // Otherwise the pool's detach is not finished: as a rule for three seconds.
                    if let Err(error) = result
                        && error.already_part_of().is_none()
                    {
                        let opted_out = error.says_denied()
                            && matches!(self.is_target(&claim.target_group).await, Ok(false));
                        if opted_out {
                            warn!(claim_id = %claim.claim_id, instance_id = %instance, target_group = %claim.target_group, %error, "the target is gone, or has opted out");
                            return Tried::GiveUp(target_refused());
                        }
                        warn!(claim_id = %claim.claim_id, instance_id = %instance, target_group = %claim.target_group, %error, "cannot attach; trying again");
                    }
                    sleep(ATTACH_EVERY).await;
                }
                Attached::GiveUp(giving_up) => {
                    if let Err(error) = result {
                        warn!(claim_id = %claim.claim_id, instance_id = %instance, target_group = %claim.target_group, %error, "cannot attach");
                    }
                    return Tried::GiveUp(giving_up);
                }
            }
        }
        Tried::Later
    }

    /// Sends the init command, at most once as far as anybody can know.
    async fn tell(
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
            if claim.is_expired(invocation.now()) {
                return Ok(Tried::GiveUp(too_late(true)));
            }
            let result = self
                .systems_manager
                .tell(
                    instance,
                    claim,
                    hand_over.attempt,
                    &times,
                    invocation.trace(),
                )
                .await;
            match after_telling(&result) {
                AfterTelling::Done => {
                    info!(claim_id = %claim.claim_id, instance_id = %instance, command_id = result.ok(), "told the init command");
                    return Ok(Tried::Done);
                }
                AfterTelling::TryAgain => {
                    if let Err(error) = result {
                        warn!(claim_id = %claim.claim_id, instance_id = %instance, %error, "cannot tell; trying again");
                    }
                    sleep(LOOK_EVERY).await;
                }
                AfterTelling::LookFirst => {
                    if let Err(error) = result {
                        warn!(claim_id = %claim.claim_id, instance_id = %instance, %error, "perhaps told; looking into the history");
                    }
                    sleep(HISTORY_SETTLES).await;
                    let history = self.systems_manager.history(instance).await?;
                    if matches!(told(&history, &claim.key()), Told::ThisClaim(_)) {
                        return Ok(Tried::Done);
                    }
                }
                AfterTelling::GiveUp(giving_up) => {
                    if let Err(error) = result {
                        warn!(claim_id = %claim.claim_id, instance_id = %instance, %error, "cannot be told");
                    }
                    return Ok(Tried::GiveUp(giving_up));
                }
            }
        }
        Ok(Tried::Later)
    }

    async fn give_up_hand_over(
        &self,
        hand_over: &HandOver,
        giving_up: GivingUp,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        self.give_up(&claimed(hand_over), giving_up, invocation)
            .await
    }
}

fn claimed(hand_over: &HandOver) -> Claimed<'_> {
    Claimed {
        claim_id: &hand_over.claim.claim_id,
        target_group: &hand_over.claim.target_group,
        instance: Some(&hand_over.instance_id),
        attempt: hand_over.attempt,
        expires_at: hand_over.claim.expires_at,
        times: hand_over.times,
        claim: Some(&hand_over.claim),
    }
}
