//! The messages between our functions. Versioned, and tolerant of fields they do not know, so
//! that upgrades and roll-backs work while messages are in flight.

use crate::Timestamp;
use crate::attach_when::AttachWhen;
use crate::claim::{Claim, Init, WhenEmpty};
use crate::ids::{Attempt, ClaimId, ClaimKey, GroupName, InstanceId, MessageId};
use crate::init_failure::OnInitFailure;
use crate::preferences::Preferences;
#[cfg(feature = "schema")]
use crate::schema;
use crate::times::Times;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Version of the messages between our functions.
pub const VERSION: u8 = 1;

/// A message between our functions. The tag field `ready_pool` tells it from a public one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "ready_pool", rename_all = "kebab-case")]
pub enum Message {
    /// claim-instance to init-instance: this instance is detached for this claim.
    HandOver(HandOver),
    /// replenish-pool or claim-instance to init-instance: see how this claim stands.
    LookAgain(LookAgain),
    /// init-instance to claim-instance: this claim needs another instance. And claim-instance to itself: this
    /// claim stepped aside.
    Retry(Retry),
}

/// A claim as it travels between our functions: the public message, but tolerant. Never a dry
/// run: those end where they are read. Nor what it says of a target to be made: one that is gone while its
/// claim is under way was deleted by somebody who meant it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct CarriedClaim {
    claim_id: ClaimId,
    target_group: GroupName,
    init: CarriedInit,
    when_empty: WhenEmpty,
    #[serde(default, skip_serializing_if = "CarriedPreferences::is_empty")]
    preferences: CarriedPreferences,
    #[serde(default, skip_serializing_if = "OnInitFailure::is_default")]
    on_init_failure: OnInitFailure,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protect: Option<bool>,
    #[serde(default, skip_serializing_if = "AttachWhen::is_default")]
    attach_when: AttachWhen,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "schema::Moment"))]
    expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct CarriedInit {
    commands: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    working_directory: Option<String>,
    execution_timeout_seconds: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct CarriedPreferences {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    zones: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    instance_types: Vec<String>,
}

impl CarriedPreferences {
    fn is_empty(&self) -> bool {
        self.zones.is_empty() && self.instance_types.is_empty()
    }
}

impl From<Claim> for CarriedClaim {
    fn from(claim: Claim) -> Self {
        Self {
            claim_id: claim.claim_id,
            target_group: claim.target_group,
            init: CarriedInit {
                commands: claim.init.commands,
                environment: claim.init.environment,
                working_directory: claim.init.working_directory,
                execution_timeout_seconds: claim.init.execution_timeout_seconds,
            },
            when_empty: claim.when_empty,
            preferences: CarriedPreferences {
                zones: claim.preferences.zones,
                instance_types: claim.preferences.instance_types,
            },
            on_init_failure: claim.on_init_failure,
            protect: claim.protect,
            attach_when: claim.attach_when,
            expires_at: claim.expires_at,
        }
    }
}

impl From<CarriedClaim> for Claim {
    fn from(carried: CarriedClaim) -> Self {
        Self {
            claim_id: carried.claim_id,
            target_group: carried.target_group,
            init: Init {
                commands: carried.init.commands,
                environment: carried.init.environment,
                working_directory: carried.init.working_directory,
                execution_timeout_seconds: carried.init.execution_timeout_seconds,
            },
            when_empty: carried.when_empty,
            preferences: Preferences {
                zones: carried.preferences.zones,
                instance_types: carried.preferences.instance_types,
            },
            on_init_failure: carried.on_init_failure,
            protect: carried.protect,
            create_target: None,
            attach_when: carried.attach_when,
            dry_run: false,
            expires_at: carried.expires_at,
        }
    }
}

/// A claim in its tolerant form, for where there is no message: its own script.
pub(crate) fn to_value(claim: Claim) -> Option<Value> {
    serde_json::to_value(CarriedClaim::from(claim)).ok()
}

/// Reads it again.
pub(crate) fn from_value(value: Value) -> Option<Claim> {
    let carried: CarriedClaim = serde_json::from_value(value).ok()?;
    Some(carried.into())
}

/// `claim` crosses the wire in its tolerant form.
mod carried {
    use super::{CarriedClaim, Claim};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        claim: &Claim,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        CarriedClaim::from(claim.clone()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Claim, D::Error> {
        CarriedClaim::deserialize(deserializer).map(Claim::from)
    }
}

/// An instance is detached for a claim: attach it, send it the init command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HandOver {
    /// Version of the format.
    pub version: u8,
    /// The claim, whole.
    #[serde(with = "carried", flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "CarriedClaim"))]
    pub claim: Claim,
    /// Which attempt this is.
    pub attempt: Attempt,
    /// The instance.
    pub instance_id: InstanceId,
    /// When what is behind the claim happened.
    #[serde(default, skip_serializing_if = "Times::is_empty")]
    pub times: Times,
}

impl HandOver {
    /// InitQueue lets one instance through per attempt of a claim: the deduplication id is *not*
    /// the instance's.
    pub fn deduplication_id(&self) -> String {
        format!("{}#{}", self.claim.key(), self.attempt)
    }
}

/// See how a claim stands, and settle it if it can be settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LookAgain {
    /// Version of the format.
    pub version: u8,
    /// The claim.
    pub claim_id: ClaimId,
    /// Its target.
    pub target_group: GroupName,
    /// Its instance; none while the last one was given up and no other is assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<InstanceId>,
    /// Which attempt that is.
    pub attempt: Attempt,
    /// Its deadline.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "schema::Moment"))]
    pub expires_at: Timestamp,
}

