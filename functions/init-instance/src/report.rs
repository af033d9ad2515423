//! How a claim's command ended: write the entry, tell the caller.

use crate::config::{LOOK_EVERY, TIME_FOR_A_CALL};
use crate::decide::{Look, Report, is_replaced, look, report};
use crate::delivery::{InitInstance, Progress};
use crate::give_up::{Claimed, explain};
use crate::replace::Replacement;
use ready_pool_aws::auto_scaling::EntryToWrite;
use ready_pool_aws::clock::{Invocation, sleep};
use ready_pool_aws::event::CommandDetail;
use ready_pool_core::call_error::CallError;
use ready_pool_core::claim::MAX_TIME_TO_EXPIRY;
use ready_pool_core::command::{Command, Told, claim_key_of, told};
use ready_pool_core::group::Group;
use ready_pool_core::ids::{ClaimId, ClaimKey, GroupName, InstanceId};
use ready_pool_core::ledger::ENTRY_OUTLIVES_COMMAND;
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::message::LookAgain;
use ready_pool_core::outcome::{Details, Ending, Outcome, Reason, VERSION};
use ready_pool_core::times::Times;
use tracing::{debug, error, info, warn};

/// A command of a claim.
pub(crate) struct Finished {
    pub(crate) command: Command,
    pub(crate) claim_id: ClaimId,
    pub(crate) instance: InstanceId,
    /// The claim's target; `None` when it is gone.
    pub(crate) target: Option<Group>,
}

/// A claim's end, to be told.
pub(crate) struct Settled<'a> {
    pub(crate) claim_id: &'a ClaimId,
    pub(crate) target: Option<&'a GroupName>,
    pub(crate) instance: Option<&'a InstanceId>,
    pub(crate) standing: Standing,
    pub(crate) details: Details,
}

impl InitInstance {
    /// A command changed its status, says EventBridge: that is a hint where to look.
    pub(crate) async fn command_finished(
        &self,
        detail: &CommandDetail,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        let Ok(instance) = InstanceId::try_from(detail.instance_id.as_str()) else {
            debug!(
                instance_id = detail.instance_id,
                "a command on something that is no EC2 instance"
            );
            return Ok(Progress::Done);
        };
        let Some(command) = self.systems_manager.command(&detail.command_id).await? else {
            debug!(command_id = detail.command_id, instance_id = %instance, "the command cannot be read yet");
            return Ok(Progress::Later);
        };
        let Some((claim_id, hash)) = claim_key_of(&command.comment) else {
            debug!(command_id = detail.command_id, instance_id = %instance, "no claim's command");
            return Ok(Progress::Done);
        };
        let Ok(claim_id) = ClaimId::try_from(claim_id) else {
            warn!(command_id = detail.command_id, instance_id = %instance, "a comment like ours with an impossible claim id");
            return Ok(Progress::Done);
        };
        let target = self.find_target(&claim_id, hash, &instance).await?;
        if target.is_none() && detail.is_older_than(ENTRY_OUTLIVES_COMMAND, invocation.now()) {
            // Settled entries live longer than this: the claim's end was told long ago.
            info!(%claim_id, instance_id = %instance, command_id = detail.command_id, "a very late event of a claim that is over");
            return Ok(Progress::Done);
        }
        let target = match (target, &command.record.claim) {
            // Its tags were wiped, and the instance is elsewhere: that its target is gone would be
            // another matter.
            (None, Some(claim)) if is_replaced(&command) => {
                self.target(&claim.target_group).await?
            }
            (target, _) => target,
        };
        let finished = Finished {
            command,
            claim_id,
            instance,
            target,
        };
        self.settle(finished, invocation).await
    }

