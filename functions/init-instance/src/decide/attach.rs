//! What an answer to `AttachInstances` calls for.

use super::conclusion::{Cause, Conclusion, give_up};
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::ids::GroupName;
use ready_pool_core::message::HandOver;

/// What an answer to `AttachInstances` calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attached {
    /// It is in the target: send it the init command.
    Send,
    /// The detach is not finished, or AWS was busy: try again.
    TryAgain,
    /// It cannot be had for this claim.
    Conclude(Conclusion),
}

/// Decides what an answer to `AttachInstances` calls for.
pub fn after_attach(
    result: &Result<(), CallError>,
    hand_over: &HandOver,
    pool: &GroupName,
    now: Timestamp,
) -> Attached {
    match taken(result, &hand_over.claim.target_group, pool) {
        Taken::Yes => Attached::Send,
        Taken::NotYet => Attached::TryAgain,
        Taken::Never(cause) => Attached::Conclude(give_up(hand_over, cause, now)),
    }
}

/// Whether a group took an instance.
pub(super) enum Taken {
    Yes,
    NotYet,
    Never(Cause),
}

pub(super) fn taken(result: &Result<(), CallError>, target: &GroupName, pool: &GroupName) -> Taken {
    let Err(error) = result else {
        return Taken::Yes;
    };
    if let Some(group) = error.already_part_of() {
        return if group.is(target) {
            Taken::Yes
        } else if group.is(pool) {
            Taken::NotYet
        } else {
            Taken::Never(Cause::Lost)
        };
    }
    if error.says_instance_gone() {
        return Taken::Never(Cause::Lost);
    }
    match error.effect {
        Effect::Busy | Effect::Unknown => Taken::NotYet,
        // A permission that is missing is not the target's fault: an operator can fix it before
        // the deadline.
        Effect::Refused if error.code != "ValidationError" => Taken::NotYet,
        Effect::Refused => Taken::Never(Cause::TargetRefused),
    }
}
