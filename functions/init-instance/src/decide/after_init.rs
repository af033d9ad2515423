//! Where an instance is attached after its init: whether it may be, for how long, and what the answer means.

use super::attach::{Taken, taken};
use super::conclusion::{Cause, Conclusion};
use super::seen::{
    CommandEnd, KnownAttach, LOOKS_BEFORE_LOST, Occasion, Verdict, is_attached_late, lost, settled,
};
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::claim::MAX_EXECUTION_TIMEOUT_SECONDS;
use ready_pool_core::ids::GroupName;
use ready_pool_core::ledger::Standing;
use ready_pool_core::reason::Reason;
use std::time::Duration;

/// For how long after the last moment at which its script can have ended an instance is tried to be attached.
pub const ATTACH_FOR: Duration = Duration::from_hours(1);

/// After this the ledger is read as it is. An entry is written before its instance is detached.
const READS_CATCH_UP: Duration = Duration::from_mins(5);

/// Whether the ledger lacks the claim, and was perhaps read as it was before it was entered: only its entry says where
/// the instance is to be attached. Where it is a member already, nothing is lacking.
pub(super) fn is_young_and_unentered(seen: &CommandEnd<'_>) -> bool {
    let there = seen.target.is_some_and(|target| target.has(seen.instance));
    let sent = seen.command.record.sent_at;
    let young = sent.is_some_and(|sent| seen.now < sent + READS_CATCH_UP);
    is_attached_late(seen) && seen.entry.is_none() && !there && young
}

/// The init succeeded, and the instance is not in its target. Never attached again that a tenant took out; and
/// not tried for ever.
pub(super) fn unattached(seen: &CommandEnd<'_>) -> Verdict {
    match known_attach(seen) {
        KnownAttach::Unasked => Verdict::AskActivities,
        // Attached by the messages of its own group alone; as the wiped claim's event says.
        KnownAttach::Never if seen.occasion == Occasion::Elsewhere => {
            if seen.look < LOOKS_BEFORE_LOST {
                Verdict::NotYet
            } else {
                Verdict::Failed(Reason::InstanceLost)
            }
        }
        KnownAttach::Never if seen.now >= attach_ends(seen) => {
            Verdict::Failed(Reason::TargetRefused)
        }
        KnownAttach::Never => Verdict::Attach,
        KnownAttach::Seen => lost(seen),
    }
}

/// What is known of an attach. Only this instance's messages attach it, one after the other: before a command's event
/// that was never handled, another one that attached it would have settled the claim.
fn known_attach(seen: &CommandEnd<'_>) -> KnownAttach {
    match (seen.attach, seen.occasion) {
        (KnownAttach::Unasked, Occasion::FreshEvent) => KnownAttach::Never,
        (known, _) => known,
    }
}

/// Until when the instance is tried to be attached: also past the claim's deadline, for its command was sent in time.
pub(super) fn attach_ends(seen: &CommandEnd<'_>) -> Timestamp {
    let longest = Duration::from_secs(MAX_EXECUTION_TIMEOUT_SECONDS.into());
    let record = &seen.command.record;
    let sent = record.sent_at.or(seen.entry.map(|entry| entry.expires_at));
    let script = record.execution_timeout.unwrap_or(longest).min(longest);
    sent.unwrap_or(seen.now) + script + ATTACH_FOR
}

/// What an answer to the attach of an instance calls for whose init has succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LateAttached {
    /// The target has it: wait until it is in service.
    Look,
    /// It is the pool's still: its detach is not finished, or was taken back.
    InPool,
    /// Nothing happened: try again.
    TryAgain,
    /// Perhaps it is attached: ask once more, later.
    AskLater,
    /// It cannot be had for this claim.
    Conclude(Conclusion),
}

/// Decides what an answer to the attach of an instance calls for whose init has succeeded.
pub fn after_late_attach(
    result: &Result<(), CallError>,
    seen: &CommandEnd<'_>,
    target: &GroupName,
    pool: &GroupName,
) -> LateAttached {
    match taken(result, target, pool) {
        Taken::Yes => LateAttached::Look,
        Taken::NotYet => match result {
            Err(error) if error.already_part_of().is_some() => LateAttached::InPool,
            Err(error) if error.effect == Effect::Unknown => LateAttached::AskLater,
            _ => LateAttached::TryAgain,
        },
        Taken::Never(Cause::Lost) => LateAttached::Conclude(fails(seen, Reason::InstanceLost)),
        Taken::Never(_) => LateAttached::Conclude(fails(seen, Reason::TargetRefused)),
    }
}

/// The claim fails although its init succeeded: it does not get its instance into its target.
pub fn fails(seen: &CommandEnd<'_>, reason: Reason) -> Conclusion {
    settled(seen, Standing::Failed(reason))
}