    /// The target is the group whose ledger has the claim; where its tags were wiped, the group
    /// that has the instance. The claim key's hash tells targets with equal claim ids apart.
    async fn find_target(
        &self,
        claim_id: &ClaimId,
        hash: &str,
        instance: &InstanceId,
    ) -> Result<Option<Group>, CallError> {
        let key = format!("{claim_id}@{hash}");
        let is_the_claim_s = |name: &GroupName| ClaimKey::new(claim_id, name).as_str() == key;
        let with_entry = self.auto_scaling.groups_with_entry(claim_id).await?;
        if let Some(target) = with_entry
            .into_iter()
            .find(|group| is_the_claim_s(&group.name))
        {
            return Ok(Some(target));
        }
        let places = self
            .auto_scaling
            .placements(std::slice::from_ref(instance))
            .await?;
        match places.get(instance) {
            Some(place) if is_the_claim_s(&place.group) => self.target(&place.group).await,
            _ => Ok(None),
        }
    }

    async fn target_of(&self, finished: &Finished) -> Result<Option<Group>, CallError> {
        match claim_key_of(&finished.command.comment) {
            Some((_, hash)) => {
                self.find_target(&finished.claim_id, hash, &finished.instance)
                    .await
            }
            None => Ok(None),
        }
    }

    /// See how a claim stands: the event may be lost, or the messages died. `first`: the message was
    /// never delivered before.
    pub(crate) async fn look_again(
        &self,
        message: &LookAgain,
        first: bool,
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
        let found = look(
            entry.as_ref(),
            message.attempt,
            instance,
            told(&history, &message.key()),
            message.expires_at <= invocation.now(),
            first,
        );
        match (found, instance) {
            (Look::Leave, _) => Ok(Progress::Done),
            (Look::Settled { standing, retire }, _) => {
                let told = told(&history, &message.key());
                let (details, invocation) =
                    if let (Told::ThisClaim(command), Some(instance)) = (told, instance) {
                        let details = self.details(&command, instance, message.attempt, invocation);
                        (details.await, &in_trace_of(&command, invocation))
                    } else {
                        let details = Details {
                            attempt: Some(message.attempt),
                            ..Details::default()
                        };
                        (details, invocation)
                    };
                let settled = Settled {
                    claim_id: &message.claim_id,
                    target: Some(&message.target_group),
                    instance,
                    standing,
                    details,
                };
                self.publish_end(&settled, invocation).await?;
                match instance {
                    Some(instance) if retire => {
                        self.remove(instance, &message.target_group, invocation)
                            .await
                    }
                    _ => Ok(Progress::Done),
                }
            }
            (Look::Report(command), Some(instance)) if command.status.is_final() => {
                let finished = Finished {
                    command,
                    claim_id: message.claim_id.clone(),
                    instance: instance.clone(),
                    target,
                };
                self.settle(finished, invocation).await
            }
            (Look::Report(_), _) => {
                debug!(claim_id = %message.claim_id, instance_id = ?instance, "told, and still running");
                Ok(Progress::Done)
            }
            (Look::GiveUp(giving_up), _) => {
                let claimed = Claimed {
                    claim_id: &message.claim_id,
                    target_group: &message.target_group,
                    instance,
                    attempt: message.attempt,
                    expires_at: message.expires_at,
                    times: Times::default(),
                    claim: None,
                };
                self.give_up(&claimed, giving_up, invocation).await
            }
        }
    }

