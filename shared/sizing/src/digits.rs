//! Figures in three characters.
//!
//! Characters are digits to base 64, the highest first. A figure is written by its logarithm: 0.001
//! to a million in steps of 0.008 %, so that slow means still move.

use crate::number::whole;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// The least figure, but for 0; half of it and less is 0.
const LEAST: f64 = 0.001;
/// The greatest, as a multiple of the least.
const RANGE: f64 = 1e9;
/// The greatest figure's code; the least figure's is 1.
const GREATEST_CODE: f64 = 262_143.0;

/// Appends a number in so many digits.
pub(crate) fn push(text: &mut String, number: u32, digits: usize) {
    for place in (0..digits).rev() {
        let digit = number >> (6 * place) & 63;
        let digit = ALPHABET.get(usize::try_from(digit).unwrap_or(0));
        text.push(char::from(*digit.unwrap_or(&b'A')));
    }
}

/// Reads a number of a few digits; none where one of them is no digit.
pub(crate) fn read(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number: u32, digit| {
        let value = ALPHABET.iter().position(|known| known == digit)?;
        Some(number << 6 | u32::try_from(value).ok()?)
    })
}

/// A figure's code.
pub(crate) fn of_figure(figure: f64) -> u32 {
    if figure < LEAST / 2.0 {
        return 0;
    }
    let code = 1.0 + (GREATEST_CODE - 1.0) * (figure / LEAST).ln() / RANGE.ln();
    whole(code.round().clamp(1.0, GREATEST_CODE))
}

/// The figure that a code stands for.
pub(crate) fn figure(code: u32) -> f64 {
    if code == 0 {
        return 0.0;
    }
    LEAST * RANGE.powf((f64::from(code) - 1.0) / (GREATEST_CODE - 1.0))
}

/// A figure as it reads back.
pub(crate) fn rounded(exactly: f64) -> f64 {
    figure(of_figure(exactly))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_reads_back_within_a_hundredth_of_a_percent() {
        for exactly in [0.001, 0.0123, 1.0, 17.5, 4_095.0, 999_999.0] {
            let read = rounded(exactly);
            assert!((read / exactly - 1.0).abs() < 0.000_1, "{exactly}: {read}");
            assert_eq!(
                of_figure(read),
                of_figure(exactly),
                "{exactly} stays as it is"
            );
        }
        assert_eq!(of_figure(0.000_499), 0);
        assert_eq!(of_figure(1e12), 262_143);
        assert_eq!(of_figure(f64::NAN), 0);
    }

    #[test]
    fn numbers_are_written_highest_digit_first() {
        let mut text = String::new();
        push(&mut text, 0, 3);
        push(&mut text, 262_143, 3);
        push(&mut text, 65, 2);
        assert_eq!(text, "AAA___BB");
        assert_eq!(read(b"___"), Some(262_143));
        assert_eq!(read(b"BB"), Some(65));
        assert_eq!(read(b"B="), None);
    }
}
