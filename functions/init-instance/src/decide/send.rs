//! What an answer to `SendCommand` calls for.

use super::conclusion::{Cause, Conclusion, give_up};
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::ids::CommandId;
use ready_pool_core::message::HandOver;

/// Refusals of this machine, for good: another one may be taken.
const OF_THE_MACHINE: [&str; 2] = ["InvalidInstanceId", "UnsupportedPlatformType"];
/// Refusals of what the claim asks for, for good: every instance would hear the same.
const OF_THE_CLAIM: [&str; 3] = [
    "InvalidParameters",
    "MaxDocumentSizeExceeded",
    "ValidationException",
];

/// What an answer to `SendCommand` calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterSend {
    /// It was sent.
    Sent,
    /// AWS was busy: try again.
    TryAgain,
    /// Refused until somebody mends something that is no instance's (a permission, the document): try
    /// again, seldom.
    TryAgainLater,
    /// It may have been sent: look into the history first, a little later.
    LookFirst,
    /// Denied on this instance: see whether it has the tag that the policy asks for, then
    /// [`after_denial`].
    AskWhy,
    /// It ends here.
    Conclude(Conclusion),
}

/// Decides what an answer to `SendCommand` calls for.
pub fn after_send(
    result: &Result<CommandId, CallError>,
    hand_over: &HandOver,
    now: Timestamp,
) -> AfterSend {
    let Err(error) = result else {
        return AfterSend::Sent;
    };
    let code = error.code.as_str();
    let given_up = |cause| AfterSend::Conclude(give_up(hand_over, cause, now));
    match error.effect {
        Effect::Unknown => AfterSend::LookFirst,
        Effect::Busy => AfterSend::TryAgain,
        Effect::Refused if OF_THE_MACHINE.contains(&code) => given_up(Cause::NotDelivered),
        Effect::Refused if OF_THE_CLAIM.contains(&code) => given_up(Cause::CommandRefused),
        Effect::Refused if error.says_denied_on(&hand_over.instance_id) => AfterSend::AskWhy,
        Effect::Refused => AfterSend::TryAgainLater,
    }
}

/// Decides what a denial on the instance calls for. One that has its tag is not at fault: the stack's
/// rights are, for every instance, and none is given up for them. One that has not (or that Systems
/// Manager does not list any more) will be denied as long as it lives.
pub fn after_denial(has_tag: bool, hand_over: &HandOver, now: Timestamp) -> AfterSend {
    if has_tag {
        AfterSend::TryAgainLater
    } else {
        AfterSend::Conclude(give_up(hand_over, Cause::NotDelivered, now))
    }
}
