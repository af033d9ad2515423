//! A claim: the public message, strict, with every limit in one place.

use crate::Timestamp;
use crate::attach_when::AttachWhen;
use crate::create_target::CreateTarget;
use crate::ids::{ClaimId, ClaimKey, GroupName};
use crate::init_failure::OnInitFailure;
use crate::preferences::Preferences;
use crate::read;
#[cfg(feature = "schema")]
use crate::schema;
use crate::script;
use crate::seconds;
use crate::variable;
use serde::{Deserialize, Deserializer, Serialize};
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
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields, expecting = "a JSON object")]
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

impl WhenEmpty {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Wait, Self::Reject];

    /// The word for it, as in messages.
    pub fn code(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Reject => "reject",
        }
    }
}

/// What is wrong with a provisioning message, in words that say what to fix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Too long to be read at all.
    #[error("the message has {0} bytes; at most {MAX_MESSAGE_BYTES} are allowed")]
    TooLong(usize),
    /// No JSON at all.
    #[error("not valid JSON: {0}")]
    NotJson(String),
    /// JSON, but no object.
    #[error("a claim must be a JSON object, and is {0}")]
    NotAnObject(String),
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
        let claim = read::claim(body)?;
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
                    "makes a script of {bytes} bytes, ready-pool's wrapper{} included; at most {} are allowed: fetch \
                     large parts on the instance",
                    if self.on_init_failure == OnInitFailure::Replace {
                        " and the claim itself (which `on_init_failure`: `replace` needs there)"
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
                "must not end its `#!` line with a carriage return, as files from Windows do: no instance has an interpreter of that name",
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
mod tests;
