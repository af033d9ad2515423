//! What the end of a claim's command calls for.

use super::after_init::{attach_ends, is_young_and_unentered, unattached};
use super::conclusion::{Conclusion, Finding, Step, times_of_retry};
use super::seen::{CommandEnd, Occasion, Verdict, is_attached_late, lost, settled};
use ready_pool_core::claim::Claim;
use ready_pool_core::command::{Command, CommandStatus};
use ready_pool_core::group::Lifecycle;
use ready_pool_core::ids::{Attempt, InstanceId, MAX_ATTEMPTS};
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::message::{Retry, VERSION};
use ready_pool_core::reason::Reason;

/// What the status of a claim's command calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Not final, the attach is not finished, or the instance was missing too seldom: look again a
    /// little later.
    NotYet,
    /// A look finds it running where it should be: its end is reported when it comes.
    StillRunning,
    /// The init succeeded, and the instance is to be attached: ask the target's activities first whether it was.
    AskActivities,
    /// Attach it.
    Attach,
    /// It ends here.
    Conclude(Conclusion),
}

/// Decides on the outcome of a command. What its script or a person said decides alone; what
/// Systems Manager says of a machine that it has lost does not count once the target does not have
/// that machine any more. A claim that failed never becomes ready.
pub fn report(seen: CommandEnd<'_>) -> Report {
    let verdict = match replaced_for(seen.command) {
        Some((reason, claim)) => match (seen.entry, seen.target) {
            (Some(entry), _) => replaced(&seen, entry, reason, claim),
            // Its tags were wiped. An instance that is not there any more was taken out by us, and
            // its claim goes on, or by its tenant.
            (None, Some(target)) if target.member(seen.instance).is_none() => Verdict::Leave,
            // Only the ledger proves that this is the claim's instance, and counts its attempts.
            _ => Verdict::Failed(reason),
        },
        None => not_replaced(&seen),
    };
    match verdict {
        Verdict::NotYet => Report::NotYet,
        Verdict::StillRunning => Report::StillRunning,
        Verdict::AskActivities => Report::AskActivities,
        Verdict::Attach => Report::Attach,
        Verdict::Leave => Report::Conclude(Conclusion::nothing(Finding::Nothing)),
        Verdict::Ready => Report::Conclude(settled(&seen, Standing::Ready)),
        Verdict::Failed(reason) => Report::Conclude(settled(&seen, Standing::Failed(reason))),
        Verdict::Replaced(conclusion) => Report::Conclude(conclusion),
    }
}

/// Whether the command has ended so that another instance is tried.
pub fn is_replaced(command: &Command) -> bool {
    replaced_for(command).is_some()
}

/// Why another instance is tried, if it is, and for which claim: it must want that, and must be
/// known whole.
fn replaced_for(command: &Command) -> Option<(Reason, &Claim)> {
    let policy = command.record.header.on_init_failure;
    let reason = failure(command.status).filter(|reason| policy.replaces(*reason))?;
    Some((reason, command.record.claim.as_deref()?))
}

/// A command that ended badly, of a claim that wants another instance then.
fn replaced(seen: &CommandEnd<'_>, entry: &Entry, reason: Reason, claim: &Claim) -> Verdict {
    let named = entry.instance.as_ref() == Some(seen.instance);
    match entry.standing {
        Standing::Ready if named => Verdict::Ready,
        Standing::Failed(reason) if named => Verdict::Failed(reason),
        Standing::Assigned if entry.instead_of.as_ref() == Some(seen.instance) => {
            let steps = retire_then_retry(seen, claim, entry.attempt);
            Verdict::Replaced(Conclusion::of(Finding::ReplacedBefore, steps))
        }
        Standing::Assigned if !is_superseded(entry, seen.instance) => {
            if entry.expires_at <= seen.now || entry.attempt >= MAX_ATTEMPTS {
                Verdict::Failed(reason)
            } else {
                Verdict::Replaced(replace(seen, entry, reason, claim))
            }
        }
        Standing::Assigned | Standing::Ready | Standing::Failed(_) => {
            let retire = Step::retire_if(seen.target.is_some());
            Verdict::Replaced(Conclusion::of(Finding::Superseded, retire))
        }
    }
}

/// Another instance takes this one's place. Should the target take no entry (it has opted out, or is
/// gone), there will be no other instance, and the claim fails.
fn replace(seen: &CommandEnd<'_>, entry: &Entry, reason: Reason, claim: &Claim) -> Conclusion {
    let attempt = entry.attempt.saturating_add(1);
    Conclusion {
        finding: Finding::Replaced,
        entry: Some(Entry {
            instance: None,
            attempt,
            standing: Standing::Assigned,
            expires_at: claim.expires_at,
            instead_of: Some(seen.instance.clone()),
        }),
        steps: retire_then_retry(seen, claim, attempt),
        without_entry: Some(settled(seen, Standing::Failed(reason)).steps),
    }
}

