//! Identifiers, each checked when it is made.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// An identifier that AWS or a sender gave us in a shape it cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(&'static str);

macro_rules! text_id {
    ($name:ident, $valid:expr, $pattern:literal, $problem:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) {
                    Ok(Self(text))
                } else {
                    Err(InvalidId($problem))
                }
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidId;

            fn try_from(text: &str) -> Result<Self, InvalidId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"description": $doc, "type": "string", "pattern": $pattern})
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

text_id!(
    ClaimId,
    |text| (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)),
    "^[A-Za-z0-9._-]{1,64}$",
    "must be 1 to 64 characters of A-Z a-z 0-9 . _ -",
    "The sender's name for a claim, unique within its target."
);

text_id!(
    GroupName,
    |text| (1..=255).contains(&text.chars().count())
        && !text
            .chars()
            .any(|character| character.is_control() || is_no_character(character)),
    "^[^\\u0000-\\u001f\\u007f-\\u009f\\ufffe\\uffff]{1,255}$",
    "must be an Auto Scaling group name: 1 to 255 characters, none of them a control character",
    "The name of an Auto Scaling group. Today's text for making one asks for ASCII without spaces and colons; the API takes more, and older groups have it."
);

/// What neither XML nor SQS carries.
fn is_no_character(character: char) -> bool {
    matches!(character, '\u{fffe}' | '\u{ffff}')
}

text_id!(
    InstanceId,
    |text| text.strip_prefix("i-").is_some_and(|hex| {
        (8..=17).contains(&hex.len()) && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    }),
    "^i-[0-9A-Fa-f]{8,17}$",
    "must be an EC2 instance id: i- and 8 to 17 hex digits",
    "The id of an EC2 instance."
);

/// An identifier that AWS makes up and that nobody looks into.
macro_rules! opaque_id {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(
            Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<String>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

opaque_id!(
    MessageId,
    "The id of an SQS message: the same in every delivery."
);
opaque_id!(
    ReceiptHandle,
    "The handle of one delivery of an SQS message; it no longer works once the message was delivered again."
);
opaque_id!(CommandId, "The id of a Run Command command.");

/// A claim's identity in one word: `<claim_id>@<first 8 hex digits of SHA-256 of the target>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimKey(String);

impl ClaimKey {
    /// The key of a claim for one instance in `target`.
    pub fn new(claim_id: &ClaimId, target: &GroupName) -> Self {
        let digest = Sha256::digest(target.as_str().as_bytes());
        let hash = digest
            .iter()
            .take(4)
            .fold(0_u32, |hash, byte| (hash << 8) | u32::from(*byte));
        Self(format!("{claim_id}@{hash:08x}"))
    }

    /// The key as text: at most 73 characters of `A-Za-z0-9._-@`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClaimKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Which instance of a claim this is: 1 for the first, one more for each that was given up.
pub type Attempt = u8;

/// How many instances a claim may try before it is closed `failed`.
pub const MAX_ATTEMPTS: Attempt = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claim_ids_are_short_words() {
        assert!(ClaimId::try_from("signup-01J9Z6Q4").is_ok());
        for bad in ["", "a b", "a/b", "ü", "a\n", &"x".repeat(65)] {
            assert!(ClaimId::try_from(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn group_names_are_what_the_api_takes() {
        for good in [
            "asg-production-1337",
            "a/b+c",
            // Older than today's text for names, which asks for ASCII without spaces and colons.
            "Web Servers (blue)",
            "tenant:1337",
            "größe",
            &"ä".repeat(255),
        ] {
            assert!(GroupName::try_from(good).is_ok(), "{good:?} was refused");
        }
        // A line's end belongs to whoever copied the name, not to the name.
        for bad in ["", "a\n", "a\tb", "\u{7f}", "\u{ffff}", &"x".repeat(256)] {
            assert!(GroupName::try_from(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn instance_ids_are_hex() {
        assert!(InstanceId::try_from("i-0123456789abcdef0").is_ok());
        assert!(InstanceId::try_from("i-79600761").is_ok());
        for bad in ["", "i-", "i-xyz45678", "79600761"] {
            assert!(InstanceId::try_from(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn the_claim_key_tells_targets_apart() {
        let claim_id = ClaimId::try_from("signup-1").unwrap();
        let key = |target| ClaimKey::new(&claim_id, &GroupName::try_from(target).unwrap());
        assert_eq!(key("asg-production-1337").as_str(), "signup-1@e0add41d");
        assert_ne!(key("asg-a"), key("asg-b"));
    }
}