    /// Settles a claim by the final status of its command, waiting for an unfinished attach.
    async fn settle(
        &self,
        mut finished: Finished,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        let invocation = &in_trace_of(&finished.command, invocation);
        for look in 1.. {
            let entry = finished
                .target
                .as_ref()
                .and_then(|target| target.entry(&finished.claim_id));
            match report(
                &finished.command,
                entry.as_ref(),
                finished.target.as_ref(),
                &finished.instance,
                look,
                invocation.now(),
            ) {
                Report::Ready => {
                    self.tell_end(&finished, entry, Standing::Ready, invocation)
                        .await?;
                    return Ok(Progress::Done);
                }
                Report::Failed(reason) => {
                    self.tell_end(&finished, entry, Standing::Failed(reason), invocation)
                        .await?;
                    return if finished.command.record.header.on_init_failure.keeps(reason) {
                        info!(claim_id = %finished.claim_id, instance_id = %finished.instance, "init failed; the instance is kept for a look");
                        Ok(Progress::Done)
                    } else {
                        self.retire_failed(&finished, invocation).await
                    };
                }
                Report::Replace {
                    reason,
                    attempt,
                    entered,
                } => {
                    let replacement = Replacement {
                        reason,
                        attempt,
                        entered,
                    };
                    return self
                        .replace(&finished, entry, &replacement, invocation)
                        .await;
                }
                Report::Retire => {
                    info!(claim_id = %finished.claim_id, instance_id = %finished.instance, "init failed, and the claim has gone on; removing the instance");
                    return self.retire_failed(&finished, invocation).await;
                }
                Report::Leave => return Ok(Progress::Done),
                Report::NotYet => {}
            }
            if !invocation.has(TIME_FOR_A_CALL) {
                return Ok(Progress::Later);
            }
            sleep(LOOK_EVERY).await;
            if let Some(command) = self.systems_manager.command(&finished.command.id).await? {
                finished.command = command;
            }
            finished.target = match &finished.target {
                Some(target) => self.target(&target.name).await?,
                None => self.target_of(&finished).await?,
            };
        }
        Ok(Progress::Later)
    }

    pub(crate) async fn retire_failed(
        &self,
        finished: &Finished,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        match &finished.target {
            Some(target) => {
                self.remove(&finished.instance, &target.name, invocation)
                    .await
            }
            None => Ok(Progress::Done),
        }
    }

    /// The entry first, then the caller: should we die in between, the message comes again and
    /// tells the same.
    pub(crate) async fn tell_end(
        &self,
        finished: &Finished,
        entry: Option<Entry>,
        standing: Standing,
        invocation: &Invocation,
    ) -> Result<(), CallError> {
        let attempt = entry.as_ref().map_or(1, |entry| entry.attempt);
        let details = self
            .details(&finished.command, &finished.instance, attempt, invocation)
            .await;
        match &finished.target {
            Some(target) => {
                let settled = Entry {
                    instance: Some(finished.instance.clone()),
                    standing,
                    instead_of: None,
                    ..entry.clone().unwrap_or(Entry {
                        instance: None,
                        attempt: 1,
                        standing,
                        expires_at: invocation.now() + MAX_TIME_TO_EXPIRY,
                        instead_of: None,
                    })
                };
                if entry.as_ref() != Some(&settled) {
                    self.write_entry(EntryToWrite {
                        target: target.name.clone(),
                        claim_id: finished.claim_id.clone(),
                        entry: settled,
                    })
                    .await?;
                }
            }
            None => {
                error!(claim_id = %finished.claim_id, instance_id = %finished.instance, "the claim's target is gone");
            }
        }
        let target = finished.target.as_ref().map(|target| &target.name);
        let settled = Settled {
            claim_id: &finished.claim_id,
            target,
            instance: Some(&finished.instance),
            standing,
            details,
        };
        self.publish_end(&settled, invocation).await
    }

    pub(crate) async fn publish_end(
        &self,
        settled: &Settled<'_>,
        invocation: &Invocation,
    ) -> Result<(), CallError> {
        let (ending, reason) = match settled.standing {
            Standing::Failed(reason) => (Ending::Failed, reason),
            Standing::Ready | Standing::Assigned => (Ending::Ready, Reason::Initialised),
        };
        let outcome = Outcome {
            version: VERSION,
            claim_id: Some(settled.claim_id.to_string()),
            target_group: settled.target.map(ToString::to_string),
            outcome: ending,
            reason,
            message: explain(reason).to_owned(),
            instance_id: settled.instance.cloned(),
            at: invocation.now(),
            details: settled.details.clone(),
        };
        self.publish(&outcome, invocation).await?;
        info!(claim_id = %settled.claim_id, instance_id = ?settled.instance, reason = reason.code(), "reported the claim's end");
        Ok(())
    }
}

/// Neither EventBridge's message nor replenish-pool's knows of the claim's trace; the script does.
fn in_trace_of(command: &Command, invocation: &Invocation) -> Invocation {
    let trace = command.record.header.trace;
    invocation.clone().traced(trace.or(invocation.trace()))
}
