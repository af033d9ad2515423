//! Claims from flags and files, checked by the functions' own code: what would be rejected as malformed is not sent.

use crate::cli::SendOptions;
use crate::failure::Failure;
use ready_pool_core::Timestamp;
use ready_pool_core::claim::{Claim, Malformed};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::Duration;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// For how long a claim may wait where nobody says.
const DEFAULT_EXPIRES_IN: Duration = Duration::from_mins(15);

/// The files that the options name, as they were read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Files<'f> {
    /// `--file`.
    pub(super) claim: Option<&'f str>,
    /// `--script`.
    pub(super) script: Option<&'f str>,
}

/// The claims to send.
pub(super) fn claims(
    options: &SendOptions,
    files: Files<'_>,
    now: Timestamp,
) -> Result<Vec<Claim>, Failure> {
    let mut message = match files.claim {
        Some(text) => object(text, options)?,
        None => Map::new(),
    };
    fill_in(&mut message, options, files.script, now)?;
    let id = message.get("claim_id").cloned().unwrap_or_default();
    let mut claims = Vec::new();
    for number in 1..=options.instances {
        if options.instances > 1 {
            let id = id.as_str().unwrap_or_default();
            message.insert("claim_id".to_owned(), json!(format!("{id}-{number}")));
        }
        let body = Value::Object(message.clone()).to_string();
        let claim = Claim::parse(&body, now).map_err(|problem| Failure::InvalidClaim {
            place: place_of(&problem, options),
            problem,
        })?;
        if claim.is_expired(now) {
            return Err(Failure::Usage(
                "the claim was not sent: its expires_at lies in the past; --expires-in 15m sets another".to_owned(),
            ));
        }
        claims.push(claim);
    }
    Ok(claims)
}

fn object(text: &str, options: &SendOptions) -> Result<Map<String, Value>, Failure> {
    let file = named("--file", options.file.as_deref()).unwrap_or_default();
    match serde_json::from_str(text) {
        Ok(Value::Object(message)) => Ok(message),
        Ok(_) => Err(Failure::Usage(format!(
            "the claim was not sent: {file} must hold one JSON object"
        ))),
        Err(error) => Err(Failure::Usage(format!(
            "the claim was not sent: {file} is not valid JSON: {error}"
        ))),
    }
}

fn named(option: &str, path: Option<&Path>) -> Option<String> {
    Some(format!("{option} {}", path?.display()))
}

/// Where it stands what is wrong with a claim: its script in `--script`, where that is given, anything else in
/// `--file`. What an option of its own says its sender finds.
fn place_of(problem: &Malformed, options: &SendOptions) -> Option<String> {
    const LINE: &str = "init.commands[";
    let Malformed::Field { field, .. } = problem else {
        return named("--file", options.file.as_deref());
    };
    let Some(script) = named("--script", options.script.as_deref()) else {
        return named("--file", options.file.as_deref());
    };
    let index = field
        .strip_prefix(LINE)
        .and_then(|rest| rest.strip_suffix(']'));
    match index.and_then(|index| index.parse::<usize>().ok()) {
        Some(index) => Some(format!("line {} of {script}", index + 1)),
        None if field == "init" || field == "init.commands" => Some(script),
        None => named("--file", options.file.as_deref()),
    }
}

