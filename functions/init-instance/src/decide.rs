//! What happens next to one instance: pure.

mod report;

pub use report::{LOOKS_BEFORE_LOST, Report, is_replaced, report};

use ready_pool_core::Timestamp;
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::command::{Command, Told, told};
use ready_pool_core::ids::{Attempt, GroupName, InstanceId, MAX_ATTEMPTS};
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::message::HandOver;
use ready_pool_core::outcome::Reason;

/// What a hand-over calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// Told before: the end of the command is reported when it comes.
    ToldBefore,
    /// Attach the instance, then tell it.
    Attach,
    /// The claim has moved on, and the instance is not ours alone: nothing to do.
    Leave,
    /// The claim has moved on without this instance: remove it, nothing else.
    Abandon,
    /// Given up before, perhaps not to the end: go on as the ledger says.
    GivenUpBefore {
        /// How the ledger says the claim goes on.
        way: GoesOn,
        /// Whether the instance is ours alone, and so to be retired.
        retire: bool,
    },
    /// It cannot be had for this claim.
    GiveUp(GivingUp),
}

/// Giving an instance up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivingUp {
    /// Why; the claim's reason if it is closed for it.
    pub reason: Reason,
    /// Whether another instance may do better.
    pub another: bool,
    /// Whether the instance is ours alone, and so to be retired.
    pub retire: bool,
}

/// Decides what a hand-over calls for. An instance that was told is never attached or told again,
/// and a claim that has moved on is not brought back.
pub fn begin(
    hand_over: &HandOver,
    history: &[Command],
    entry: Option<&Entry>,
    now: Timestamp,
) -> Beginning {
    let ours_alone = match told(history, &hand_over.claim.key()) {
        Told::ThisClaim(_) => return told_before(hand_over, entry),
        Told::AnotherClaim => false,
        Told::Nothing => true,
    };
    if let Some(entry) = entry
        && let Some(beginning) = moved_on(hand_over, entry, ours_alone)
    {
        return beginning;
    }
    if !ours_alone {
        return Beginning::GiveUp(GivingUp {
            reason: Reason::InstanceLost,
            another: true,
            retire: false,
        });
    }
    if hand_over.claim.is_expired(now) {
        return Beginning::GiveUp(too_late(true));
    }
    Beginning::Attach
}

/// It was told for this very claim: its command's end decides, unless the claim was closed first. A
/// `SendCommand` that timed out may take effect after the look that follows it; if the deadline
/// passed in between, the claim was closed with this instance, and perhaps nobody heard of it.
fn told_before(hand_over: &HandOver, entry: Option<&Entry>) -> Beginning {
    match entry.map(|entry| (entry.standing, entry.instance.as_ref())) {
        Some((Standing::Failed(reason), Some(instance))) if *instance == hand_over.instance_id => {
            Beginning::GivenUpBefore {
                way: GoesOn::Closed(reason),
                retire: !hand_over.claim.on_init_failure.keeps(reason),
            }
        }
        _ => Beginning::ToldBefore,
    }
}

/// Whether the claim has moved on past this hand-over. An older or missing entry does not say so:
/// that is a stale read, or a wiped tag. Neither does the same attempt with another instance:
/// InitQueue let this one through, so this one it is.
fn moved_on(hand_over: &HandOver, entry: &Entry, ours_alone: bool) -> Option<Beginning> {
    let this_instance = entry.instance.as_ref() == Some(&hand_over.instance_id);
    let given_up_before = |way| Beginning::GivenUpBefore {
        way,
        retire: ours_alone
            && !matches!(way, GoesOn::Closed(reason) if hand_over.claim.on_init_failure.keeps(reason)),
    };
    let without_it = if ours_alone {
        Beginning::Abandon
    } else {
        Beginning::Leave
    };
    match entry.standing {
        Standing::Assigned if entry.attempt <= hand_over.attempt => None,
        Standing::Assigned if entry.instance.is_none() => {
            Some(given_up_before(GoesOn::Another(entry.attempt)))
        }
        // It was told, then; the history only lags.
        Standing::Ready if this_instance => Some(Beginning::ToldBefore),
        Standing::Failed(reason) if this_instance => Some(given_up_before(GoesOn::Closed(reason))),
        // It was assigned again: the newer hand-over sees to it.
        Standing::Assigned if this_instance => Some(Beginning::Leave),
        Standing::Assigned | Standing::Ready | Standing::Failed(_) => Some(without_it),
    }
}

/// What an answer to `AttachInstances` calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attached {
    /// It is in the target: tell it.
    Tell,
    /// The detach is not finished, or AWS was busy: try again.
    TryAgain,
    /// It cannot be had for this claim.
    GiveUp(GivingUp),
}

