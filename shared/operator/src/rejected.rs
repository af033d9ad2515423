//! A claim's message on the rejected queue. Nobody consumes that queue and it has no dead-letter queue, so that a look
//! at it takes nothing away from anybody.

use crate::session::Session;
use crate::stack::{QueueKind, Stack};
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::CallError;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// For how long a look hides what it saw: long enough to see the rest.
const HIDDEN_FOR: Duration = Duration::from_secs(5);
/// Looks at most: two hundred messages.
const LOOKS: usize = 20;

/// A claim that was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Rejected {
    /// Its id.
    pub(crate) claim_id: String,
    /// Its target, where the message names one.
    pub(crate) target_group: Option<String>,
    /// Why, for programs.
    pub(crate) reason: String,
    /// Why, for people.
    pub(crate) message: String,
    /// When.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) at: Option<Timestamp>,
}

/// The rejected claims with one of these ids, among the first two hundred messages.
pub(crate) async fn find(
    session: &Session,
    stack: &Stack,
    claim_ids: &BTreeSet<String>,
) -> Result<Vec<Rejected>, CallError> {
    let url = stack.url(QueueKind::Rejected);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for _ in 0..LOOKS {
        let messages = session.queues.look(&url, HIDDEN_FOR).await?;
        let is_over = messages.is_empty();
        for message in messages {
            if seen.insert(message.id)
                && let Some(rejected) =
                    read(&message.body, |name| message.attributes.get(name).cloned())
            {
                found.push(Rejected {
                    at: message.sent_at,
                    ..rejected
                });
            }
        }
        if is_over {
            break;
        }
    }
    found.retain(|rejected| claim_ids.contains(&rejected.claim_id));
    Ok(found)
}

/// Reads the original and what claim-instance wrote beside it. A very long original has nothing beside it.
fn read(body: &str, attribute: impl Fn(&str) -> Option<String>) -> Option<Rejected> {
    let original: Value = serde_json::from_str(body).ok()?;
    let field = |name: &str| Some(original.get(name)?.as_str()?.to_owned());
    Some(Rejected {
        claim_id: field("claim_id")?,
        target_group: field("target_group"),
        reason: attribute("reason").unwrap_or_else(|| "unknown".to_owned()),
        message: attribute("message").unwrap_or_default(),
        at: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_original_is_read_with_what_stands_beside_it() {
        let beside = |name: &str| match name {
            "reason" => Some("target_full".to_owned()),
            "message" => Some("no room".to_owned()),
            _ => None,
        };
        let body = r#"{"claim_id": "c", "target_group": "t", "anything": 1}"#;
        let rejected = read(body, beside).unwrap();
        assert_eq!(rejected.claim_id, "c");
        assert_eq!(rejected.target_group.as_deref(), Some("t"));
        assert_eq!(rejected.reason, "target_full");
        assert_eq!(read("no JSON", beside), None);
        assert_eq!(read("{}", beside), None);
    }
}
