//! A claim's message on the rejected queue. Nobody consumes that queue and it has no dead-letter queue, so that a look
//! at it takes nothing away from anybody.

use crate::screen::Screen;
use crate::session::Session;
use crate::stack::{QueueKind, Stack};
use crate::status::Counts;
use ready_pool_aws::clock::sleep;
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
/// Until what another look hides can be seen again.
const UNTIL_VISIBLE: Duration = Duration::from_secs(6);
/// How often the whole queue is looked at, at most, while another look hides messages.
const ROUNDS: usize = 3;

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

/// What was found on the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The claims that were looked for.
    pub(crate) claims: Vec<Rejected>,
    /// Messages that somebody else's look hid all the time.
    pub(crate) hidden: usize,
}

/// The rejected claims with one of these ids, among the first two hundred messages that are visible now.
pub(crate) async fn glance(
    session: &Session,
    stack: &Stack,
    claim_ids: &BTreeSet<String>,
) -> Result<Vec<Rejected>, CallError> {
    let mut reading = Reading::default();
    reading.round(session, stack, claim_ids).await?;
    Ok(reading.found)
}

/// The same, and if none is there: among those, too, that another look hides at first. It says what it waits for.
pub(crate) async fn find(
    session: &Session,
    stack: &Stack,
    claim_ids: &BTreeSet<String>,
    screen: &mut Screen<'_>,
) -> Result<Found, CallError> {
    let mut reading = Reading::default();
    for round in 1..=ROUNDS {
        reading.round(session, stack, claim_ids).await?;
        if !reading.found.is_empty() {
            break;
        }
        let hidden = reading.hidden(session, stack).await?;
        if hidden == 0 || round == ROUNDS {
            return Ok(Found {
                claims: Vec::new(),
                hidden,
            });
        }
        screen.note(&format!(
            "the rejected queue is being read by somebody else; looking again in {} s",
            UNTIL_VISIBLE.as_secs()
        ));
        sleep(UNTIL_VISIBLE).await;
    }
    Ok(Found {
        claims: reading.found,
        hidden: 0,
    })
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    /// The ids of all messages.
    seen: BTreeSet<String>,
    /// The claims that were looked for.
    found: Vec<Rejected>,
}

impl Reading {
    /// Reads what is visible.
    async fn round(
        &mut self,
        session: &Session,
        stack: &Stack,
        claim_ids: &BTreeSet<String>,
    ) -> Result<(), CallError> {
        let url = stack.url(QueueKind::Rejected);
        for _ in 0..LOOKS {
            let messages = session.queues.look(&url, HIDDEN_FOR).await?;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                if self.seen.insert(message.id)
                    && let Some(rejected) =
                        read(&message.body, |name| message.attributes.get(name).cloned())
                    && claim_ids.contains(&rejected.claim_id)
                {
                    self.found.push(Rejected {
                        at: message.sent_at,
                        ..rejected
                    });
                }
            }
        }
        Ok(())
    }

    /// How many messages another look hides, about: those in flight that were not seen here.
    async fn hidden(&self, session: &Session, stack: &Stack) -> Result<usize, CallError> {
        let url = stack.url(QueueKind::Rejected);
        match session.queues.attributes(&url).await {
            Ok(attributes) => {
                let counts = Counts::of(&attributes.unwrap_or_default());
                Ok(counts.in_flight.saturating_sub(self.seen.len()))
            }
            // Whoever may only receive goes without the second look.
            Err(error) if error.says_denied() => Ok(0),
            Err(error) => Err(error),
        }
    }
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
