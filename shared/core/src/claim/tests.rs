use super::*;
use serde_json::{Value, json};
use time::macros::datetime;

const NOW: Timestamp = datetime!(2026-11-22 20:00 UTC);

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

fn problem(message: &Value) -> String {
    Claim::parse(&message.to_string(), NOW)
        .expect_err("the message was accepted")
        .to_string()
}

#[test]
fn the_design_s_example_is_a_claim() {
    let claim = Claim::parse(&message().to_string(), NOW).unwrap();
    assert_eq!(claim.claim_id.as_str(), "signup-01J9Z6Q4");
    assert_eq!(claim.expires_at, datetime!(2026-11-22 20:15 UTC));
    assert!(!claim.is_expired(NOW));
    assert!(claim.is_expired(datetime!(2026-11-22 20:15 UTC)));
}

#[test]
fn only_the_deadline_the_target_the_id_and_a_command_are_required() {
    let claim = Claim::parse(
        r#"{"claim_id":"a","target_group":"b","init":{"commands":["true"]},"expires_at":"2026-11-22T21:00:00+01:00"}"#,
        NOW,
    )
    .unwrap();
    assert_eq!(claim.when_empty, WhenEmpty::Wait);
    assert_eq!(claim.init.execution_timeout_seconds, 600);
    assert!(claim.preferences.is_empty() && !claim.dry_run);
    assert_eq!(claim.attach_when, AttachWhen::BeforeInit);
    for name in ["claim_id", "target_group", "init", "expires_at"] {
        let mut without = message();
        without.as_object_mut().unwrap().remove(name);
        assert!(problem(&without).contains(&format!("`{name}` is missing")));
    }
}

#[test]
fn preferences_are_lists_in_order() {
    let preferences =
        json!({"zones": ["eu-west-1b", "eu-west-1a"], "instance_types": ["m5.large"]});
    let claim = Claim::parse(&with("/preferences", preferences).to_string(), NOW).unwrap();
    assert_eq!(claim.preferences.zones, ["eu-west-1b", "eu-west-1a"]);
    assert_eq!(claim.preferences.instance_types, ["m5.large"]);
    let claim = Claim::parse(&with("/preferences", json!({"zones": []})).to_string(), NOW).unwrap();
    assert!(claim.preferences.is_empty());
}

#[test]
fn a_misspelt_option_is_named() {
    for (pointer, words) in [
        (
            "/when_emtpy",
            "`when_emtpy` is an unknown field; known are `claim_id`, ",
        ),
        (
            "/init/command",
            "`init.command` is an unknown field; known are `commands`, ",
        ),
        (
            "/when_empty",
            "`when_empty` must be `wait` or `reject`, and is `launch`",
        ),
    ] {
        let problem = problem(&with(pointer, json!("launch")));
        assert!(problem.starts_with(words), "{problem}");
    }
}

#[test]
fn every_field_has_its_limit() {
    let cases = [
        ("/claim_id", json!("a b"), "1 to 64 characters"),
        ("/target_group", json!("a\n"), "Auto Scaling group name"),
        (
            "/expires_at",
            json!("2026-11-23T00:01:01Z"),
            "at most 4 hours",
        ),
        (
            "/expires_at",
            json!("tomorrow"),
            "`expires_at` must be an RFC 3339 time",
        ),
        ("/init/commands", json!([]), "at least one command"),
        ("/init/commands", json!(["", " "]), "at least one command"),
        (
            "/init/commands",
            json!(["#!/bin/bash\r\necho"]),
            "`init.commands[0]` must not end its `#!` line with a carriage return",
        ),
        (
            "/init/commands",
            json!(["#!/bin/sh\r", "echo"]),
            "carriage return",
        ),
        (
            "/init/commands",
            json!(["echo {{ssm:x}}"]),
            "must not have `{{`",
        ),
        ("/init/commands", json!(["a\u{0}b"]), "NUL"),
        (
            "/init/environment",
            json!({"A B": "x"}),
            "letters, digits and underscores",
        ),
        (
            "/init/environment",
            json!({"1A": "x"}),
            "letters, digits and underscores",
        ),
        (
            "/init/environment",
            json!({"A": "{{x}}"}),
            "must not have `{{`",
        ),
        (
            "/init/environment",
            json!({"READY_POOL_DIR": "x"}),
            "READY_POOL_",
        ),
        ("/init/working_directory", json!("opt"), "absolute path"),
        (
            "/init/working_directory",
            json!("/a\nb"),
            "control characters",
        ),
        ("/init/execution_timeout_seconds", json!(0), "1 to 21600"),
        (
            "/init/execution_timeout_seconds",
            json!(21_601),
            "1 to 21600",
        ),
        (
            "/init/execution_timeout_seconds",
            json!(-1),
            "`init.execution_timeout_seconds` must be a whole number of seconds, and is the number -1",
        ),
        (
            "/init/commands",
            json!([7]),
            "`init.commands[0]` must be a string, and is the number 7",
        ),
        (
            "/init/commands",
            json!(["'".repeat(20_000)]),
            "makes a script of",
        ),
    ];
    assert_refused(&cases);
}

