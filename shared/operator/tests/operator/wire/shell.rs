//! The program as a shell runs it: lines to paste, Ctrl-C, completion.

use super::{Served, home, run};
use end_to_end::Target;
use std::path::PathBuf;
use tokio::process::Command;

/// As a shell's Ctrl-C.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_the_waiting_and_names_the_claim_that_goes_on() {
    let served = Served::start().await;
    served.run(&["pause"]).await.is(0, &["paused"]);
    let url = served.url();
    let line = "ready-pool send --target tenant --command true --id w1 --wait & follower=$!
        for _ in $(seq 1000); do ready-pool status | grep -q 'provision [0 and]*1' && break; done
        kill -INT $follower; wait $follower";
    let program = PathBuf::from(env!("CARGO_BIN_EXE_ready-pool"));
    let folder = program.parent().unwrap().to_str().unwrap();
    let output = Command::new("bash")
        // With job control a program in the background heeds SIGINT.
        .args(["-mc", line])
        .env_clear()
        .envs([
            ("PATH", format!("{folder}:/usr/bin:/bin").as_str()),
            ("AWS_ENDPOINT_URL", &url),
        ])
        .env("HOME", home("operator"))
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("w1 goes on: `ready-pool claim w1`"),
        "{output:?}"
    );
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    served.stop().await;
}

/// The lines of a chapter of docs/operations.md that call the program, in order, whether they stand in a sentence or in a
/// block of their own. Those with `…` or `|` show a form, and are no lines to paste.
fn lines_of(chapter: &str) -> Vec<&'static str> {
    let operations = include_str!("../../../../../docs/operations.md");
    let (_, rest) = operations.split_once(&format!("\n## {chapter}\n")).unwrap();
    let text = rest.split("\n## ").next().unwrap();
    let blocks = text.split('`').flat_map(str::lines).map(str::trim);
    let lines = blocks.filter(|line| line.starts_with("ready-pool ") && !line.contains(['…', '|']));
    lines.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_md_can_be_followed_word_for_word() {
    let served = Served::start().await;
    served
        .harness
        .create(Target::named("first").not_opted_in())
        .await;
    let url = served.url();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_ready-pool"));
    let folder = program.parent().unwrap().to_str().unwrap();
    let mut followed = Vec::new();
    for chapter in ["The first claim", "Pausing"] {
        for line in lines_of(chapter) {
            let output = Command::new("/bin/sh")
                .args(["-ec", line])
                .env_clear()
                .envs([
                    ("PATH", folder),
                    ("AWS_ENDPOINT_URL", &url),
                    ("TARGET", "first"),
                ])
                .env("HOME", home("operator"))
                .output()
                .await
                .unwrap();
            let shown = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{line}\n{shown}{errors}");
            followed.push(line);
        }
    }
    assert_eq!(
        followed,
        [
            "ready-pool opt-in \"$TARGET\"",
            "ready-pool doctor",
            "ready-pool send --target \"$TARGET\" --id first-1 --command 'echo hello' --wait",
            "ready-pool claim first-1",
            "ready-pool claim first-1",
            "ready-pool pause claims",
            "ready-pool resume",
        ]
    );
    served.stop().await;
}

/// As a shell does it: with the cursor behind what was typed.
#[tokio::test]
async fn bash_completes_the_options_of_a_subcommand() {
    let script = run(&[], &["completion", "bash"]).await.out;
    let asked = r#"
        COMP_WORDS=(ready-pool send --targ) COMP_CWORD=2
        _ready__pool ready-pool --targ send
        echo "${COMPREPLY[@]}"
    "#;
    let output = Command::new("bash")
        .args(["-c", &(script + asked)])
        .output()
        .await
        .unwrap();
    let completed = String::from_utf8_lossy(&output.stdout);
    assert!(completed.contains("--target"), "{output:?}");
}
