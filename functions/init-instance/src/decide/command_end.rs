//! What the end of a claim's command calls for.

use super::after_init::{attach_ends, is_young_and_unentered, unattached};
use super::conclusion::{Conclusion, Finding};
use super::replacing::{is_proven, replaced, replaced_for};
use super::seen::{
    CommandEnd, LOOKS_BEFORE_LOST, Occasion, Verdict, failure, is_attached_late, is_missed,
    is_open_claim_s, is_superseded, lost, settled,
};
use ready_pool_core::command::CommandStatus;
use ready_pool_core::group::Lifecycle;
use ready_pool_core::ledger::{Entry, Standing};
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
/// Systems Manager says of an instance that it has lost does not count once the target does not have
/// that instance any more. A claim that failed never becomes ready.
pub fn report(seen: CommandEnd<'_>) -> Report {
    let own = own_entry(&seen);
    let seen = CommandEnd {
        entry: own.as_ref().or(seen.entry),
        ..seen
    };
    if is_overtaken(&seen) {
        return Report::Conclude(Conclusion::nothing(Finding::Nothing));
    }
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
        Verdict::AskActivities => Report::AskActivities,
        Verdict::Attach => Report::Attach,
        Verdict::Leave => Report::Conclude(Conclusion::nothing(Finding::Nothing)),
        Verdict::Ready => Report::Conclude(settled(&seen, Standing::Ready)),
        Verdict::ReadyBefore => Report::Conclude(ready_before(&seen)),
        Verdict::Failed(reason) => Report::Conclude(settled(&seen, Standing::Failed(reason))),
        Verdict::Replaced(conclusion) => Report::Conclude(conclusion),
    }
}

/// Whether a look was faster than the command's event: it published the claim's outcome or will, for its message comes
/// again before the event does. Past the deadline that is not believed, as in [`super::check`]: a claim may be settled
/// by another instance's messages then, and a hand-over may have closed it and lie on the dead-letter queue.
fn is_overtaken(seen: &CommandEnd<'_>) -> bool {
    let settled = |entry: &&Entry| !entry.is_open() && seen.now < entry.expires_at;
    let settled_by = seen
        .entry
        .filter(settled)
        .and_then(|entry| entry.instance.as_ref());
    seen.occasion == Occasion::FreshEvent && settled_by == Some(seen.instance)
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

fn by_status(seen: &CommandEnd<'_>) -> Verdict {
    match (seen.command.status, failure(seen.command.status)) {
        (CommandStatus::Succeeded, _) if is_young_and_unentered(seen) => Verdict::NotYet,
        (CommandStatus::Succeeded, _) => succeeded(seen),
        // Systems Manager's word on an instance that has left: nobody saw what its script did.
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
        // For ever, perhaps: of an instance that has died, too.
        (CommandStatus::Running, _) if is_attached_late(seen) && seen.now >= attach_ends(seen) => {
            Verdict::Failed(Reason::ScriptTimedOut)
        }
        (_, Some(reason)) => Verdict::Failed(reason),
        (_, None) if matches!(seen.occasion, Occasion::Event | Occasion::FreshEvent) => {
            Verdict::NotYet
        }
        (_, None) => Verdict::StillRunning,
    }
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
