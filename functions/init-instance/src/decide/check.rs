//! What a check of an open claim (*look again*) finds.

use super::conclusion::{Cause, Conclusion, Finding, Step};
use super::replacing::{is_replaced, may_prove};
use ready_pool_core::Timestamp;
use ready_pool_core::command::{Command, CommandStatus, InitCommand};
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::message::LookAgain;
use ready_pool_core::reason::Reason;

/// What a check sees.
#[derive(Clone, Debug)]
pub struct Check<'a> {
    /// What asked for it: with the attempt and the instance that the entry named then.
    pub message: &'a LookAgain,
    /// Whether that was delivered before.
    pub delivery: Delivery,
    /// The claim's entry as it is now.
    pub entry: Option<&'a Entry>,
    /// What the instance was sent.
    pub command: InitCommand,
    /// Whether its target has the instance, as far as this look shows.
    pub has_instance: bool,
    /// The time.
    pub now: Timestamp,
}

/// Whether SQS delivers a message for the first time, as far as it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// It does.
    First,
    /// It does not, or does not say so.
    Repeated,
}

/// What a check finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The claim's command has ended: report on it.
    CommandEnded(Command),
    /// It has not, says Systems Manager, but the target does not have the instance: look twice.
    Missing(Command),
    /// Its deadline has passed, and its first instance was never sent its command. It ends like this, unless
    /// another instance was: see [`serves`].
    NeverSent(Conclusion),
    /// It ends here.
    Conclude(Conclusion),
}

/// Whether a claim whose entry names an instance without its command is served by another one that was sent this
/// command. Its entry was wiped then, and it was sent again within the five minutes in which InitQueue swallows
/// a second hand-over.
pub fn serves(command: &Command) -> bool {
    matches!(
        command.status,
        CommandStatus::Running | CommandStatus::Succeeded
    )
}

/// Decides what a check of a claim finds.
///
/// A first look that finds the claim settled was overtaken by the command's event, which published
/// the outcome or will. Past the deadline that is not believed: a look that died half-way and was
/// redriven counts from one again, and it cannot run out of receives any earlier.
pub fn check(seen: Check<'_>) -> Checked {
    let message = seen.message;
    let instance = message.instance_id.as_ref();
    let expired = message.expires_at <= seen.now;
    let nothing = Checked::Conclude(Conclusion::nothing(Finding::Nothing));
    let Some(entry) = seen.entry else {
        return nothing;
    };
    if entry.attempt != message.attempt || entry.instance.as_ref() != instance {
        return match seen.command {
            // Perhaps it was this look that moved the claim on, and died on the way.
            InitCommand::Sent(command)
                if is_replaced(&command)
                    || (entry.attempt > message.attempt && may_prove(&command)) =>
            {
                Checked::CommandEnded(command)
            }
            _ => nothing,
        };
    }
    if !entry.is_open() {
        if seen.delivery == Delivery::First && !expired {
            return nothing;
        }
        let retire = instance.is_some() && is_to_be_retired(entry.standing, &seen.command);
        let protect = seen.has_instance && wants_protection(&seen.command);
        return Checked::Conclude(settled_before(entry.standing, protect, retire));
    }
    match seen.command {
        InitCommand::Sent(command) if command.status.is_final() => Checked::CommandEnded(command),
        InitCommand::Sent(command) if !seen.has_instance => Checked::Missing(command),
        InitCommand::Sent(_) => Checked::Conclude(Conclusion::nothing(Finding::StillRunning)),
        // A look carries no claim, so nothing more can be asked for: until the deadline the
        // message that does may still come.
        InitCommand::SentForAnother | InitCommand::NotSent if !expired => nothing,
        InitCommand::SentForAnother => never_sent(message, false),
        InitCommand::NotSent => never_sent(message, instance.is_some()),
    }
}

/// A claim that is sent again begins with its first attempt. Whose later one is under way was given up elsewhere, and
/// what it was sent there, late perhaps, serves it no more.
fn never_sent(message: &LookAgain, retire: bool) -> Checked {
    let end = close(message, retire);
    if message.attempt == 1 && message.instance_id.is_some() {
        Checked::NeverSent(end)
    } else {
        Checked::Conclude(end)
    }
}

/// Publishes the end again that the ledger knows, and goes on from there.
fn settled_before(standing: Standing, protect: bool, retire: bool) -> Conclusion {
    let steps = match standing {
        Standing::Failed(reason) => [Some(Step::PublishFailed(reason)), Step::retire_if(retire)],
        Standing::Ready | Standing::Assigned => {
            [Step::protect_if(protect), Some(Step::PublishReady)]
        }
    };
    Conclusion::of(Finding::SettledBefore, steps.into_iter().flatten())
}

fn wants_protection(command: &InitCommand) -> bool {
    matches!(command, InitCommand::Sent(command) if command.record.header.protect)
}

/// Whether the instance of a settled claim is of no use: the claim failed, and does not keep it.
fn is_to_be_retired(standing: Standing, command: &InitCommand) -> bool {
    match (standing, command) {
        (Standing::Ready | Standing::Assigned, _) | (_, InitCommand::SentForAnother) => false,
        (Standing::Failed(_), InitCommand::NotSent) => true,
        (Standing::Failed(reason), InitCommand::Sent(command)) => {
            !command.record.header.on_init_failure.leaves(reason)
        }
    }
}

/// The deadline has passed before the command was sent. In the order of [`super::give_up`].
fn close(message: &LookAgain, retire: bool) -> Conclusion {
    let reason = Reason::Expired;
    let steps = [Some(Step::PublishFailed(reason)), Step::retire_if(retire)];
    let finding = Finding::GivenUp(Cause::Expired);
    Conclusion::of(finding, steps.into_iter().flatten()).entering(Entry {
        instance: message.instance_id.clone(),
        attempt: message.attempt,
        standing: Standing::Failed(reason),
        expires_at: message.expires_at,
        instead_of: None,
    })
}
