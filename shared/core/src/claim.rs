//! A claim: the public message, strict, with every limit in one place.

use crate::Timestamp;
use crate::attach_when::AttachWhen;
use crate::create_target::CreateTarget;
use crate::ids::{ClaimId, ClaimKey, GroupName};
use crate::init_failure::OnInitFailure;
use crate::json_words;
use crate::preferences::Preferences;
#[cfg(feature = "schema")]
use crate::schema;
use crate::script;
use crate::seconds;
use crate::variable;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use time::Duration;

/// Longest body of a provisioning message, bytes.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// Furthest a deadline may lie ahead.
pub const MAX_TIME_TO_EXPIRY: Duration = Duration::hours(4);
/// The `MessageGroupId` of a dry run that does not wait in line.
pub const DRY_RUN_GROUP: &str = "dry-run";
/// Longest run time of an init script, seconds.
pub const MAX_EXECUTION_TIMEOUT_SECONDS: u32 = 6 * 60 * 60;
/// Run time of an init script where the message does not say, seconds.
pub const DEFAULT_EXECUTION_TIMEOUT_SECONDS: u32 = 600;
/// Longest working directory (`AWS-RunShellScript`'s limit), bytes.
pub const MAX_WORKING_DIRECTORY_BYTES: usize = 4096;
/// How far the sender's clock may be ahead of ours.
const CLOCK_TOLERANCE: Duration = Duration::minutes(1);

/// A request for one instance for one target.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a claim as a JSON object")]
pub struct Claim {
    /// The sender's name for it.
    pub claim_id: ClaimId,
    /// The Auto Scaling group that receives the instance.
    pub target_group: GroupName,
    /// What runs on the instance.
    pub init: Init,
    /// What to do while no instance is ready.
    #[serde(default)]
    pub when_empty: WhenEmpty,
    /// Which instance it would rather have than another.
    #[serde(default, skip_serializing_if = "Preferences::is_empty")]
    pub preferences: Preferences,
    /// What becomes of the instance if its init fails.
    #[serde(default, skip_serializing_if = "OnInitFailure::is_default")]
    pub on_init_failure: OnInitFailure,
    /// Whether scale-in of the target spares the instance. Where the message does not say, the stack does.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    pub protect: Option<bool>,
    /// The target is made where there is none of its name, if the stack makes targets.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "CreateTarget"))]
    pub create_target: Option<CreateTarget>,
    /// Whether the instance is attached to its target before its init, or after it.
    #[serde(default, skip_serializing_if = "AttachWhen::is_default")]
    pub attach_when: AttachWhen,
    /// Only say what would become of it, and change nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// Past this nobody assigns, attaches or sends a command. Senders may also write it as seconds after a
    /// moment: `{"seconds": 900, "after": "2026-11-22T20:00:00Z"}`.
    #[serde(with = "crate::deadline")]
    #[cfg_attr(feature = "schema", schemars(with = "schema::Deadline"))]
    pub expires_at: Timestamp,
}

/// What runs on the instance, as root.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a JSON object with `commands`")]
pub struct Init {
    /// The lines of one script: `sh -e` runs them, or the interpreter that the first line names (`#!/bin/bash`).
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::commands"))]
    pub commands: Vec<String>,
    /// Exported before the commands. Data, never code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::environment"))]
    pub environment: BTreeMap<String, String>,
    /// Where the commands start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "schema::working_directory")
    )]
    pub working_directory: Option<String>,
    /// How long the script may run, seconds.
    #[serde(
        default = "default_execution_timeout",
        deserialize_with = "seconds::deserialize"
    )]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MAX_EXECUTION_TIMEOUT_SECONDS)))]
    pub execution_timeout_seconds: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// An option that is there says something.
fn not_null<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

fn default_execution_timeout() -> u32 {
    DEFAULT_EXECUTION_TIMEOUT_SECONDS
}

/// What to do while no instance is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WhenEmpty {
    /// Wait in line until the deadline.
    #[default]
    Wait,
    /// Answer `rejected` at once.
    Reject,
}

/// What is wrong with a provisioning message, in words that say what to fix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Too long to be read at all.
    #[error("the message has {0} bytes; at most {MAX_MESSAGE_BYTES} are allowed")]
    TooLong(usize),
    /// Not the JSON object that the README describes.
    #[error("not a claim: {0}")]
    NotAClaim(String),
    /// A field that cannot be served.
    #[error("`{field}` {problem}")]
    Field {
        /// Path of the field.
        field: String,
        /// What it must be.
        problem: String,
    },
}

