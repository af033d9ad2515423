//! What the command line takes, and how it ends.

use super::{Options, run};
use clap::{CommandFactory, Parser};

fn parsed(line: &str) -> Result<Options, String> {
    let words = std::iter::once("cargo model").chain(line.split_whitespace());
    let options = Options::try_parse_from(words).and_then(Options::check);
    options.map_err(|error| error.to_string())
}

/// Whether everything holds, and what is printed.
fn ran(line: &str) -> (bool, String) {
    let mut out = Vec::new();
    let holds = run(&parsed(line).unwrap(), &mut out).unwrap();
    (holds, String::from_utf8(out).unwrap())
}

#[test]
fn options_that_describe_no_world_are_refused() {
    Options::command().debug_assert();
    for (line, why) in [
        ("--claims 0", "1..=2"),
        ("--claims 3", "1..=2"),
        ("--instances 0", "1..=3"),
        ("--instances 4", "1..=3"),
        ("--ready 5", "0..=3"),
        ("--ready 3", "--ready 3: there are only 2 instances"),
        ("--poison 7", "--poison 7: of 1 claim the number is 0 to 0"),
        (
            "--claims 2 --poison 2",
            "--poison 2: of 2 claims the number is 0 to 1",
        ),
        ("--shared-target", "--claims 2"),
        ("--faults 0 --kinds Crash", "--faults 0 allows none"),
        ("--kinds Crush", "similar value exists: 'Crash'"),
        ("--without Nothing", "[possible values: KeepEntries,"),
        (
            "--on-init-failure drop",
            "[possible values: retire, keep, replace]",
        ),
        ("--all --claims 2", "cannot be used with"),
        ("--all --variants", "cannot be used with"),
        ("--variants --without Lease", "cannot be used with"),
        ("--variants --poison 0", "cannot be used with"),
    ] {
        let refused = parsed(line).unwrap_err();
        assert!(refused.contains(why), "{line}: {refused}");
    }
    for line in [
        "",
        "--ready 0",
        "--all --without Lease --bound 10",
        "--claims 2 --shared-target --poison 1 --instances 3 --ready 3",
        "--faults 2 --kinds Crash,LostAnswer",
    ] {
        assert!(parsed(line).is_ok(), "{line}");
    }
}

#[test]
fn the_help_has_every_name() {
    let help = Options::command().render_long_help().to_string();
    for name in [
        "RetirementDeleted",
        "FreshForMinutes",
        "replace",
        "(1 or 2)",
        "(1 to 3)",
    ] {
        assert!(help.contains(name), "{name}: {help}");
    }
}

#[test]
fn a_world_that_holds_ends_well() {
    let (holds, out) = ran("--faults 0");
    assert!(
        holds && out.contains(" states, ") && out.contains(" 0 stuck, "),
        "{out}"
    );
}

#[test]
fn a_counterexample_is_an_error_in_words() {
    let (holds, out) = ran("--kinds Resend --without KeepEntries");
    assert!(!holds, "{out}");
    for words in [
        "VIOLATED: 2",
        "\n   1. ",
        "the sender sends claim 0 again",
        "At the end ",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    assert!(!out.contains(['{', '[']), "Rust's own words: {out}");
}

#[test]
fn a_stuck_state_is_an_error_in_words() {
    let (holds, out) = ran("--ready 0 --steps-aside --kinds Crash --without CopyFirst");
    assert!(!holds, "{out}");
    for words in [
        "STUCK: from ",
        "claim-instance: dies",
        "ProvisionQueue: empty",
        "At the end ",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    assert!(!out.contains(['{', '[']), "Rust's own words: {out}");
}

#[test]
fn a_world_beyond_its_bound_is_an_error() {
    let (holds, out) = ran("--bound 100");
    assert!(
        !holds && out.starts_with("TOO LARGE: more than 100 states"),
        "{out}"
    );
    let (holds, out) = ran("--all --bound 100");
    assert!(!holds && out.contains("FAIL: one claim, no fault"), "{out}");
}
