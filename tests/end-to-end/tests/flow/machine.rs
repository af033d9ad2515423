//! Scripts as people send them, really run by the shells of real images, at the end of a real claim.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use region::commands::{CommandRun, Pretence};
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The shells that images have as `sh`: Debian's and Ubuntu's, Amazon Linux's.
const SHELLS: [&str; 2] = ["dash", "bash"];

/// A machine's disk, removed in the end.
pub(super) struct Disk(pub(super) PathBuf);

impl Disk {
    pub(super) fn new(name: &str, shell: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("machine-{name}-{shell}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("bin")).expect("a folder");
        let path_of_programs = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&path_of_programs)
            .map(|folder| folder.join(shell))
            .find(|file| file.is_file())
            .unwrap_or_else(|| panic!("these tests need {shell}"));
        symlink(program, path.join("bin/sh")).expect("a link");
        Self(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The folder that the wrapper takes for `/var/lib/ready-pool` on this machine.
pub(super) fn folder_of(disk: &Path, instance: &str) -> PathBuf {
    disk.join(instance)
}

/// Runs a script as the agent does, and waits as it does: until nobody has its pipes open any more.
pub(super) fn run(disk: &Path, run: &CommandRun) -> Pretence {
    let script = disk.join("_script.sh");
    fs::write(&script, &run.script).expect("a file");
    let mut path = disk.join("bin").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let output = Command::new("timeout")
        .args(["120", "sh"])
        .arg(&script)
        .current_dir(disk)
        .env_clear()
        .env("PATH", path)
        .env("READY_POOL_DIR", folder_of(disk, &run.instance))
        .stdin(Stdio::null())
        .output()
        .expect("a shell runs");
    Pretence {
        exit_code: output.status.code().expect("it was not killed"),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        takes: None,
    }
}

/// What becomes of a claim with these lines, on each kind of image.
async fn outcomes(name: &str, lines: &[&str], check: impl Fn(&str, Outcome)) {
    for shell in SHELLS {
        let disk = Disk::new(name, shell);
        let path = disk.0.clone();
        let harness = Harness::builder()
            .parameter("OutcomeOutputCharacters", "200")
            .scripts(move |command| run(&path, command))
            .start();
        harness.pool_is_ready(2).await;
        harness.create(Target::named("asg-1")).await;
        let mut message = claim("c", "asg-1");
        message["init"]["commands"] = json!(lines);
        harness.send(&message).await;
        let outcome = harness.outcome("c").await;
        if outcome.outcome == Ending::Failed {
            let instance = outcome.instance_id.as_ref().expect("an instance");
            harness.gone(instance.as_str()).await;
        }
        check(shell, outcome);
        harness.end().await;
    }
}

fn output(outcome: &Outcome) -> &str {
    let command = outcome.details.command.as_ref();
    command
        .and_then(|command| command.output_end.as_deref())
        .unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_script_split_into_lines_as_for_run_command_runs() {
    let lines = [
        "if true; then",
        "  echo yes",
        "fi",
        "",
        "cat > unit <<'END'",
        "[Service]",
        "  ExecStart=/bin/true",
        "",
        "END",
        "printf '%s|' one \\",
        "  two",
        "wc -l < unit",
    ];
    outcomes("lines", &lines, |shell, outcome| {
        assert_eq!(outcome.outcome, Ending::Ready, "{shell}: {outcome:?}");
        assert_eq!(output(&outcome), "yes\none|two|3\n", "{shell}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_script_that_names_its_interpreter_gets_it() {
    let bash = [
        "#!/bin/bash",
        "set -euo pipefail",
        "a=(1 2); echo \"${a[@]}\"",
    ];
    let python = ["#!/usr/bin/env python3", "print(6 * 7)"];
    for (lines, printed) in [(&bash[..], "1 2\n"), (&python, "42\n")] {
        outcomes("interpreter", lines, |shell, outcome| {
            assert_eq!(outcome.outcome, Ending::Ready, "{shell}: {outcome:?}");
            assert_eq!(output(&outcome), printed, "{shell}");
        })
        .await;
    }
    outcomes("no-interpreter", &["#!/opt/none"], |shell, outcome| {
        assert_eq!(outcome.reason, Reason::ScriptFailed, "{shell}");
        assert_eq!(
            outcome.details.command.as_ref().unwrap().exit_code,
            Some(127)
        );
        assert!(
            output(&outcome).contains("this instance has no /opt/none"),
            "{outcome:?}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_line_that_says_why_is_at_the_end_of_however_much_output() {
    let lines = [
        "i=0; while [ $i -lt 5000 ]; do echo \"unpacking $i\"; echo \"warning $i\" >&2; i=$((i + 1)); done",
        "echo 'E: no space left on device' >&2",
        "exit 100",
    ];
    outcomes("long", &lines, |shell, outcome| {
        assert_eq!(outcome.reason, Reason::ScriptFailed);
        let shown = output(&outcome);
        assert!(
            shown.ends_with("warning 4999\nE: no space left on device\n"),
            "{shell}: {shown}"
        );
    })
    .await;
    outcomes(
        "long-output",
        &["seq 20000; echo 'this is why'; exit 1"],
        |shell, outcome| {
            let shown = output(&outcome);
            assert!(shown.ends_with("20000\nthis is why\n"), "{shell}: {shown}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_a_script_starts_does_not_hold_its_claim() {
    // It lives as long as the disk.
    let daemon = "(while [ -d . ] && [ -e _script.sh ]; do sleep 1; done) &";
    outcomes(
        "daemon",
        &[daemon, "cd \"$HOME\" && echo started"],
        |shell, outcome| {
            assert_eq!(outcome.outcome, Ending::Ready, "{shell}: {outcome:?}");
            assert_eq!(output(&outcome), "started\n", "{shell}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_killed_script_failed_and_did_not_run_out_of_time() {
    // As where the kernel wants memory: the agent itself takes 137 for its time-out, and 168 for success.
    for line in ["sh -c 'kill -9 $$'", "exit 168"] {
        outcomes("killed", &[line], |shell, outcome| {
            assert_eq!(outcome.reason, Reason::ScriptFailed, "{shell}: {outcome:?}");
            assert!(output(&outcome).contains("exit status 1"), "{outcome:?}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_shells_would_run_is_refused_by_its_name() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    for name in ["PS4", "PROMPT_COMMAND"] {
        let mut message = claim(name, "asg-1");
        message["init"]["environment"] = json!({ name: "$(touch pwned)" });
        message["init"]["commands"] = json!(["set -x", "true"]);
        harness.send(&message).await;
        let outcome = harness.outcome(name).await;
        assert_eq!(outcome.reason, Reason::Malformed);
        assert!(
            outcome.message.contains("shells execute its value"),
            "{outcome:?}"
        );
    }
    harness.end().await;
}