impl Claim {
    /// A claim with every option as it is when the message does not name it.
    pub fn new(
        claim_id: ClaimId,
        target_group: GroupName,
        init: Init,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            claim_id,
            target_group,
            init,
            when_empty: WhenEmpty::default(),
            preferences: Preferences::default(),
            on_init_failure: OnInitFailure::default(),
            protect: None,
            create_target: None,
            attach_when: AttachWhen::default(),
            dry_run: false,
            expires_at,
        }
    }

    /// Reads and checks a provisioning message. `now` bounds the deadline; a deadline already
    /// past is not malformed: such a claim *ends* as expired.
    pub fn parse(body: &str, now: Timestamp) -> Result<Self, Malformed> {
        if body.len() > MAX_MESSAGE_BYTES {
            return Err(Malformed::TooLong(body.len()));
        }
        let reader = &mut serde_json::Deserializer::from_str(body);
        let claim: Self = serde_path_to_error::deserialize(&mut *reader)
            .map_err(|error| Malformed::NotAClaim(json_words::problem(&error)))?;
        reader
            .end()
            .map_err(|error| Malformed::NotAClaim(json_words::of_json(&error)))?;
        refuse_other_shapes(body)?;
        claim.check(now)?;
        Ok(claim)
    }

    /// The claim's identity in one word.
    pub fn key(&self) -> ClaimKey {
        ClaimKey::new(&self.claim_id, &self.target_group)
    }

    /// Whether nothing new may be done for the claim.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// Checks every limit, as for a claim that came in another way than [`Claim::parse`].
    pub fn check(&self, now: Timestamp) -> Result<(), Malformed> {
        if self.expires_at > now + MAX_TIME_TO_EXPIRY + CLOCK_TOLERANCE {
            return Err(field("expires_at", "must be at most 4 hours ahead"));
        }
        self.init.check()?;
        self.preferences.check()?;
        if let Some(target) = &self.create_target {
            target.check()?;
        }
        let bytes = script::bytes(self);
        if bytes > script::MAX_BYTES {
            return Err(field(
                "init",
                &format!(
                    "makes a script of {bytes} bytes{}; at most {} are allowed: fetch large parts on the instance",
                    if self.on_init_failure == OnInitFailure::Replace {
                        ", with the claim itself, which `on_init_failure`: `replace` needs there"
                    } else {
                        ""
                    },
                    script::MAX_BYTES
                ),
            ));
        }
        Ok(())
    }
}

impl Init {
    /// A script of these lines, with every option as it is when the message does not name it.
    pub fn new<T: Into<String>>(commands: impl IntoIterator<Item = T>) -> Self {
        Self {
            commands: commands.into_iter().map(Into::into).collect(),
            environment: BTreeMap::new(),
            working_directory: None,
            execution_timeout_seconds: DEFAULT_EXECUTION_TIMEOUT_SECONDS,
        }
    }

    fn check(&self) -> Result<(), Malformed> {
        if self.commands.iter().all(|line| line.trim().is_empty()) {
            return Err(field("init.commands", "must have at least one command"));
        }
        for (index, line) in self.commands.iter().enumerate() {
            check_text(&format!("init.commands[{index}]"), line)?;
        }
        if let Some(first) = self.commands.first()
            && first.starts_with("#!")
            && let Some(line) = first.split('\n').next()
            && line.ends_with('\r')
        {
            return Err(field(
                "init.commands[0]",
                "must not end its `#!` line with a carriage return, as files from Windows do: no machine has an interpreter of that name",
            ));
        }
        for (name, value) in &self.environment {
            let path = format!("init.environment.{name}");
            if let Some(problem) = variable::problem(name) {
                return Err(field(&path, problem));
            }
            check_text(&path, value)?;
        }
        if let Some(directory) = &self.working_directory {
            let path = "init.working_directory";
            check_text(path, directory)?;
            if !directory.starts_with('/') || directory.len() > MAX_WORKING_DIRECTORY_BYTES {
                return Err(field(
                    path,
                    "must be an absolute path of at most 4096 bytes",
                ));
            }
            if directory.chars().any(char::is_control) {
                return Err(field(path, "must not have control characters"));
            }
        }
        if !(1..=MAX_EXECUTION_TIMEOUT_SECONDS).contains(&self.execution_timeout_seconds) {
            return Err(field(
                "init.execution_timeout_seconds",
                "must be 1 to 21600 (6 hours)",
            ));
        }
        Ok(())
    }
}

