//! The ledger: one tag on the target group per open claim. There is no database.

use crate::Timestamp;
use crate::ids::{Attempt, ClaimId, InstanceId};
use crate::reason::Reason;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use time::format_description::well_known::Rfc3339;

/// What every entry's tag key starts with; the claim id follows.
pub const KEY_PREFIX: &str = "ready-pool:claim/";

/// For how long after a claim's deadline its settled entry is kept. A command sent in the last
/// moment may run for six hours, and its event must still find the entry; late repeats of the
/// claim hear the known outcome meanwhile.
pub const ENTRY_KEPT_AFTER_DEADLINE: Duration = Duration::from_hours(8);

/// A command older than this, without an entry, was settled and its entry removed: an entry lives
/// for [`ENTRY_KEPT_AFTER_DEADLINE`] after a deadline that was at most four hours ahead.
pub const ENTRY_OUTLIVES_COMMAND: Duration = Duration::from_hours(8);

/// The tag key of a claim's entry: at most 81 of the 128 characters that AWS allows.
pub fn tag_key(claim_id: &ClaimId) -> String {
    format!("{KEY_PREFIX}{claim_id}")
}

/// The claim id of an entry's tag key.
pub fn claim_id_of(tag_key: &str) -> Option<ClaimId> {
    ClaimId::try_from(tag_key.strip_prefix(KEY_PREFIX)?).ok()
}

/// All entries among a group's tags.
pub fn entries_in(tags: &BTreeMap<String, String>) -> impl Iterator<Item = (ClaimId, Entry)> + '_ {
    tags.iter()
        .filter_map(|(key, value)| Some((claim_id_of(key)?, value.parse().ok()?)))
}

/// A claim's line in the ledger. As a tag value:
/// `v1 <instance-id> <attempt> assigned|ready|failed <expires_at> [reason | instance-id]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The claim's instance; `None` (written `-`) when the last one was given up and no other is
    /// assigned yet.
    pub instance: Option<InstanceId>,
    /// Which attempt that is.
    pub attempt: Attempt,
    /// How the claim stands.
    pub standing: Standing,
    /// The claim's deadline.
    pub expires_at: Timestamp,
    /// Whose place the next instance takes: one whose init failed, and which is on its way out. Only
    /// of an open entry without an instance.
    pub instead_of: Option<InstanceId>,
}

/// How a claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Open: an instance was chosen, the end is not known.
    Assigned,
    /// Settled: the instance is initialised.
    Ready,
    /// Settled: it will not be; the reason is kept so that a repeated claim hears it again.
    Failed(Reason),
}

impl Entry {
    /// Whether the claim's end is not known yet.
    pub fn is_open(&self) -> bool {
        self.standing == Standing::Assigned
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instance = self.instance.as_ref().map_or("-", InstanceId::as_str);
        let expires_at = self.expires_at.format(&Rfc3339).map_err(|_| fmt::Error)?;
        let attempt = self.attempt;
        match self.standing {
            Standing::Assigned => {
                write!(formatter, "v1 {instance} {attempt} assigned {expires_at}")?;
                match &self.instead_of {
                    Some(failed) => write!(formatter, " {failed}"),
                    None => Ok(()),
                }
            }
            Standing::Ready => write!(formatter, "v1 {instance} {attempt} ready {expires_at}"),
            Standing::Failed(reason) => {
                write!(
                    formatter,
                    "v1 {instance} {attempt} failed {expires_at} {}",
                    reason.code()
                )
            }
        }
    }
}

/// A tag value under our key that is no entry: somebody else wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a ledger entry: {0:?}")]
pub struct NotAnEntry(String);

impl FromStr for Entry {
    type Err = NotAnEntry;

