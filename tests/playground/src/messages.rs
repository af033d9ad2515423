//! What a message on one of the stack's queues says. What the functions write is read with their own
//! types; what anybody sends is read loosely, since a message that is rejected has a story, too.

use crate::start::queue_name;
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::command;
use ready_pool_core::ids::{ClaimId, ClaimKey, GroupName};
use ready_pool_core::message::Message;
use ready_pool_core::outcome::Outcome;
use region::journal::Happening;
use serde::Deserialize;
use serde_json::Value;

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
    attach_when: Value,
}

impl SentClaim {
    /// Whether it only asks, and changes nothing.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.dry_run == true
    }

    /// Whether its instance is attached before its init, or after it.
    pub(crate) fn attach_when(&self) -> AttachWhen {
        let asked = self.attach_when.as_str();
        asked.and_then(AttachWhen::from_code).unwrap_or_default()
    }
}

/// An event that a rule put on a queue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Event {
    /// Its kind.
    #[serde(rename = "detail-type")]
    pub(crate) detail_type: String,
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
        } else if message.is_object() {
            serde_json::from_value(message).ok().map(Self::Claim)
        } else {
            // serde also reads a list of its fields.
            None
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
        Message::Retry(retry) if retry.begun => ("retry", None),
        Message::Retry(_) => ("stepped aside", None),
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
        for body in [
            json!({ "claim_id": "c-1", "target_group": "t", "expires_at": "soon" }),
            hand_over("c-1", "t", "i-00000001"),
            testing::outcome("c-1", "t", Reason::Initialised),
        ] {
            let content = read(&body).unwrap();
            assert_eq!(content.claim_id(), Some("c-1"), "{body}");
            assert_eq!(content.target_group(), Some("t"), "{body}");
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
    fn what_is_no_message_of_ours_is_none() {
        for body in [
            json!("hello"),
            json!(["c-1"]),
            json!(["c-1", "t", false]),
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
        assert!(!is_comment_of(&comment, "signup-11", "t"));
    }
}
