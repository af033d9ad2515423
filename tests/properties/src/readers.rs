//! One function for each kind of input, and what must hold for whatever it holds.

pub use crate::tags::group_tags;
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use claim_instance::decide::Request;
use claim_instance::intake::message::{Received, Unreadable};
use init_instance::message::Work;
use ready_pool_aws::event::AutoScalingDetail;
use ready_pool_core::Timestamp;
use ready_pool_core::claim::{Claim, MAX_MESSAGE_BYTES};
use ready_pool_core::ids::{Attempt, GroupName, InstanceId};
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::ledger::Entry;
use ready_pool_core::message::{HandOver, LookAgain, Message, Retry, VERSION};
use ready_pool_core::outcome::Outcome;
use ready_pool_core::script;
use ready_pool_core::times::Times;
use serde_json::{Value, json};
use time::macros::datetime;

/// A reader and what must hold for it: panics where it does not.
pub type Reader = fn(&[u8]);

/// All readers by name: the names of the fuzz targets and of the folders of the corpus.
pub const ALL: [(&str, Reader); 9] = [
    ("provision", provision),
    ("retry", retry),
    ("hand_over", hand_over),
    ("look_again", look_again),
    ("command_event", command_event),
    ("replenish_event", replenish_event),
    ("ledger_entry", ledger_entry),
    ("sqs_event", sqs_event),
    ("group_tags", group_tags),
];

/// When everything is read.
pub const NOW: Timestamp = datetime!(2026-11-22 20:00 UTC);
const POOL: &str = "ready-pool-pool";
const INSTANCE: &str = "i-0123456789abcdef0";
/// Longest tag value (Auto Scaling, API model), characters.
const MAX_TAG_VALUE: usize = 256;

/// A provisioning message: read as claim-instance reads it.
pub fn provision(input: &[u8]) {
    if let Some(body) = text(input) {
        check_received(&received(body));
    }
}

/// A retry: the input is a retry's fields, with or without errors.
pub fn retry(input: &[u8]) {
    let Some(body) = of_kind("retry", input) else {
        return;
    };
    let read = received(&body);
    if let Ok(request) = &read.content {
        assert!(request.asked.is_some(), "a retry is no first claim: {body}");
    }
    check_received(&read);
}

/// A hand-over: likewise.
pub fn hand_over(input: &[u8]) {
    let Some(body) = of_kind("hand-over", input) else {
        return;
    };
    refused_as_claim(&body);
    match Work::read(&body) {
        Ok(Work::HandOver(hand_over)) => check_hand_over(*hand_over),
        Ok(Work::CommandFinished { .. }) | Err(_) => {}
        Ok(work) => panic!("a hand-over was read as {work:?}"),
    }
}

/// A look: likewise.
pub fn look_again(input: &[u8]) {
    let Some(body) = of_kind("look-again", input) else {
        return;
    };
    refused_as_claim(&body);
    match Work::read(&body) {
        Ok(Work::LookAgain(look_again)) => check_look_again(&look_again),
        Ok(Work::CommandFinished { .. }) | Err(_) => {}
        Ok(work) => panic!("a look was read as {work:?}"),
    }
}

/// EventBridge's word that a command ended: the input is the whole event, or its detail.
pub fn command_event(input: &[u8]) {
    let Some(body) = text(input) else { return };
    let mut bodies = vec![body.to_owned()];
    if let Ok(detail) = serde_json::from_str::<Value>(body) {
        bodies.push(enveloped(&detail));
    }
    for body in bodies {
        refused_as_claim(&body);
        if let Ok(Work::CommandFinished { detail, .. }) = Work::read(&body) {
            let again = serde_json::to_value(&detail).expect("a detail is JSON");
            let again = Work::read(&enveloped(&again)).expect("a detail reads back");
            let Work::CommandFinished { detail: again, .. } = again else {
                panic!("an event was read as {again:?}");
            };
            assert_eq!(again, detail);
        }
    }
}

