//! The claim in its own script: whoever learns how a command ended can ask for another instance with it.
//!
//! The script's second line is the claim as JSON. Commands and environment, which are nearly all of a claim, stand
//! in the script anyway, as quoted words: in the line a number in their place says where. Older scripts have them in
//! the line, too, and are read as well.

use super::header::HEADER;
use super::{Body, EXPORT};
use crate::claim::{Claim, Init};
use crate::message;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What the second line starts with.
const CLAIM: &str = "# ready-pool: ";
/// Where a claim has its commands.
const COMMANDS: &str = "/init/commands";
/// Where it has its environment.
const ENVIRONMENT: &str = "/init/environment";

/// The claim that a script was rendered for, where the script carries it. The lines of its commands are one text.
pub fn claim_of(script: &str) -> Option<Claim> {
    let (first, rest) = script.split_once('\n')?;
    first.strip_prefix(HEADER)?;
    let (second, body) = rest.split_once('\n')?;
    read(second.strip_prefix(CLAIM)?, body)
}

/// The line. It never holds `{{`, which SSM would substitute.
pub(super) fn line(claim: &Claim, body: &Body) -> Option<String> {
    let mut value = message::to_value(Claim {
        init: Init {
            commands: Vec::new(),
            environment: BTreeMap::new(),
            working_directory: claim.init.working_directory.clone(),
            ..claim.init
        },
        claim_id: claim.claim_id.clone(),
        target_group: claim.target_group.clone(),
        preferences: claim.preferences.clone(),
        // Its group is there by now, and is not made again.
        create_target: None,
        ..*claim
    })?;
    *value.pointer_mut(COMMANDS)? = json!(body.commands_at);
    *value.pointer_mut(ENVIRONMENT)? = json!(body.environment_at);
    // Only within a text can one brace follow another, and there an escape stands for it.
    let json = value.to_string().replace("{{", r"{\u007b");
    Some(format!("{CLAIM}{json}\n"))
}

fn read(line: &str, body: &str) -> Option<Claim> {
    let mut value: Value = serde_json::from_str(line).ok()?;
    if let Some(place) = place(&value, COMMANDS) {
        let (commands, _) = unquoted(from(body, place)?)?;
        *value.pointer_mut(COMMANDS)? = json!([commands]);
    }
    if let Some(place) = place(&value, ENVIRONMENT) {
        *value.pointer_mut(ENVIRONMENT)? = exported(from(body, place)?)?;
    }
    message::from_value(value)
}

/// The number that stands in place of a part.
fn place(value: &Value, part: &str) -> Option<u64> {
    value.pointer(part)?.as_u64()
}

/// The script's text from there on, where that is a place in it.
fn from(body: &str, place: u64) -> Option<&str> {
    body.get(usize::try_from(place).ok()?..)
}

/// A word as [`super::quote`] makes it, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.strip_prefix('\'')?.split_once('\'')?;
        word.push_str(part);
        let Some(more) = after.strip_prefix(r"\'") else {
            return Some((word, after));
        };
        word.push('\'');
        rest = more;
    }
}

/// The environment, from the lines that export it.
fn exported(text: &str) -> Option<Value> {
    let mut environment = Map::new();
    let mut rest = text;
    while let Some(line) = rest.strip_prefix(EXPORT) {
        let (name, value) = line.split_once('=')?;
        let (value, after) = unquoted(value)?;
        environment.insert(name.to_owned(), Value::String(value));
        rest = after.strip_prefix('\n')?;
    }
    Some(Value::Object(environment))
}