impl LookAgain {
    /// The claim's identity in one word.
    pub fn key(&self) -> ClaimKey {
        ClaimKey::new(&self.claim_id, &self.target_group)
    }

    /// Looks stand in line with everything else that happens to the instance.
    pub fn group_id(&self) -> String {
        self.instance_id
            .as_ref()
            .map_or_else(|| self.key().to_string(), ToString::to_string)
    }

    /// One look per claim and minute is enough.
    pub fn deduplication_id(&self, now: Timestamp) -> String {
        format!("look:{}:{}", self.key(), now.unix_timestamp() / 60)
    }
}

/// A claim needs another instance; or it stepped aside, and goes on at the end of the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Retry {
    /// Version of the format.
    pub version: u8,
    /// The claim, whole.
    #[serde(with = "carried", flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "CarriedClaim"))]
    pub claim: Claim,
    /// Which attempt is asked for.
    pub attempt: Attempt,
    /// Whether the claim was given an instance before: then it cannot be rejected any more, and ends as failed.
    /// Absent means yes. Not so where a claim stepped aside that nothing was begun for.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub begun: bool,
    /// When what is behind the claim happened.
    #[serde(default, skip_serializing_if = "Times::is_empty")]
    pub times: Times,
}

/// What deduplication ids of claims that stepped aside begin with.
const ASIDE: &str = "aside:";

impl Retry {
    /// Asking twice for the same attempt is asking once.
    pub fn deduplication_id(&self) -> String {
        format!("retry:{}#{}", self.claim.key(), self.attempt)
    }

    /// Of a claim that steps aside: fresh on each lap, and the same where it is sent again instead of the same
    /// message. ([`Self::deduplication_id`] would be swallowed on a second lap within five minutes, and the
    /// claim lost.)
    pub fn deduplication_id_aside(replaced: &MessageId) -> String {
        format!("{ASIDE}{replaced}")
    }
}

/// Whether a message with this deduplication id is a claim's that stepped aside.
pub fn stepped_aside(deduplication_id: &str) -> bool {
    deduplication_id.starts_with(ASIDE)
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_yes(value: &bool) -> bool {
    *value
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_hand_over_reads_back_and_tolerates_what_a_newer_version_adds() {
        let mut json = json!({
            "ready_pool": "hand-over", "version": 1,
            "claim_id": "signup-1", "target_group": "asg-1",
            "init": {"commands": ["true"], "environment": {}, "working_directory": null, "execution_timeout_seconds": 600},
            "when_empty": "wait", "expires_at": "2026-11-22T20:15:00Z",
            "preferences": {"zones": ["eu-west-1a"], "instance_types": ["m5.large"]},
            "on_init_failure": "keep",
            "attempt": 1, "instance_id": "i-0123456789abcdef0"
        });
        let message: Message = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&message).unwrap(), json);
        json["init"]["shell"] = json!("fish");
        json["preferences"]["architecture"] = json!("arm64");
        json["colour"] = json!("blue");
        assert_eq!(serde_json::from_value::<Message>(json).unwrap(), message);
        let Message::HandOver(hand_over) = message else {
            panic!("not a hand-over");
        };
        assert!(hand_over.deduplication_id().ends_with("#1"));
        assert!(!hand_over.deduplication_id().contains("i-0123"));
    }

    #[test]
    fn a_retry_that_says_nothing_was_begun_and_older_readers_take_one_that_was_not_for_it() {
        let mut json = json!({
            "ready_pool": "retry", "version": 1,
            "claim_id": "signup-1", "target_group": "asg-1",
            "init": {"commands": ["true"], "environment": {}, "working_directory": null, "execution_timeout_seconds": 600},
            "when_empty": "wait", "expires_at": "2026-11-22T20:15:00Z", "attempt": 2
        });
        let read = |json: &serde_json::Value| match serde_json::from_value(json.clone()).unwrap() {
            Message::Retry(retry) => retry,
            message => panic!("not a retry: {message:?}"),
        };
        let retry = read(&json);
        assert!(retry.begun);
        assert_eq!(serde_json::to_value(Message::Retry(retry)).unwrap(), json);
        // Of the same kind: an older version reads it, and leaves out what it does not know.
        json["begun"] = json!(false);
        let aside = read(&json);
        assert!(!aside.begun);
        assert_eq!(serde_json::to_value(Message::Retry(aside)).unwrap(), json);
    }

    #[test]
    fn who_stepped_aside_shows_in_the_deduplication_id() {
        let aside =
            Retry::deduplication_id_aside(&MessageId::from("059f36b4-87a3-44ab-83d2-661975830a7d"));
        assert_eq!(aside, "aside:059f36b4-87a3-44ab-83d2-661975830a7d");
        assert!(stepped_aside(&aside));
        assert!(!stepped_aside("retry:signup-1@0a1b2c3d#2"));
    }
}
