//! The public message: its schema and its reader agree, as far as a schema can say.

use crate::NOW;
use crate::validator::Validator;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use ready_pool_core::claim::Claim;
use serde_json::{Value, json};

/// How the reader names what no schema can say.
const BEYOND_A_SCHEMA: [&str; 7] = [
    // Bytes, where a schema counts characters.
    "the message has",
    "makes a script of",
    "an absolute path of at most 4096 bytes",
    // A moment, where a schema sees text.
    "at most 4 hours ahead",
    "must be an RFC 3339 time",
    "lies beyond the calendar",
    // 600.0 is an integer to a schema.
    "decimal number",
];

fn read(message: &Value) -> Result<(), String> {
    Claim::parse(&message.to_string(), NOW)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn message() -> Value {
    json!({
        "claim_id": "signup-01J9Z6Q4",
        "target_group": "asg-production-1337",
        "init": {
            "commands": ["bash /opt/dock-init/init.sh"],
            "environment": {"ORG_ID": "1337"},
            "working_directory": "/opt",
            "execution_timeout_seconds": 600
        },
        "when_empty": "wait",
        "expires_at": "2026-11-22T20:15:00Z"
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let mut message = message();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    message.pointer_mut(parent).unwrap()[name] = value;
    message
}

fn both_refuse(wrong: &[(&str, Value)]) {
    let validator = Validator::of("claim");
    assert_eq!(validator.check(&message()), Ok(()));
    assert_eq!(read(&message()), Ok(()));
    for (pointer, value) in wrong {
        let message = with(pointer, value.clone());
        assert!(read(&message).is_err(), "read: {pointer} = {value}");
        assert!(validator.check(&message).is_err(), "{pointer} = {value}");
    }
    for field in ["claim_id", "target_group", "init", "expires_at"] {
        let mut message = message();
        message.as_object_mut().unwrap().remove(field);
        assert!(read(&message).is_err(), "read without {field}");
        assert!(validator.check(&message).is_err(), "without {field}");
    }
}

#[test]
fn both_refuse_what_is_wrong() {
    let wrong = [
        ("/claim_id", json!("a b")),
        ("/claim_id", json!("x".repeat(65))),
        ("/claim_id", json!(null)),
        ("/target_group", json!("a\n")),
        ("/target_group", json!("")),
        ("/init", json!([])),
        ("/init/command", json!("true")),
        ("/init/commands", json!([])),
        ("/init/commands", json!("true")),
        ("/init/commands", json!(["", " \n\u{2003}\u{85}"])),
        ("/init/commands", json!(["#!/bin/sh\r"])),
        ("/init/commands", json!(["#!/bin/sh -e\r\ntrue", "true"])),
        ("/init/commands", json!(["echo {{ssm:x}}"])),
        ("/init/commands", json!(["a\u{0}b"])),
        ("/init/commands", json!(["a\u{ffff}b"])),
        ("/init/commands", json!([7])),
        ("/init/environment", json!(null)),
        ("/init/environment", json!({"A B": "x"})),
        ("/init/environment", json!({"1A": "x"})),
        ("/init/environment", json!({"": "x"})),
        ("/init/environment", json!({"A".repeat(129): "x"})),
        ("/init/environment", json!({"UID": "x"})),
        ("/init/environment", json!({"PS4": "x"})),
        ("/init/environment", json!({"PERL5OPT": "x"})),
        ("/init/environment", json!({"BASH_ENV": "x"})),
        ("/init/environment", json!({"READY_POOL_X": "x"})),
        ("/init/environment", json!({"A": "{{x}}"})),
        ("/init/environment", json!({"A": 1})),
        ("/init/working_directory", json!("opt")),
        ("/init/working_directory", json!("/a\nb")),
        ("/init/working_directory", json!("/{{a")),
        ("/init/working_directory", json!("/".repeat(4097))),
        ("/init/execution_timeout_seconds", json!(0)),
        ("/init/execution_timeout_seconds", json!(21_601)),
        ("/init/execution_timeout_seconds", json!(0.5)),
        ("/init/execution_timeout_seconds", json!("600")),
        ("/when_empty", json!("launch")),
        ("/when_emtpy", json!("wait")),
        ("/dry_run", json!("true")),
        ("/dry_run", json!(null)),
        ("/on_init_failure", json!("Keep")),
        ("/on_init_failure", json!(null)),
        ("/on_init_failure", json!(["keep"])),
        ("/protect", json!("true")),
        ("/protect", json!(null)),
        ("/attach_when", json!("never")),
        ("/attach_when", json!(null)),
        ("/preferences", json!(["eu-west-1a"])),
        ("/preferences", json!({"zone": "eu-west-1a"})),
        ("/preferences", json!({"zones": "eu-west-1a"})),
        ("/preferences", json!({"zones": ["eu-west-1a", ""]})),
        ("/preferences", json!({"zones": ["eu west"]})),
        ("/preferences", json!({"zones": vec!["eu-west-1a"; 17]})),
        ("/preferences", json!({"instance_types": ["M5.large"]})),
        ("/preferences", json!({"instance_types": ["m".repeat(65)]})),
        ("/preferences", json!({"instance_types": [5]})),
        ("/expires_at", json!("tomorrow")),
        ("/expires_at", json!(1_795_374_900)),
        ("/expires_at", json!({"seconds": 900})),
        (
            "/expires_at",
            json!({"seconds": -1, "after": "2026-11-22T20:00:00Z"}),
        ),
        (
            "/expires_at",
            json!({"seconds": 1, "after": "2026-11-22T20:00:00Z", "unit": "h"}),
        ),
    ];
    both_refuse(&wrong);
}

#[test]
fn both_refuse_what_no_claim_can_say_of_a_target_to_be_made() {
    both_refuse(&[
        ("/create_target", json!(null)),
        ("/create_target", json!([4, {}])),
        ("/create_target", json!({})),
        ("/create_target", json!({"max_size": 0})),
        ("/create_target", json!({"max_size": 1001})),
        ("/create_target", json!({"max_size": "4"})),
        (
            "/create_target",
            json!({"max_size": 4, "launch_template": "lt-0"}),
        ),
        ("/create_target", json!({"max_size": 4, "tags": {"": "x"}})),
        (
            "/create_target",
            json!({"max_size": 4, "tags": {"k".repeat(129): "x"}}),
        ),
        (
            "/create_target",
            json!({"max_size": 4, "tags": {"aws:x": "x"}}),
        ),
        (
            "/create_target",
            json!({"max_size": 4, "tags": {"Ready-Pool:x": "x"}}),
        ),
        (
            "/create_target",
            json!({"max_size": 4, "tags": {"k": "v".repeat(257)}}),
        ),
        (
            "/create_target",
            json!({"max_size": 4, "tags": {"k": "a\nb"}}),
        ),
        ("/create_target", json!({"max_size": 4, "tags": {"k": 1}})),
    ]);
}

/// Mostly what is right, sometimes what is nearly.
fn mostly<T: Clone + std::fmt::Debug + 'static>(
    right: impl Strategy<Value = T> + 'static,
    nearly: &[T],
) -> BoxedStrategy<T> {
    prop_oneof![12 => right, 1 => select(nearly.to_vec())].boxed()
}

fn words(nearly: &[&str]) -> Vec<String> {
    nearly.iter().map(|text| (*text).to_owned()).collect()
}

fn text() -> BoxedStrategy<String> {
    let nearly = [
        "",
        " ",
        "\u{feff}",
        "\u{85}\u{3000}",
        "{{",
        "{ {",
        "{",
        "}}",
        "\u{0}",
        "\u{fffe}",
        "\u{200b}",
        "a\n",
        "\n",
        "\u{1f}",
    ];
    mostly("\\PC{1,12}", &words(&nearly))
}

fn init() -> impl Strategy<Value = Value> {
    let names = [
        "BASH",
        "BASHFUL",
        "bash",
        "UID",
        "uid",
        "ENV",
        "PS4",
        "PS5",
        "_",
        "__",
        "READY_POOL",
        "READY_POOL_",
        "É",
        "A\n",
        "A-B",
        "",
    ];
    let names = mostly("[A-Za-z_][A-Za-z0-9_]{0,20}", &words(&names));
    let directories = ["", "opt", "/\u{85}", "/\u{7f}", "/{{", "/é", "/\n", "\n/"];
    let directories = mostly("/[ -z]{0,20}", &words(&directories)).prop_map(Value::from);
    let seconds = [
        json!(0),
        json!(21_600),
        json!(21_601),
        json!(-1),
        json!(1e2),
        json!(null),
    ];
    (
        vec(text(), 0..4),
        btree_map(names, text(), 0..3),
        prop_oneof![4 => directories, 1 => Just(Value::Null)],
        mostly((1..21_600).prop_map(Value::from), &seconds),
        0..32_u8,
    )
        .prop_map(|(commands, environment, directory, seconds, present)| {
            let fields = [
                ("environment", json!(environment)),
                ("working_directory", directory),
                ("execution_timeout_seconds", seconds),
            ];
            let mut init = json!({"commands": commands});
            for (bit, (name, value)) in fields.into_iter().enumerate() {
                if present & (1 << bit) != 0 {
                    init[name] = value;
                }
            }
            if present == 24 {
                init["shell"] = json!("fish");
            }
            init
        })
}

fn claim_or_nearly() -> impl Strategy<Value = Value> {
    let moments = [
        "2026-11-22t20:15:00z",
        "2026-11-22 20:15:00Z",
        "2026-11-22T20:15:00.Z",
        "2026-11-22T20:15Z",
        "2026-11-22T20:15:00",
        "2026-11-22T20:15:00+0100",
        "2026-11-22T20:15:00.123456789123+01:00",
        "2026-13-22T20:15:00Z",
        "2026-11-23T20:15:00Z",
        "+2026-11-22T20:15:00Z",
        "20261122T201500Z",
        "2026-11-22T20:15:00Z ",
        "",
    ];
    let moment = mostly(Just("2026-11-22T20:15:00Z".to_owned()), &words(&moments));
    let deadline = (
        moment,
        option::of(select(vec![0_u64, 900, 1 << 31, 1 << 32])),
    )
        .prop_map(|(moment, seconds)| match seconds {
            None => json!(moment),
            Some(seconds) => json!({"seconds": seconds, "after": moment}),
        });
    (
        mostly(
            "[A-Za-z0-9._-]{1,64}",
            &words(&["", "a b", "a\n", "é", "a/b"]),
        ),
        mostly(
            "[ -~]{1,255}",
            &words(&["", "a:b", "größe", "a\n", "a\u{85}", "\u{fffe}"]),
        ),
        init(),
        deadline,
        mostly(
            select(words(&["wait", "reject"])),
            &words(&["Wait", "launch", ""]),
        ),
        mostly(
            select(words(&["retire", "keep", "replace"])),
            &words(&["Keep", "leave", ""]),
        ),
    )
        .prop_map(
            |(claim_id, target_group, init, expires_at, when_empty, on_init_failure)| {
                json!({
                    "claim_id": claim_id, "target_group": target_group, "init": init,
                    "expires_at": expires_at, "when_empty": when_empty,
                    "on_init_failure": on_init_failure,
                })
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn schema_and_reader_agree(message in claim_or_nearly()) {
        thread_local!(static CLAIM: Validator = Validator::of("claim"));
        let fits = CLAIM.with(|validator| validator.check(&message));
        match read(&message) {
            Ok(()) => prop_assert_eq!(fits, Ok(()), "read, but does not fit: {}", message),
            Err(problem) if fits.is_ok() => prop_assert!(
                BEYOND_A_SCHEMA.iter().any(|known| problem.contains(known)),
                "fits, but is not read: {problem}: {message}"
            ),
            Err(_) => {}
        }
    }
}
