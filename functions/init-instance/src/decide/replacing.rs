//! Another instance instead of one whose init failed: where the claim wants that, and by itself where it is proven that
//! nothing of the claim ran. That is the instance's fault, and no claim's.

use super::conclusion::{Conclusion, Finding, Step, times_of_retry};
use super::seen::{CommandEnd, Verdict, failure, is_missed, is_superseded, settled};
use ready_pool_core::claim::Claim;
use ready_pool_core::command::{Command, CommandStatus};
use ready_pool_core::ids::{Attempt, InstanceId, MAX_ATTEMPTS};
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::message::{Retry, VERSION};
use ready_pool_core::reason::Reason;

/// Whether the command has ended so that its claim wants another instance.
pub fn is_replaced(command: &Command) -> bool {
    let policy = command.record.header.on_init_failure;
    let reason = failure(command.status);
    reason.is_some_and(|reason| policy.replaces(reason)) && command.record.claim.is_some()
}

/// Whether the command's end may prove that nothing of its claim ran, which is known whole.
pub(super) fn may_prove(command: &Command) -> bool {
    let ends = [CommandStatus::Failed, CommandStatus::NotDelivered];
    ends.contains(&command.status) && command.record.claim.is_some()
}

/// Whether the ledger says that the claim goes on without this instance, and the claim is known whole.
fn goes_on_without(entry: &Entry, instance: &InstanceId, command: &Command) -> bool {
    let named = entry.instead_of.as_ref() == Some(instance);
    entry.is_open() && named && failure(command.status).is_some() && command.record.claim.is_some()
}

/// Whether it is proven that nothing of the claim ran.
pub(super) fn is_proven(seen: &CommandEnd<'_>) -> bool {
    match seen.command.status {
        CommandStatus::NotDelivered => true,
        CommandStatus::Failed => seen.nothing_ran,
        CommandStatus::Running
        | CommandStatus::Succeeded
        | CommandStatus::TimedOut
        | CommandStatus::Interrupted
        | CommandStatus::Cancelled => false,
    }
}

/// Why another instance is tried, if it is, and for which claim: it must be known whole. An instance on which
/// nothing ran, and which its target does not have any more, is lost instead: the target may have been made smaller
/// on purpose.
pub(super) fn replaced_for<'a>(seen: &CommandEnd<'a>) -> Option<(Reason, &'a Claim)> {
    let command = seen.command;
    let begun = |entry: &Entry| goes_on_without(entry, seen.instance, command);
    let wanted = is_replaced(command)
        || seen.entry.is_some_and(begun)
        || (is_proven(seen) && !is_missed(seen));
    let reason = failure(command.status).filter(|_| wanted)?;
    Some((reason, command.record.claim.as_deref()?))
}

/// Why a claim ends for this reason although nothing of it ran, for people.
pub fn ends_although(seen: &CommandEnd<'_>, reason: Reason) -> Option<String> {
    let of_the_command = failure(seen.command.status) == Some(reason);
    if !is_proven(seen) || !of_the_command {
        return None;
    }
    let attempt = seen.entry.map_or(1, |entry| entry.attempt);
    let expired = seen.entry.is_some_and(|entry| entry.expires_at <= seen.now);
    let why = if attempt >= MAX_ATTEMPTS {
        format!("on this instance, the last of {MAX_ATTEMPTS}")
    } else if seen.command.record.claim.is_none() {
        "and no other instance was tried, because the script has no room to carry the claim"
            .to_owned()
    } else if expired {
        "and no other instance was tried, because the deadline has passed".to_owned()
    } else {
        "on this instance".to_owned()
    };
    Some(format!("nothing of the claim ran {why}"))
}

/// A command that ended badly, of a claim that goes on then.
pub(super) fn replaced(
    seen: &CommandEnd<'_>,
    entry: &Entry,
    reason: Reason,
    claim: &Claim,
) -> Verdict {
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
        finding: if is_proven(seen) {
            Finding::NothingRan
        } else {
            Finding::Replaced
        },
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
        begun: true,
        times: times_of_retry(&seen.command.record.header.times),
    }));
    let retire = Step::retire_if(seen.target.is_some());
    retire.into_iter().chain([retry]).collect()
}
