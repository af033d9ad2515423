//! Environment values are data: real shells pass them on byte by byte, and run none of them.

use crate::machine::{Machine, SHELLS, claim};
use crate::strategies::{config, text, variable};
use properties::readers::NOW;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use ready_pool_core::script;
use ready_pool_core::times::Times;
use std::collections::BTreeMap;

/// Values arrive as they were sent in every shell, and nothing else happens.
pub(crate) fn check_arrival(environment: &BTreeMap<String, String>) {
    // Each value between two bytes that no value has: where one ends is certain.
    let commands: Vec<String> = environment
        .keys()
        .map(|name| format!("printf '\\377%s\\376' \"${name}\" >> arrived"))
        .collect();
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    let claim = claim("a", &commands, environment.clone());
    assert_eq!(claim.check(NOW), Ok(()));
    let mut expected = Vec::new();
    for value in environment.values() {
        expected.push(0xff);
        expected.extend_from_slice(value.as_bytes());
        expected.push(0xfe);
    }
    for shell in SHELLS {
        let machine = Machine::new();
        let ended = machine.run(shell, &claim);
        assert_eq!(ended.status, 0, "{shell:?}: {}", ended.stderr);
        assert_eq!(ended.stderr, "", "{shell:?}");
        assert_eq!(
            machine.files(),
            ["arrived"],
            "{shell:?}: {environment:?} was run"
        );
        let arrived = machine.bytes("arrived");
        assert!(
            arrived == expected,
            "{shell:?}: {environment:?} arrived as {:?}",
            String::from_utf8_lossy(&arrived)
        );
        assert_eq!(machine.recorded_status(), Some(0));
    }
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn values_arrive_byte_by_byte_and_are_never_run(environment in btree_map(variable(), text(), 1..8)) {
        check_arrival(&environment);
    }

    #[test]
    fn commands_are_what_was_sent(arguments in vec(text(), 1..6)) {
        // A command is code, but its own only: quoted by the sender, text stays text in it too.
        let quoted: Vec<String> = arguments
            .iter()
            .map(|text| format!("'{}'", text.replace('\'', "'\\''")))
            .collect();
        let command = format!("printf '%s\\376' {}", quoted.join(" "));
        let expected: Vec<u8> = arguments
            .iter()
            .flat_map(|text| text.bytes().chain([0xfe]))
            .collect();
        for shell in SHELLS {
            let machine = Machine::new();
            let ended = machine.run(shell, &claim("a", &[&command], BTreeMap::new()));
            prop_assert_eq!(ended.status, 0, "{:?}: {}", shell, ended.stderr);
            prop_assert!(ended.stdout == expected, "{:?}: {}", shell, command);
            prop_assert_eq!(machine.files().len(), 0);
        }
    }
}

#[test]
fn every_character_below_u_0250_and_some_above_arrive() {
    // Among their bytes are the ones that dash uses inside: 0x81 to 0x88.
    let all: String = ('\u{1}'..'\u{250}')
        .chain([
            '\u{800}',
            '\u{2028}',
            '\u{fdd0}',
            '\u{fffd}',
            '\u{10000}',
            '\u{10ffff}',
        ])
        .collect();
    check_arrival(&BTreeMap::from([("V".to_owned(), all)]));
}

#[test]
fn a_value_arrives_whole_at_the_limit() {
    let least = claim(
        "a",
        &["printf '\\377%s\\376' \"$V\" >> arrived"],
        BTreeMap::from([("V".to_owned(), String::new())]),
    );
    let room = script::MAX_BYTES - script::render(&least, 1, &Times::default(), None).len();
    check_arrival(&BTreeMap::from([("V".to_owned(), "x".repeat(room))]));
    // A quote takes four bytes in the script.
    check_arrival(&BTreeMap::from([("V".to_owned(), "'".repeat(room / 4))]));
}

#[test]
fn what_cannot_be_quoted_is_refused() {
    for (value, problem) in [
        ("a\0b", "NUL"),
        ("{{ssm:parameter}}", "`{{`"),
        ("{{{", "`{{`"),
        ("\u{ffff}", "U+FFFF"),
    ] {
        let claim = claim(
            "a",
            &["true"],
            BTreeMap::from([("V".to_owned(), value.to_owned())]),
        );
        let refusal = claim.check(NOW).unwrap_err().to_string();
        assert!(
            refusal.contains("`init.environment.V`") && refusal.contains(problem),
            "{refusal}"
        );
    }
}