/// An event that wakes replenish-pool up.
pub fn replenish_event(input: &[u8]) {
    let Ok(event) = serde_json::from_slice::<EventBridgeEvent<Value>>(input) else {
        return;
    };
    let detail = AutoScalingDetail::of(&event);
    let as_the_pool_s = detail
        .auto_scaling_group_name
        .as_deref()
        .map(GroupName::try_from);
    let readable = serde_json::from_value::<AutoScalingDetail>(event.detail.clone()).is_ok();
    assert!(
        readable || detail == AutoScalingDetail::default(),
        "an unreadable detail is empty"
    );
    if detail.is_attach() {
        assert!(detail.description.is_some());
    }
    let _ = (as_the_pool_s, detail.instance_id.map(InstanceId::try_from));
}

/// A tag value under our key.
pub fn ledger_entry(input: &[u8]) {
    let Some(value) = text(input) else { return };
    let Ok(entry) = value.parse::<Entry>() else {
        return;
    };
    check_entry(&entry);
}

/// An SQS event, whole: both functions must live with whatever its records lack.
pub fn sqs_event(input: &[u8]) {
    let Ok(event) = serde_json::from_slice::<SqsEvent>(input) else {
        return;
    };
    for record in event.records {
        let body = record.body.clone().unwrap_or_default();
        let received = Received::read(record, &pool(), NOW);
        assert_eq!(received.body, body, "the original is kept");
        check_received(&received);
        match Work::read(&body) {
            Ok(Work::HandOver(hand_over)) => check_hand_over(*hand_over),
            Ok(Work::LookAgain(look_again)) => check_look_again(&look_again),
            Ok(Work::CommandFinished { .. }) | Err(_) => {}
        }
    }
}

/// An entry is written as it is read, and fits into a tag.
pub fn check_entry(entry: &Entry) {
    let written = entry.to_string();
    assert!(written.len() <= MAX_TAG_VALUE, "too long: {written}");
    assert_eq!(written.parse().as_ref(), Ok(entry), "{written}");
}

/// A claim that was accepted can be served, whatever becomes of it.
pub fn check_accepted(accepted: &Claim) {
    assert_eq!(accepted.check(NOW), Ok(()));
    // A dry run is never carried on, nor what a claim says of a target to be made.
    let claim = &Claim {
        dry_run: false,
        create_target: None,
        ..accepted.clone()
    };
    for attempt in [0, 1, Attempt::MAX] {
        let script = script::render(claim, attempt, &Times::default(), None);
        // The attempt's three digits, the protection and the target's name, in quotes, are all that `check` does not
        // count.
        let target = "export TARGET_GROUP=''\n".len() + claim.target_group.as_str().len() * 4;
        assert!(
            script.len()
                <= script::MAX_BYTES
                    + target
                    + 2
                    + ", protect true".len()
                    + r#""protect":false,"#.len(),
            "{} bytes",
            script.len()
        );
        assert!(!script.contains('\0') && !script.contains("{{"));
        match script::claim_of(&script) {
            Some(carried) => {
                let mut on_one_line = claim.clone();
                on_one_line.init.commands = vec![claim.init.commands.join("\n")];
                assert_eq!(carried, on_one_line);
                let again = script::render(&carried, attempt, &Times::default(), None);
                assert_eq!(again, script);
            }
            None => assert_ne!(claim.on_init_failure, OnInitFailure::Replace),
        }
        check_hand_over(HandOver {
            version: VERSION,
            claim: claim.clone(),
            attempt,
            instance_id: InstanceId::try_from(INSTANCE).expect("an instance id"),
            times: Times::default(),
        });
        let retry = Message::Retry(Retry {
            version: VERSION,
            claim: claim.clone(),
            attempt,
            begun: true,
            times: Times::default(),
        });
        let body = serde_json::to_string(&retry).expect("a retry is JSON");
        let again = received(&body).content.expect("a retry is served");
        assert_eq!(
            again,
            Request {
                // Attempts count from 1, whatever a forged retry says.
                asked: Some(attempt.max(1)),
                ..Request::of(claim.clone())
            }
        );
    }
    let public = serde_json::to_string(accepted).expect("a claim is JSON");
    if public.len() <= MAX_MESSAGE_BYTES {
        assert_eq!(Claim::parse(&public, NOW).as_ref(), Ok(accepted));
    }
}

