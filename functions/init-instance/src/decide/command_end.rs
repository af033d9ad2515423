//! What the end of a claim's command calls for.

use super::conclusion::{Conclusion, Finding, Step};
use super::replacing::{is_proven, replaced, replaced_for};
use ready_pool_core::Timestamp;
use ready_pool_core::claim::MAX_TIME_TO_EXPIRY;
use ready_pool_core::command::{Command, CommandStatus};
use ready_pool_core::group::{Group, Lifecycle};
use ready_pool_core::ids::InstanceId;
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::reason::Reason;

/// How many looks must miss an instance in its target before it counts as lost: a group read
/// right after an attach may be stale.
pub const LOOKS_BEFORE_LOST: u32 = 3;

/// Why a claim's command is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// EventBridge says that it has ended.
    Event,
    /// A look at an open claim: it has ended, or its instance is missing.
    Look,
    /// A look at an open claim whose deadline has passed, and whose entry names an instance that never got its
    /// command: this one did. Its entry was wiped, and it was sent again.
    Elsewhere,
}

/// What a look at a claim's command sees.
#[derive(Clone, Copy, Debug)]
pub struct CommandEnd<'a> {
    /// Why one looks.
    pub occasion: Occasion,
    /// The command.
    pub command: &'a Command,
    /// Whether its script's end proves that nothing of the claim ran
    /// ([`ready_pool_core::script::proves_that_nothing_ran`]).
    pub nothing_ran: bool,
    /// Its instance.
    pub instance: &'a InstanceId,
    /// The claim's target; `None` when it is gone.
    pub target: Option<&'a Group>,
    /// The claim's entry there.
    pub entry: Option<&'a Entry>,
    /// Which look this is, from 1.
    pub look: u32,
    /// The time.
    pub now: Timestamp,
}

/// What the status of a claim's command calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Not final, the attach is not finished, or the instance was missing too seldom: look again a
    /// little later.
    NotYet,
    /// A look finds it running where it should be: its end is reported when it comes.
    StillRunning,
    /// It ends here.
    Conclude(Conclusion),
}

/// Decides on the outcome of a command. What its script or a person said decides alone; what
/// Systems Manager says of a machine that it has lost does not count once the target does not have
/// that machine any more. A claim that failed never becomes ready.
pub fn report(seen: CommandEnd<'_>) -> Report {
    let own = own_entry(&seen);
    let seen = CommandEnd {
        entry: own.as_ref().or(seen.entry),
        ..seen
    };
    let verdict = match replaced_for(&seen) {
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
        Verdict::Leave => Report::Conclude(Conclusion::nothing(Finding::Nothing)),
        Verdict::Ready => Report::Conclude(settled(&seen, Standing::Ready)),
        Verdict::ReadyBefore => Report::Conclude(ready_before(&seen)),
        Verdict::Failed(reason) => Report::Conclude(settled(&seen, Standing::Failed(reason))),
        Verdict::Replaced(conclusion) => Report::Conclude(conclusion),
    }
}

/// The entry as it would be, had it not been wiped and the claim not been sent again.
fn own_entry(seen: &CommandEnd<'_>) -> Option<Entry> {
    let open = seen.entry.filter(|entry| entry.is_open());
    let named = open.filter(|_| seen.occasion == Occasion::Elsewhere)?;
    Some(Entry {
        instance: Some(seen.instance.clone()),
        instead_of: None,
        ..named.clone()
    })
}

pub(super) enum Verdict {
    /// Not final, or the attach is not finished.
    NotYet,
    /// Not final, and nobody waits here.
    StillRunning,
    /// Not our word to say: the claim was settled with another instance.
    Leave,
    /// Settle as ready.
    Ready,
    /// Its script succeeded, and the instance has left its target since: settle as ready, and say nothing.
    ReadyBefore,
    /// Settle as failed.
    Failed(Reason),
    /// The claim goes on without the instance.
    Replaced(Conclusion),
}