#[test]
fn every_option_has_its_limit() {
    assert_refused(&[
        (
            "/dry_run",
            json!("yes"),
            "`dry_run` must be a boolean, and is a string",
        ),
        (
            "/create_target",
            json!(null),
            "`create_target` must be a JSON object, and is null",
        ),
        (
            "/create_target",
            json!({"max_size": 0}),
            "`create_target.max_size` must be 1 to 1000",
        ),
        (
            "/preferences",
            json!({"zone": "a"}),
            "`preferences.zone` is an unknown field; known are `zones` or `instance_types`",
        ),
        (
            "/preferences",
            json!({"zones": "a"}),
            "`preferences.zones` must be a list, and is a string",
        ),
        (
            "/preferences",
            json!({"zones": ["eu-west-1a", ""]}),
            "`preferences.zones[1]` must be the name of an availability zone",
        ),
        (
            "/preferences",
            json!({"zones": vec!["a"; 17]}),
            "`preferences.zones` must name at most 16",
        ),
        (
            "/preferences",
            json!({"instance_types": ["m5 large"]}),
            "`preferences.instance_types[0]` must be the name of an EC2 instance type",
        ),
        (
            "/preferences",
            json!({"instance_types": ["M5.large"]}),
            "lower-case letters",
        ),
    ]);
}

fn assert_refused(cases: &[(&str, Value, &str)]) {
    for (pointer, value, expected) in cases {
        let problem = problem(&with(pointer, value.clone()));
        assert!(problem.contains(expected), "{pointer} = {value}: {problem}");
    }
}

#[test]
fn lists_and_objects_are_not_taken_for_each_other() {
    let claim = json!(["a", "b", [["true"]], "2026-11-22T20:15:00Z"]);
    assert_eq!(
        problem(&claim),
        "a claim must be a JSON object, and is a list"
    );
    for (pointer, value) in [
        ("/init", json!([["true"], {}, "/opt", 60])),
        ("/preferences", json!([["eu-west-1a"], []])),
        ("/create_target", json!([4, {}])),
        ("/when_empty", json!({ "wait": null })),
        ("/on_init_failure", json!({ "keep": null })),
        ("/attach_when", json!({ "after_init": null })),
        ("/expires_at", json!([60, "2026-11-22T20:00:00Z"])),
    ] {
        let problem = problem(&with(pointer, value));
        assert!(problem.contains(&pointer[1..]), "{pointer}: {problem}");
    }
}

#[test]
fn anything_else_is_not_a_claim() {
    let twice = message().to_string().repeat(2);
    for body in ["", "null", "[]", "7", "{", "\u{0}", &twice] {
        assert!(matches!(
            Claim::parse(body, NOW),
            Err(Malformed::NotJson(_) | Malformed::NotAnObject(_))
        ));
    }
    let long = " ".repeat(MAX_MESSAGE_BYTES + 1);
    assert_eq!(
        Claim::parse(&long, NOW),
        Err(Malformed::TooLong(MAX_MESSAGE_BYTES + 1))
    );
}
