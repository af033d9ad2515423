//! What a look at a claim's command sees, what it says of the claim's instance, and how a claim is settled by it.

use super::conclusion::{Conclusion, Finding, Step};
use ready_pool_core::Timestamp;
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::claim::MAX_TIME_TO_EXPIRY;
use ready_pool_core::command::{Command, CommandStatus};
use ready_pool_core::group::Group;
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
    /// The same, a moment ago and for the first time: whoever settled the claim before that publishes its outcome.
    FreshEvent,
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
    /// Whether the instance was attached since its command was sent. Of no interest where it was before.
    pub attach: KnownAttach,
    /// The time.
    pub now: Timestamp,
}

/// What is known of an attach since the command was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KnownAttach {
    /// Nothing: the target's activities were not asked.
    Unasked,
    /// There was none.
    Never,
    /// There was one: should the target not have the instance, its tenant took it out.
    Seen,
}

/// What becomes of the claim.
pub(super) enum Verdict {
    /// Not final, or the attach is not finished.
    NotYet,
    /// Not final, and nobody waits here.
    StillRunning,
    /// Ready, but for its attach: was it attached?
    AskActivities,
    /// It was not: attach it.
    Attach,
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
        (finding == Finding::Kept && is_attached_late(seen)).then_some(Step::TakeOut),
    ];
    Conclusion {
        entry: is_new.then_some(entry),
        ..Conclusion::of(finding, steps.into_iter().flatten())
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

/// Whether an open claim's instance is not in its target, although it was attached before its command was sent.
pub(super) fn is_missed(seen: &CommandEnd<'_>) -> bool {
    is_open_claim_s(seen) && !has_instance(seen) && !is_attached_late(seen)
}

/// Whether the claim's instance is attached after its init.
pub(super) fn is_attached_late(seen: &CommandEnd<'_>) -> bool {
    seen.command.record.header.attach_when == AttachWhen::AfterInit
}

/// Whether the ledger says that an open claim has the instance.
pub(super) fn is_open_claim_s(seen: &CommandEnd<'_>) -> bool {
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

/// The instance is not its target's: it leaves, or was missing often enough.
pub(super) fn lost(seen: &CommandEnd<'_>) -> Verdict {
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
