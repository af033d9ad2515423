//! A claim's deadline as senders write it.
//!
//! It is absolute either way, so it survives redrives and redeliveries: a moment, or a number of
//! seconds after a moment that the message itself names. The second form is for senders that
//! cannot calculate, as EventBridge's input transformers: they know when their event happened.

use crate::Timestamp;
use crate::seconds;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serializer};
use std::fmt;
use time::Duration;
use time::format_description::well_known::Rfc3339;

/// So many seconds after a moment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecondsAfter {
    #[serde(deserialize_with = "seconds::deserialize")]
    seconds: u32,
    #[serde(deserialize_with = "moment")]
    after: Timestamp,
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    parse(&String::deserialize(deserializer)?)
}

fn parse<E: Error>(text: &str) -> Result<Timestamp, E> {
    Timestamp::parse(text, &Rfc3339)
        .map_err(|_| E::custom("must be an RFC 3339 time with its zone, as 2026-11-22T20:15:00Z"))
}

struct Deadline;

impl<'de> Visitor<'de> for Deadline {
    type Value = Timestamp;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(r#"an RFC 3339 time, or {"seconds": number, "after": time}"#)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
        parse(text)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Timestamp, A::Error> {
        let given = SecondsAfter::deserialize(MapAccessDeserializer::new(map))?;
        let lifetime = Duration::seconds(given.seconds.into());
        given
            .after
            .checked_add(lifetime)
            .ok_or_else(|| A::Error::custom("lies beyond the calendar"))
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Timestamp, D::Error> {
    deserializer.deserialize_any(Deadline)
}

/// Always the plain form.
pub(crate) fn serialize<S: Serializer>(
    deadline: &Timestamp,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time::serde::rfc3339::serialize(deadline, serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;
    use serde_json::{Value, json};
    use time::macros::datetime;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Message {
        #[serde(with = "super")]
        expires_at: Timestamp,
    }

    fn read(deadline: &Value) -> Result<Timestamp, String> {
        serde_json::from_value::<Message>(json!({ "expires_at": deadline }))
            .map(|message| message.expires_at)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_deadline_is_a_moment_or_seconds_after_one() {
        let expected = datetime!(2026-11-22 20:15 UTC);
        assert_eq!(read(&json!("2026-11-22T20:15:00Z")), Ok(expected));
        let counted = json!({"seconds": 900, "after": "2026-11-22T21:00:00+01:00"});
        assert_eq!(read(&counted), Ok(expected));
    }

    #[test]
    fn it_is_written_as_a_moment() {
        let counted = json!({"expires_at": {"seconds": 900, "after": "2026-11-22T20:00:00Z"}});
        let message: Message = serde_json::from_value(counted).unwrap();
        assert_eq!(
            serde_json::to_value(message).unwrap(),
            json!({"expires_at": "2026-11-22T20:15:00Z"})
        );
    }

    #[test]
    fn anything_else_is_refused_with_what_to_fix() {
        let cases = [
            (json!("tomorrow"), "must be an RFC 3339 time with its zone"),
            (
                json!("2026-11-22T20:15:00"),
                "must be an RFC 3339 time with its zone",
            ),
            (json!(1_795_374_900), r#"an RFC 3339 time, or {"seconds""#),
            (json!({"seconds": 900}), "missing field `after`"),
            (
                json!({"after": "2026-11-22T20:00:00Z"}),
                "missing field `seconds`",
            ),
            (
                json!({"seconds": -1, "after": "2026-11-22T20:00:00Z"}),
                "expected a whole number of seconds",
            ),
            (
                json!({"seconds": 1, "after": "2026-11-22T20:00:00Z", "unit": "hours"}),
                "unknown field `unit`",
            ),
            (
                json!({"seconds": u32::MAX, "after": "9999-12-31T23:59:59Z"}),
                "lies beyond the calendar",
            ),
        ];
        for (deadline, expected) in cases {
            let problem = read(&deadline).unwrap_err();
            assert!(problem.contains(expected), "{deadline}: {problem}");
        }
    }
}
