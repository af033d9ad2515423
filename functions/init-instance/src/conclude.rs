//! Carries a conclusion out: the entry, then step by step, in the order that [`crate::decide`]
//! gave. Nothing else in this function writes entries, publishes, asks for another instance or
//! retires one.

use crate::decide::{Cause, Conclusion, Finding, Step};
use crate::function::{InitInstance, Progress};
use crate::stopped;
use ready_pool_aws::auto_scaling::EntryToWrite;
use ready_pool_aws::clock::Invocation;
use ready_pool_aws::metrics::Record;
use ready_pool_aws::queue::Outgoing;
use ready_pool_aws::retirement::{Retired, retire};
use ready_pool_aws::systems_manager::Run;
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::command::Command;
use ready_pool_core::ids::{Attempt, ClaimId, ClaimKey, GroupName, InstanceId};
use ready_pool_core::ledger::Entry;
use ready_pool_core::message::{Message, Retry};
use ready_pool_core::outcome::{Details, Ending, Outcome, VERSION};
use ready_pool_core::reason::Reason;
use ready_pool_core::retirement::Route;
use ready_pool_core::times::Times;
use tracing::{debug, error, info, warn};

/// What a conclusion is about: a claim, and the instance it has.
pub(crate) struct Subject<'a> {
    pub(crate) claim_id: &'a ClaimId,
    /// `None` when the target is gone.
    pub(crate) target_group: Option<&'a GroupName>,
    /// `None` when the last one was given up before and no other is assigned.
    pub(crate) instance: Option<&'a InstanceId>,
    pub(crate) attempt: Attempt,
    /// What is known besides, for people.
    pub(crate) known: Option<String>,
    /// When what happened so far happened, where no command knows that better.
    pub(crate) times: Times,
    /// The claim's init command, where one was sent.
    pub(crate) command: Option<&'a Command>,
    /// How it ended, where that was read.
    pub(crate) run: Option<&'a Run>,
}

impl Subject<'_> {
    /// Whether the instance was sent its command before it was to be in its target.
    fn is_attached_late(&self) -> bool {
        let header = self.command.map(|command| &command.record.header);
        header.is_some_and(|header| header.attach_when == AttachWhen::AfterInit)
    }
}

impl InitInstance {
    /// Repeatable: each step may have been taken before.
    pub(crate) async fn conclude(
        &self,
        subject: &Subject<'_>,
        conclusion: Conclusion,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        log(&conclusion);
        let mut steps = conclusion.steps;
        // Before the entry: between it and the outcome nothing is read that can wait.
        let mut details = None;
        if steps.iter().any(Step::publishes) {
            details = Some(self.details_of(subject, invocation).await);
        }
        if let Some(entry) = conclusion.entry
            && !self.enter(subject, entry).await?
            && let Some(instead) = conclusion.without_entry
        {
            steps = instead;
        }
        for step in steps {
            match step {
                Step::Protect => {
                    if let (Some(target), Some(instance)) = (subject.target_group, subject.instance)
                    {
                        self.protect(target, instance, invocation).await;
                    }
                }
                Step::PublishReady => {
                    let end = (Ending::Ready, Reason::Initialised);
                    self.publish(subject, end, details.take(), invocation)
                        .await?;
                }
                Step::PublishFailed(reason) => {
                    let end = (Ending::Failed, reason);
                    self.publish(subject, end, details.take(), invocation)
                        .await?;
                }
                Step::Retry(retry) => self.retry(*retry, invocation).await?,
                Step::Retire => match self.retire(subject, invocation).await? {
                    Progress::Done => {}
                    Progress::Later => return Ok(Progress::Later),
                },
                Step::TakeOut => {
                    if let Some(instance) = subject.instance
                        && !self.take_out(instance, invocation).await?
                    {
                        return Ok(Progress::Later);
                    }
                }
            }
        }
        Ok(Progress::Done)
    }

    async fn details_of(&self, subject: &Subject<'_>, invocation: &Invocation) -> Details {
        match (subject.command, subject.instance) {
            (Some(command), Some(instance)) => {
                let known = (subject.attempt, subject.run);
                let mut details = self.details(command, instance, known, invocation).await;
                // Its script, written before, does not know of an attach that comes after it.
                let attached = &mut details.times.attached;
                *attached = attached.or(subject.times.attached);
                details
            }
            _ => Details {
                attempt: Some(subject.attempt),
                times: subject.times,
                ..Details::default()
            },
        }
    }

