use super::*;
use crate::attach_when::AttachWhen;
use crate::claim::Init;
use crate::ids::{ClaimId, GroupName};
use crate::init_failure::OnInitFailure;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use time::macros::datetime;

fn claim(claim_id: &str, commands: &[&str], environment: &[(&str, &str)]) -> Claim {
    let init = Init {
        environment: environment
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect::<BTreeMap<_, _>>(),
        execution_timeout_seconds: 60,
        ..Init::new(commands.iter().copied())
    };
    Claim::new(
        ClaimId::try_from(claim_id).unwrap(),
        GroupName::try_from("asg-1").unwrap(),
        init,
        datetime!(2026-11-22 20:15 UTC),
    )
}

/// An instance's marker directory, removed at the end.
struct Machine(PathBuf);

impl Machine {
    fn new(name: &str) -> Self {
        let directory =
            std::env::temp_dir().join(format!("ready-pool-script-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        Self(directory)
    }

    fn run(&self, claim: &Claim) -> (i32, String, String) {
        let output = Command::new("sh")
            .arg("-c")
            .arg(render(claim, 1, &Times::default(), None))
            .env("READY_POOL_DIR", &self.0)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn commands_share_a_shell_and_the_environment() {
    let machine = Machine::new("share");
    let claim = claim(
        "a",
        &["X=1; cd /", "echo \"$X $PWD $ORG\""],
        &[("ORG", "13 37")],
    );
    assert_eq!(
        machine.run(&claim),
        (0, "1 / 13 37\n".to_owned(), String::new())
    );
}

#[test]
fn the_first_failing_command_ends_the_script_with_its_status() {
    let machine = Machine::new("failing");
    let (status, stdout, _) = machine.run(&claim(
        "a",
        &["echo one", "sh -c 'exit 7'", "echo three"],
        &[],
    ));
    assert_eq!((status, stdout.as_str()), (7, "one\n"));
}

#[test]
fn an_exit_and_a_syntax_error_are_recorded() {
    for (name, command) in [("exit", "exit 3"), ("syntax", "if then 'unbalanced")] {
        let machine = Machine::new(name);
        let claim = claim("a", &[command, "echo never"], &[]);
        let (first, stdout, _) = machine.run(&claim);
        assert_ne!(first, 0, "{command}");
        assert_eq!(stdout, "", "{command}");
        assert_eq!(
            machine.run(&claim).0,
            first,
            "{command}: the recorded status"
        );
    }
}

#[test]
fn the_same_claim_is_run_once_and_its_status_returned_again() {
    let machine = Machine::new("same");
    let claim = claim("a", &["echo once", "exit 5"], &[]);
    assert_eq!(machine.run(&claim).1, "once\n");
    let (status, stdout, stderr) = machine.run(&claim);
    assert_eq!((status, stdout.as_str()), (5, ""));
    assert!(stderr.contains("started before"));
}

#[test]
fn another_claim_is_refused() {
    let machine = Machine::new("other");
    machine.run(&claim("a", &["true"], &[]));
    let (status, stdout, stderr) = machine.run(&claim("b", &["echo stolen"], &[]));
    assert_eq!((status, stdout.as_str()), (i32::from(EXIT_OTHER_CLAIM), ""));
    assert!(stderr.contains("belongs to claim a@"));
}

#[test]
fn a_rebooting_script_is_an_ordinary_failure() {
    let machine = Machine::new("reboot");
    let (status, _, stderr) = machine.run(&claim("a", &["exit 194"], &[]));
    assert_eq!(status, 1);
    assert!(stderr.contains("exit status 194 means something else"));
}

#[test]
fn values_are_data_whatever_they_hold() {
    let machine = Machine::new("data");
    let nasty = "'; echo pwned; '\n$(echo pwned) `echo pwned` \\ \" $HOME !!";
    let claim = claim("a", &["printf %s \"$VALUE\""], &[("VALUE", nasty)]);
    assert_eq!(machine.run(&claim), (0, nasty.to_owned(), String::new()));
}

#[test]
fn a_script_finds_its_target_s_name() {
    let echo = ["printf %s \"$TARGET_GROUP\""];
    for name in ["asg-1", "{{{x}}", "it's {{ssm:x}} {"] {
        let machine = Machine::new("target");
        let mut claim = claim("a", &echo, &[]);
        claim.target_group = GroupName::try_from(name).unwrap();
        assert_eq!(machine.run(&claim), (0, name.to_owned(), String::new()));
    }
    let machine = Machine::new("own-target");
    let own = claim("a", &echo, &[("TARGET_GROUP", "my own")]);
    assert_eq!(machine.run(&own), (0, "my own".to_owned(), String::new()));
}

#[test]
fn ssm_finds_nothing_to_substitute() {
    let mut claim = claim("a", &["true"], &[("A", "b")]);
    claim.target_group = GroupName::try_from("{{x}}").unwrap();
    assert!(!render(&claim, 1, &Times::default(), None).contains("{{"));
}

#[test]
fn the_first_line_reads_back() {
    let times = Times {
        sent: Some(datetime!(2026-11-22 20:00 UTC)),
        entered: Some(datetime!(2026-11-22 20:00:01.25 UTC)),
        detached: Some(datetime!(2026-11-22 20:00:01.999 UTC)),
        attached: Some(datetime!(2026-11-22 20:00:05 UTC)),
        ..Times::default()
    };
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let trace = Some(trace.parse().unwrap());
    let mut claim = claim("a", &["true"], &[]);
    let orders = [
        AttachWhen::BeforeInit,
        AttachWhen::AfterInit,
        AttachWhen::AfterInit,
    ];
    let policies = OnInitFailure::ALL.into_iter().zip([false, true, true]);
    for ((on_init_failure, protect), attach_when) in policies.zip(orders) {
        claim.attach_when = attach_when;
        claim.on_init_failure = on_init_failure;
        claim.protect = Some(protect);
        let header = Header {
            attempt: Some(3),
            on_init_failure,
            protect,
            attach_when,
            times,
            trace,
        };
        assert_eq!(Header::read(&render(&claim, 3, &times, trace)), header);
    }
    let script = render(&claim, 3, &times, trace);
    assert!(script.starts_with("# ready-pool: claim a@"));
    let longer = script.len() - render(&claim, 3, &Times::default(), None).len();
    assert!(longer < 300, "{longer}");
}

#[test]
fn the_script_of_a_claim_that_may_need_another_instance_carries_it() {
    let nasty = "'; exit 9 '\n# \r{ \"$(exit 9)\" \\ }";
    let mut claim = claim(
        "a",
        &["test \"$X\" = \"$X\"; exit 3", nasty],
        &[("X", nasty)],
    );
    claim.target_group = GroupName::try_from("{{{x}}").unwrap();
    claim.preferences.zones = vec!["eu-west-1a".to_owned()];
    claim.init.working_directory = Some("/opt".to_owned());
    let script = render(&claim, 2, &Times::default(), None);
    assert_eq!(claim_of(&script), Some(on_one_line(&claim)));
    assert!(!script.contains("{{"));
    let machine = Machine::new("carries");
    assert_eq!(machine.run(&claim), (3, String::new(), String::new()));
}

/// The claim as its script carries it: its lines are one text.
fn on_one_line(claim: &Claim) -> Claim {
    let mut claim = claim.clone();
    claim.init.commands = vec![claim.init.commands.join("\n")];
    claim
}

#[test]
fn a_carried_claim_makes_the_same_script() {
    let claim = claim(
        "a",
        &["#!/bin/sh", "export A='x'", "", "echo 'it''s'"],
        &[("B", "export C='d'\nexport E='f'\n"), ("C", "")],
    );
    let script = render(&claim, 1, &Times::default(), None);
    let again = claim_of(&script).unwrap();
    assert_eq!(again, on_one_line(&claim));
    assert_eq!(render(&again, 1, &Times::default(), None), script);
}

#[test]
fn only_a_script_of_ours_carries_a_claim() {
    let claim = claim("a", &["true"], &[("A", "b")]);
    let script = render(&claim, 1, &Times::default(), None);
    let (_, without_header) = script.split_once('\n').unwrap();
    let headers = "# ready-pool: claim a@1\n".to_owned();
    for other in ["", "\n", without_header, "# ready-pool: claim a@1"] {
        assert_eq!(claim_of(other), None, "{other}");
    }
    assert_eq!(claim_of(&(headers.clone() + "# ready-pool: {}\n")), None);
    assert_eq!(claim_of(&(headers + without_header)), Some(claim));
    // Places that are none, or that have something else.
    let (head, body) = script.split_at(script.rfind("\n# ready-pool: ").unwrap() + 1);
    let (line, body) = body.split_once('\n').unwrap();
    for part in ["commands", "environment"] {
        let place = format!("\"{part}\":");
        let (before, after) = line.split_once(&place).unwrap();
        let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        for number in ["99999999999999999999", "99999", "0"] {
            let other = format!("{head}{before}{place}{number}{rest}\n{body}");
            let read = claim_of(&other);
            assert!(
                read.is_none_or(|read| part == "environment" && read.init.environment.is_empty()),
                "{part} {number}"
            );
        }
    }
}

#[test]
fn a_script_of_an_older_version_carries_its_claim_in_one_line() {
    let line = r#"{"claim_id":"a","expires_at":"2026-11-22T20:15:00Z","init":{"commands":["true"],"environment":{},"execution_timeout_seconds":60,"working_directory":null},"target_group":"asg-1","when_empty":"wait"}"#;
    let script = format!("# ready-pool: claim a@1\n# ready-pool: {line}\nready_pool_claim=a\n");
    assert_eq!(claim_of(&script), Some(claim("a", &["true"], &[])));
}

#[test]
fn what_leaves_no_room_for_its_claim_does_not_carry_it() {
    let mut claim = claim("a", &["true"], &[("A", "")]);
    let room = MAX_BYTES - bytes(&claim);
    let whole = render(&claim, 1, &Times::default(), None).len();
    // The line with the target's name is not counted.
    let carried = whole - bytes(&claim) - target_group(&claim).len();
    for (length, carries) in [
        (room - carried, true),
        (room - carried + 1, false),
        (room, false),
    ] {
        claim
            .init
            .environment
            .insert("A".to_owned(), "x".repeat(length));
        for protect in [None, Some(false), Some(true)] {
            claim.protect = protect;
            let script = render(&claim, 1, &Times::default(), None);
            assert_eq!(claim_of(&script).is_some(), carries, "{length} {protect:?}");
        }
        assert_eq!(bytes(&claim), MAX_BYTES - room + length);
        claim.protect = None;
    }
    claim.on_init_failure = OnInitFailure::Replace;
    assert!(bytes(&claim) > MAX_BYTES, "where it must, it counts");
}

#[test]
fn only_the_wrapper_s_own_end_proves_that_nothing_ran() {
    let errors = "ready-pool: cannot write to /var/lib/ready-pool: nothing of the claim ran\n";
    for (exit_code, errors, proven) in [
        (113, errors, true),
        (114, errors, true),
        (113, "", false),
        (1, errors, false),
        (113, "nothing of the claim ran\nno, something did\n", false),
    ] {
        assert_eq!(proves_that_nothing_ran(exit_code, errors), proven);
    }
}

#[test]
fn what_is_no_header_says_nothing() {
    let first = Header {
        attempt: Some(1),
        ..Header::default()
    };
    for (script, header) in [
        ("", Header::default()),
        ("echo, attempt 1", Header::default()),
        ("# ready-pool: claim a@1, attempt 1\nsent x", first),
        (
            "# ready-pool: claim a@1, attempt 1, sent soon, on_init_failure dance, dances well,, x",
            first,
        ),
        ("# ready-pool: claim a@1, attempt 1000", Header::default()),
    ] {
        assert_eq!(Header::read(script), header, "{script}");
    }
}
