//! What lies on InitQueue: hand-overs, looks, and EventBridge's word that a command changed.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use ready_pool_aws::event::{CommandDetail, time_of};
use ready_pool_core::Timestamp;
use ready_pool_core::message::{HandOver, LookAgain, Message};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Attach this instance and send it the init command.
    HandOver(Box<HandOver>),
    /// See how this claim stands.
    LookAgain(LookAgain),
    /// This command ended.
    CommandFinished {
        /// Which.
        detail: CommandDetail,
        /// When, to the second, if the event says so.
        at: Option<Timestamp>,
    },
}

/// A message that is none of ours.
#[derive(Debug, thiserror::Error)]
#[error("not a message for init-instance: {0}")]
pub struct NotForUs(String);

impl Work {
    /// Reads a message's body.
    pub fn read(body: &str) -> Result<Self, NotForUs> {
        if let Ok(event) = serde_json::from_str::<EventBridgeEvent<CommandDetail>>(body) {
            let at = time_of(&event);
            let detail = event.detail;
            return Ok(Self::CommandFinished { detail, at });
        }
        match serde_json::from_str(body).map_err(|error| NotForUs(error.to_string()))? {
            Message::HandOver(hand_over) => Ok(Self::HandOver(Box::new(hand_over))),
            Message::LookAgain(look_again) => Ok(Self::LookAgain(look_again)),
            Message::Retry(_) => Err(NotForUs(
                "a retry belongs on the provisioning queue".to_owned(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lambda_events::event::sqs::SqsEvent;

    fn only_body(event: &str) -> String {
        let event: SqsEvent = serde_json::from_str(event).unwrap();
        assert_eq!(event.records.len(), 1);
        event.records[0].body.clone().unwrap()
    }

    #[test]
    fn the_events_for_sam_local_are_the_three_kinds() {
        let work = |event| Work::read(&only_body(event)).unwrap();
        let event = include_str!("../../../events/init-instance.hand-over.json");
        assert!(matches!(work(event), Work::HandOver(_)));
        let event = include_str!("../../../events/init-instance.look-again.json");
        assert!(matches!(work(event), Work::LookAgain(_)));
        let event = include_str!("../../../events/init-instance.command-finished.json");
        assert!(matches!(work(event), Work::CommandFinished { .. }));
    }

    #[test]
    fn anything_else_is_not_for_us() {
        for body in ["", "{}", "null", r#"{"ready_pool":"dance"}"#] {
            assert!(Work::read(body).is_err(), "{body:?} was accepted");
        }
    }
}
