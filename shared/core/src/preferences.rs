//! What a claim prefers of its instance.

use crate::claim::{Malformed, field};
#[cfg(feature = "schema")]
use crate::schema;
use serde::{Deserialize, Serialize};

/// Most names in one list.
pub const MAX_PREFERENCES: usize = 16;
/// Longest name of a zone or instance type, bytes: AWS's are half as long at most.
pub(crate) const MAX_NAME_BYTES: usize = 64;

/// Preferences, not demands: the ready instance that meets most of them is handed out, and any
/// other where none does. Each list is in order of preference; an empty one prefers nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub struct Preferences {
    /// Availability zones, as `eu-west-1a`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::names"))]
    pub zones: Vec<String>,
    /// EC2 instance types, as `m5.large`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::names"))]
    pub instance_types: Vec<String>,
}

impl Preferences {
    /// Whether nothing is preferred.
    pub fn is_empty(&self) -> bool {
        self.zones.is_empty() && self.instance_types.is_empty()
    }

    pub(crate) fn check(&self) -> Result<(), Malformed> {
        check_names("preferences.zones", &self.zones, "an availability zone")?;
        check_names(
            "preferences.instance_types",
            &self.instance_types,
            "an EC2 instance type",
        )
    }
}

fn check_names(path: &str, names: &[String], what: &str) -> Result<(), Malformed> {
    if names.len() > MAX_PREFERENCES {
        return Err(field(
            path,
            &format!("must name at most {MAX_PREFERENCES}, the preferred ones first"),
        ));
    }
    for (index, name) in names.iter().enumerate() {
        if !is_name(name) {
            return Err(field(
                &format!("{path}[{index}]"),
                &format!("must be the name of {what}: lower-case letters, digits, `-` and `.`"),
            ));
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
}
