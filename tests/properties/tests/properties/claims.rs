//! Whatever is accepted can be served to the end; whatever is refused says what to fix.

use crate::strategies::{claim, config};
use properties::readers::{NOW, check_accepted};
use proptest::prelude::*;
use ready_pool_core::claim::{Claim, MAX_MESSAGE_BYTES, Malformed};
use ready_pool_core::command;
use ready_pool_core::ids::{Attempt, InstanceId};
use ready_pool_core::ledger;
use ready_pool_core::message::{HandOver, LookAgain, Retry, VERSION};
use ready_pool_core::script;
use ready_pool_core::times::Times;
use serde_json::{Value, json};

/// `MessageDeduplicationId` and `MessageGroupId`: at most 128 letters, digits and punctuation
/// (SQS's API reference).
fn fits_sqs(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn an_accepted_claim_can_be_served(claim in claim()) {
        prop_assert_eq!(claim.check(NOW), Ok(()));
        check_accepted(&claim);
    }

    #[test]
    fn everything_named_after_a_claim_is_a_name_that_aws_takes(
        claim in claim(),
        attempt in any::<Attempt>(),
        instance in crate::strategies::instance_id(),
    ) {
        prop_assert!(command::comment(&claim.key()).len() <= 100);
        let key = ledger::tag_key(&claim.claim_id);
        prop_assert!(key.len() <= 128 && !key.starts_with("aws:"));
        prop_assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || "+-=._:/@".contains(c)));
        let hand_over = HandOver {
            version: VERSION,
            claim: claim.clone(),
            attempt,
            instance_id: instance.clone(),
            times: Times::default(),
        };
        let retry = Retry { version: VERSION, claim: claim.clone(), attempt, begun: true, times: Times::default() };
        let look = |instance_id: Option<InstanceId>| LookAgain {
            version: VERSION,
            claim_id: claim.claim_id.clone(),
            target_group: claim.target_group.clone(),
            instance_id,
            attempt,
            expires_at: claim.expires_at,
        };
        let names = [
            hand_over.deduplication_id(),
            retry.deduplication_id(),
            look(None).deduplication_id(NOW),
            look(None).group_id(),
            look(Some(instance)).group_id(),
        ];
        for name in names {
            prop_assert!(fits_sqs(&name), "{name}");
        }
    }

    #[test]
    fn two_claims_share_no_name(a in claim(), b in claim(), attempt in 1_u8..4) {
        prop_assume!((&a.claim_id, &a.target_group) != (&b.claim_id, &b.target_group));
        prop_assert_ne!(a.key(), b.key());
        let retry = |claim: Claim| Retry { version: VERSION, claim, attempt, begun: true, times: Times::default() }.deduplication_id();
        prop_assert_ne!(retry(a), retry(b));
    }

    #[test]
    fn one_wrong_field_is_refused_by_name(claim in claim(), wrong in wrong_field()) {
        let (pointer, value, named) = wrong;
        let mut message = serde_json::to_value(&claim).unwrap();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        message.pointer_mut(parent).unwrap()[field] = value;
        match Claim::parse(&message.to_string(), NOW).expect_err("it was accepted") {
            Malformed::Field { field, problem } => {
                prop_assert!(field.starts_with(named), "{named}: {field}");
                prop_assert!(!problem.is_empty());
            }
            other => prop_assert!(false, "{named}: {other}"),
        }
    }

    #[test]
    fn any_text_is_answered(body in prop_oneof!["\\PC{0,200}", "[\\[\\]{}\",:a-z0-9]{0,80}"]) {
        let problem = Claim::parse(&body, NOW).expect_err("it was accepted").to_string();
        let kinds = ["not valid JSON: ", "a claim must be a JSON object, and is "];
        let is_known = kinds.iter().any(|kind| problem.starts_with(kind)) || problem.starts_with('`');
        prop_assert!(is_known, "{problem}");
    }
}

/// A field, a value it cannot have, and how the refusal names it.
type Wrong = (&'static str, Value, &'static str);

fn wrong_field() -> impl Strategy<Value = Wrong> {
    prop::sample::select([wrong_of_claim(), wrong_of_init()].concat())
}

fn wrong_of_claim() -> Vec<Wrong> {
    vec![
        ("/claim_id", json!("a b"), "claim_id"),
        ("/claim_id", json!("x".repeat(65)), "claim_id"),
        ("/claim_id", json!(7), "claim_id"),
        ("/target_group", json!(""), "target_group"),
        ("/target_group", json!("a\nb"), "target_group"),
        ("/target_group", Value::Null, "target_group"),
        ("/when_empty", json!("launch"), "when_empty"),
        ("/dry_run", json!(1), "dry_run"),
        ("/on_init_failure", json!("leave"), "on_init_failure"),
        ("/preferences", json!(["eu-west-1a"]), "preferences"),
        (
            "/preferences",
            json!({"zones": ["eu west"]}),
            "preferences.zones[0]",
        ),
        (
            "/preferences",
            json!({"instance_types": vec!["m5.large"; 17]}),
            "preferences.instance_types",
        ),
        ("/expires_at", json!("2026-11-23T00:01:01Z"), "expires_at"),
        (
            "/expires_at",
            json!("9999-12-31T23:59:59-23:59"),
            "expires_at",
        ),
        ("/expires_at", json!("2026-11-22T20:15:00"), "expires_at"),
        ("/expiry", json!("2026-11-22T20:15:00Z"), "expiry"),
    ]
}

