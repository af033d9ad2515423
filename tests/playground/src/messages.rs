//! What a message on one of the stack's queues says. What the functions write is read with their own
//! types; what anybody sends is read loosely, since a message that is rejected has a story, too.

use crate::start::queue_name;
use ready_pool_core::command;
use ready_pool_core::ids::{ClaimId, ClaimKey, GroupName};
use ready_pool_core::message::Message;
use ready_pool_core::outcome::Outcome;
use region::journal::Happening;
use serde::Deserialize;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;

/// A message, by who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A claim, as its sender wrote it.
    Claim(SentClaim),
    /// From one function to another.
    Internal(Message),
    /// How a claim ended.
    Outcome(Outcome),
    /// EventBridge's.
    Event(Event),
}

/// A claim, valid or not, as far as anybody can tell which one it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct SentClaim {
    /// Its id.
    pub(crate) claim_id: String,
    /// The group that is to have the instance.
    pub(crate) target_group: String,
    #[serde(default)]
    dry_run: Value,
    #[serde(default)]
    expires_at: Value,
}

impl SentClaim {
    /// Whether it only asks, and changes nothing.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.dry_run == true
    }
}

/// An event that a rule put on a queue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Event {
    /// Its kind.
    #[serde(rename = "detail-type")]
    pub(crate) detail_type: String,
    #[serde(default)]
    detail: Value,
}

impl Event {
    /// The command that it is about.
    pub(crate) fn command_id(&self) -> Option<&str> {
        self.detail.get("command-id")?.as_str()
    }

    /// What it says of the command.
    pub(crate) fn status(&self) -> Option<&str> {
        self.detail.get("status")?.as_str()
    }
}

impl Content {
    /// Reads a body; none where it is none of these.
    pub(crate) fn read(body: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(body).ok()?;
        let has = |name: &str| message.get(name).is_some();
        if has("ready_pool") {
            serde_json::from_value(message).ok().map(Self::Internal)
        } else if has("outcome") {
            serde_json::from_value(message).ok().map(Self::Outcome)
        } else if has("detail-type") {
            serde_json::from_value(message).ok().map(Self::Event)
        } else {
            serde_json::from_value(message).ok().map(Self::Claim)
        }
    }

    /// Reads the message that this puts on the queue with that URL.
    pub(crate) fn sent_to(queue_url: &str, what: &Happening) -> Option<Self> {
        match what {
            Happening::MessageSent { queue, body, .. } if queue == queue_name(queue_url) => {
                Self::read(body)
            }
            _ => None,
        }
    }

    /// The id of the claim that it is about.
    pub(crate) fn claim_id(&self) -> Option<&str> {
        match self {
            Self::Claim(claim) => Some(&claim.claim_id),
            Self::Internal(message) => Some(claim_of(message).0.as_str()),
            Self::Outcome(outcome) => outcome.claim_id.as_deref(),
            Self::Event(_) => None,
        }
    }

    /// The target of that claim.
    pub(crate) fn target_group(&self) -> Option<&str> {
        match self {
            Self::Claim(claim) => Some(&claim.target_group),
            Self::Internal(message) => Some(claim_of(message).1.as_str()),
            Self::Outcome(outcome) => outcome.target_group.as_deref(),
            Self::Event(_) => None,
        }
    }

    /// The deadline of that claim, where the message says one.
    pub(crate) fn expires_at(&self) -> Option<String> {
        match self {
            Self::Claim(claim) => claim.expires_at.as_str().map(str::to_owned),
            Self::Internal(message) => match message {
                Message::HandOver(hand_over) => hand_over.claim.expires_at,
                Message::LookAgain(look) => look.expires_at,
                Message::Retry(retry) => retry.claim.expires_at,
            }
            .format(&Rfc3339)
            .ok(),
            Self::Outcome(_) | Self::Event(_) => None,
        }
    }
}

fn claim_of(message: &Message) -> (&ClaimId, &GroupName) {
    match message {
        Message::HandOver(hand_over) => (&hand_over.claim.claim_id, &hand_over.claim.target_group),
        Message::LookAgain(look) => (&look.claim_id, &look.target_group),
        Message::Retry(retry) => (&retry.claim.claim_id, &retry.claim.target_group),
    }
}

