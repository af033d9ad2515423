//! However commands end, their status is recorded and returned again.

use crate::machine::{Machine, SHELLS, Shell, claim};
use crate::strategies::config;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Runs the commands twice: the second run must return the first one's recorded status.
fn status_of(shell: Shell, commands: &[&str]) -> (i32, String) {
    let machine = Machine::new();
    let claim = claim("a", commands, BTreeMap::new());
    let first = machine.run(shell, &claim);
    assert_eq!(
        machine.recorded_status(),
        Some(first.status),
        "{shell:?}: {commands:?}: {}",
        first.stderr
    );
    let second = machine.run(shell, &claim);
    assert_eq!(second.status, first.status, "{shell:?}: {commands:?}");
    assert_eq!(second.stdout, b"", "{shell:?}: {commands:?} ran again");
    (first.status, String::from_utf8(first.stdout).unwrap())
}

#[test]
fn commands_of_all_kinds_end_with_their_status() {
    let cases: [(&[&str], i32, &str); 17] = [
        (&["cat <<EOF\n$((1+1))'\"\nEOF"], 0, "2'\"\n"),
        (
            &["cat <<'EOF'\n$(touch pwned)`\nEOF", "echo next"],
            0,
            "$(touch pwned)`\nnext\n",
        ),
        (&["printf %s \"$(cat <<EOF\nno end\nEOF\n)\""], 0, "no end"),
        (&["cat <<-EOF\n\tindented\n\tEOF"], 0, "indented\n"),
        (&["set -e", "false", "echo never"], 1, ""),
        (&["set -e; false; echo never"], 1, ""),
        (&["set -eu", "echo \"$UNSET\"", "echo never"], -1, ""),
        (&["exit 0", "echo never"], 0, ""),
        (&["exit 255"], 255, ""),
        (&["(exit 3)", "echo never"], 3, ""),
        (&["sh -c 'kill -15 $$'", "echo never"], 143, ""),
        (&["exec sh -c 'exit 9'", "echo never"], 9, ""),
        (&["trap 'echo bye; exit 5' EXIT", "exit 4"], 5, "bye\n"),
        (
            &["cd /", "echo \"$PWD\"; X=1", "echo \"$X\"  # a comment"],
            0,
            "/\n1\n",
        ),
        (&["if true; then", "echo yes", "fi"], 0, "yes\n"),
        (&["true |", "false"], 1, ""),
        (
            &["false || true", "! false", "true && echo end"],
            0,
            "end\n",
        ),
    ];
    for (commands, expected, stdout) in cases {
        for shell in SHELLS {
            let (status, out) = status_of(shell, commands);
            if expected < 0 {
                // The shells' own words for it differ.
                assert_ne!(status, 0, "{shell:?}: {commands:?}");
            } else {
                assert_eq!(status, expected, "{shell:?}: {commands:?}");
            }
            assert_eq!(out, stdout, "{shell:?}: {commands:?}");
        }
    }
}

#[test]
fn a_command_that_closes_what_it_did_not_open_ends_the_script_and_nothing_else() {
    for command in [
        ")",
        "} ; touch pwned",
        "'",
        "\"",
        "`",
        "$(",
        "${",
        "((",
        "fi",
        "done",
        ";;",
        "esac",
        "'; touch pwned; '",
        "\\",
        "<<",
        "&& touch pwned",
    ] {
        for shell in SHELLS {
            let machine = Machine::new();
            let claim = claim("a", &[command, "touch pwned"], BTreeMap::new());
            let ended = machine.run(shell, &claim);
            assert_eq!(
                machine.recorded_status(),
                Some(ended.status),
                "{shell:?}: {command}"
            );
            // A lone backslash goes on in the next line.
            if command != "\\" {
                assert_ne!(ended.status, 0, "{shell:?}: {command}");
                assert_eq!(machine.files(), [""; 0], "{shell:?}: {command}");
            }
        }
    }
}

/// Pieces of shell without loops, functions and files: whatever they make up ends soon.
const PIECES: [&str; 30] = [
    "'",
    "\"",
    "`",
    "\\",
    "$",
    "$(",
    ")",
    "${",
    "}",
    "{ ",
    ";",
    "\n",
    "&&",
    "||",
    "|",
    "true ",
    "false ",
    "echo x ",
    "exit 3 ",
    "return 4 ",
    "if ",
    "then ",
    "fi ",
    "case x in ",
    "esac ",
    "<<E\n",
    "E\n",
    "# ",
    "set -e ",
    "! ",
];

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn whatever_the_commands_are_their_status_is_recorded(
        commands in vec(vec(prop::sample::select(PIECES.as_slice()), 1..8), 1..4)
    ) {
        let commands: Vec<String> = commands.iter().map(|pieces| pieces.concat()).collect();
        prop_assume!(commands.iter().all(|command| !command.trim().is_empty()));
        let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
        for shell in SHELLS {
            status_of(shell, &commands);
        }
    }

    #[test]
    fn an_exit_status_is_returned_as_it_is(status in 0_i32..256) {
        let seen = status_of(Shell::Dash, &[&format!("exit {status}")]).0;
        // The agent would tell them as a time-out, as success, or reboot.
        prop_assert_eq!(seen, if [137, 168, 194].contains(&status) { 1 } else { status });
    }
}