/// Settles the claim. The entry first, then the outcome: should we die in between, the message
/// comes again and publishes the same. The instance of a claim that failed is retired last, unless
/// the claim keeps it.
pub(super) fn settled(seen: &CommandEnd<'_>, standing: Standing) -> Conclusion {
    let (finding, publish, retire) = match standing {
        Standing::Failed(reason) => {
            let policy = seen.command.record.header.on_init_failure;
            let publish = Step::PublishFailed(reason);
            if reason == Reason::InstanceLost {
                // Whoever took it out of its target has it. One whose command we did not send never was in there by
                // our hand: it may be free, and nobody's.
                let ours = seen.command.record.header.attempt.is_some();
                (Finding::Lost, publish, !ours && seen.target.is_some())
            } else if policy.leaves(reason) {
                (Finding::Kept, publish, false)
            } else {
                (Finding::Failed, publish, seen.target.is_some())
            }
        }
        Standing::Ready | Standing::Assigned => (Finding::Ready, Step::PublishReady, false),
    };
    let entry = Entry {
        instance: Some(seen.instance.clone()),
        attempt: seen.entry.map_or(1, |entry| entry.attempt),
        standing,
        expires_at: seen
            .entry
            .map_or(seen.now + MAX_TIME_TO_EXPIRY, |entry| entry.expires_at),
        instead_of: None,
    };
    let is_new = seen.target.is_some() && seen.entry != Some(&entry);
    let protect = finding == Finding::Ready && is_to_be_protected(seen);
    let steps = [
        Step::protect_if(protect),
        Some(publish),
        Step::retire_if(retire),
    ];
    Conclusion {
        entry: is_new.then_some(entry),
        ..Conclusion::of(finding, steps.into_iter().flatten())
    }
}

/// The claim's end was published when its command ended, as far as its event was not lost, and was `ready`, or
/// `failed` where the instance had left by then. Nobody knows which, so neither is said.
fn ready_before(seen: &CommandEnd<'_>) -> Conclusion {
    let entry = settled(seen, Standing::Ready).entry;
    Conclusion {
        entry,
        ..Conclusion::nothing(Finding::ReadyBefore)
    }
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
pub(super) fn is_superseded(entry: &Entry, instance: &InstanceId) -> bool {
    let another = entry.instance.as_ref() != Some(instance);
    another && (entry.instance.is_none() || entry.attempt > 1)
}

/// Why a claim fails whose command ended like this.
pub(super) fn failure(status: CommandStatus) -> Option<Reason> {
    match status {
        CommandStatus::Running | CommandStatus::Succeeded => None,
        CommandStatus::Failed => Some(Reason::ScriptFailed),
        CommandStatus::TimedOut => Some(Reason::ScriptTimedOut),
        CommandStatus::NotDelivered | CommandStatus::Interrupted => Some(Reason::NotDelivered),
        CommandStatus::Cancelled => Some(Reason::Cancelled),
    }
}

fn by_status(seen: &CommandEnd<'_>) -> Verdict {
    match (seen.command.status, failure(seen.command.status)) {
        (CommandStatus::Succeeded, _) => succeeded(seen),
        // Systems Manager's word on a machine that has left: nobody saw what its script did.
        (
            CommandStatus::Running
            | CommandStatus::TimedOut
            | CommandStatus::NotDelivered
            | CommandStatus::Interrupted,
            _,
        ) if is_missed(seen) => lost(seen),
        // Whether another instance may be tried depends on where this one is.
        (CommandStatus::Failed, _)
            if is_proven(seen) && is_missed(seen) && seen.look < LOOKS_BEFORE_LOST =>
        {
            Verdict::NotYet
        }
        (_, Some(reason)) => Verdict::Failed(reason),
        (_, None) if seen.occasion == Occasion::Event => Verdict::NotYet,
        (_, None) => Verdict::StillRunning,
    }
}

/// Whether an open claim's instance is not in its target.
pub(super) fn is_missed(seen: &CommandEnd<'_>) -> bool {
    is_open_claim_s(seen) && !has_instance(seen)
}

/// Whether the ledger says that an open claim has the instance.
fn is_open_claim_s(seen: &CommandEnd<'_>) -> bool {
    let entry = seen.entry.filter(|entry| entry.is_open());
    entry.is_some_and(|entry| entry.instance.as_ref() == Some(seen.instance))
}

/// Whether the claim wants its instance protected from scale-in, and the target does not have it so yet.
fn is_to_be_protected(seen: &CommandEnd<'_>) -> bool {
    let member = seen.target.and_then(|target| target.member(seen.instance));
    seen.command.record.header.protect && member.is_some_and(|member| !member.protected)
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
        None | Some(Lifecycle::Detaching | Lifecycle::Terminating | Lifecycle::Warmed) => {
            lost(seen)
        }
    }
}

/// Whether the claim's deadline has passed.
fn is_overdue(seen: &CommandEnd<'_>) -> bool {
    seen.entry.is_some_and(|entry| entry.expires_at <= seen.now)
}

/// The instance is not its target's: it leaves, or was missing often enough.
fn lost(seen: &CommandEnd<'_>) -> Verdict {
    let target = seen.target;
    let is_missing = target.is_none_or(|target| target.member(seen.instance).is_none());
    if is_missing && seen.look < LOOKS_BEFORE_LOST {
        return Verdict::NotYet;
    }
    let succeeded = seen.command.status == CommandStatus::Succeeded;
    if succeeded && seen.occasion == Occasion::Elsewhere {
        return Verdict::ReadyBefore;
    }
    Verdict::Failed(Reason::InstanceLost)
}
