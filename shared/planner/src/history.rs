//! What a pool went through, as its owner can hand it in.

mod activities;
mod claims;
mod launches;

pub use activities::{Activity, of_activities, read_activities};
pub use claims::read_claims;
pub use launches::read_lead_times;

use crate::demand::{Demand, Leads};

/// A pool's past.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// When claims came: for activities, when they were served.
    pub demand: Demand,
    /// How long its launches took; none where none is in it.
    pub leads: Option<Leads>,
    /// Launches that failed.
    pub failed_launches: u32,
    /// The share of time in which no instance was ready, as far as the history shows.
    pub empty: Option<f64>,
    /// How the pool is set now, where it was asked.
    pub group: Option<Setting>,
}

/// How a pool is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Instances that it keeps ready.
    pub size: u32,
    /// The group's maximum.
    pub most: u32,
}

impl std::iter::Sum for Setting {
    fn sum<I: Iterator<Item = Self>>(settings: I) -> Self {
        settings.fold(Self { size: 0, most: 0 }, |sum, one| Self {
            size: sum.size + one.size,
            most: sum.most + one.most,
        })
    }
}

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not what `aws autoscaling describe-scaling-activities --output json` prints.
    #[error("these are not the activities that the AWS CLI prints as JSON")]
    NotActivities(#[source] serde_json::Error),
    /// A line is not as it should be.
    #[error("line {line}: {what}")]
    Line {
        /// Which one, from 1.
        line: u64,
        /// What it should be.
        what: &'static str,
    },
    /// It is no CSV.
    #[error("this is not CSV")]
    NotCsv(#[from] csv::Error),
    /// No claim is in it.
    #[error("there is no claim in it")]
    Empty,
}

/// A time as RFC 3339, or Unix seconds, in Unix milliseconds.
fn read_time(text: &str) -> Option<i64> {
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;
    let nanoseconds = match OffsetDateTime::parse(text, &Rfc3339) {
        Ok(time) => time.unix_timestamp_nanos(),
        Err(_) => return read_seconds(text),
    };
    i64::try_from(nanoseconds.div_euclid(1_000_000)).ok()
}

/// Unix seconds with a fraction, in milliseconds. Milliseconds are not taken for seconds: the year
/// must be before 2200.
fn read_seconds(text: &str) -> Option<i64> {
    let seconds: f64 = text.parse().ok()?;
    if !(0.0..7.3e9).contains(&seconds) {
        return None;
    }
    let since_1970 = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    i64::try_from(since_1970.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_or_unix_seconds() {
        for text in [
            "2026-11-23T00:00:00Z",
            "2026-11-23T01:00:00+01:00",
            "1795392000",
            "1795392000.0",
        ] {
            assert_eq!(read_time(text), Some(1_795_392_000_000), "{text}");
        }
        for text in ["", "noon", "-1", "1795392000000", "NaN", "2026-11-23"] {
            assert_eq!(read_time(text), None, "{text}");
        }
    }
}
