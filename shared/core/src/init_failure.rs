//! What becomes of an instance whose init failed.

use crate::outcome::Reason;
use serde::{Deserialize, Serialize};

/// What a claim wants done when the init of its instance fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnInitFailure {
    /// The claim fails, and its instance is retired.
    #[default]
    Retire,
    /// The claim fails, and its instance is left where it is, for a look.
    Keep,
}

impl OnInitFailure {
    /// The word for it, as in messages.
    pub fn code(self) -> &'static str {
        match self {
            Self::Retire => "retire",
            Self::Keep => "keep",
        }
    }

    /// What this word stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Retire, Self::Keep]
            .into_iter()
            .find(|known| known.code() == code)
    }

    /// Whether nothing was wished for.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the instance of a claim that failed for this reason is left where it is. One whose
    /// command never ended, as far as was known when the claim was closed, is not: there is
    /// nothing to look at.
    pub fn keeps(self, reason: Reason) -> bool {
        self == Self::Keep && ended_init(reason)
    }
}

/// Whether a claim fails for this reason because its command has ended.
fn ended_init(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ScriptFailed
            | Reason::ScriptTimedOut
            | Reason::NotDelivered
            | Reason::Cancelled
            | Reason::InstanceLost
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for policy in [OnInitFailure::Retire, OnInitFailure::Keep] {
            assert_eq!(OnInitFailure::from_code(policy.code()), Some(policy));
            let json = serde_json::to_value(policy).unwrap();
            assert_eq!(json, policy.code());
        }
        assert_eq!(OnInitFailure::from_code("dance"), None);
    }

    #[test]
    fn only_what_ran_or_should_have_run_is_kept() {
        assert!(OnInitFailure::Keep.keeps(Reason::ScriptFailed));
        assert!(OnInitFailure::Keep.keeps(Reason::NotDelivered));
        assert!(!OnInitFailure::Keep.keeps(Reason::Expired));
        assert!(!OnInitFailure::Keep.keeps(Reason::TargetRefused));
        assert!(!OnInitFailure::Retire.keeps(Reason::ScriptFailed));
    }
}
