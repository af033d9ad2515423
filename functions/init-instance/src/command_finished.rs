//! The end of a claim's command: whose it is, and how the claim ends with it.

use crate::attach_late::{Tried, since};
use crate::conclude::Subject;
use crate::config::{TIME_FOR_A_CALL, TIME_FOR_DETAILS};
use crate::decide::{
    CommandEnd, Conclusion, KnownAttach, Occasion, Report, Step, ends_although, is_replaced, report,
};
use crate::ended::Ended;
use crate::function::{InitInstance, Progress};
use ready_pool_aws::clock::{Invocation, sleep};
use ready_pool_aws::event::CommandDetail;
use ready_pool_aws::systems_manager::Run;
use ready_pool_core::Timestamp;
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::call_error::CallError;
use ready_pool_core::command::{Command, CommandStatus, claim_key_of};
use ready_pool_core::group::Group;
use ready_pool_core::ids::{ClaimId, ClaimKey, GroupName, InstanceId};
use ready_pool_core::ledger::ENTRY_OUTLIVES_COMMAND;
use ready_pool_core::script::proves_that_nothing_ran;
use ready_pool_core::times::Times;
use tracing::field::display;
use tracing::{Span, debug, info, warn};

/// EventBridge's word that a command ended.
pub(crate) struct Finished<'a> {
    /// Which.
    pub(crate) detail: &'a CommandDetail,
    /// As what it counts.
    pub(crate) occasion: Occasion,
    /// When that was, as far as the event says.
    pub(crate) ended: Option<Timestamp>,
}

impl InitInstance {
    /// A command changed its status, says EventBridge: that is a hint where to look.
    pub(crate) async fn command_finished(
        &self,
        event: Finished<'_>,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        let detail = event.detail;
        let Ok(instance) = InstanceId::try_from(detail.instance_id.as_str()) else {
            debug!("a command on something that is no EC2 instance");
            return Ok(Progress::Done);
        };
        let command = self.systems_manager.command(&detail.command_id);
        let (command, early) = tokio::join!(command, self.early(detail, &instance));
        let Some(command) = command? else {
            debug!("the command cannot be read yet");
            return Ok(Progress::Later);
        };
        let Some((claim_id, hash)) = claim_key_of(&command.comment) else {
            debug!("no claim's command");
            return Ok(Progress::Done);
        };
        let Ok(claim_id) = ClaimId::try_from(claim_id) else {
            warn!("a command's comment looks like ready-pool's, but its claim id is impossible");
            return Ok(Progress::Done);
        };
        Span::current().record("claim_id", display(&claim_id));
        let target = match early.filter(|target| holds(target, &claim_id, hash)) {
            Some(target) => Some(target),
            None => self.find_target(&claim_id, hash, &instance).await?,
        };
        if target.is_none() && detail.is_older_than(ENTRY_OUTLIVES_COMMAND, invocation.now()) {
            // Settled entries live longer than this: the claim's outcome was published long ago.
            info!("a very late event of a claim that is over");
            return Ok(Progress::Done);
        }
        let run = match event.ended {
            Some(ended) if command.status == CommandStatus::Succeeded => self.run_by_event(ended),
            _ => self.run_of_failed(&command, &instance, invocation).await,
        };
        let replaced = is_replaced(&command)
            || command.status == CommandStatus::NotDelivered
            || nothing_ran(run.as_ref());
        let target = match (target, &command.record.claim) {
            // Its tags were wiped, and the instance is elsewhere: that its target is gone would be
            // another matter. So it is where nobody took the instance out: no other takes its place.
            (None, Some(claim)) if replaced => {
                if claim.attach_when == AttachWhen::AfterInit
                    && self.is_still_there(&instance).await?
                {
                    None
                } else {
                    self.target(&claim.target_group).await?
                }
            }
            (target, _) => target,
        };
        if let Some(target) = &target {
            Span::current().record("target_group", display(&target.name));
        }
        let ended = Ended {
            occasion: event.occasion,
            command,
            run,
            claim_id,
            instance,
            target,
            attach: KnownAttach::Unasked,
        };
        self.settle(ended, invocation).await
    }

    /// The target of a command that this environment sent: read beside the command itself.
    async fn early(&self, detail: &CommandDetail, instance: &InstanceId) -> Option<Group> {
        let target = self.sent.take(instance)?;
        if detail.status != "Success" {
            return None;
        }
        self.target(&target).await.ok()?
    }

