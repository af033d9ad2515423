//! Every example of a message in the repository fits its schema, and is read.

use crate::NOW;
use crate::files::repository;
use crate::validator::Validator;
use ready_pool_core::claim::Claim;
use ready_pool_core::message::Message;
use ready_pool_core::outcome::Outcome;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// Checks that a message fits the schema, and that its reader reads it.
fn check(kind: &str, message: &Value, source: &str) {
    if let Err(problem) = Validator::of(kind).check(message) {
        panic!("{source} does not fit {kind}.json: {problem}");
    }
    let text = message.to_string();
    let read = match kind {
        "claim" => Claim::parse(&text, NOW)
            .map(drop)
            .map_err(|error| error.to_string()),
        "outcome" => serde_json::from_str::<Outcome>(&text)
            .map(drop)
            .map_err(|error| error.to_string()),
        _ => serde_json::from_str::<Message>(&text)
            .map(drop)
            .map_err(|error| error.to_string()),
    };
    assert_eq!(read, Ok(()), "{source} is not read as {kind}");
}

/// What kind of message this is, by the fields that tell.
fn kind(message: &Value) -> Option<&str> {
    if let Some(tag) = message.get("ready_pool") {
        tag.as_str()
    } else if message.get("outcome").is_some() {
        Some("outcome")
    } else {
        message.get("init").map(|_| "claim")
    }
}

#[test]
fn the_examples_fit() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for file in fs::read_dir(repository("docs/schemas/examples")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        // `<schema>.<what it shows>.json`
        let (schema, _) = name.split_once('.').unwrap();
        let message = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        check(schema, &message, name);
        *seen.entry(schema.to_owned()).or_default() += 1;
    }
    let schemas: Vec<String> = schemas::all().into_keys().collect();
    assert_eq!(seen.into_keys().collect::<Vec<_>>(), schemas);
}

#[test]
fn the_messages_in_the_pages_fit() {
    let mut seen = Vec::new();
    for page in ["README.md", "docs/claims.md"] {
        let text = fs::read_to_string(repository(page)).unwrap();
        for block in text.split("```json\n").skip(1) {
            let (json, _) = block.split_once("```").unwrap();
            let message: Value = serde_json::from_str(json).unwrap();
            let kind = kind(&message).unwrap();
            check(kind, &message, page);
            seen.push((page, kind.to_owned()));
        }
    }
    let seen: Vec<_> = seen
        .iter()
        .map(|(page, kind)| (*page, kind.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("README.md", "claim"),
            ("README.md", "outcome"),
            ("docs/claims.md", "claim")
        ]
    );
}

#[test]
fn the_messages_in_the_events_fit() {
    let mut seen = Vec::new();
    for file in fs::read_dir(repository("events")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let event: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for record in event["Records"].as_array().into_iter().flatten() {
            let body: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
            if let Some(kind) = kind(&body) {
                check(kind, &body, path.to_str().unwrap());
                seen.push(kind.to_owned());
            }
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["claim", "hand-over", "look-again", "retry"]);
}