/// What the options say goes over what the file says.
fn fill_in(
    message: &mut Map<String, Value>,
    options: &SendOptions,
    script: Option<&str>,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut set = |name: &str, value: Value| {
        message.insert(name.to_owned(), value);
    };
    if let Some(target) = &options.target {
        set("target_group", json!(target));
    }
    if let Some(id) = &options.id {
        set("claim_id", json!(id));
    }
    if let Some(what) = &options.when_empty {
        set("when_empty", json!(what));
    }
    if let Some(what) = &options.on_init_failure {
        set("on_init_failure", json!(what));
    }
    if let Some(protect) = options.protect {
        set("protect", json!(protect));
    }
    if options.create_target {
        let tags: Map<String, Value> = (options.tags.iter())
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        let target = json!({ "max_size": options.max_size, "tags": tags });
        set("create_target", target);
    }
    if let Some(when) = &options.attach_when {
        set("attach_when", json!(when));
    }
    if options.dry_run {
        set("dry_run", json!(true));
    }
    if let Some(time) = options.expires_in {
        set("expires_at", json!(deadline(now, time)?));
    }
    if !message.contains_key("expires_at") {
        let deadline = deadline(now, DEFAULT_EXPIRES_IN)?;
        message.insert("expires_at".to_owned(), json!(deadline));
    }
    if !message.contains_key("claim_id") {
        message.insert("claim_id".to_owned(), json!(new_id(now)));
    }
    let mut lines: Vec<&str> = options.commands.iter().map(String::as_str).collect();
    if let Some(script) = script {
        lines.extend(script.strip_suffix('\n').unwrap_or(script).split('\n'));
    }
    let init = part(message, "init")?;
    if !lines.is_empty() {
        init.insert("commands".to_owned(), json!(lines));
    }
    if let Some(directory) = &options.working_directory {
        init.insert("working_directory".to_owned(), json!(directory));
    }
    if let Some(seconds) = options.execution_timeout {
        init.insert("execution_timeout_seconds".to_owned(), json!(seconds));
    }
    if !options.environment.is_empty() {
        let environment = part(init, "environment")?;
        for (name, value) in &options.environment {
            environment.insert(name.clone(), json!(value));
        }
    }
    if !options.zones.is_empty() || !options.instance_types.is_empty() {
        let preferences = part(message, "preferences")?;
        for (name, values) in [
            ("zones", &options.zones),
            ("instance_types", &options.instance_types),
        ] {
            if !values.is_empty() {
                preferences.insert(name.to_owned(), json!(values));
            }
        }
    }
    Ok(())
}

/// An object within an object, made where it is missing.
fn part<'m>(
    message: &'m mut Map<String, Value>,
    name: &str,
) -> Result<&'m mut Map<String, Value>, Failure> {
    let part = message.entry(name).or_insert_with(|| json!({}));
    part.as_object_mut().ok_or_else(|| {
        Failure::Usage(format!(
            "the claim was not sent: `{name}` must be a JSON object"
        ))
    })
}

fn deadline(now: Timestamp, time: Duration) -> Result<String, Failure> {
    let unwritable = || Failure::Usage("--expires-in lies beyond the calendar".to_owned());
    let time = time::Duration::try_from(time).map_err(|_| unwritable())?;
    let deadline = now.checked_add(time).ok_or_else(unwritable)?;
    // To the second: nobody cares, and people read it.
    let deadline = deadline.replace_nanosecond(0).unwrap_or(deadline);
    deadline.format(&Rfc3339).map_err(|_| unwritable())
}

