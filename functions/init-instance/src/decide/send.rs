//! What an answer to `SendCommand` calls for.

use super::conclusion::{Cause, Conclusion, give_up};
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::ids::CommandId;
use ready_pool_core::message::HandOver;

/// What an answer to `SendCommand` calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterSend {
    /// It was sent.
    Sent,
    /// AWS was busy: try again.
    TryAgain,
    /// It may have been sent: look into the history first, a little later.
    LookFirst,
    /// The instance's agent is gone.
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
    match error.effect {
        Effect::Unknown => AfterSend::LookFirst,
        Effect::Refused if error.code == "InvalidInstanceId" => {
            AfterSend::Conclude(give_up(hand_over, Cause::NotDelivered, now))
        }
        // Busy, or a permission that an operator can fix before the deadline.
        Effect::Busy | Effect::Refused => AfterSend::TryAgain,
    }
}
