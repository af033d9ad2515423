//! Pieces of the journal as text: messages, tags, output, logs.

use crate::messages::{Content, kind_of};
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::ids::{ClaimId, InstanceId};
use ready_pool_core::ledger::{self, Entry, Standing};
use ready_pool_core::outcome::{Ending, Outcome};
use serde_json::Value;
use time::UtcOffset;

/// Lines of a script's output that are shown.
pub(super) const MOST_OUTPUT: usize = 20;
/// Characters of somebody else's text that are shown.
const MOST_TEXT: usize = 160;

/// What a message is about, as far as its JSON says.
pub(super) fn gist(body: &str) -> String {
    let Some(content) = Content::read(body) else {
        return body.to_owned();
    };
    let about = match (content.claim_id(), content.target_group()) {
        (Some(claim), Some(target)) => format!("{claim} for {target}"),
        (Some(claim), None) => claim.to_owned(),
        _ => "a message".to_owned(),
    };
    match &content {
        Content::Claim(claim) if claim.attach_when() == AttachWhen::AfterInit => {
            format!("{about}, attach_when: {}", AttachWhen::AfterInit.code())
        }
        Content::Claim(_) => about,
        Content::Internal(message) => format!("{}, {about}", kind_of(message).0),
        Content::Outcome(outcome) => said_by(outcome),
        Content::Event(event) => event.detail_type.clone(),
    }
}

/// Whether an outcome is a good one, and what it says.
pub(super) fn outcome(body: &str) -> (bool, String) {
    match Content::read(body) {
        Some(Content::Outcome(outcome)) => (outcome.outcome == Ending::Ready, said_by(&outcome)),
        _ => (false, body.to_owned()),
    }
}

fn said_by(outcome: &Outcome) -> String {
    // A message that is no claim may not even say which one it was to be.
    let claim = outcome.claim_id.as_deref();
    format!(
        "{} is {} ({}): {}",
        claim.unwrap_or("a message"),
        outcome.outcome.code(),
        outcome.reason.code(),
        outcome.message
    )
}

/// Standard output, then standard error, as far as it is fit to show.
pub(crate) fn output(stdout: &str, stderr: &str) -> Vec<String> {
    let mut lines: Vec<String> = stdout
        .lines()
        .map(shortened)
        .chain(
            stderr
                .lines()
                .map(|line| format!("(error) {}", shortened(line))),
        )
        .collect();
    if lines.len() > MOST_OUTPUT {
        let more = lines.len() - MOST_OUTPUT;
        lines.truncate(MOST_OUTPUT);
        lines.push(format!("… and {more} more lines"));
    }
    lines
}

/// A line of a function's log: its level, where a logger wrote it, and its message with its fields
/// and those of the spans it is in, but for the first: that is the runtime's own. Figures for CloudWatch (embedded metric format) have a level of their own here. What is
/// no JSON comes from no logger: a panic, say.
pub(crate) fn log(line: &str) -> (Option<String>, String) {
    let record = serde_json::from_str::<Value>(line).unwrap_or_default();
    if record.get("_aws").is_some() {
        return (Some("METRICS".to_owned()), shortened(line));
    }
    let level = record.get("level").and_then(Value::as_str);
    let fields = record.get("fields").and_then(Value::as_object);
    let (Some(level), Some(fields)) = (level, fields) else {
        return (None, shortened(line));
    };
    let spans = record.get("spans").and_then(Value::as_array);
    let details: Vec<String> = fields
        .iter()
        .filter(|(name, _)| *name != "message")
        .chain(
            (spans.into_iter().flatten().skip(1))
                .filter_map(Value::as_object)
                .flatten()
                .filter(|(name, _)| *name != "name"),
        )
        .map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name}={text}"),
            None => format!("{name}={value}"),
        })
        .collect();
    let message = fields.get("message").and_then(Value::as_str).unwrap_or("");
    let text = if details.is_empty() {
        message.to_owned()
    } else {
        format!("{message} ({})", details.join(", "))
    };
    (Some(level.to_owned()), shortened(&text))
}

pub(super) fn tags(operation: &str, input: &Value) -> String {
    let tags = input.get("Tags").and_then(Value::as_array);
    let text = |tag: &Value, name: &str| {
        let text = tag.get(name).and_then(Value::as_str);
        text.unwrap_or("?").to_owned()
    };
    let all: Vec<String> = tags
        .into_iter()
        .flatten()
        .map(|tag| {
            let (group, key) = (text(tag, "ResourceId"), text(tag, "Key"));
            let is_removed = operation == "DeleteTags";
            match (ledger::claim_id_of(&key), text(tag, "Value").parse()) {
                (Some(claim), _) if is_removed => format!("{group}: entry of {claim} removed"),
                (Some(claim), Ok(entry)) => format!("{group}: {}", entered(&claim, &entry)),
                _ if is_removed => format!("{group}: {key} removed"),
                _ => format!("{group}: {key} = {}", text(tag, "Value")),
            }
        })
        .collect();
    all.join("; ")
}

/// A claim's entry: its tag has the deadline where one would look for the moment of the call.
fn entered(claim: &ClaimId, entry: &Entry) -> String {
    let standing = match entry.standing {
        Standing::Assigned => "assigned".to_owned(),
        Standing::Ready => "ready".to_owned(),
        Standing::Failed(reason) => format!("failed ({})", reason.code()),
    };
    let instance = entry
        .instance
        .as_ref()
        .map_or("no instance", InstanceId::as_str);
    let attempt = match entry.attempt {
        1 => String::new(),
        attempt => format!(", attempt {attempt}"),
    };
    let deadline = entry.expires_at.to_offset(UtcOffset::UTC);
    let (hour, minute, second) = deadline.time().as_hms();
    format!(
        "{claim} {standing} {instance}{attempt}, deadline {hour:02}:{minute:02}:{second:02} UTC"
    )
}

/// Calls that change a group without another entry that says so.
pub(super) fn changes_groups(operation: &str) -> bool {
    matches!(
        operation,
        "CreateAutoScalingGroup"
            | "UpdateAutoScalingGroup"
            | "DeleteAutoScalingGroup"
            | "SetDesiredCapacity"
            | "SuspendProcesses"
            | "ResumeProcesses"
    )
}

/// Whether this refusal is a matter of course: nothing but trying tells when an instance can be attached that
/// still leaves its group.
pub(crate) fn is_poll(
    operation: &str,
    error: &str,
    input: &Value,
    is_leaving: impl Fn(&str) -> bool,
) -> bool {
    let ids = input.get("InstanceIds").and_then(Value::as_array);
    let mut ids = ids
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .peekable();
    operation == "AttachInstances"
        && error == "ValidationError"
        && ids.peek().is_some()
        && ids.all(is_leaving)
}

pub(super) fn group_of(input: &Value) -> &str {
    let name = input.get("AutoScalingGroupName").and_then(Value::as_str);
    name.unwrap_or("?")
}

/// Text from outside on one line, without control characters, cut where it is long.
pub(crate) fn shortened(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(MOST_TEXT)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(MOST_TEXT).is_some() {
        short.push('…');
    }
    short
}
