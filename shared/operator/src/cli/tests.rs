use super::*;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn a_duration_has_a_unit() {
    assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
    assert_eq!(duration("15m"), Ok(Duration::from_mins(15)));
    assert_eq!(duration("2h"), Ok(Duration::from_hours(2)));
    for wrong in ["", "15", "m", "-1s", "1d", "99999999999999999999h"] {
        assert!(duration(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn options_may_stand_before_and_behind_the_command() {
    for line in [
        ["ready-pool", "--stack", "other", "status"],
        ["ready-pool", "status", "--stack", "other"],
    ] {
        assert_eq!(Cli::parse_from(line).options.stack, "other");
    }
}

#[test]
fn what_cannot_be_asked_for_together_is_refused() {
    for line in [
        "status --every 3",
        "send --target t --command c --dry-run --wait",
        "send --target t --command c --script f",
        "pause everything",
        "status --stack s --family f",
        "status --pool large",
        "status --stack ",
        "status --family ",
        "status --region ",
    ] {
        // A name that is empty is none: `--stack "$STACK"`, where nothing has set it.
        let line = std::iter::once("ready-pool").chain(line.split(' '));
        assert!(Cli::try_parse_from(line.clone()).is_err(), "{line:?}");
    }
}

#[test]
fn a_command_line_is_repeated_with_where_it_goes() {
    for (line, expected) in [
        ("ready-pool status", ""),
        (
            "ready-pool --stack other status --region eu-west-1",
            " --stack other --region eu-west-1",
        ),
        (
            "ready-pool pause --family f --pool p",
            " --family f --pool p",
        ),
    ] {
        let options = Cli::parse_from(line.split(' ')).options;
        assert_eq!(options.repeated(), expected);
    }
}

#[test]
fn a_number_is_refused_in_words_of_our_own() {
    for (line, words) in [
        ("status --watch --every 0", "a whole number from 1 to 86400"),
        (
            "status --watch --every -1",
            "a whole number from 1 to 86400",
        ),
        (
            "send --target t --command c --execution-timeout 99999999999",
            "a whole number from 1 to 21600",
        ),
        ("send --instances 101", "a whole number from 1 to 100"),
        ("plan --lead-time -5s", "for '--lead-time <TIME>'"),
        ("plan --instance-hour -1", "a price above 0"),
        (
            "send --expires-in -5s",
            "a duration is a number and its unit",
        ),
    ] {
        let words_of_line = std::iter::once("ready-pool").chain(line.split(' '));
        let said = Cli::try_parse_from(words_of_line).unwrap_err().to_string();
        assert!(said.contains(words), "{line}: {said}");
        assert!(!said.contains("tip:"), "{line}: {said}");
    }
}

#[test]
fn every_shell_has_a_completion_that_knows_the_commands() {
    for shell in Shell::value_variants() {
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let mut screen = Screen::plain(&mut out, &mut errors);
        complete(*shell, &mut screen).unwrap();
        assert!(
            String::from_utf8(out).unwrap().contains("doctor"),
            "{shell}"
        );
    }
}
