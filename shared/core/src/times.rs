//! When each step of a claim happened, as far as it is known. There is no database: the times
//! travel with the hand-over, then in the first line of the script ([`crate::script`]), which the
//! command's history gives back.

use crate::Timestamp;
#[cfg(feature = "schema")]
use crate::schema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use time::format_description::well_known::Rfc3339;

/// When each step of a claim happened. Each may be absent: the step was not reached, or whoever
/// knew of it died.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Times {
    /// The queue took the claim.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "schema::Moment"))]
    pub sent: Option<Timestamp>,
    /// An instance was found for it and entered in the ledger: the waiting was over.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "schema::Moment"))]
    pub entered: Option<Timestamp>,
    /// The pool let go of the instance.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "schema::Moment"))]
    pub detached: Option<Timestamp>,
    /// The target took the instance.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "schema::Moment"))]
    pub attached: Option<Timestamp>,
    /// Systems Manager took the init command.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "schema::Moment"))]
    pub command_sent: Option<Timestamp>,
    /// The init script ended on the instance.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "schema::Moment"))]
    pub ended: Option<Timestamp>,
}

impl Times {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How long the claim waited for an instance.
    pub fn waited(&self) -> Option<Duration> {
        between(self.sent, self.entered)
    }

    /// How long the instance took from the pool to its target.
    pub fn moved(&self) -> Option<Duration> {
        between(self.entered, self.attached)
    }

    /// How long the init command took, its way to the instance included.
    pub fn initialised(&self) -> Option<Duration> {
        between(self.command_sent, self.ended)
    }

    /// How long everything took, to this moment.
    pub fn from_sent_to(&self, moment: Timestamp) -> Option<Duration> {
        between(self.sent, Some(moment))
    }

    /// The steps before the command as words: `sent 2026-11-23T02:00:00Z`, ….
    pub(crate) fn words(&self) -> Vec<String> {
        let steps = [
            ("sent", self.sent),
            ("entered", self.entered),
            ("detached", self.detached),
            ("attached", self.attached),
        ];
        steps
            .into_iter()
            .filter_map(|(step, moment)| {
                let moment = whole_milliseconds(moment?).format(&Rfc3339).ok()?;
                Some(format!("{step} {moment}"))
            })
            .collect()
    }

    /// Reads one of those words; one that it does not know changes nothing.
    pub(crate) fn take_word(&mut self, step: &str, moment: &str) {
        let place = match step {
            "sent" => &mut self.sent,
            "entered" => &mut self.entered,
            "detached" => &mut self.detached,
            "attached" => &mut self.attached,
            _ => return,
        };
        *place = Timestamp::parse(moment, &Rfc3339).ok();
    }
}

/// None where one is unknown, or where two clocks disagree on what came first.
fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<Duration> {
    Duration::try_from(to? - from?).ok()
}

/// A moment to the nearest millisecond: nobody's clock here is better, and AWS's floating-point seconds
/// have noise below it.
pub fn whole_milliseconds(moment: Timestamp) -> Timestamp {
    const NANOSECONDS: i128 = 1_000_000;
    let rounded = (moment.unix_timestamp_nanos() + NANOSECONDS / 2).div_euclid(NANOSECONDS);
    Timestamp::from_unix_timestamp_nanos(rounded * NANOSECONDS).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn durations_need_both_ends_in_order() {
        let times = Times {
            sent: Some(datetime!(2026-11-23 02:00 UTC)),
            entered: Some(datetime!(2026-11-23 02:00:01.5 UTC)),
            command_sent: Some(datetime!(2026-11-23 02:00:09 UTC)),
            ended: Some(datetime!(2026-11-23 02:00:08 UTC)),
            ..Times::default()
        };
        assert_eq!(times.waited(), Some(Duration::from_millis(1_500)));
        assert_eq!(times.moved(), None);
        assert_eq!(times.initialised(), None);
        let end = datetime!(2026-11-23 02:00:10 UTC);
        assert_eq!(times.from_sent_to(end), Some(Duration::from_secs(10)));
    }

    #[test]
    fn moments_are_rounded_to_milliseconds() {
        assert_eq!(
            whole_milliseconds(datetime!(2026-11-23 02:00:00.249_999_9 UTC)),
            datetime!(2026-11-23 02:00:00.25 UTC)
        );
        let before_1970 = datetime!(1969-12-31 23:59:59.9991 UTC);
        assert_eq!(
            whole_milliseconds(before_1970),
            datetime!(1969-12-31 23:59:59.999 UTC)
        );
    }
}
