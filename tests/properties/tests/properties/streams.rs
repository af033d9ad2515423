//! A script's streams: their ends come out, whole while they are short; and nobody holds the agent's pipes.

use crate::machine::{Ended, Machine, SHELLS, claim};
use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

/// What Systems Manager keeps of each, from the beginning.
const KEPT: (usize, usize) = (24_000, 8_000);

fn run_in_each(lines: &[&str], check: impl Fn(Ended)) {
    for shell in SHELLS {
        check(Machine::new().run(shell, &claim("a", lines, BTreeMap::new())));
    }
}

#[test]
fn the_end_of_a_long_output_is_within_what_is_kept_on_both_streams_and_the_cut_is_marked() {
    let lines = [
        "i=0",
        "while [ $i -lt 9000 ]; do echo \"line $i\"; echo \"error $i\" >&2; i=$((i + 1)); done",
        "echo 'this is why'",
        "echo 'and this' >&2",
        "exit 9",
    ];
    run_in_each(&lines, |ended| {
        assert_eq!(ended.status, 9);
        let stdout = String::from_utf8(ended.stdout).unwrap();
        for (text, first, last, kept) in [
            (&stdout, "line 0\n", "line 8999\nthis is why\n", KEPT.0),
            (&ended.stderr, "error 0\n", "error 8999\nand this\n", KEPT.1),
        ] {
            assert!(text.len() < kept, "{}", text.len());
            assert!(text.starts_with(first) && text.ends_with(last), "{text}");
            assert!(text.contains("\n[ready-pool: the first "), "{text}");
        }
    });
}

#[test]
fn a_short_output_is_whole_byte_by_byte() {
    // NUL, and no line's end; up to the last byte of the first part.
    for bytes in [1, 7_999, 8_000] {
        let line = format!("head -c {bytes} /dev/zero; head -c 2500 /dev/zero | tr '\\0' x >&2");
        run_in_each(&[&line], |ended| {
            assert_eq!((ended.status, ended.stdout), (0, vec![0; bytes]));
            assert_eq!(ended.stderr, "x".repeat(2_500));
        });
    }
}

#[test]
fn an_output_that_is_a_little_longer_loses_no_byte() {
    run_in_each(
        &["head -c 8000 /dev/zero | tr '\\0' a; printf '\\\\%%s\\303\\251'"],
        |ended| {
            let text = String::from_utf8(ended.stdout).unwrap();
            let (first, rest) = text.split_once("\n[ready-pool: ").unwrap();
            assert_eq!(first, "a".repeat(8_000));
            assert_eq!(rest.split_once("]\n").unwrap().1, "\\%sé");
        },
    );
}

#[test]
fn an_endless_line_and_a_gigabyte_need_no_disk_and_change_no_status() {
    run_in_each(
        &["head -c 300000000 /dev/zero; echo end; exit 3"],
        |ended| {
            assert_eq!(ended.status, 3);
            assert!(ended.stdout.len() < KEPT.0 && ended.stdout.ends_with(b"\0end\n"));
        },
    );
}

#[test]
fn a_process_that_the_script_leaves_behind_holds_nothing_and_lives_on() {
    for shell in SHELLS {
        let machine = Machine::new();
        // It writes on once nobody reads it any more, more than a pipe holds: SIGPIPE would end it, and a full pipe stop it.
        let lines = [
            "(while [ ! -e go ]; do sleep 0.1; done; head -c 200000 /dev/zero; echo lives > wrote; sleep 60) &",
            "echo started",
        ];
        let began = Instant::now();
        let ended = machine.run(shell, &claim("a", &lines, BTreeMap::new()));
        assert_eq!(
            (ended.status, ended.stdout.as_slice()),
            (0, b"started\n".as_slice())
        );
        assert_eq!(ended.stderr, "", "{shell:?}");
        assert!(began.elapsed() < Duration::from_secs(30), "{shell:?}");
        machine.write("go");
        let waits = Instant::now();
        while machine.read("wrote") != "lives\n" {
            assert!(
                waits.elapsed() < Duration::from_secs(30),
                "{shell:?}: it died"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_script_that_closes_its_streams_ends_as_it_does() {
    run_in_each(&["exec >&- 2>&-", "sleep 0.1", "exit 8"], |ended| {
        assert_eq!((ended.status, ended.stdout.len()), (8, 0));
    });
}

#[test]
fn a_script_whose_time_is_up_has_printed_its_beginning_and_if_that_was_long_its_end() {
    // Half a minute each, on the wall clock: side by side.
    thread::scope(|scope| {
        for shell in SHELLS {
            scope.spawn(move || {
                let mut hangs = claim(
                    "a",
                    &[
                        "i=0",
                        "while [ $i -lt 9000 ]; do echo \"line $i\"; i=$((i + 1)); done",
                        "echo 'waiting for a thing' >&2",
                        "echo 'hangs here'",
                        "sleep 100",
                    ],
                    BTreeMap::new(),
                );
                hangs.init.execution_timeout_seconds = 30;
                let machine = Machine::new();
                let killed = machine.run_for(Duration::from_secs(30), shell, &hangs);
                let stdout = String::from_utf8(killed.stdout).unwrap();
                assert!(stdout.ends_with("line 8999\nhangs here\n"), "{stdout}");
                assert_eq!(killed.stderr, "waiting for a thing\n");
            });
        }
    });
}
