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
    let composed = claims(&options(line), files, NOW);
    let composed = composed.map_err(|failure| failure.to_string())?;
    Ok(composed.claims)
}

#[test]
fn a_deadline_counts_from_when_the_claim_is_sent() {
    let file = Files {
        claim: Some(FILE),
        script: None,
    };
    let sent = |line: &str, files, after: time::Duration| {
        let mut composed = claims(&options(line), files, NOW).unwrap();
        let id = composed.claims[0].claim_id.clone();
        composed.sent_at(NOW + after).map(|()| {
            assert_eq!(composed.claims[0].claim_id, id);
            composed.claims[0].expires_at
        })
    };
    let (soon, late) = (time::Duration::seconds(9), time::Duration::minutes(10));
    let own = "--target t --command c";
    let default = sent(own, Files::default(), soon).unwrap();
    assert_eq!(default, datetime!(2026-11-29 13:15:09 UTC));
    let asked = sent("--file f --expires-in 60s", file, soon).unwrap();
    assert_eq!(asked, datetime!(2026-11-29 13:01:09 UTC));
    let written = sent("--file f", file, soon).unwrap();
    assert_eq!(written, datetime!(2026-11-29 13:10 UTC));
    assert!(sent("--file f", file, late).is_err());
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
    let line =
        "--target tenant --command true --create-target --max-size 4 --tag org=1337 --tag Name=";
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
    assert!(said.ends_with(" (--file claim.json)"), "{said}");
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
        (
            "--command c",
            Files::default(),
            "with --target, or the whole claim with --file",
        ),
        (
            "--target t",
            Files::default(),
            "with --command or --script, or the whole claim with --file",
        ),
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
        (
            "--file f",
            file("[]"),
            "a claim must be a JSON object, and is a list (--file f)",
        ),
        (
            "--file f",
            file("{"),
            "not valid JSON: it ends inside an object",
        ),
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

#[test]
fn a_claim_of_options_has_no_lines_and_columns() {
    for line in [
        "--target t --command c --id a/b",
        "--target t --command c --env =x",
    ] {
        let said = composed(line, Files::default()).unwrap_err();
        assert!(!said.contains(" at line "), "{line}: {said}");
        assert!(said.starts_with("nothing was sent: `"), "{line}: {said}");
    }
}