/// Decides what an answer to `AttachInstances` calls for.
pub fn after_attach(
    result: &Result<(), CallError>,
    target: &GroupName,
    pool: &GroupName,
) -> Attached {
    let Err(error) = result else {
        return Attached::Tell;
    };
    if let Some(group) = error.already_part_of() {
        return if group == *target {
            Attached::Tell
        } else if group == *pool {
            Attached::TryAgain
        } else {
            Attached::GiveUp(GivingUp {
                reason: Reason::InstanceLost,
                another: true,
                retire: false,
            })
        };
    }
    if error.says_instance_gone() {
        return Attached::GiveUp(GivingUp {
            reason: Reason::InstanceLost,
            another: true,
            retire: false,
        });
    }
    match error.effect {
        Effect::Busy | Effect::Unknown => Attached::TryAgain,
        // A permission that is missing is not the target's fault: an operator can mend it before
        // the deadline.
        Effect::Refused if error.code != "ValidationError" => Attached::TryAgain,
        Effect::Refused => Attached::GiveUp(target_refused()),
    }
}

/// The target will not take the instance, nor any other.
pub fn target_refused() -> GivingUp {
    GivingUp {
        reason: Reason::TargetRefused,
        another: false,
        retire: true,
    }
}

/// What an answer to `SendCommand` calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterTelling {
    /// It was told.
    Done,
    /// AWS was busy: try again.
    TryAgain,
    /// It may have been told: look into the history first, a little later.
    LookFirst,
    /// Its agent is gone.
    GiveUp(GivingUp),
}

/// Decides what an answer to `SendCommand` calls for.
pub fn after_telling(result: &Result<String, CallError>) -> AfterTelling {
    let Err(error) = result else {
        return AfterTelling::Done;
    };
    match error.effect {
        Effect::Unknown => AfterTelling::LookFirst,
        Effect::Refused if error.code == "InvalidInstanceId" => AfterTelling::GiveUp(GivingUp {
            reason: Reason::NotDelivered,
            another: true,
            retire: true,
        }),
        // Busy, or a permission that an operator can mend before the deadline.
        Effect::Busy | Effect::Refused => AfterTelling::TryAgain,
    }
}

/// How a claim goes on after its instance was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoesOn {
    /// With another instance, under this attempt.
    Another(Attempt),
    /// Not at all: it failed.
    Closed(Reason),
}

/// Decides how a claim goes on after its instance was given up.
pub fn goes_on(giving_up: GivingUp, attempt: Attempt, expired: bool) -> GoesOn {
    if expired {
        GoesOn::Closed(Reason::Expired)
    } else if !giving_up.another {
        GoesOn::Closed(giving_up.reason)
    } else if attempt >= MAX_ATTEMPTS {
        GoesOn::Closed(Reason::AttemptsExhausted)
    } else {
        GoesOn::Another(attempt.saturating_add(1))
    }
}

/// What a look at an open claim finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing to do: superseded, or still under way.
    Leave,
    /// Settled before, perhaps not to the end: tell it again, and go on from there.
    Settled {
        /// As what.
        standing: Standing,
        /// Whether the instance is ours alone, or its own failed claim's, and so to be retired.
        retire: bool,
    },
    /// It was told: report on this command.
    Report(Command),
    /// It was never told, and now it is too late.
    GiveUp(GivingUp),
}

/// Decides on a look at a claim. `instance` is the one that the entry named when the look was
/// asked for; `first` says that the message was never delivered before, as far as SQS counts.
///
/// A first look that finds the claim settled was overtaken by the command's event, which told the
/// outcome or will. Past the deadline that is not believed: a look that died half-way and was
/// redriven counts from one again, and it cannot run out of receives any earlier.
pub fn look(
    entry: Option<&Entry>,
    attempt: Attempt,
    instance: Option<&InstanceId>,
    told: Told,
    expired: bool,
    first: bool,
) -> Look {
    let Some(entry) = entry else {
        return Look::Leave;
    };
    if entry.attempt != attempt || entry.instance.as_ref() != instance {
        return match told {
            // Perhaps it was this look that moved the claim on, and died on the way.
            Told::ThisClaim(command) if is_replaced(&command) => Look::Report(command),
            _ => Look::Leave,
        };
    }
    if !entry.is_open() {
        if first && !expired {
            return Look::Leave;
        }
        return Look::Settled {
            standing: entry.standing,
            retire: instance.is_some() && to_be_retired(entry.standing, &told),
        };
    }
    match told {
        Told::ThisClaim(command) => Look::Report(command),
        // A look carries no claim, so nothing more can be asked for: until the deadline the
        // message that does may still come.
        Told::AnotherClaim | Told::Nothing if !expired => Look::Leave,
        Told::AnotherClaim => Look::GiveUp(too_late(false)),
        Told::Nothing => Look::GiveUp(too_late(instance.is_some())),
    }
}

/// Whether the instance of a settled claim is of no use: the claim failed, and does not keep it.
fn to_be_retired(standing: Standing, told: &Told) -> bool {
    match (standing, told) {
        (Standing::Ready | Standing::Assigned, _) | (_, Told::AnotherClaim) => false,
        (Standing::Failed(_), Told::Nothing) => true,
        (Standing::Failed(reason), Told::ThisClaim(command)) => {
            !command.record.header.on_init_failure.keeps(reason)
        }
    }
}

/// The deadline has passed before the instance was told.
pub fn too_late(retire: bool) -> GivingUp {
    GivingUp {
        reason: Reason::Expired,
        another: false,
        retire,
    }
}

#[cfg(test)]
#[path = "decide_tests/mod.rs"]
mod tests;