/// serde also reads an object from a list of its fields in order, and a word from `{"word": null}`. The
/// schema has neither, and no sender shall come to rely on them.
fn refuse_other_shapes(body: &str) -> Result<(), Malformed> {
    let Ok(message) = serde_json::from_str::<Value>(body) else {
        return Ok(());
    };
    if message.is_array() {
        let problem = "must be a JSON object, and is a list";
        return Err(Malformed::NotAClaim(problem.to_owned()));
    }
    for name in ["init", "preferences", "create_target"] {
        if message.get(name).is_some_and(Value::is_array) {
            return Err(field(name, "must be a JSON object, and is a list"));
        }
    }
    for name in ["when_empty", "on_init_failure", "attach_when"] {
        if message.get(name).is_some_and(Value::is_object) {
            return Err(field(name, "must be a string, and is an object"));
        }
    }
    Ok(())
}

/// What no text may hold: `{{` starts SSM's own parameter substitution, a NUL cannot pass through
/// a shell, and SQS carries no U+FFFE and U+FFFF.
fn check_text(path: &str, text: &str) -> Result<(), Malformed> {
    if text.contains("{{") {
        return Err(field(
            path,
            "must not have `{{`: AWS Systems Manager would substitute it",
        ));
    }
    if text.contains(['\0', '\u{fffe}', '\u{ffff}']) {
        return Err(field(
            path,
            "must not have the characters NUL, U+FFFE and U+FFFF",
        ));
    }
    Ok(())
}

pub(crate) fn field(field: &str, problem: &str) -> Malformed {
    Malformed::Field {
        field: field.to_owned(),
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
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
            assert!(problem(&without).contains(&format!("missing field `{name}`")));
        }
    }

    #[test]
    fn preferences_are_lists_in_order() {
        let preferences =
            json!({"zones": ["eu-west-1b", "eu-west-1a"], "instance_types": ["m5.large"]});
        let claim = Claim::parse(&with("/preferences", preferences).to_string(), NOW).unwrap();
        assert_eq!(claim.preferences.zones, ["eu-west-1b", "eu-west-1a"]);
        assert_eq!(claim.preferences.instance_types, ["m5.large"]);
        let claim =
            Claim::parse(&with("/preferences", json!({"zones": []})).to_string(), NOW).unwrap();
        assert!(claim.preferences.is_empty());
    }

    #[test]
    fn a_misspelt_option_is_named() {
        assert!(
            problem(&with("/when_emtpy", json!("wait"))).contains("unknown field `when_emtpy`")
        );
        assert!(problem(&with("/init/command", json!("x"))).contains("unknown field `command`"));
        assert!(problem(&with("/when_empty", json!("launch"))).contains("unknown value `launch`"));
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
            ("/expires_at", json!("tomorrow"), "not a claim"),
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
                "not a claim: init.execution_timeout_seconds: invalid value",
            ),
            (
                "/init/commands",
                json!([7]),
                "not a claim: init.commands[0]: invalid type",
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
                "not a claim: dry_run: invalid type",
            ),
            (
                "/create_target",
                json!(null),
                "not a claim: create_target: invalid type",
            ),
            (
                "/create_target",
                json!({"max_size": 0}),
                "`create_target.max_size` must be 1 to 1000",
            ),
            ("/preferences", json!({"zone": "a"}), "unknown field `zone`"),
            (
                "/preferences",
                json!({"zones": "a"}),
                "not a claim: preferences.zones",
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

    /// Every place of a message with every kind of value that does not belong there.
    #[test]
    fn no_error_speaks_of_rust() {
        let mut message = message();
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
                    no_rust_in(&problem.to_string());
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

    #[test]
    fn what_is_no_json_is_called_so() {
        let no_json = Claim::parse("hello", NOW).unwrap_err().to_string();
        assert!(
            no_json.starts_with("not a claim: it is no JSON: "),
            "{no_json}"
        );
        let json = problem(&json!("hello"));
        assert!(!json.contains("no JSON"), "{json}");
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
        assert!(problem(&claim).starts_with("not a claim: "));
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
                Err(Malformed::NotAClaim(_))
            ));
        }
        let long = " ".repeat(MAX_MESSAGE_BYTES + 1);
        assert_eq!(
            Claim::parse(&long, NOW),
            Err(Malformed::TooLong(MAX_MESSAGE_BYTES + 1))
        );
    }
}
