//! Conversions between whole numbers and figures, where Rust asks to be explicit.

/// The nearest 32-bit float, as a tag holds it. What is nearer to 0 than 1e-9 is 0.
#[expect(
    clippy::cast_possible_truncation,
    reason = "to lose the digits that a tag does not hold is what this is for"
)]
pub(crate) fn single(figure: f64) -> f32 {
    if figure.abs() < 1e-9 {
        0.0
    } else {
        figure as f32
    }
}

/// A figure as it reads back from a tag.
pub(crate) fn as_a_tag_holds_it(figure: f64) -> f64 {
    f64::from(single(figure))
}

/// A figure in minutes or digits as a whole number, 0 where it is below 0 or not a number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, which is what is wanted"
)]
pub(crate) fn whole(figure: f64) -> u32 {
    figure as u32
}
