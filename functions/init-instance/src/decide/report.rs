//! What the end of a claim's command calls for.

use ready_pool_core::Timestamp;
use ready_pool_core::command::{Command, CommandStatus};
use ready_pool_core::group::{Group, Lifecycle};
use ready_pool_core::ids::{Attempt, InstanceId, MAX_ATTEMPTS};
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::outcome::Reason;

/// What the status of a claim's command calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Not final, or the attach is not finished: look again a little later.
    NotYet,
    /// Not our word to say: the claim was settled with another instance.
    Leave,
    /// Settle as ready.
    Ready,
    /// Settle as failed, and retire the instance if it is still in the target, unless its claim
    /// keeps it.
    Failed(Reason),
    /// Retire the instance, then ask for another one.
    Replace {
        /// Why.
        reason: Reason,
        /// The attempt to ask for.
        attempt: Attempt,
        /// Whether the ledger says so already: an earlier delivery began with it.
        entered: bool,
    },
    /// The claim goes on without the instance, or has ended without it: retire it.
    Retire,
}

/// How many looks must miss an instance in its target before it counts as lost: a group read
/// right after an attach may be stale.
pub const LOOKS_BEFORE_LOST: u32 = 3;

/// Decides on the outcome of a command. A final status decides alone, and a claim that failed
/// never becomes ready; `target` is `None` when the group is gone, and `look` counts from 1.
pub fn report(
    command: &Command,
    entry: Option<&Entry>,
    target: Option<&Group>,
    instance: &InstanceId,
    look: u32,
    now: Timestamp,
) -> Report {
    let status = command.status;
    if let Some(reason) = replaced_for(command) {
        return match (entry, target) {
            (Some(entry), _) => replaced(reason, entry, instance, now),
            // Its tags were wiped. An instance that is not there any more was taken out by us, and
            // its claim goes on, or by its tenant.
            (None, Some(target)) if target.member(instance).is_none() => Report::Leave,
            // Only the ledger proves that this is the claim's instance, and counts its attempts.
            _ => Report::Failed(reason),
        };
    }
    let Some(entry) = entry else {
        return by_status(status, target, instance, look);
    };
    match entry.standing {
        // Given up before, and the claim goes on: only a success here is its end.
        Standing::Assigned => match by_status(status, target, instance, look) {
            Report::Failed(_) if is_superseded(entry, instance) => Report::Leave,
            report => report,
        },
        Standing::Ready | Standing::Failed(_) if entry.instance.as_ref() != Some(instance) => {
            Report::Leave
        }
        Standing::Failed(reason) => Report::Failed(reason),
        Standing::Ready => Report::Ready,
    }
}

/// Whether the command has ended so that another instance is tried.
pub fn is_replaced(command: &Command) -> bool {
    replaced_for(command).is_some()
}

/// Why another instance is tried, if it is: the claim must want that, and must be known whole.
fn replaced_for(command: &Command) -> Option<Reason> {
    let policy = command.record.header.on_init_failure;
    let reason = failure(command.status)?;
    (policy.replaces(reason) && command.record.claim.is_some()).then_some(reason)
}

/// A command that ended badly, of a claim that wants another instance then.
fn replaced(reason: Reason, entry: &Entry, instance: &InstanceId, now: Timestamp) -> Report {
    let named = entry.instance.as_ref() == Some(instance);
    match entry.standing {
        Standing::Ready if named => Report::Ready,
        Standing::Failed(reason) if named => Report::Failed(reason),
        Standing::Assigned if entry.instead_of.as_ref() == Some(instance) => Report::Replace {
            reason,
            attempt: entry.attempt,
            entered: true,
        },
        Standing::Assigned if !is_superseded(entry, instance) => {
            if entry.expires_at <= now || entry.attempt >= MAX_ATTEMPTS {
                Report::Failed(reason)
            } else {
                Report::Replace {
                    reason,
                    attempt: entry.attempt.saturating_add(1),
                    entered: false,
                }
            }
        }
        Standing::Assigned | Standing::Ready | Standing::Failed(_) => Report::Retire,
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

fn by_status(
    status: CommandStatus,
    target: Option<&Group>,
    instance: &InstanceId,
    look: u32,
) -> Report {
    match failure(status) {
        Some(reason) => Report::Failed(reason),
        None if status == CommandStatus::Succeeded => succeeded(target, instance, look),
        None => Report::NotYet,
    }
}

/// The script succeeded: is the instance in service in its target?
fn succeeded(target: Option<&Group>, instance: &InstanceId, look: u32) -> Report {
    let member = target.and_then(|target| target.member(instance));
    match member.map(|member| member.lifecycle) {
        Some(Lifecycle::InService) => Report::Ready,
        Some(Lifecycle::Pending | Lifecycle::PendingWait | Lifecycle::Other) => Report::NotYet,
        None if look < LOOKS_BEFORE_LOST => Report::NotYet,
        None | Some(Lifecycle::Standby | Lifecycle::Detaching | Lifecycle::Terminating) => {
            Report::Failed(Reason::InstanceLost)
        }
    }
}
