//! The final word on a claim, as the caller hears it.

use crate::Timestamp;
use crate::claim::Claim;
use crate::ids::{Attempt, CommandId, GroupName, InstanceId};
use crate::reason::Reason;
#[cfg(feature = "schema")]
use crate::schema;
use crate::times::Times;
use serde::{Deserialize, Serialize};

/// Version of the outcome message.
pub const VERSION: u8 = 1;
/// Longest text in an outcome, characters.
const MAX_TEXT: usize = 1_000;

/// What whoever sends a rejected claim again must know: SQS silently drops what it takes for the same message.
const TO_SEND_AGAIN: &str =
    "; sent again unchanged within five minutes, it needs a new MessageDeduplicationId";

/// Why a claim is rejected, and how it is sent again, if it may be as it is.
pub fn rejection(reason: Reason, message: &str) -> String {
    if !reason.may_be_sent_unchanged() {
        return message.to_owned();
    }
    let room = MAX_TEXT.saturating_sub(TO_SEND_AGAIN.chars().count());
    let message: String = message.chars().take(room).collect();
    message + TO_SEND_AGAIN
}

/// The message on the outcome queue. Delivered at least once: drop repeats by claim id and target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Outcome {
    /// Version of the format.
    pub version: u8,
    /// The claim; absent when the message was too malformed to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String", length(max = MAX_TEXT)))]
    pub claim_id: Option<String>,
    /// Its target; absent likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String", length(max = MAX_TEXT)))]
    pub target_group: Option<String>,
    /// The pool whose stack says so, by its group's name: several stacks may share an outcome queue. Absent from
    /// outcomes of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "GroupName"))]
    pub pool: Option<GroupName>,
    /// How it ended.
    pub outcome: Ending,
    /// Why, for programs.
    pub reason: Reason,
    /// Why, for people; says what to fix where something is to be fixed.
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_TEXT)))]
    pub message: String,
    /// The instance, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "InstanceId"))]
    pub instance_id: Option<InstanceId>,
    /// When it was settled.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "schema::Moment"))]
    pub at: Timestamp,
    /// What else is known of how it went.
    #[serde(flatten)]
    pub details: Details,
}

/// What an outcome says besides, as far as it is known. Whoever repeats an outcome may know less than
/// who published it first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Details {
    /// Which instance of the claim this was, from 1; one more for each that was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Attempt"))]
    pub attempt: Option<Attempt>,
    /// The init command, where one was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "CommandEnd"))]
    pub command: Option<CommandEnd>,
    /// The pool that the target opted in to, where that is another one: its queue is the right one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String", length(max = MAX_TEXT)))]
    pub opted_in_to: Option<String>,
    /// When each step happened.
    #[serde(default, skip_serializing_if = "Times::is_empty")]
    pub times: Times,
}

/// How an init command ended, in Systems Manager's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CommandEnd {
    /// Its id, to look it up.
    pub command_id: CommandId,
    /// `StatusDetails`: `Success`, `Failed`, `ExecutionTimedOut`, `DeliveryTimedOut`, ….
    pub status_detail: String,
    /// The script's exit status, 137 where the agent killed it; absent when it was never started, or its end is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "i32"))]
    pub exit_code: Option<i32>,
    /// The end of what it printed, where the stack is set to publish it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub output_end: Option<String>,
}

/// The last so many characters of what a script printed: first its output, then its errors. None when
/// it printed nothing, or nothing is wanted.
pub fn output_end(output: &str, errors: &str, characters: usize) -> Option<String> {
    let separator = if output.is_empty() || errors.is_empty() || output.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let whole = [output, separator, errors].concat();
    let skipped = whole.chars().count().saturating_sub(characters);
    let end: String = whole
        .chars()
        .skip(skipped)
        .map(|c| match c {
            '\n' | '\t' => c,
            other => printable_character(other),
        })
        .collect();
    (!end.is_empty()).then_some(end)
}

/// How a claim ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The target owns an initialised instance.
    Ready,
    /// It was tried, and it will not be.
    Failed,
    /// It was not tried: correct the claim and send it again.
    Rejected,
    /// No end: the claim only asked what would become of it, and nothing was changed.
    DryRun,
}

impl Ending {
    /// The ending as a word, as in messages.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::DryRun => "dry_run",
        }
    }
}

impl Outcome {
    /// The outcome of a claim that could be read.
    pub fn of(
        claim: &Claim,
        ending: Ending,
        reason: Reason,
        message: impl Into<String>,
        instance_id: Option<InstanceId>,
        at: Timestamp,
    ) -> Self {
        Self {
            version: VERSION,
            claim_id: Some(claim.claim_id.to_string()),
            target_group: Some(claim.target_group.to_string()),
            pool: None,
            outcome: ending,
            reason,
            message: printable(&message.into()),
            instance_id,
            at,
            details: Details::default(),
        }
    }

    /// The same, with more of what is known.
    #[must_use]
    pub fn with(self, details: Details) -> Self {
        Self { details, ..self }
    }

    /// The outcome of a message that could not be read as a claim; what it says of itself is
    /// passed on as far as it could be read.
    pub fn unreadable(
        claim_id: Option<&str>,
        target_group: Option<&str>,
        reason: Reason,
        message: &str,
        at: Timestamp,
    ) -> Self {
        Self {
            version: VERSION,
            claim_id: claim_id.map(printable),
            target_group: target_group.map(printable),
            pool: None,
            outcome: Ending::Rejected,
            reason,
            message: printable(message),
            instance_id: None,
            at,
            details: Details::default(),
        }
    }
}

/// Text from outside as it may stand in a message: SQS refuses some characters, and a reader
/// wants no control characters and no novels.
fn printable(text: &str) -> String {
    text.chars()
        .take(MAX_TEXT)
        .map(printable_character)
        .collect()
}

fn printable_character(c: char) -> char {
    if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') {
        char::REPLACEMENT_CHARACTER
    } else {
        c
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_made_printable() {
        let outcome = Outcome::unreadable(
            Some("a\u{1}\u{ffff}"),
            None,
            Reason::Malformed,
            &"x".repeat(5_000),
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(outcome.claim_id.as_deref(), Some("a\u{fffd}\u{fffd}"));
        assert_eq!(outcome.message.len(), MAX_TEXT);
    }

    #[test]
    fn the_end_of_the_output_is_bounded_and_printable() {
        assert_eq!(output_end("one\n", "two", 0), None);
        assert_eq!(output_end("", "", 9), None);
        assert_eq!(output_end("one\n", "two", 5).as_deref(), Some("e\ntwo"));
        assert_eq!(output_end("one", "two", 99).as_deref(), Some("one\ntwo"));
        assert_eq!(
            output_end("", "ä\u{1b}\r", 3).as_deref(),
            Some("ä\u{fffd}\u{fffd}")
        );
    }

    #[test]
    fn an_outcome_reads_as_the_readme_shows_it() {
        let outcome =
            Outcome::unreadable(None, None, Reason::Malformed, "no", Timestamp::UNIX_EPOCH);
        assert_eq!(
            serde_json::to_string(&outcome).unwrap(),
            r#"{"version":1,"outcome":"rejected","reason":"malformed","message":"no","at":"1970-01-01T00:00:00Z"}"#
        );
    }
}
