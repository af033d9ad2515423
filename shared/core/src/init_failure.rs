//! What becomes of an instance whose init failed.

use crate::reason::Reason;
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
    /// The instance is retired, and the claim goes on with another one: before its deadline, and
    /// with three instances at most. The last one's failure is the claim's.
    Replace,
}

impl OnInitFailure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Retire, Self::Keep, Self::Replace];

    /// The word for it, as in messages.
    pub fn code(self) -> &'static str {
        match self {
            Self::Retire => "retire",
            Self::Keep => "keep",
            Self::Replace => "replace",
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

    /// Whether the instance of a claim that failed for this reason is left where it is: the claim
    /// keeps it, or it has left its target, and is no longer the claim's. One whose command never
    /// ended, as far as was known when the claim was closed, is not kept: there is nothing to look at.
    pub fn leaves(self, reason: Reason) -> bool {
        reason == Reason::InstanceLost || (self == Self::Keep && ended_init(reason))
    }

    /// Whether another instance is tried after a command that ended for this reason: not where
    /// somebody cancelled it, nor where the init succeeded and the instance was lost.
    pub fn replaces(self, reason: Reason) -> bool {
        self == Self::Replace
            && matches!(
                reason,
                Reason::ScriptFailed | Reason::ScriptTimedOut | Reason::NotDelivered
            )
    }
}

/// Whether a claim fails for this reason because its command has ended.
fn ended_init(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ScriptFailed | Reason::ScriptTimedOut | Reason::NotDelivered | Reason::Cancelled
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for policy in OnInitFailure::ALL {
            assert_eq!(OnInitFailure::from_code(policy.code()), Some(policy));
            let json = serde_json::to_value(policy).unwrap();
            assert_eq!(json, policy.code());
        }
        assert_eq!(OnInitFailure::from_code("dance"), None);
    }

    #[test]
    fn what_has_left_its_target_is_left_whatever_the_claim_wants() {
        for policy in OnInitFailure::ALL {
            assert!(policy.leaves(Reason::InstanceLost));
        }
    }

    #[test]
    fn only_what_ran_or_should_have_run_is_kept() {
        assert!(OnInitFailure::Keep.leaves(Reason::ScriptFailed));
        assert!(OnInitFailure::Keep.leaves(Reason::NotDelivered));
        assert!(!OnInitFailure::Keep.leaves(Reason::Expired));
        assert!(!OnInitFailure::Keep.leaves(Reason::TargetRefused));
        assert!(!OnInitFailure::Retire.leaves(Reason::ScriptFailed));
        assert!(!OnInitFailure::Replace.leaves(Reason::ScriptFailed));
    }

    #[test]
    fn only_what_another_instance_may_do_better_is_replaced() {
        for (reason, replaced) in [
            (Reason::ScriptFailed, true),
            (Reason::ScriptTimedOut, true),
            (Reason::NotDelivered, true),
            (Reason::Cancelled, false),
            (Reason::InstanceLost, false),
            (Reason::Expired, false),
        ] {
            assert_eq!(OnInitFailure::Replace.replaces(reason), replaced);
            assert!(!OnInitFailure::Retire.replaces(reason));
            assert!(!OnInitFailure::Keep.replaces(reason));
        }
    }
}