    /// Writes the claim's entry; answers whether it stands. A target that refuses (it is gone, opted
    /// out, or its tags are full) does not hold up the claim's end: the outcome is what counts.
    async fn enter(&self, subject: &Subject<'_>, entry: Entry) -> Result<bool, CallError> {
        let Some(target) = subject.target_group else {
            return Ok(false);
        };
        let write = EntryToWrite {
            target: target.clone(),
            claim_id: subject.claim_id.clone(),
            entry,
        };
        let Some((write, error)) = self.auto_scaling.enter(&[write]).await.pop() else {
            return Ok(true);
        };
        let refuses = error.effect == Effect::Refused && error.code == "ValidationError";
        if refuses || (error.says_denied() && !self.is_target(&write.target).await?) {
            warn!(%error, "the target's tags cannot be written");
            return Ok(false);
        }
        Err(error)
    }

    async fn publish(
        &self,
        subject: &Subject<'_>,
        (ending, reason): (Ending, Reason),
        details: Option<Details>,
        invocation: &Invocation,
    ) -> Result<(), CallError> {
        let details = match details {
            Some(details) => details,
            None => self.details_of(subject, invocation).await,
        };
        if subject.target_group.is_none() {
            error!("the claim's target is gone");
        }
        let known = subject.known.as_deref();
        let known = known.filter(|_| ending == Ending::Failed);
        let outcome = Outcome {
            version: VERSION,
            claim_id: Some(subject.claim_id.to_string()),
            target_group: subject.target_group.map(ToString::to_string),
            // Whoever publishes it says.
            pool: None,
            outcome: ending,
            reason,
            message: self.sentence(subject, reason, known),
            instance_id: subject.instance.cloned(),
            at: invocation.now(),
            details,
        };
        self.outcomes.publish(&outcome, invocation.trace()).await?;
        info!(
            outcome = ending.code(),
            reason = reason.code(),
            "published the outcome"
        );
        Ok(())
    }

    /// What the reason means, with AWS's words where it is about what AWS refused.
    fn sentence(&self, subject: &Subject<'_>, reason: Reason, known: Option<&str>) -> String {
        let sentence = reason.sentence_with(known);
        let is_about_refusals = matches!(
            reason,
            Reason::Expired
                | Reason::AttemptsExhausted
                | Reason::TargetRefused
                | Reason::CommandRefused
        );
        let Some(target) = subject.target_group.filter(|_| is_about_refusals) else {
            return sentence;
        };
        let key = ClaimKey::new(subject.claim_id, target);
        match self.refusals.of(key.as_str()) {
            Some(words) => format!("{sentence}. AWS's last answer: {words}"),
            None => sentence,
        }
    }

    async fn retry(&self, retry: Retry, invocation: &Invocation) -> Result<(), CallError> {
        let asked = retry.attempt;
        let deduplication_id = retry.deduplication_id();
        let message = Outgoing::json(&Message::Retry(retry))?
            .ordered(self.config.pool.as_str(), deduplication_id)
            .traced(invocation.trace());
        self.provision_queue.send_one(message).await?;
        info!(next_attempt = asked, "asked for another instance");
        Ok(())
    }

    /// Retires an instance that is free, or in the target and never to be used there.
    async fn retire(
        &self,
        subject: &Subject<'_>,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        let (Some(instance), Some(target)) = (subject.instance, subject.target_group) else {
            return Ok(Progress::Done);
        };
        let retired = retire(
            &self.auto_scaling,
            instance,
            Route {
                from: target,
                pool: &self.config.pool,
                from_pool: subject.is_attached_late(),
                retirement: &self.config.retirement,
            },
            invocation,
        )
        .await;
        let retired = match retired {
            // Our policy asks for the opt-in tag: it would be refused each time it comes again.
            Err(error) if error.says_detach_denied() && !self.is_target(target).await? => {
                warn!(%error, "the target has opted out; its instance is left in it");
                return Ok(Progress::Done);
            }
            other => other?,
        };
        match retired {
            Retired::Terminated => {
                info!("retired the instance");
                let record = Record::of(&self.config.pool)
                    .count("Retirements", 1)
                    .with("instance_id", instance.as_str());
                self.metrics.write(&record, invocation.now());
                Ok(Progress::Done)
            }
            Retired::Done => {
                info!("the instance is gone already, or somebody else's");
                Ok(Progress::Done)
            }
            Retired::Stopped => {
                stopped::say(instance);
                Ok(Progress::Done)
            }
            Retired::Unfinished => Ok(Progress::Later),
        }
    }
}

/// What was found, and what is done about it.
fn log(conclusion: &Conclusion) {
    let steps: Vec<String> = conclusion.steps.iter().map(ToString::to_string).collect();
    let steps = steps.join(", ");
    let entry = conclusion.entry.as_ref().map(tracing::field::display);
    let finding = conclusion.finding;
    match finding {
        Finding::Nothing | Finding::StillRunning => debug!("{finding}"),
        Finding::GivenUp(Cause::SentForAnother) => error!(steps, entry, "{finding}"),
        Finding::GivenUp(_) | Finding::Replaced | Finding::NothingRan | Finding::Lost => {
            warn!(steps, entry, "{finding}");
        }
        _ => info!(steps, entry, "{finding}"),
    }
}
