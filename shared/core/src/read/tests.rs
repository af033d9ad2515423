use super::*;
use crate::Timestamp;
use serde_json::json;
use time::macros::datetime;

const NOW: Timestamp = datetime!(2026-11-22 20:00 UTC);
const CLAIM: &str = r#"{
    "claim_id": "signup-01J9Z6Q4", "target_group": "asg-production-1337",
    "init": {"commands": ["true"], "environment": {"ORG_ID": "1337"}, "working_directory": "/opt",
             "execution_timeout_seconds": 600},
    "when_empty": "wait", "expires_at": "2026-11-22T20:15:00Z"
}"#;

/// What is said of a claim with this in the place.
fn said(pointer: &str, value: Value) -> String {
    let mut message: Value = serde_json::from_str(CLAIM).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    message.pointer_mut(parent).unwrap()[name] = value;
    let problem = Claim::parse(&message.to_string(), NOW);
    problem.expect_err("it was accepted").to_string()
}

#[test]
fn each_word_of_another_type_is_named_with_what_it_must_be() {
    for (pointer, value, expected) in [
        (
            "/when_empty",
            json!(true),
            "`when_empty` must be `wait` or `reject`, and is a boolean",
        ),
        (
            "/when_empty",
            json!(5),
            "`when_empty` must be `wait` or `reject`, and is the number 5",
        ),
        (
            "/when_empty",
            json!(null),
            "`when_empty` must be `wait` or `reject`, and is null",
        ),
        (
            "/when_empty",
            json!({"wait": null}),
            "`when_empty` must be `wait` or `reject`, and is an object",
        ),
        (
            "/when_empty",
            json!("x"),
            "`when_empty` must be `wait` or `reject`, and is `x`",
        ),
        (
            "/on_init_failure",
            json!(false),
            "`on_init_failure` must be `retire`, `keep` or `replace`, and is a boolean",
        ),
        (
            "/on_init_failure",
            json!("x"),
            "`on_init_failure` must be `retire`, `keep` or `replace`, and is `x`",
        ),
        (
            "/attach_when",
            json!([1]),
            "`attach_when` must be `before_init` or `after_init`, and is a list",
        ),
    ] {
        assert_eq!(said(pointer, value), expected);
    }
}

#[test]
fn each_field_of_another_type_is_named_with_what_it_must_be() {
    for (pointer, value, expected) in [
        (
            "/claim_id",
            json!(5),
            "`claim_id` must be a string, and is the number 5",
        ),
        (
            "/claim_id",
            json!("a b"),
            "`claim_id` must be 1 to 64 characters of A-Z a-z 0-9 . _ -",
        ),
        (
            "/init",
            json!("x"),
            "`init` must be a JSON object, and is a string",
        ),
        (
            "/init",
            json!([]),
            "`init` must be a JSON object, and is a list",
        ),
        (
            "/init/commands",
            json!("x"),
            "`init.commands` must be a list, and is a string",
        ),
        (
            "/init/commands",
            json!(["a", {}]),
            "`init.commands[1]` must be a string, and is an object",
        ),
        (
            "/init/environment",
            json!([]),
            "`init.environment` must be an object, and is a list",
        ),
        (
            "/init/environment/A",
            json!(7),
            "`init.environment.A` must be a string, and is the number 7",
        ),
        (
            "/init/execution_timeout_seconds",
            json!(1.5),
            "`init.execution_timeout_seconds` must be a whole number of seconds, and is the decimal number 1.5",
        ),
        (
            "/protect",
            json!(null),
            "`protect` must be a boolean, and is null",
        ),
        (
            "/expires_at",
            json!({"seconds": 9}),
            "`expires_at.after` is missing",
        ),
        (
            "/expires_at",
            json!({"seconds": 9, "after": "x"}),
            "`expires_at.after` must be an RFC 3339 time with its zone, as 2026-11-22T20:15:00Z",
        ),
        (
            "/create_target",
            json!({}),
            "`create_target.max_size` is missing",
        ),
        (
            "/init/command",
            json!("x"),
            "`init.command` is an unknown field; known are `commands`, `environment`, `working_directory`, \
             `execution_timeout_seconds`",
        ),
    ] {
        assert_eq!(said(pointer, value), expected);
    }
}

#[test]
fn what_is_no_object_is_said_by_its_type() {
    for (body, expected) in [
        ("null", "null"),
        ("5", "the number 5"),
        ("\"x\"", "a string"),
        ("[]", "a list"),
    ] {
        let problem = Claim::parse(body, NOW).unwrap_err().to_string();
        assert_eq!(
            problem,
            format!("a claim must be a JSON object, and is {expected}")
        );
    }
}