/// The word for a message between the functions, and its instance.
pub(crate) fn kind_of(message: &Message) -> (&'static str, Option<&str>) {
    match message {
        Message::HandOver(hand_over) => ("hand-over", Some(hand_over.instance_id.as_str())),
        Message::LookAgain(look) => {
            let instance = look.instance_id.as_ref();
            ("look-again", instance.map(|id| id.as_str()))
        }
        Message::Retry(_) => ("retry", None),
    }
}

/// Claim and target in one word; none where these are names that no claim can have.
pub(crate) fn claim_key(claim_id: &str, target: &str) -> Option<ClaimKey> {
    let claim_id = ClaimId::try_from(claim_id).ok()?;
    let target = GroupName::try_from(target).ok()?;
    Some(ClaimKey::new(&claim_id, &target))
}

/// Whether a command's comment is that of this claim.
pub(crate) fn is_comment_of(comment: &str, claim_id: &str, target: &str) -> bool {
    claim_key(claim_id, target).is_some_and(|key| comment == command::comment(&key))
}

/// Whether a command's comment names a claim with this id, whatever its target is.
pub(crate) fn names_claim(comment: &str, claim_id: &str) -> bool {
    command::claim_key_of(comment).is_some_and(|(named, _)| named == claim_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, hand_over};
    use ready_pool_core::reason::Reason;
    use serde_json::json;

    fn read(body: &Value) -> Option<Content> {
        Content::read(&body.to_string())
    }

    #[test]
    fn every_message_says_whose_it_is() {
        let claim = json!({ "claim_id": "c-1", "target_group": "t", "expires_at": "soon" });
        for (body, expires_at) in [
            (claim, Some("soon")),
            (
                hand_over("c-1", "t", "i-00000001"),
                Some("2026-11-22T21:00:00Z"),
            ),
            (testing::outcome("c-1", "t", Reason::Initialised), None),
        ] {
            let content = read(&body).unwrap();
            assert_eq!(content.claim_id(), Some("c-1"), "{body}");
            assert_eq!(content.target_group(), Some("t"), "{body}");
            assert_eq!(content.expires_at().as_deref(), expires_at, "{body}");
        }
    }

    #[test]
    fn a_claim_that_is_misspelt_is_still_read() {
        let mut body = json!({ "claim_id": "a b", "target_group": "t", "when_emtpy": 7 });
        let Some(Content::Claim(claim)) = read(&body) else {
            panic!("no claim");
        };
        assert!(!claim.is_dry_run());
        body["dry_run"] = json!(true);
        let asks = read(&body);
        assert!(matches!(asks, Some(Content::Claim(claim)) if claim.is_dry_run()));
        assert_eq!(claim_key("a b", "t"), None);
    }

    #[test]
    fn an_event_names_its_command() {
        let body =
            json!({ "detail-type": "x", "detail": { "command-id": "c", "status": "Failed" } });
        let Some(Content::Event(event)) = read(&body) else {
            panic!("no event");
        };
        assert_eq!(
            (event.command_id(), event.status()),
            (Some("c"), Some("Failed"))
        );
    }

    #[test]
    fn what_is_no_message_of_ours_is_none() {
        for body in [
            json!("hello"),
            json!(["c-1"]),
            json!({ "claim_id": 2, "target_group": "t" }),
            json!({ "ready_pool": "dance", "claim_id": "c-1", "target_group": "t" }),
            json!({ "outcome": "melted", "claim_id": "c-1" }),
        ] {
            assert_eq!(read(&body), None, "{body}");
        }
        assert_eq!(Content::read("{"), None);
    }

    #[test]
    fn a_comment_names_its_claim_and_no_other() {
        let comment = testing::comment("signup-1", "t");
        assert!(is_comment_of(&comment, "signup-1", "t"));
        assert!(!is_comment_of(&comment, "signup-1", "u"));
        assert!(names_claim(&comment, "signup-1"));
        for other in ["signup-11", "signup", ""] {
            assert!(!names_claim(&comment, other), "{other:?}");
        }
        assert!(!names_claim("signup-1@01234567", "signup-1"));
    }
}
