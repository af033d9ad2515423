//! What is on the provisioning queue: claims from senders, and retries from init-instance.

use crate::decide::{MessageGroup, Request};
use crate::intake::isolation::Delivery;
use aws_lambda_events::event::sqs::SqsMessage;
use ready_pool_aws::clock::sent_at;
use ready_pool_aws::queue::trace_of;
use ready_pool_core::Timestamp;
use ready_pool_core::claim::{Claim, DRY_RUN_GROUP};
use ready_pool_core::guard::guarded;
use ready_pool_core::ids::{GroupName, MessageId, ReceiptHandle};
use ready_pool_core::message::{self, Message};
use ready_pool_core::reason::Reason;
use ready_pool_core::times::Times;
use ready_pool_core::trace::Trace;
use serde_json::Value;

/// A received message.
#[derive(Clone, Debug)]
pub struct Received {
    /// SQS's id.
    pub message_id: MessageId,
    /// With which its visibility is changed and it is deleted.
    pub receipt: ReceiptHandle,
    /// How it was delivered.
    pub delivery: Delivery,
    /// As sent.
    pub body: String,
    /// When what is behind it happened, as far as that is known.
    pub times: Times,
    /// The trace that it was sent in.
    pub trace: Option<Trace>,
    /// As read.
    pub content: Result<Request, Unreadable>,
}

/// A message that is no request: it is rejected, and kept for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Why, for programs.
    pub reason: Reason,
    /// What to fix.
    pub message: String,
    /// What it says is its claim id, as far as that can be read.
    pub claim_id: Option<String>,
    /// What it says is its target, likewise.
    pub target_group: Option<String>,
    /// Whether it says that it is a dry run: then its original is not kept.
    pub dry_run: bool,
}

impl Received {
    /// Reads a record of the batch.
    pub fn read(record: SqsMessage, pool: &GroupName, now: Timestamp) -> Self {
        let trace = trace_of(&record);
        let sent = sent_at(&record);
        let body = record.body.unwrap_or_default();
        let group = record.attributes.get("MessageGroupId").map(String::as_str);
        let receives = record.attributes.get("ApproximateReceiveCount");
        let receives = receives.and_then(|count| count.parse().ok()).unwrap_or(1);
        let content =
            guarded(|| read_content(&body, group, pool, now)).unwrap_or_else(|panicked| {
                let message = panicked.to_string();
                Err(unreadable(&body, Reason::InternalError, message))
            });
        let deduplication_id = record.attributes.get("MessageDeduplicationId");
        let aside = deduplication_id.is_some_and(|id| message::stepped_aside(id));
        let times = if content.is_ok() {
            times(&body, sent)
        } else {
            Times {
                sent,
                ..Times::default()
            }
        };
        Self {
            times,
            trace,
            content: content.map(|request| Request {
                sent: times.sent,
                stepped_aside: sent.filter(|_| aside),
                ..request
            }),
            delivery: Delivery {
                receives,
                released: false,
            },
            message_id: record.message_id.unwrap_or_default().into(),
            receipt: record.receipt_handle.unwrap_or_default().into(),
            body,
        }
    }
}

/// A claim's first send counts, also where it comes again in another message: that one carries it. A clock that was
/// wrong, or a sender who makes one up, puts it no later than SQS took the message.
fn times(body: &str, sent: Option<Timestamp>) -> Times {
    if let Ok(Message::Retry(retry)) = serde_json::from_str(body) {
        let first = retry.times.sent;
        return Times {
            sent: first.map(|first| sent.map_or(first, |this| first.min(this))),
            ..retry.times
        };
    }
    Times {
        sent,
        ..Times::default()
    }
}

fn read_content(
    body: &str,
    group: Option<&str>,
    pool: &GroupName,
    now: Timestamp,
) -> Result<Request, Unreadable> {
    let message_group = match group {
        Some(name) if name == pool.as_str() => Some(MessageGroup::Pool),
        Some(DRY_RUN_GROUP) => Some(MessageGroup::DryRuns),
        _ => None,
    };
    let request = match message_group {
        Some(group) => {
            let request = read_request(body, now)
                .map_err(|message| unreadable(body, Reason::Malformed, message))?;
            let may_come = group == MessageGroup::Pool || request.claim.dry_run;
            may_come.then_some(Request { group, ..request })
        }
        None => None,
    };
    request.ok_or_else(|| {
        let message = format!(
            "sent with MessageGroupId {:?}; use the pool's name, {:?}",
            group.unwrap_or_default(),
            pool.as_str()
        );
        unreadable(body, Reason::WrongMessageGroup, message)
    })
}

fn read_request(body: &str, now: Timestamp) -> Result<Request, String> {
    if let Ok(Message::Retry(retry)) = serde_json::from_str(body) {
        retry.claim.check(now).map_err(|error| error.to_string())?;
        return Ok(Request {
            asked: retry.begun.then_some(retry.attempt.max(1)),
            ..Request::of(retry.claim)
        });
    }
    let claim = Claim::parse(body, now).map_err(|error| error.to_string())?;
    Ok(Request::of(claim))
}

