//! Whether an instance is attached to its target before its init, or after it.

use serde::{Deserialize, Serialize};

/// When a claim wants its instance attached to its target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AttachWhen {
    /// At once: its script runs on a member of the target.
    #[default]
    BeforeInit,
    /// Once its script has succeeded: no load balancer of the target sees it before, and it starts sooner. The
    /// script runs on an instance in no group.
    AfterInit,
}

impl AttachWhen {
    /// Both.
    pub const ALL: [Self; 2] = [Self::BeforeInit, Self::AfterInit];

    /// The word for it, as in messages.
    pub fn code(self) -> &'static str {
        match self {
            Self::BeforeInit => "before_init",
            Self::AfterInit => "after_init",
        }
    }

    /// What this word stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }

    /// Whether nothing was asked for.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for when in AttachWhen::ALL {
            assert_eq!(AttachWhen::from_code(when.code()), Some(when));
            assert_eq!(serde_json::to_value(when).unwrap(), when.code());
        }
        assert_eq!(AttachWhen::from_code("dance"), None);
    }
}
