//! What replenish-pool must remember between two passes: tags on the retirement group, one for
//! each instance that it watches or takes out.

use ready_pool_core::Timestamp;
use ready_pool_core::group::Group;
use ready_pool_core::ids::InstanceId;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use time::format_description::well_known::Rfc3339;

/// What a note's tag key starts with; the instance follows.
pub const KEY_PREFIX: &str = "ready-pool:note/";

/// The tag key of an instance's note.
pub fn tag_key(instance: &InstanceId) -> String {
    format!("{KEY_PREFIX}{instance}")
}

/// What is noted of an instance. As a tag value: `suspect <since>` or `retiring <since>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Note {
    /// How far it is.
    pub stage: Stage,
    /// Since when.
    pub since: Timestamp,
}

/// How far an instance is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Something was wrong at one look: a second must agree.
    Suspect,
    /// It is to be taken out.
    Retiring,
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.since.format(&Rfc3339).map_err(|_| fmt::Error)?;
        match self.stage {
            Stage::Suspect => write!(formatter, "suspect {since}"),
            Stage::Retiring => write!(formatter, "retiring {since}"),
        }
    }
}

/// A tag value under our key that is no note.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a note: {0:?}")]
pub struct NotANote(String);

impl FromStr for Note {
    type Err = NotANote;

    fn from_str(value: &str) -> Result<Self, NotANote> {
        let refuse = || NotANote(value.to_owned());
        let (stage, since) = value.split_once(' ').ok_or_else(refuse)?;
        let stage = match stage {
            "suspect" => Stage::Suspect,
            "retiring" => Stage::Retiring,
            _ => return Err(refuse()),
        };
        let since = Timestamp::parse(since, &Rfc3339).map_err(|_| refuse())?;
        Ok(Self { stage, since })
    }
}

/// All notes of the retirement group.
pub fn of(retirement: &Group) -> BTreeMap<InstanceId, Note> {
    retirement
        .tags
        .iter()
        .filter_map(|(key, value)| {
            let instance = InstanceId::try_from(key.strip_prefix(KEY_PREFIX)?).ok()?;
            Some((instance, value.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_note_reads_back() {
        for (stage, text) in [
            (Stage::Suspect, "suspect 2026-11-22T20:00:00Z"),
            (Stage::Retiring, "retiring 2026-11-22T20:00:00Z"),
        ] {
            let note = Note {
                stage,
                since: datetime!(2026-11-22 20:00 UTC),
            };
            assert_eq!(note.to_string(), text);
            assert_eq!(text.parse(), Ok(note));
        }
        for bad in ["", "suspect", "retiring soon", "gone 2026-11-22T20:00:00Z"] {
            assert!(bad.parse::<Note>().is_err(), "{bad:?} was accepted");
        }
    }
}
