//! What lies on InitQueue: hand-overs, looks, and EventBridge's word that a command changed.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use ready_pool_aws::event::CommandDetail;
use ready_pool_core::message::{HandOver, LookAgain, Message};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Attach this instance and tell it.
    HandOver(Box<HandOver>),
    /// See how this claim stands.
    LookAgain(LookAgain),
    /// This command ended.
    CommandFinished(CommandDetail),
}

/// A message that is none of ours.
#[derive(Debug, thiserror::Error)]
#[error("not a message for init-instance: {0}")]
pub(crate) struct NotForUs(String);

impl Work {
    /// Reads a message's body.
    pub(crate) fn read(body: &str) -> Result<Self, NotForUs> {
        if let Ok(event) = serde_json::from_str::<EventBridgeEvent<CommandDetail>>(body) {
            return Ok(Self::CommandFinished(event.detail));
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

    #[test]
    fn the_three_kinds_are_told_apart() {
        let event = r#"{"version":"0","id":"4780e1b8-f56b-4de5-95f2-95dbEXAMPLE","detail-type":"EC2 Command Invocation Status-change Notification","source":"aws.ssm","account":"123456789012","time":"2026-11-22T20:00:00Z","region":"us-east-2","resources":[],"detail":{"command-id":"c","document-name":"AWS-RunShellScript","instance-id":"i-0123456789abcdef0","requested-date-time":"2026-11-22T20:00:00Z","status":"Success"}}"#;
        assert!(matches!(Work::read(event), Ok(Work::CommandFinished(_))));
        let look = r#"{"ready_pool":"look-again","version":1,"claim_id":"a","target_group":"b","instance_id":"i-0123456789abcdef0","attempt":1,"expires_at":"2026-11-22T20:15:00Z"}"#;
        assert!(matches!(Work::read(look), Ok(Work::LookAgain(_))));
        for body in ["", "{}", "null", r#"{"ready_pool":"dance"}"#] {
            assert!(Work::read(body).is_err(), "{body:?} was accepted");
        }
    }
}
