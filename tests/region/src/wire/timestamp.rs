//! Times as AWS writes them.

use serde_json::{Number, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// `2026-11-22T20:15:00.123Z`, as in the query protocol's answers.
///
/// # Panics
/// For a year that does not have four digits.
pub fn iso_millis(time: OffsetDateTime) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    time.to_offset(time::UtcOffset::UTC)
        .format(format)
        .expect("a year of four digits")
}

/// `2026-11-22T20:15:00Z`, as in events.
///
/// # Panics
/// For a year that does not have four digits.
pub fn iso_seconds(time: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    time.to_offset(time::UtcOffset::UTC)
        .format(format)
        .expect("a year of four digits")
}

/// Seconds since 1970 with milliseconds, as in AWS JSON.
pub fn epoch_seconds(time: OffsetDateTime) -> Value {
    let millis = time.unix_timestamp_nanos() / 1_000_000;
    #[allow(clippy::cast_precision_loss, reason = "milliseconds fit into 53 bits")]
    let seconds = millis as f64 / 1_000.0;
    Number::from_f64(seconds).map_or(Value::Null, Value::Number)
}

/// Reads an ISO 8601 time, as clients send it in the query protocol.
pub fn parse_iso(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_are_written_as_aws_does() {
        let time = datetime!(2026-11-22 20:15:00.123456 UTC);
        assert_eq!(iso_millis(time), "2026-11-22T20:15:00.123Z");
        assert_eq!(iso_seconds(time), "2026-11-22T20:15:00Z");
        assert_eq!(epoch_seconds(time).to_string(), "1795378500.123");
        assert_eq!(parse_iso("2026-11-22T20:15:00.123456Z"), Some(time));
    }
}