    /// Whether an instance that failed before it was attached is still there: neither in the retirement group nor gone.
    async fn is_still_there(&self, instance: &InstanceId) -> Result<bool, CallError> {
        let instances = std::slice::from_ref(instance);
        let places = self.auto_scaling.placements(instances).await?;
        let retired = places
            .get(instance)
            .is_some_and(|place| place.group == self.config.retirement);
        Ok(!retired
            && self
                .systems_manager
                .agents(instances)
                .await?
                .contains_key(instance))
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

    /// Settles a claim by the final status of its command, waiting for an unfinished attach.
    pub(crate) async fn settle(
        &self,
        mut ended: Ended,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        let invocation = &in_trace_of(Some(&ended.command), invocation);
        let mut attach = ended.attach;
        let mut attached = None;
        let mut look = 1;
        loop {
            let entry = ended
                .target
                .as_ref()
                .and_then(|target| target.entry(&ended.claim_id));
            let failed = ended.command.status == CommandStatus::Failed;
            if failed && look == 1 && !invocation.has(TIME_FOR_DETAILS) {
                return Ok(Progress::Later);
            }
            if ended.run.is_none() {
                let read = self.run_of_failed(&ended.command, &ended.instance, invocation);
                ended.run = read.await;
            }
            let seen = CommandEnd {
                occasion: ended.occasion,
                command: &ended.command,
                nothing_ran: nothing_ran(ended.run.as_ref()),
                instance: &ended.instance,
                target: ended.target.as_ref(),
                entry: entry.as_ref(),
                look,
                attach,
                now: invocation.now(),
            };
            let conclusion = match (report(seen), &ended.target) {
                // Only the first look missed its instance; a look is no place to wait for its end.
                (Report::StillRunning, _) => return Ok(Progress::Done),
                (Report::AskActivities, Some(target)) => {
                    let sent_at = ended.command.record.sent_at;
                    let since = since(sent_at.unwrap_or(invocation.now() - ENTRY_OUTLIVES_COMMAND));
                    attach = self
                        .known_attach(&ended.instance, &target.name, since)
                        .await?;
                    continue;
                }
                (Report::Attach, Some(target)) => {
                    match self.attach_late(&seen, &target.name, invocation).await? {
                        Tried::Attached => {
                            attach = KnownAttach::Seen;
                            attached = Some(invocation.now());
                            look = 0;
                            None
                        }
                        Tried::Later => return Ok(Progress::Later),
                        Tried::Conclude(conclusion) => Some(conclusion),
                    }
                }
                (Report::Conclude(conclusion), _) => Some(conclusion),
                (Report::NotYet | Report::AskActivities | Report::Attach, _) => None,
            };
            if let Some(conclusion) = conclusion {
                let attempt = entry.as_ref().map_or(1, |entry| entry.attempt);
                Span::current().record("attempt", attempt);
                let subject = Subject {
                    known: known(&seen, &conclusion),
                    claim_id: &ended.claim_id,
                    target_group: ended.target.as_ref().map(|target| &target.name),
                    instance: Some(&ended.instance),
                    attempt,
                    times: Times {
                        attached,
                        ..Times::default()
                    },
                    command: Some(&ended.command),
                    run: ended.run.as_ref(),
                };
                return self.conclude(&subject, conclusion, invocation).await;
            }
            if !invocation.has(TIME_FOR_A_CALL) {
                return Ok(Progress::Later);
            }
            let pause = sleep(ended.next_look(attached, look, invocation.now()));
            if ended.run.is_none() && ended.command.status == CommandStatus::Succeeded {
                // Nobody waits for the outcome's details later.
                let read = self.run(&ended.command, &ended.instance, invocation);
                ended.run = Some(tokio::join!(pause, read).1);
            } else {
                pause.await;
            }
            self.look(&mut ended).await?;
            // In a row: one that shows it says that what was missed before was stale.
            look = if ended.is_member() { 1 } else { look + 1 };
        }
    }

    /// Reads the command's status and the claim's target again.
    async fn look(&self, ended: &mut Ended) -> Result<(), CallError> {
        if !ended.command.status.is_final()
            && let Some(command) = self.systems_manager.command(&ended.command.id).await?
        {
            ended.command = command;
        }
        ended.target = match (&ended.target, claim_key_of(&ended.command.comment)) {
            (Some(target), _) => self.target(&target.name).await?,
            (None, Some((_, hash))) => {
                self.find_target(&ended.claim_id, hash, &ended.instance)
                    .await?
            }
            (None, None) => None,
        };
        Ok(())
    }
}

fn nothing_ran(run: Option<&Run>) -> bool {
    let proves = |run: &Run| {
        let exit_code = run.exit_code.unwrap_or_default();
        proves_that_nothing_ran(exit_code, &run.errors)
    };
    run.is_some_and(proves)
}

/// What is known of a failed claim besides its reason.
fn known(seen: &CommandEnd<'_>, conclusion: &Conclusion) -> Option<String> {
    let deleting = seen.target.filter(|target| target.deleting);
    let deleting = deleting.and_then(Group::launches_nothing);
    let published = conclusion.steps.iter().find_map(|step| match step {
        Step::PublishFailed(reason) => Some(*reason),
        _ => None,
    });
    let although = published.and_then(|reason| ends_although(seen, reason));
    let known: Vec<String> = [deleting, although].into_iter().flatten().collect();
    (!known.is_empty()).then(|| known.join("; "))
}

/// Neither EventBridge's message nor replenish-pool's knows of the claim's trace; the script does.
pub(crate) fn in_trace_of(command: Option<&Command>, invocation: &Invocation) -> Invocation {
    let trace = command.and_then(|command| command.record.header.trace);
    invocation.clone().traced(trace.or(invocation.trace()))
}

/// Whether this is the target of the claim of this id and hash, and has its entry.
fn holds(target: &Group, claim_id: &ClaimId, hash: &str) -> bool {
    let key = format!("{claim_id}@{hash}");
    ClaimKey::new(claim_id, &target.name).as_str() == key && target.entry(claim_id).is_some()
}