fn check_received(received: &Received) {
    match &received.content {
        Ok(request) => check_accepted(&request.claim),
        Err(unreadable) => check_unreadable(unreadable),
    }
}

/// What could not be read gets an answer that says why, and that SQS can carry.
fn check_unreadable(unreadable: &Unreadable) {
    assert!(!unreadable.message.is_empty());
    let outcome = Outcome::unreadable(
        unreadable.claim_id.as_deref(),
        unreadable.target_group.as_deref(),
        unreadable.reason,
        &unreadable.message,
        NOW,
    );
    for text in [
        outcome.claim_id.as_deref(),
        outcome.target_group.as_deref(),
        Some(outcome.message.as_str()),
    ] {
        let text = text.unwrap_or_default();
        assert!(text.chars().count() <= 1_000);
        assert!(!text.contains(|c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')));
    }
    let json = serde_json::to_string(&outcome).expect("an outcome is JSON");
    assert_eq!(
        serde_json::from_str::<Outcome>(&json).expect("an outcome reads back"),
        outcome
    );
}

fn check_hand_over(hand_over: HandOver) {
    check_entry(&Entry {
        instance: Some(hand_over.instance_id.clone()),
        attempt: hand_over.attempt,
        standing: ready_pool_core::ledger::Standing::Assigned,
        expires_at: hand_over.claim.expires_at,
        instead_of: None,
    });
    let message = Message::HandOver(hand_over);
    let body = serde_json::to_string(&message).expect("a hand-over is JSON");
    let Message::HandOver(hand_over) = message else {
        unreachable!("it was one a moment ago");
    };
    let again = Work::read(&body).expect("a hand-over reads back");
    assert_eq!(again, Work::HandOver(Box::new(hand_over)));
}

pub(crate) fn check_look_again(look_again: &LookAgain) {
    let body =
        serde_json::to_string(&Message::LookAgain(look_again.clone())).expect("a look is JSON");
    let again = Work::read(&body).expect("a look reads back");
    assert_eq!(again, Work::LookAgain(look_again.clone()));
}

/// What only our functions send to each other is no claim.
fn refused_as_claim(body: &str) {
    if received(body).content.is_ok() {
        let fields: Value = serde_json::from_str(body).expect("what is served is JSON");
        let kind = fields.get("ready_pool");
        assert!(
            kind.is_none_or(|kind| kind == "retry"),
            "served as a claim: {body}"
        );
    }
}

fn received(body: &str) -> Received {
    let mut record = SqsMessage::default();
    record.body = Some(body.to_owned());
    record
        .attributes
        .insert("MessageGroupId".to_owned(), POOL.to_owned());
    Received::read(record, &pool(), NOW)
}

fn pool() -> GroupName {
    GroupName::try_from(POOL).expect("a group name")
}

/// The input as text: SQS carries nothing else.
fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

/// The input's fields as a message of this kind. Where the input says itself what it is, that
/// stands, so that kinds can be mixed up.
fn of_kind(kind: &str, input: &[u8]) -> Option<String> {
    let mut message: Value = serde_json::from_slice(input).ok()?;
    let fields = message.as_object_mut()?;
    fields.insert("ready_pool".to_owned(), json!(kind));
    fields.entry("version").or_insert(json!(VERSION));
    Some(message.to_string())
}

fn enveloped(detail: &Value) -> String {
    json!({
        "detail-type": "EC2 Command Invocation Status-change Notification",
        "source": "aws.ssm",
        "detail": detail,
    })
    .to_string()
}
