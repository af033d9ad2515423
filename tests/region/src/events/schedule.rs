//! Schedule expressions.

use std::time::Duration;

/// Reads `rate(5 minutes)`. `cron(…)` and `at(…)` are errors: nothing here needs them.
pub fn parse_rate(expression: &str) -> Result<Duration, String> {
    let refused = |why: &str| format!("schedule `{expression}`: {why}");
    let inner = expression
        .strip_prefix("rate(")
        .and_then(|rest| rest.strip_suffix(')'))
        .ok_or_else(|| refused("the simulated region knows only rate(…)"))?;
    let (number, unit) = inner
        .split_once(' ')
        .ok_or_else(|| refused("a number and a unit are expected"))?;
    let number: u64 = number
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| refused("the number must be positive"))?;
    let seconds = match unit {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3_600,
        "day" | "days" => 86_400,
        _ => return Err(refused("the unit must be minutes, hours or days")),
    };
    // EventBridge insists on the grammar.
    if (number == 1) == unit.ends_with('s') {
        return Err(refused("the unit is singular for 1 and plural for more"));
    }
    Ok(Duration::from_secs(number * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        assert_eq!(parse_rate("rate(1 minute)"), Ok(Duration::from_mins(1)));
        assert_eq!(parse_rate("rate(2 hours)"), Ok(Duration::from_hours(2)));
        for wrong in [
            "rate(1 minutes)",
            "rate(0 minutes)",
            "cron(0 * * * ? *)",
            "rate(5 weeks)",
        ] {
            assert!(parse_rate(wrong).is_err(), "{wrong}");
        }
    }
}
