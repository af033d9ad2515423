//! What the functions write down about a claim where anybody can read it: the entry, a tag on the
//! target group; and the comment of its command. Text, read as loosely as a person would.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The key of an entry's tag begins so; the claim's id follows.
pub(super) const TAG: &str = "ready-pool:claim/";
/// The key of the tag on the pool by which an operator pauses it.
pub(super) const PAUSE_TAG: &str = "ready-pool:pause";
/// The comment of every claim's command begins so; the claim's key follows.
const COMMENT: &str = "ready-pool ";

/// A claim's line in the ledger: `v1 <instance or -> <attempt> <standing> <deadline> [reason]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The claim's instance; none while the last one was given up and no other is assigned.
    pub(super) instance: Option<String>,
    /// Which instance that is, counted from 1.
    pub(super) attempt: u32,
    /// How the claim stands.
    pub(super) standing: Standing,
    /// Its deadline, as written.
    pub(super) expires_at: String,
    /// Why it failed, in a word.
    pub(super) reason: Option<String>,
}

/// How a claim stands in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// It has an instance, and its end is not known.
    Assigned,
    /// Its instance is initialised.
    Ready,
    /// It ended without one.
    Failed,
}

impl Entry {
    /// Reads a tag's value; none where somebody else wrote it.
    pub(super) fn read(value: &str) -> Option<Self> {
        let mut words = value.split(' ');
        let mut next = || words.next().filter(|word| !word.is_empty());
        if next()? != "v1" {
            return None;
        }
        let instance = match next()? {
            "-" => None,
            id if id.starts_with("i-") => Some(id.to_owned()),
            _ => return None,
        };
        let attempt = next()?.parse().ok()?;
        let standing = match next()? {
            "assigned" => Standing::Assigned,
            "ready" => Standing::Ready,
            "failed" => Standing::Failed,
            _ => return None,
        };
        let expires_at = next()?.to_owned();
        // After an open one stands the instance that failed and is replaced.
        let reason = next().filter(|_| standing == Standing::Failed);
        Some(Self {
            instance,
            attempt,
            standing,
            expires_at,
            reason: reason.map(str::to_owned),
        })
    }
}

/// A claim's identity in one word: `<claim_id>@<first 8 hex digits of SHA-256 of the target>`.
pub(super) fn claim_key(id: &str, target: &str) -> String {
    let digest = Sha256::digest(target.as_bytes());
    let mut key = format!("{id}@");
    for byte in digest.iter().take(4) {
        // Writing to text never fails.
        let _ = write!(key, "{byte:02x}");
    }
    key
}

/// The comment of a claim's command.
pub(super) fn comment(id: &str, target: &str) -> String {
    format!("{COMMENT}{}", claim_key(id, target))
}

/// Whether a command's comment names a claim with this id, whatever its target is.
pub(super) fn names_claim(comment: &str, id: &str) -> bool {
    let key = comment.strip_prefix(COMMENT);
    key.and_then(|key| key.rsplit_once('@'))
        .is_some_and(|(named, _)| named == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_is_written() {
        let read = |value| Entry::read(value).unwrap();
        let open = read("v1 i-1 2 assigned 2026-11-22T20:15:00Z");
        assert_eq!(
            (open.instance.as_deref(), open.attempt, open.standing),
            (Some("i-1"), 2, Standing::Assigned)
        );
        assert_eq!(open.expires_at, "2026-11-22T20:15:00Z");
        assert_eq!(open.reason, None);
        let replaced = read("v1 - 2 assigned 2026-11-22T20:15:00Z i-1");
        assert_eq!((replaced.instance, replaced.reason), (None, None));
        let failed = read("v1 - 3 failed 2026-11-22T20:15:00Z expired and more");
        assert_eq!(
            (failed.instance, failed.reason.as_deref(), failed.standing),
            (None, Some("expired"), Standing::Failed)
        );
    }

    #[test]
    fn what_somebody_else_wrote_is_no_entry() {
        for value in [
            "",
            "v1",
            "v2 i-1 1 ready x",
            "v1 me 1 ready x",
            "v1 - one ready x",
            "v1 - 1 done x",
            "v1 - 1 ready",
            "v1  - 1 ready x",
        ] {
            assert_eq!(Entry::read(value), None, "{value:?}");
        }
    }

    /// The same key as `ClaimKey` in shared/core has it.
    #[test]
    fn a_key_tells_targets_apart() {
        assert_eq!(
            claim_key("signup-1", "asg-production-1337"),
            "signup-1@e0add41d"
        );
        assert_ne!(claim_key("c", "a"), claim_key("c", "b"));
    }

    #[test]
    fn a_comment_names_its_claim_and_no_other() {
        let text = comment("signup-1", "t");
        assert!(names_claim(&text, "signup-1"));
        for other in ["signup-11", "signup", ""] {
            assert!(!names_claim(&text, other), "{other:?}");
        }
        assert!(!names_claim("signup-1@01234567", "signup-1"));
    }
}
