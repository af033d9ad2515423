use super::*;

#[test]
fn times_have_a_unit() {
    assert_eq!(time("150s"), Ok(Duration::from_secs(150)));
    assert_eq!(time("2.5m"), Ok(Duration::from_secs(150)));
    assert_eq!(time("14d"), Ok(Duration::from_hours(14 * 24)));
    for text in ["", "150", "s", "-1s", "1e300d", "two", "1y"] {
        assert!(time(text).is_err(), "{text}");
    }
}

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn refusal(line: &str) -> Option<String> {
    let line = std::iter::once("plan").chain(line.split(' '));
    <Line as clap::Parser>::try_parse_from(line)
        .err()
        .map(|error| error.to_string())
}

#[test]
fn what_no_stack_can_be_set_to_is_refused_with_the_limits() {
    for (line, said) in [
        ("--lead-time 0s", "must be 1 s to 24 h"),
        ("--lead-time 9999h", "must be 1 s to 24 h"),
        ("--instance-hour 0", "a price above 0"),
        ("--instance-hour -1", "a price above 0"),
        ("--minute-is-worth -1", "0 or more"),
        ("--disk-month -1", "0 or more"),
        ("--pool-size 501", "501 is not in 0..=500"),
        ("--pool-max-size 0", "0 is not in 1..=500"),
        ("--least-ready 1000", "1000 is not in 0..=500"),
        ("--least-ready -1", "-1 is not in 0..=500"),
    ] {
        let refusal = refusal(line).unwrap_or_default();
        assert!(refusal.contains(said), "{line}: {refusal}");
        assert!(!refusal.contains("tip"), "{refusal}");
    }
    for line in [
        "--lead-time 150s",
        "--lead-time 24h",
        "--least-ready 0",
        "--pool-size 500",
    ] {
        assert_eq!(refusal(line), None, "{line}");
    }
}

#[test]
fn a_size_above_the_maximum_is_refused() {
    let text = "2026-11-23T00:00:00Z\n2026-12-05T12:00:00Z\n";
    let history = read_claims(text, 1).unwrap();
    let said = |line: &str| {
        let line = format!("plan --lead-time 150s {line}");
        let line = <Line as clap::Parser>::try_parse_from(line.split(' ')).unwrap();
        line.arguments.plan(&history).unwrap_err().to_string()
    };
    assert_eq!(
        said("--least-ready 60"),
        "LeastReady (60) is above PoolMaxSize (50)"
    );
    assert_eq!(
        said("--pool-size 9 --pool-max-size 8"),
        "PoolSize (9) is above PoolMaxSize (8)"
    );
}

#[test]
fn rates_and_amounts_are_checked() {
    assert!(hit_rate("99.9").is_ok() && hit_rate("100").is_err() && hit_rate("x").is_err());
    assert!(dollars("0.5").is_ok() && dollars("-1").is_err() && dollars("inf").is_err());
}
