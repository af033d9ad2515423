//! Values of options, refused in words of our own.

use std::ops::RangeInclusive;
use std::time::Duration;

/// A variable of the script's environment.
pub(super) fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "NAME=VALUE is expected".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A tag of a target that is made.
pub(super) fn tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| "KEY=VALUE is expected".to_owned())?;
    Ok((key.to_owned(), value.to_owned()))
}

/// The price of one pool's instances.
pub(super) fn price(text: &str) -> Result<(String, f64), String> {
    let (pool, price) = text
        .split_once('=')
        .ok_or_else(|| "POOL=DOLLARS is expected".to_owned())?;
    Ok((pool.to_owned(), ready_pool_planner::price(price)?))
}

/// A duration with its unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "a duration is a number and its unit: 90s, 15m or 2h".to_owned();
    let (number, unit) = text
        .find(|letter: char| !letter.is_ascii_digit())
        .and_then(|at| text.split_at_checked(at))
        .ok_or_else(expected)?;
    let number: u64 = number.parse().map_err(|_| expected())?;
    let seconds = match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        _ => None,
    };
    seconds
        .and_then(|seconds| number.checked_mul(seconds))
        .map(Duration::from_secs)
        .ok_or_else(expected)
}

/// A whole number of this range.
pub(super) fn number<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        let (least, most) = (range.start(), range.end());
        number.ok_or_else(|| format!("a whole number from {least} to {most}"))
    }
}
