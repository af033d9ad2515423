//! How long launches take, as a list.

use super::ReadError;
use crate::demand::Leads;

/// Reads seconds from a launch's cause to the instance's being ready, one a line; lines with `#` are
/// notes.
pub fn read_lead_times(text: &str) -> Result<Leads, ReadError> {
    let mut seconds = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        seconds.push(text.parse().map_err(|_| ReadError::Line {
            line,
            what: "this must be seconds",
        })?);
    }
    Leads::of_seconds(seconds).ok_or(ReadError::Empty)
}