fn wrong_of_init() -> Vec<Wrong> {
    vec![
        ("/init", json!("true"), "init"),
        ("/init/commands", json!([]), "init.commands"),
        ("/init/commands", json!("true"), "init.commands"),
        ("/init/commands", json!([" \n", ""]), "init.commands"),
        (
            "/init/commands",
            json!(["#!/bin/sh\r\n:"]),
            "init.commands[0]",
        ),
        (
            "/init/commands",
            json!(["true", "{{x}}"]),
            "init.commands[1]",
        ),
        ("/init/commands", json!(["a\u{0}b"]), "init.commands[0]"),
        ("/init/commands", json!(["a\u{ffff}b"]), "init.commands[0]"),
        (
            "/init/environment",
            json!({"V": "{{"}),
            "init.environment.V",
        ),
        (
            "/init/environment",
            json!({"V": "\u{fffe}"}),
            "init.environment.V",
        ),
        ("/init/environment", json!({"V": 7}), "init.environment"),
        ("/init/environment", json!({"": "x"}), "init.environment."),
        (
            "/init/environment",
            json!({"A=B": "x"}),
            "init.environment.A=B",
        ),
        (
            "/init/environment",
            json!({"V;touch pwned": "x"}),
            "init.environment.V;",
        ),
        (
            "/init/environment",
            json!({"READY_POOL_DIR": "x"}),
            "init.environment.READY_POOL_DIR",
        ),
        (
            "/init/working_directory",
            json!("opt"),
            "init.working_directory",
        ),
        (
            "/init/working_directory",
            json!("/a\u{7}"),
            "init.working_directory",
        ),
        (
            "/init/working_directory",
            json!(format!("/{}", "x".repeat(4096))),
            "init.working_directory",
        ),
        (
            "/init/execution_timeout_seconds",
            json!(0),
            "init.execution_timeout_seconds",
        ),
        (
            "/init/execution_timeout_seconds",
            json!(21_601),
            "init.execution_timeout_seconds",
        ),
        (
            "/init/execution_timeout_seconds",
            json!("600"),
            "init.execution_timeout_seconds",
        ),
        ("/init/comands", json!([]), "init.comands"),
    ]
}

/// A claim whose environment holds a value of this many bytes.
fn with_value_of(bytes: usize) -> String {
    json!({
        "claim_id": "a",
        "target_group": "b",
        "init": { "commands": ["true"], "environment": { "V": "x".repeat(bytes) } },
        "expires_at": "2026-11-22T20:15:00Z",
    })
    .to_string()
}

#[test]
fn a_claim_is_accepted_up_to_the_last_byte_of_its_script() {
    let smallest = Claim::parse(&with_value_of(0), NOW).unwrap();
    let most = script::MAX_BYTES - script::bytes(&smallest);
    // The line with the target's name is not counted.
    let target = format!("export TARGET_GROUP='{}'\n", smallest.target_group).len();
    let claim = Claim::parse(&with_value_of(most), NOW).unwrap();
    assert_eq!(
        script::render(&claim, 1, &Times::default(), None).len(),
        script::MAX_BYTES + target
    );
    check_accepted(&claim);
    let problem = Claim::parse(&with_value_of(most + 1), NOW).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "`init` makes a script of 60001 bytes, ready-pool's wrapper included; at most 60000 are allowed: fetch large \
         parts on the instance"
    );
}

#[test]
fn a_value_of_100_kilobytes_is_refused_with_the_limit() {
    let problem = Claim::parse(&with_value_of(100_000), NOW).unwrap_err();
    assert!(matches!(problem, Malformed::TooLong(bytes) if bytes > 100_000));
    assert!(
        problem
            .to_string()
            .contains(&format!("at most {MAX_MESSAGE_BYTES}"))
    );
    // In a retry, which is not measured as a whole, the script is what is too long.
    let fields: Value = serde_json::from_str(&with_value_of(10)).unwrap();
    let mut claim: Claim = serde_json::from_value(fields).unwrap();
    claim
        .init
        .environment
        .insert("V".to_owned(), "x".repeat(100_000));
    let problem = claim.check(NOW).unwrap_err().to_string();
    assert!(problem.contains("makes a script of 10"), "{problem}");
}