fn unreadable(body: &str, reason: Reason, message: String) -> Unreadable {
    let fields: Option<Value> = serde_json::from_str(body).ok();
    let text = |name: &str| {
        let value = fields.as_ref()?.get(name)?.as_str()?;
        Some(value.chars().take(255).collect())
    };
    Unreadable {
        reason,
        message,
        claim_id: text("claim_id"),
        target_group: text("target_group"),
        dry_run: fields
            .as_ref()
            .is_some_and(|fields| fields.get("dry_run") == Some(&Value::Bool(true))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lambda_events::event::sqs::SqsEvent;
    use time::macros::datetime;

    const NOW: Timestamp = datetime!(2026-11-22 20:00 UTC);

    fn read(body: &str, group: Option<&str>) -> Result<Request, Unreadable> {
        let pool = GroupName::try_from("pool").unwrap();
        read_content(body, group, &pool, NOW)
    }

    #[test]
    fn the_events_for_sam_local_are_claims() {
        let pool = GroupName::try_from("ready-pool-pool").unwrap();
        for (event, asked) in [
            (
                include_str!("../../../../events/claim-instance.provision.json"),
                None,
            ),
            (
                include_str!("../../../../events/claim-instance.alarm.json"),
                None,
            ),
            (
                include_str!("../../../../events/claim-instance.retry.json"),
                Some(2),
            ),
        ] {
            let event: SqsEvent = serde_json::from_str(event).unwrap();
            for record in event.records {
                let received = Received::read(record, &pool, NOW);
                assert_eq!(received.content.unwrap().asked, asked);
                assert!(
                    !received.receipt.as_str().is_empty()
                        && !received.message_id.as_str().is_empty()
                );
            }
        }
    }

    #[test]
    fn another_message_group_is_refused_with_the_right_one() {
        let body = r#"{"claim_id":"a","target_group":"b","init":{"commands":["true"]},"expires_at":"2026-11-22T20:15:00Z"}"#;
        assert!(read(body, Some("pool")).is_ok());
        for group in [None, Some("a"), Some("POOL")] {
            let refusal = read(body, group).unwrap_err();
            assert_eq!(refusal.reason, Reason::WrongMessageGroup);
            assert!(refusal.message.contains("use the pool's name, \"pool\""));
            assert_eq!(refusal.claim_id.as_deref(), Some("a"));
        }
    }

    /// What EventBridge makes of an alarm (`ScaleOutRule` in the template).
    #[test]
    fn a_deadline_can_be_counted_from_a_moment_in_the_message() {
        let body = |after: &str, seconds: u32| {
            format!(
                r#"{{"claim_id":"alarm-7bf73129-1428-4cd3-a780-95db273d1602","target_group":"b","init":{{"commands":["true"]}},"expires_at":{{"seconds":{seconds},"after":"{after}"}}}}"#
            )
        };
        let request = read(&body("2026-11-22T19:59:58Z", 900), Some("pool")).unwrap();
        assert_eq!(request.claim.expires_at, datetime!(2026-11-22 20:14:58 UTC));
        // However late it comes, by a redrive: expired, not malformed.
        let old = read(&body("2026-11-20T20:00:00Z", 900), Some("pool")).unwrap();
        assert!(old.claim.is_expired(NOW));
        let far = read(&body("2026-11-22T20:00:00Z", 15_000), Some("pool")).unwrap_err();
        assert!(far.message.contains("at most 4 hours"), "{}", far.message);
    }

    #[test]
    fn only_a_dry_run_may_come_in_the_message_group_of_dry_runs() {
        let body = |dry_run: bool| {
            format!(
                r#"{{"claim_id":"a","target_group":"b","init":{{"commands":["true"]}},"expires_at":"2026-11-22T20:15:00Z","dry_run":{dry_run}}}"#
            )
        };
        for (name, group) in [
            ("pool", MessageGroup::Pool),
            (DRY_RUN_GROUP, MessageGroup::DryRuns),
        ] {
            assert_eq!(read(&body(true), Some(name)).unwrap().group, group);
        }
        let refusal = read(&body(false), Some(DRY_RUN_GROUP)).unwrap_err();
        assert_eq!(refusal.reason, Reason::WrongMessageGroup);
        let refusal = read(&body(true), Some("elsewhere")).unwrap_err();
        assert_eq!(refusal.reason, Reason::WrongMessageGroup);
        assert!(refusal.dry_run);
    }

    #[test]
    fn a_malformed_dry_run_is_one_still() {
        let refusal = read(r#"{"dry_run":true,"colour":"blue"}"#, Some(DRY_RUN_GROUP)).unwrap_err();
        assert_eq!(refusal.reason, Reason::Malformed);
        assert!(refusal.dry_run);
        for body in [r#"{"dry_run":"true"}"#, r#"{"dry_run":false}"#, "true", ""] {
            assert!(!read(body, Some("pool")).unwrap_err().dry_run, "{body}");
        }
    }

    #[test]
    fn a_malformed_message_is_named_as_far_as_it_can_be() {
        let refusal = read(r#"{"claim_id":"a","colour":"blue"}"#, Some("pool")).unwrap_err();
        assert_eq!(refusal.reason, Reason::Malformed);
        assert_eq!(refusal.claim_id.as_deref(), Some("a"));
        assert_eq!(refusal.target_group, None);
        assert_eq!(read("\u{0}", Some("pool")).unwrap_err().claim_id, None);
    }

    #[test]
    fn a_retry_is_checked_like_a_claim() {
        let retry = |command: &str| {
            format!(
                r#"{{"ready_pool":"retry","version":1,"attempt":2,"claim_id":"a","target_group":"b","init":{{"commands":["{command}"],"execution_timeout_seconds":60}},"when_empty":"wait","expires_at":"2026-11-22T20:15:00Z"}}"#
            )
        };
        assert_eq!(read(&retry("true"), Some("pool")).unwrap().asked, Some(2));
        assert!(read(&retry("{{x}}"), Some("pool")).is_err());
    }
}
