//! Figures in words.

use std::fmt::Display;

/// So many of them.
pub(crate) fn counted<N: Copy + Display + PartialEq + From<u8>>(
    number: N,
    one: &str,
    many: &str,
) -> String {
    let noun = if number == N::from(1) { one } else { many };
    format!("{number} {noun}")
}

/// Seconds as minutes and seconds.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.0} s");
    }
    let minutes = (seconds.round() / 60.0).floor();
    format!("{minutes} min {:.0} s", seconds.round() - minutes * 60.0)
}

/// Hours as days, hours or minutes.
pub(crate) fn hours(hours: f64) -> String {
    if hours < 1.0 {
        format!("{:.0} min", hours * 60.0)
    } else if hours < 48.0 {
        format!("{hours:.1} h")
    } else {
        format!("{:.1} days", hours / 24.0)
    }
}

/// Dollars with as many digits as matter.
pub(crate) fn dollars(dollars: f64) -> String {
    if dollars >= 9.995 {
        format!("${}", with_commas(&format!("{dollars:.0}")))
    } else if dollars >= 0.1 || dollars == 0.0 {
        format!("${dollars:.2}")
    } else if dollars >= 0.01 {
        format!("${dollars:.3}")
    } else {
        format!("${dollars:.5}")
    }
}

/// Digits in groups of three.
fn with_commas(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!(counted(1_usize, "launch", "launches"), "1 launch");
        assert_eq!(counted(0_u32, "launch", "launches"), "0 launches");
    }

    #[test]
    fn figures_have_the_digits_that_matter() {
        assert_eq!(duration(7.4), "7 s");
        assert_eq!(duration(144.2), "2 min 24 s");
        assert_eq!(duration(119.7), "2 min 0 s");
        assert_eq!(dollars(7_357.6), "$7,358");
        assert_eq!(dollars(1_234_567.0), "$1,234,567");
        assert_eq!(dollars(184.77), "$185");
        assert_eq!(dollars(12.26), "$12");
        assert_eq!(dollars(9.99), "$9.99");
        assert_eq!(dollars(9.999), "$10");
        assert_eq!(dollars(0.014_9), "$0.015");
        assert_eq!(dollars(2.0), "$2.00");
        assert_eq!(dollars(0.589), "$0.59");
    }
}
