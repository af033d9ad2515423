//! The flow once with everything real: the function binaries as processes behind the Lambda
//! Runtime API, sockets, the wall clock, and scripts that run. It is the README's first command.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken stage must stop the test"
)]

use std::path::Path;
use std::process::Command;

#[test]
fn the_demo_of_the_readme_gets_its_instance_ready() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let demo = Command::new(env!("CARGO"))
        .current_dir(workspace)
        .args(["run", "--quiet", "--bin", "region", "--", "demo"])
        .args(["--time-scale", "0.02"])
        .output()
        .expect("cargo runs");
    let told = String::from_utf8_lossy(&demo.stdout);
    let log = String::from_utf8_lossy(&demo.stderr);
    assert!(demo.status.success(), "{told}\n{log}");
    let steps = [
        "detaching",
        "detached",
        "attaching",
        "command sent",
        "script starts",
        // The script's own output.
        "setting up organisation 1337",
        "is ready (initialised)",
        "The pool refills",
        "ready in",
    ];
    let mut rest = told.as_ref();
    for step in steps {
        let (_, after) = rest
            .split_once(step)
            .unwrap_or_else(|| panic!("no {step:?} in its place in:\n{told}"));
        rest = after;
    }
}
