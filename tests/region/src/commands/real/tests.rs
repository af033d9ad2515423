//! Real scripts, on the wall clock.

use super::{RealScripts, Shell};
use crate::commands::{CommandRun, CommandRunner, ScriptEnd};
use std::path::Path;
use std::time::{Duration, Instant};

fn runner() -> RealScripts {
    RealScripts::new(|instance, home| {
        vec![(
            "MARKER_DIR".to_owned(),
            format!("{}/{instance}", home.display()),
        )]
    })
    .unwrap()
}

fn script(text: &str) -> CommandRun {
    CommandRun {
        user_data_done: true,
        command_id: "c-1".to_owned(),
        instance: "i-1".to_owned(),
        region: "eu-west-1".to_owned(),
        script: text.to_owned(),
        working_directory: None,
        execution_timeout: Duration::from_secs(20),
        pretend_for: Duration::ZERO,
    }
}

async fn output_of(scripts: &RealScripts, run: CommandRun) -> (i32, String, String) {
    match scripts.run(run).await {
        ScriptEnd::Exited {
            exit_code,
            stdout,
            stderr,
        } => (exit_code, stdout, stderr),
        ScriptEnd::TimedOut { .. } => panic!("timed out"),
    }
}

#[tokio::test]
async fn output_exit_code_and_environment_are_the_agents() {
    let scripts = runner();
    let run = script(
        "echo $SSM_COMMAND_ID $AWS_SSM_INSTANCE_ID $AWS_SSM_REGION_NAME\n\
         echo $MARKER_DIR; pwd; env | grep -c CARGO; echo ${HOME-no home}; echo oops >&2\nexit 7",
    );
    let (exit_code, stdout, stderr) = output_of(&scripts, run).await;
    let home = scripts.directory("i-1").display().to_string();
    assert_eq!(exit_code, 7);
    assert_eq!(
        stdout,
        format!("c-1 i-1 eu-west-1\n{home}/i-1\n{home}\n0\nno home\n")
    );
    assert_eq!(stderr, "oops\n");
}

#[tokio::test]
async fn scripts_go_on_after_a_failing_line_and_may_name_their_interpreter() {
    let scripts = runner();
    let (exit_code, stdout, _) = output_of(&scripts, script("false\necho on")).await;
    assert_eq!((exit_code, stdout.as_str()), (0, "on\n"));
    let (exit_code, stdout, _) = output_of(
        &scripts,
        script("#!/usr/bin/env -S bash -e\nfalse\necho on"),
    )
    .await;
    assert_eq!((exit_code, stdout.as_str()), (1, ""));
    let (exit_code, _, _) = output_of(&scripts, script("kill -TERM $$")).await;
    assert_eq!(exit_code, 143);
}

#[tokio::test]
async fn the_working_directory_is_as_asked() {
    let scripts = runner();
    let at = |directory: &str| CommandRun {
        working_directory: Some(directory.to_owned()),
        ..script("pwd")
    };
    assert_eq!(output_of(&scripts, at("/")).await.1, "/\n");
    let (exit_code, _, stderr) = output_of(&scripts, at("/does/not/exist")).await;
    assert_eq!(exit_code, 1);
    assert!(stderr.contains("No such file"), "{stderr}");
}

#[tokio::test]
async fn sh_is_the_image_s() {
    let pipefail = || script("set -o pipefail && false | true; echo $?");
    for (shell, expected) in [(Shell::Dash, (2, "")), (Shell::Bash, (0, "1\n"))] {
        let scripts = runner().with_shell(shell).unwrap();
        let (exit_code, stdout, _) = output_of(&scripts, pipefail()).await;
        assert_eq!((exit_code, stdout.as_str()), expected, "{shell:?}");
        let (_, stdout, _) =
            output_of(&scripts, script("sh -c 'echo ${BASH_VERSION:+bash}'")).await;
        assert_eq!(stdout == "bash\n", shell == Shell::Bash, "{stdout}");
    }
}

#[tokio::test]
async fn a_background_process_that_keeps_the_output_open_holds_the_command() {
    let scripts = runner();
    for keeps in ["2>/dev/null", ">/dev/null"] {
        let end = scripts
            .run(CommandRun {
                execution_timeout: Duration::from_secs(1),
                ..script(&format!("echo started; sleep 60 {keeps} & exit 0"))
            })
            .await;
        let ScriptEnd::TimedOut { stdout, .. } = end else {
            panic!("{end:?}");
        };
        assert_eq!(stdout, "started\n");
    }
    let (exit_code, _, _) = output_of(&scripts, script("sleep 60 >/dev/null 2>&1 & exit 3")).await;
    assert_eq!(exit_code, 3);
}

fn is_alive(pid: &str) -> bool {
    // A zombie that nobody has collected yet runs no more.
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.contains(") Z "))
}

/// Waits for the end of a process that was killed: the kernel does that a moment after the call.
async fn ends(pid: &str) {
    let waiting = async {
        while is_alive(pid) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .expect("it was killed");
}

#[tokio::test]
async fn a_script_that_takes_too_long_is_killed_with_its_children() {
    let scripts = runner();
    let started = Instant::now();
    let end = scripts
        .run(CommandRun {
            execution_timeout: Duration::from_millis(500),
            ..script("sleep 60 & echo $!; wait")
        })
        .await;
    assert!(started.elapsed() < Duration::from_secs(10));
    let ScriptEnd::TimedOut { stdout, .. } = end else {
        panic!("{end:?}");
    };
    ends(&stdout).await;
}

#[tokio::test]
async fn what_a_script_leaves_behind_ends_with_its_instance() {
    let scripts = runner();
    let (_, pid, _) = output_of(&scripts, script("sleep 60 >/dev/null 2>&1 & echo $!")).await;
    assert!(is_alive(&pid));
    scripts.instance_lost("i-1");
    ends(&pid).await;
    assert!(!scripts.directory("i-1").exists());
}

#[tokio::test]
async fn nothing_is_left_of_a_runner_that_stops() {
    let scripts = runner();
    let root = scripts.directory("").parent().map(Path::to_owned);
    output_of(&scripts, script("echo x > file")).await;
    let directory = scripts.directory("i-1");
    assert!(directory.join("file").exists());
    scripts.stop();
    assert!(!directory.exists());
    assert!(root.is_some_and(|temporary| temporary.exists()));
}