    /// Reads a tag value. Further words at the end are tolerated: a newer version may add some.
    fn from_str(value: &str) -> Result<Self, NotAnEntry> {
        let refuse = || NotAnEntry(value.to_owned());
        let mut words = value.split(' ');
        let mut next = || words.next().ok_or_else(refuse);
        if next()? != "v1" {
            return Err(refuse());
        }
        let instance = match next()? {
            "-" => None,
            id => Some(InstanceId::try_from(id).map_err(|_| refuse())?),
        };
        let is_without_instance = instance.is_none();
        let attempt = next()?.parse().map_err(|_| refuse())?;
        let standing = next()?;
        let expires_at = Timestamp::parse(next()?, &Rfc3339).map_err(|_| refuse())?;
        let mut instead_of = None;
        let standing = match standing {
            "assigned" => {
                instead_of = next().ok().and_then(|id| InstanceId::try_from(id).ok());
                Standing::Assigned
            }
            "ready" => Standing::Ready,
            "failed" => Standing::Failed(
                next()
                    .ok()
                    .and_then(Reason::from_code)
                    .unwrap_or(Reason::Other),
            ),
            _ => return Err(refuse()),
        };
        Ok(Self {
            instance,
            attempt,
            standing,
            expires_at,
            instead_of: instead_of.filter(|_| is_without_instance),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn an_entry_is_readable_in_the_console_and_reads_back() {
        let entry = |instance: Option<&str>, standing| Entry {
            instance: instance.map(|id| InstanceId::try_from(id).unwrap()),
            attempt: 2,
            standing,
            expires_at: datetime!(2026-11-22 20:15 UTC),
            instead_of: None,
        };
        let cases = [
            (
                Entry {
                    instead_of: Some(InstanceId::try_from("i-0123456789abcdef0").unwrap()),
                    ..entry(None, Standing::Assigned)
                },
                "v1 - 2 assigned 2026-11-22T20:15:00Z i-0123456789abcdef0",
            ),
            (
                entry(Some("i-0123456789abcdef0"), Standing::Assigned),
                "v1 i-0123456789abcdef0 2 assigned 2026-11-22T20:15:00Z",
            ),
            (
                entry(Some("i-0123456789abcdef0"), Standing::Ready),
                "v1 i-0123456789abcdef0 2 ready 2026-11-22T20:15:00Z",
            ),
            (
                entry(None, Standing::Failed(Reason::Expired)),
                "v1 - 2 failed 2026-11-22T20:15:00Z expired",
            ),
        ];
        for (entry, text) in cases {
            assert_eq!(entry.to_string(), text);
            assert_eq!(text.parse(), Ok(entry));
        }
    }

    #[test]
    fn a_newer_version_s_words_are_tolerated() {
        let entry: Entry = "v1 - 1 failed 2026-11-22T20:15:00Z melted soon"
            .parse()
            .unwrap();
        assert_eq!(entry.standing, Standing::Failed(Reason::Other));
        assert!(
            "v1 - 1 assigned 2026-11-22T20:15:00Z more"
                .parse::<Entry>()
                .is_ok()
        );
        let named: Entry = "v1 i-01234567 1 assigned 2026-11-22T20:15:00Z i-89abcdef"
            .parse()
            .unwrap();
        assert_eq!(named.instead_of, None, "it has an instance");
    }

    #[test]
    fn what_somebody_else_wrote_is_no_entry() {
        for value in [
            "",
            "v2 - 1 ready 2026-11-22T20:15:00Z",
            "v1 i-zz 1 ready 2026-11-22T20:15:00Z",
            "v1 - x ready 2026-11-22T20:15:00Z",
            "v1 - 1 done 2026-11-22T20:15:00Z",
            "v1 - 1 ready soon",
            "v1 - 1 ready",
        ] {
            assert!(value.parse::<Entry>().is_err(), "{value:?} was accepted");
        }
    }

    #[test]
    fn keys_hold_the_claim_id() {
        let claim_id = ClaimId::try_from("signup-1").unwrap();
        assert_eq!(tag_key(&claim_id), "ready-pool:claim/signup-1");
        assert_eq!(claim_id_of("ready-pool:claim/signup-1"), Some(claim_id));
        assert_eq!(claim_id_of("ready-pool:pool"), None);
        assert_eq!(claim_id_of("ready-pool:claim/a b"), None);
    }
}
