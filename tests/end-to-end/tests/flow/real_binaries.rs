//! The flow once with everything real: the function binaries as processes behind the Lambda
//! Runtime API, sockets, the wall clock, and scripts that run. It is the README's first command.

use std::path::Path;
use std::process::Command;

/// Runs `demo` a fifty times as fast as AWS; returns its story, or fails with it.
fn demo(options: &[&str]) -> String {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let demo = Command::new(env!("CARGO"))
        .current_dir(workspace)
        .args(["run", "--quiet", "--bin", "region", "--", "demo"])
        .args(["--time-scale", "0.02"])
        .args(options)
        .output()
        .expect("cargo runs");
    let told = String::from_utf8_lossy(&demo.stdout);
    let log = String::from_utf8_lossy(&demo.stderr);
    assert!(demo.status.success(), "{told}\n{log}");
    told.into_owned()
}

/// Another program in a function's place; here it is the same, started by a shell.
#[test]
fn another_program_may_do_a_functions_work() {
    let marker = Path::new(env!("CARGO_TARGET_TMPDIR")).join("another-program");
    let _ = std::fs::remove_file(&marker);
    let here = std::env::current_exe().expect("a test has a path");
    let profile = here
        .ancestors()
        .nth(2)
        .expect("deps is in the profile's folder");
    let line = format!(
        "claim-instance=echo \"$AWS_LAMBDA_FUNCTION_NAME\" > '{}'; '{}/claim-instance'",
        marker.display(),
        profile.display()
    );
    let told = demo(&["--function", &line]);
    assert!(told.contains("is ready (initialised)"), "{told}");
    let ran = std::fs::read_to_string(&marker).expect("the other program ran");
    assert_eq!(ran, "ready-pool-claim-instance\n");
}

#[test]
fn the_demo_of_the_readme_gets_its_instance_ready() {
    let told = demo(&[]);
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
    let mut rest = told.as_str();
    for step in steps {
        let (_, after) = rest
            .split_once(step)
            .unwrap_or_else(|| panic!("no {step:?} in its place in:\n{told}"));
        rest = after;
    }
}