/// The instance's way out comes first here: so a claim never has two instances that were sent its
/// command, and a full target has room again when the next one comes.
fn retire_then_retry(seen: &CommandEnd<'_>, claim: &Claim, attempt: Attempt) -> Vec<Step> {
    let retry = Step::Retry(Box::new(Retry {
        version: VERSION,
        claim: claim.clone(),
        attempt,
        times: times_of_retry(&seen.command.record.header.times),
    }));
    let retire = Step::retire_if(seen.target.is_some());
    retire.into_iter().chain([retry]).collect()
}

/// A command of a claim that wants no other instance, or that has not failed.
fn not_replaced(seen: &CommandEnd<'_>) -> Verdict {
    let Some(entry) = seen.entry else {
        return by_status(seen);
    };
    match entry.standing {
        // Given up before, and the claim goes on: only a success here is its end.
        Standing::Assigned => match by_status(seen) {
            Verdict::Failed(_) if is_superseded(entry, seen.instance) => Verdict::Leave,
            verdict => verdict,
        },
        Standing::Ready | Standing::Failed(_) if entry.instance.as_ref() != Some(seen.instance) => {
            Verdict::Leave
        }
        Standing::Failed(reason) => Verdict::Failed(reason),
        Standing::Ready => Verdict::Ready,
    }
}

/// Whether an open claim goes on without this instance.
fn is_superseded(entry: &Entry, instance: &InstanceId) -> bool {
    let another = entry.instance.as_ref() != Some(instance);
    another && (entry.instance.is_none() || entry.attempt > 1)
}

/// Why a claim fails whose command ended like this.
fn failure(status: CommandStatus) -> Option<Reason> {
    match status {
        CommandStatus::Running | CommandStatus::Succeeded => None,
        CommandStatus::Failed => Some(Reason::ScriptFailed),
        CommandStatus::TimedOut => Some(Reason::ScriptTimedOut),
        CommandStatus::NotDelivered => Some(Reason::NotDelivered),
        CommandStatus::Cancelled => Some(Reason::Cancelled),
    }
}

fn by_status(seen: &CommandEnd<'_>) -> Verdict {
    match (seen.command.status, failure(seen.command.status)) {
        (CommandStatus::Succeeded, _) if is_young_and_unentered(seen) => Verdict::NotYet,
        (CommandStatus::Succeeded, _) => succeeded(seen),
        // Systems Manager's word on a machine that has left: nobody saw what its script did.
        (CommandStatus::Running | CommandStatus::TimedOut | CommandStatus::NotDelivered, _)
            if is_open_claim_s(seen) && !has_instance(seen) && !is_attached_late(seen) =>
        {
            lost(seen)
        }
        // For ever, perhaps: of a machine that has died, too.
        (CommandStatus::Running, _) if is_attached_late(seen) && seen.now >= attach_ends(seen) => {
            Verdict::Failed(Reason::ScriptTimedOut)
        }
        (_, Some(reason)) => Verdict::Failed(reason),
        (_, None) if seen.occasion == Occasion::Look => Verdict::StillRunning,
        (_, None) => Verdict::NotYet,
    }
}

/// Whether the ledger says that an open claim has the instance.
fn is_open_claim_s(seen: &CommandEnd<'_>) -> bool {
    let entry = seen.entry.filter(|entry| entry.is_open());
    entry.is_some_and(|entry| entry.instance.as_ref() == Some(seen.instance))
}

fn has_instance(seen: &CommandEnd<'_>) -> bool {
    seen.target.is_some_and(|target| target.has(seen.instance))
}

/// The script succeeded: is the instance its target's? In standby it is: its tenant put it there.
fn succeeded(seen: &CommandEnd<'_>) -> Verdict {
    let member = seen.target.and_then(|target| target.member(seen.instance));
    match member.map(|member| member.lifecycle) {
        Some(Lifecycle::InService | Lifecycle::EnteringStandby | Lifecycle::Standby) => {
            Verdict::Ready
        }
        // Nobody knows what it is in the middle of. It is the target's, and the claim must end.
        Some(Lifecycle::Other) if is_overdue(seen) => Verdict::Ready,
        Some(Lifecycle::Pending | Lifecycle::PendingWait | Lifecycle::Other) => Verdict::NotYet,
        None if is_attached_late(seen) && is_open_claim_s(seen) => unattached(seen),
        None | Some(Lifecycle::Detaching | Lifecycle::Terminating | Lifecycle::Warmed) => {
            lost(seen)
        }
    }
}

/// Whether the claim's deadline has passed.
fn is_overdue(seen: &CommandEnd<'_>) -> bool {
    seen.entry.is_some_and(|entry| entry.expires_at <= seen.now)
}
