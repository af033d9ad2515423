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
    let Err(error) = result else {
        return Attached::Send;
    };
    let given_up = |cause| Attached::Conclude(give_up(hand_over, cause, now));
    if let Some(group) = error.already_part_of() {
        return if group.is(&hand_over.claim.target_group) {
            Attached::Send
        } else if group.is(pool) {
            Attached::TryAgain
        } else {
            given_up(Cause::Lost)
        };
    }
    if error.says_instance_gone() {
        return given_up(Cause::Lost);
    }
    match error.effect {
        Effect::Busy | Effect::Unknown => Attached::TryAgain,
        // A permission that is missing is not the target's fault: an operator can fix it before
        // the deadline.
        Effect::Refused if error.code != "ValidationError" => Attached::TryAgain,
        Effect::Refused => given_up(Cause::TargetRefused),
    }
}