#[test]
fn only_what_is_no_json_is_called_so_and_has_a_position() {
    for (body, expected) in [
        ("", "it is empty"),
        ("{", "it ends inside an object"),
        (r#"{"a": ["#, "it ends inside a list"),
        (r#"{"a"#, "it ends inside a string"),
        ("hello", "a value is missing, at line 1 column 1"),
        (
            "{'a': 1}",
            "a name is not in double quotes, at line 1 column 2",
        ),
        (
            "{} {}",
            "something stands behind its end, at line 1 column 4",
        ),
        (
            r#"{"a": 1,}"#,
            "a comma has nothing behind it, at line 1 column 9",
        ),
        (
            r#"{"a": "\ud800"}"#,
            "a string has half a surrogate pair, at line 1 column 14",
        ),
        (r#"{"a" 1}"#, "expected `:`, at line 1 column 6"),
    ] {
        let problem = Claim::parse(body, NOW).unwrap_err().to_string();
        assert_eq!(problem, format!("not valid JSON: {expected}"), "{body}");
    }
}

#[test]
fn a_field_that_stands_twice_is_named() {
    let twice = CLAIM.replacen('{', r#"{"claim_id": "b","#, 1);
    let problem = Claim::parse(&twice, NOW).unwrap_err().to_string();
    assert_eq!(problem, "`claim_id` stands there twice");
    let twice = CLAIM.replacen(r#""init": {"#, r#""init": {"commands": [],"#, 1);
    let problem = Claim::parse(&twice, NOW).unwrap_err().to_string();
    assert_eq!(problem, "`init.commands` stands there twice");
}

/// Every place of a message with every kind of value that does not belong there.
#[test]
fn no_error_speaks_of_rust() {
    let mut message: Value = serde_json::from_str(CLAIM).unwrap();
    for (name, value) in [
        (
            "preferences",
            json!({"zones": ["eu-west-1a"], "instance_types": ["m5.large"]}),
        ),
        (
            "create_target",
            json!({"max_size": 4, "tags": {"org": "1337"}}),
        ),
        ("on_init_failure", json!("keep")),
        ("attach_when", json!("after_init")),
        ("protect", json!(true)),
        ("dry_run", json!(false)),
        (
            "expires_at",
            json!({"seconds": 900, "after": "2026-11-22T20:00:00Z"}),
        ),
    ] {
        message[name] = value;
    }
    let mut refused = 0;
    for pointer in pointers(&message) {
        for wrong in [
            json!(null),
            json!(true),
            json!(-1),
            json!(7),
            json!(1.5),
            json!(u64::MAX),
            json!("never"),
            json!("2026-11-22T20:15:00"),
            json!([]),
            json!([7]),
            json!({}),
            json!({"wait": null}),
            json!({"wait": 1}),
        ] {
            let mut message = message.clone();
            *message.pointer_mut(&pointer).unwrap() = wrong;
            if let Err(problem) = Claim::parse(&message.to_string(), NOW) {
                refused += 1;
                let problem = problem.to_string();
                no_rust_in(&problem);
                assert!(!problem.contains("line 1"), "its path is known: {problem}");
            }
        }
    }
    assert!(refused > 200, "{refused}");
    for body in [
        "",
        "hello",
        "{",
        r#"{"claim_id": "a", "claim_id": "b"}"#,
        r#"{"claim_id": "a"}"#,
        r#"{"claim_id": "a",}"#,
        r#"{"claim_id": 1e999}"#,
        "{'claim_id': 'a'}",
        "{} {}",
    ] {
        no_rust_in(&Claim::parse(body, NOW).unwrap_err().to_string());
    }
}

/// The message itself, and every value in it.
fn pointers(value: &Value) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => (fields.iter())
            .map(|(name, value)| (name.clone(), value))
            .collect(),
        Value::Array(items) => (items.iter().enumerate())
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    let below = children.into_iter().flat_map(|(name, value)| {
        let below = pointers(value).into_iter();
        below.map(move |pointer| format!("/{name}{pointer}"))
    });
    std::iter::once(String::new()).chain(below).collect()
}

fn no_rust_in(problem: &str) {
    for rust in [
        "struct",
        "enum",
        "variant",
        "tuple",
        "newtype",
        "unit",
        "sequence",
        " map",
        "u16",
        "u32",
        "u64",
        "i64",
        "f64",
        "usize",
        "component",
        "Syntax",
        "EOF",
        "ident",
        "?",
        "floating",
        "Claim",
        "Init",
        "Option",
        "Vec",
        "+00:00:00",
    ] {
        assert!(!problem.contains(rust), "{rust}: {problem}");
    }
}
