//! The commands are the lines of one file, as in `AWS-RunShellScript`'s document, in real shells.

use crate::machine::{Ended, Machine, SHELLS, Shell, claim, end};
use properties::readers::NOW;
use ready_pool_core::script::{EXIT_NO_MARKER, NOTHING_RAN};
use std::collections::BTreeMap;

/// Runs the lines on a new machine, in each shell.
fn run(lines: &[&str], check: impl Fn(Shell, &Machine, Ended)) {
    for shell in SHELLS {
        let claim = claim("a", lines, BTreeMap::new());
        assert_eq!(claim.check(NOW), Ok(()));
        let machine = Machine::new();
        let ended = machine.run(shell, &claim);
        check(shell, &machine, ended);
    }
}

fn gives(lines: &[&str], status: i32, stdout: &str) {
    run(lines, |shell, machine, ended| {
        assert_eq!(
            (
                ended.status,
                String::from_utf8_lossy(&ended.stdout).as_ref()
            ),
            (status, stdout),
            "{shell:?}, {lines:?}: {}",
            ended.stderr
        );
        assert_eq!(machine.recorded_status(), Some(status), "{lines:?}");
        assert_eq!(machine.markers(), ["claim", "status"], "{lines:?}");
    });
}

#[test]
fn a_script_sent_line_by_line_runs_as_it_stands_in_its_file() {
    gives(&["if true; then", "  echo yes", "fi"], 0, "yes\n");
    gives(
        &["cat <<END", "one", "", "  two", "END", "echo on"],
        0,
        "one\n\n  two\non\n",
    );
    gives(&["echo one \\", "  two"], 0, "one two\n");
    gives(&["f() {", "echo \"$1\"", "}", "f 'a", "b'"], 0, "a\nb\n");
    // A backslash at the very end has nothing to go on with.
    gives(
        &["echo one\necho two\n", "echo three\\"],
        0,
        "one\ntwo\nthree\n",
    );
    gives(&["# only a comment", ""], 0, "");
}

#[test]
fn the_first_failing_line_ends_the_script_with_its_status() {
    gives(&["echo one", "(exit 7)", "echo never"], 7, "one\n");
    gives(&["false; echo never"], 1, "");
    gives(
        &["false || true", "if false; then :; fi", "echo on"],
        0,
        "on\n",
    );
    gives(&["exit 3", "echo never"], 3, "");
    gives(
        &["exec sh -c 'echo replaced; exit 4'", "echo never"],
        4,
        "replaced\n",
    );
    gives(&["trap 'echo bye' EXIT", "exit 5"], 5, "bye\n");
    gives(&["kill -TERM $$"], 143, "");
    gives(&["echo one", "if then 'unbalanced"], 2, "one\n");
    gives(&["cd /", "X=1", "echo \"$PWD $X\""], 0, "/ 1\n");
}

#[test]
fn the_interpreter_of_the_first_line_runs_the_file_without_minus_e() {
    gives(
        &["#!/bin/bash", "set -o pipefail", "false | true", "echo $?"],
        0,
        "1\n",
    );
    gives(&["#! /bin/bash -e", "false", "echo never"], 1, "");
    gives(
        &[
            "#!/usr/bin/env python3",
            "import sys",
            "print('python')",
            "sys.exit(6)",
        ],
        6,
        "python\n",
    );
    gives(
        &[
            "#!/usr/bin/env -S perl -w",
            "print \"$0\\n\" =~ /script$/ ? 'file' : 'else';",
        ],
        0,
        "file",
    );
    gives(&["#!/bin/sh\nfalse\necho on"], 0, "on\n");
    // Not in the first line, or naming nothing: a comment.
    gives(&["", "#!/nowhere", "echo on"], 0, "on\n");
    gives(&["#!", "false", "echo never"], 1, "");
}

#[test]
fn a_missing_interpreter_is_named() {
    for first in ["#!/nowhere/python9 -u", "#!no-such-shell"] {
        run(&[first, "echo never"], |shell, machine, ended| {
            let name = first.split(['!', ' ']).nth(1).unwrap();
            assert_eq!(
                (ended.status, ended.stderr),
                (
                    127,
                    format!(
                        "ready-pool: this instance has no {name}, which the first line of init.commands names\n"
                    )
                ),
                "{shell:?}"
            );
            assert_eq!(machine.recorded_status(), Some(127));
        });
    }
}

#[test]
fn a_script_finds_home_an_empty_input_and_itself_in_a_file_of_root_s() {
    gives(&["read -r line || echo none", "cat"], 0, "none\n");
    let home = ["test \"$HOME\" = ~root && cd && echo home"];
    gives(&home, 0, "home\n");
    gives(
        &["set -u", "stat -c %a \"$0\" \"${0%/*}\"", "umask"],
        0,
        "700\n700\n0022\n",
    );
    // Nothing of the wrapper's is in a process list or the script's environment.
    gives(&["env | grep -c -i ready_pool_ || true"], 0, "1\n");
    gives(
        &["tr '\\0' ' ' < /proc/$PPID/cmdline | grep -c secret-9 || true"],
        0,
        "0\n",
    );
}

#[test]
fn a_script_with_windows_line_ends_gets_them() {
    gives(&["printf %s 'a\r", "b' | od -An -tx1"], 0, " 61 0d 0a 62\n");
}

#[test]
fn statuses_that_the_agent_takes_for_something_else_count_as_1() {
    for status in [137, 168, 194] {
        let exit = format!("exit {status}");
        run(&[&exit], |_, machine, ended| {
            assert_eq!(ended.status, 1);
            assert!(
                ended.stderr.contains(&format!("exit status {status}")),
                "{}",
                ended.stderr
            );
            assert_eq!(machine.recorded_status(), Some(1));
        });
    }
}

#[test]
fn a_killed_script_s_values_are_not_printed() {
    for shell in SHELLS {
        let environment = BTreeMap::from([("SECRET".to_owned(), "secret-9".to_owned())]);
        let ended = Machine::new().run(shell, &claim("a", &["kill -9 $$"], environment));
        assert_eq!(ended.status, 1, "{shell:?}");
        assert!(!ended.stderr.contains("secret-9"), "{}", ended.stderr);
    }
}

#[test]
fn where_the_disk_is_full_before_the_script_nothing_of_it_runs_and_no_marker_stays() {
    let long = format!("touch ran # {}", "x".repeat(2_000));
    for shell in SHELLS {
        // A file may have no byte, or 512: then the marker fits, and the script does not.
        for limit in [0, 1] {
            let machine = Machine::new();
            let claim = claim("a", &[&long], BTreeMap::new());
            let words = format!("trap '' XFSZ; ulimit -f {limit};");
            let ended = end(machine.start_after(&words, shell, &claim));
            assert_eq!(ended.status, i32::from(EXIT_NO_MARKER), "{shell:?}");
            assert!(
                ended.stderr.trim_end().ends_with(NOTHING_RAN),
                "{}",
                ended.stderr
            );
            assert_eq!(machine.files(), [""; 0]);
            assert_eq!(machine.markers(), [""; 0]);
            // The same machine serves the claim once there is room.
            assert_eq!(machine.run(shell, &claim).status, 0);
        }
    }
}

#[test]
fn a_script_of_its_own_status_113_says_nothing_like_it() {
    run(&["exit 113"], |_, _, ended| {
        assert_eq!((ended.status, ended.stderr.as_str()), (113, ""));
    });
}
