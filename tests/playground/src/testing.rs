//! What the tests of this crate share: a stack's names, and the messages in it.

use crate::messages::claim_key;
use crate::start::Names;
use ready_pool_core::command;
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use region::journal::Happening;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

/// When every test begins.
pub(crate) const ZERO: OffsetDateTime = datetime!(2026-11-22 20:00 UTC);

/// The stack `s`.
pub(crate) fn names() -> Names {
    Names {
        stack: "s".to_owned(),
        family: None,
        pool: "s-pool".to_owned(),
        retirement: "s-retirement".to_owned(),
        provision: "http://here/123/s-provision.fifo".to_owned(),
        init: "http://here/123/s-init.fifo".to_owned(),
        outcome: "http://here/123/s-outcome".to_owned(),
        rejected: "http://here/123/s-rejected".to_owned(),
        beside: Vec::new(),
    }
}

/// A message is put on the queue with this name.
pub(crate) fn message(queue: &str, body: &Value) -> Happening {
    Happening::MessageSent {
        queue: queue.to_owned(),
        message_id: "1".to_owned(),
        group_id: None,
        body: body.to_string(),
    }
}

/// A claim for the target `t` is sent.
pub(crate) fn claim(id: &str) -> Happening {
    let body = json!({ "claim_id": id, "target_group": "t" });
    message("s-provision.fifo", &body)
}

/// The body of an outcome with this reason.
pub(crate) fn outcome(id: &str, target: &str, reason: Reason) -> Value {
    json!({
        "version": 1, "claim_id": id, "target_group": target, "outcome": ending(reason),
        "reason": reason, "message": "m", "at": "2026-11-22T20:00:00Z",
    })
}

fn ending(reason: Reason) -> Ending {
    match reason {
        Reason::Initialised => Ending::Ready,
        Reason::Malformed | Reason::TargetFull => Ending::Rejected,
        Reason::WouldBeServed | Reason::WouldWait => Ending::DryRun,
        _ => Ending::Failed,
    }
}

/// The body of a hand-over.
pub(crate) fn hand_over(id: &str, target: &str, instance: &str) -> Value {
    let mut body = retry(id, target, 1);
    body["ready_pool"] = json!("hand-over");
    body["instance_id"] = json!(instance);
    body
}

/// The body of a retry.
pub(crate) fn retry(id: &str, target: &str, attempt: u8) -> Value {
    json!({
        "ready_pool": "retry", "version": 1, "claim_id": id, "target_group": target,
        "init": { "commands": ["true"], "execution_timeout_seconds": 600 }, "when_empty": "wait",
        "expires_at": "2026-11-22T21:00:00Z", "attempt": attempt,
    })
}

/// The comment of a claim's command.
pub(crate) fn comment(id: &str, target: &str) -> String {
    command::comment(&claim_key(id, target).unwrap())
}