/// An id that no claim had: nobody types twice within a millisecond.
fn new_id(now: Timestamp) -> String {
    let format =
        format_description!("cli-[year][month][day]-[hour][minute][second]-[subsecond digits:3]");
    now.format(format).unwrap_or_else(|_| "cli".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;
    use ready_pool_core::attach_when::AttachWhen;
    use time::macros::datetime;

    const NOW: Timestamp = datetime!(2026-11-29 13:00:00.25 UTC);
    const FILE: &str = r#"{"claim_id": "from-file", "target_group": "tenant", "expires_at": "2026-11-29T13:10:00Z",
        "init": {"commands": ["true"], "environment": {"A": "1", "B": "2"}}}"#;

    fn options(line: &str) -> SendOptions {
        let line = ["ready-pool", "send"]
            .into_iter()
            .chain(line.split_whitespace());
        match Cli::try_parse_from(line).unwrap().command {
            Command::Send(options) => *options,
            other => panic!("{other:?}"),
        }
    }

    fn composed(line: &str, files: Files<'_>) -> Result<Vec<Claim>, String> {
        claims(&options(line), files, NOW).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_claim_needs_a_target_and_a_command() {
        let claims = composed("--target tenant --command true", Files::default()).unwrap();
        assert_eq!(claims.len(), 1);
        let claim = &claims[0];
        assert_eq!(claim.claim_id.as_str(), "cli-20261129-130000-250");
        assert_eq!(claim.target_group.as_str(), "tenant");
        assert_eq!(claim.init.commands, ["true"]);
        assert_eq!(claim.expires_at, datetime!(2026-11-29 13:15 UTC));
    }

    #[test]
    fn options_go_over_the_file() {
        let file = Files {
            claim: Some(FILE),
            script: Some("#!/bin/bash\necho $A\n"),
        };
        let line = "--file f --script s --id mine --env B=3 --env C=x=y --protect true --attach-when after_init --zone eu-west-1b --expires-in 2h --when-empty reject";
        let claim = composed(line, file).unwrap().remove(0);
        assert_eq!(claim.claim_id.as_str(), "mine");
        assert_eq!(claim.init.commands, ["#!/bin/bash", "echo $A"]);
        let environment: Vec<(&str, &str)> = (claim.init.environment.iter())
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(environment, [("A", "1"), ("B", "3"), ("C", "x=y")]);
        assert_eq!(claim.preferences.zones, ["eu-west-1b"]);
        assert_eq!(claim.protect, Some(true));
        assert_eq!(claim.attach_when, AttachWhen::AfterInit);
        assert_eq!(claim.expires_at, datetime!(2026-11-29 15:00 UTC));
    }

    #[test]
    fn a_target_is_made_as_it_is_asked_for() {
        let line = "--target tenant --command true --create-target --max-size 4 --tag org=1337 --tag Name=";
        let claim = composed(line, Files::default()).unwrap().remove(0);
        let target = claim.create_target.unwrap();
        assert_eq!(target.max_size, 4);
        assert_eq!(target.tags["org"], "1337");
        assert_eq!(target.tags["Name"], "");
        let ours = "--target t --command c --create-target --max-size 4 --tag ready-pool:pool=x";
        let said = composed(ours, Files::default()).unwrap_err();
        assert!(said.contains("must not begin with `ready-pool:`"), "{said}");
        for half in ["--create-target", "--max-size 4", "--tag a=b"] {
            let line = format!("ready-pool send --target t --command c {half}");
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{half}");
        }
    }

    #[test]
    fn several_claims_have_ids_of_their_own() {
        let line = "--target tenant --command true --id many --instances 3";
        let claims = composed(line, Files::default()).unwrap();
        let ids: Vec<&str> = claims.iter().map(|claim| claim.claim_id.as_str()).collect();
        assert_eq!(ids, ["many-1", "many-2", "many-3"]);
    }

    #[test]
    fn the_file_is_named_in_which_it_stands() {
        let files = |claim, script| Files { claim, script };
        let braces = files(None, Some("echo one\necho {{x}}\n"));
        let said = composed("--target t --script init.sh", braces).unwrap_err();
        assert!(said.ends_with(" (line 2 of --script init.sh)"), "{said}");
        let empty = files(None, Some("\n"));
        let said = composed("--target t --script init.sh", empty).unwrap_err();
        assert!(said.ends_with(" (--script init.sh)"), "{said}");
        let surprise = files(Some(r#"{"surprise": 1}"#), Some("true"));
        let said = composed("--file claim.json --script init.sh", surprise).unwrap_err();
        assert!(said.ends_with(" (--file claim.json)"), "{said}");
        let said = composed("--file claim.json", files(Some("{"), None)).unwrap_err();
        assert!(
            said.contains("--file claim.json is not valid JSON"),
            "{said}"
        );
        let said = composed("--target t --command {{x}}", Files::default()).unwrap_err();
        assert!(!said.contains("--"), "{said}");
    }

    #[test]
    fn what_the_functions_would_reject_is_not_sent() {
        let file = |text| Files {
            claim: Some(text),
            script: None,
        };
        for (line, files, problem) in [
            ("--target t --command {{x}}", Files::default(), "`{{`"),
            (
                "--target t --command c --id a/b",
                Files::default(),
                "claim_id",
            ),
            (
                "--target t --command c --expires-in 5h",
                Files::default(),
                "at most 4 hours",
            ),
            (
                "--target t --command c --env PS4=x",
                Files::default(),
                "PS4",
            ),
            ("--file f", file("[]"), "one JSON object"),
            ("--file f", file("{"), "not valid JSON"),
            (
                "--file f --env A=1",
                file(r#"{"init": 1}"#),
                "`init` must be a JSON object",
            ),
            (
                "--file f --command c",
                file(r#"{"surprise": 1}"#),
                "`surprise` is an unknown field",
            ),
            ("--file f --expires-in 0s", file(FILE), "lies in the past"),
        ] {
            let said = composed(line, files).unwrap_err();
            assert!(said.contains(problem), "{line}: {said}");
        }
    }
}
