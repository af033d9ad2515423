//! Messages between our functions: what is written fits, and so does what a newer version adds.

use crate::validator::Validator;
use proptest::prelude::*;
use ready_pool_core::claim::Claim;
use ready_pool_core::ids::InstanceId;
use ready_pool_core::message::{HandOver, LookAgain, Message, Retry, VERSION};
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use ready_pool_core::times::Times;
use serde_json::{Value, json};

fn claim() -> Claim {
    let message = json!({
        "claim_id": "a", "target_group": "b", "init": {"commands": ["true"]},
        "expires_at": "2026-11-22T20:15:00Z"
    });
    Claim::parse(&message.to_string(), crate::NOW).unwrap()
}

fn instance() -> InstanceId {
    InstanceId::try_from("i-0123456789abcdef0").unwrap()
}

fn messages() -> [(&'static str, Message); 5] {
    let (claim, attempt, version) = (claim(), 2, VERSION);
    let look_again = |instance_id| {
        let (claim_id, target_group) = (claim.claim_id.clone(), claim.target_group.clone());
        let expires_at = claim.expires_at;
        let look_again = LookAgain {
            version,
            claim_id,
            target_group,
            instance_id,
            attempt,
            expires_at,
        };
        Message::LookAgain(look_again)
    };
    let hand_over = HandOver {
        version,
        claim: claim.clone(),
        attempt,
        instance_id: instance(),
        times: Times::default(),
    };
    [
        ("look-again", look_again(None)),
        ("look-again", look_again(Some(instance()))),
        ("hand-over", Message::HandOver(hand_over)),
        (
            "retry",
            Message::Retry(Retry {
                version,
                claim: claim.clone(),
                attempt,
                begun: true,
                times: Times::default(),
            }),
        ),
        (
            "retry",
            Message::Retry(Retry {
                version,
                claim,
                attempt,
                begun: false,
                times: Times::default(),
            }),
        ),
    ]
}

#[test]
fn what_is_written_fits_and_may_grow() {
    for (name, message) in messages() {
        let validator = Validator::of(name);
        let mut json = serde_json::to_value(&message).unwrap();
        assert_eq!(validator.check(&json), Ok(()), "{json}");
        json["colour"] = json!("blue");
        if json.get("init").is_some() {
            json["init"]["shell"] = json!("fish");
        }
        assert_eq!(validator.check(&json), Ok(()), "{json}");
        assert_eq!(serde_json::from_value::<Message>(json).unwrap(), message);
    }
}

#[test]
fn a_message_without_a_required_field_fits_as_little_as_it_is_read() {
    for (name, message) in messages() {
        let validator = Validator::of(name);
        let whole = serde_json::to_value(&message).unwrap();
        for field in whole.as_object().unwrap().keys() {
            for wrong in [None, Some(json!({})), Some(json!("\u{0}")), Some(json!(-1))] {
                let mut json = whole.clone();
                let object = json.as_object_mut().unwrap();
                match wrong {
                    None => object.remove(field),
                    Some(wrong) => object.insert(field.clone(), wrong),
                };
                let read = serde_json::from_value::<Message>(json.clone()).is_ok();
                assert_eq!(validator.check(&json).is_ok(), read, "{name}: {json}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_outcome_that_is_written_fits(
        claim_id in proptest::option::of(any::<String>()),
        message in "\\PC{0,2000}",
        ending in prop::sample::select(vec![Ending::Ready, Ending::Failed, Ending::Rejected]),
        with_instance in any::<bool>(),
    ) {
        let validator = Validator::of("outcome");
        let unreadable = Outcome::unreadable(
            claim_id.as_deref(), claim_id.as_deref(), Reason::Malformed, &message, crate::NOW,
        );
        let instance = with_instance.then(instance);
        for reason in reasons() {
            let outcome = Outcome::of(&claim(), ending, reason, message.clone(), instance.clone(), crate::NOW);
            prop_assert_eq!(validator.check(&serde_json::to_value(&outcome).unwrap()), Ok(()));
        }
        prop_assert_eq!(validator.check(&serde_json::to_value(&unreadable).unwrap()), Ok(()));
    }
}

/// Every reason that the schema names.
fn reasons() -> Vec<Reason> {
    let schema = crate::files::checked_in("outcome");
    let named = schema["properties"]["reason"]["oneOf"].as_array().unwrap();
    named
        .iter()
        .map(|reason: &Value| Reason::from_code(reason["const"].as_str().unwrap()).unwrap())
        .collect()
}
