//! Why a claim ends as it does: one table of codes, meanings and advice. Outcomes, ledger entries, the command line and
//! `docs/outcomes.md` all take their words from here.

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($variant:ident = $code:literal, $means:literal, $advice:expr;)*) => {
        /// Why a claim ends as it does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[allow(clippy::doc_markdown, reason = "the meanings are plain text for messages")]
        pub enum Reason {
            $(
                #[doc = $means]
                #[serde(rename = $code)]
                $variant,
            )*
        }

        impl Reason {
            /// All reasons, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The reason as a word, as in messages and ledger entries.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }

            /// The reason with this word.
            pub fn from_code(code: &str) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// What it means, in a main clause.
            pub fn means(self) -> &'static str {
                match self {
                    $(Self::$variant => $means,)*
                }
            }

            /// What to do about it; none where there is nothing to do.
            pub fn advice(self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => $advice,)*
                }
            }
        }
    };
}

// In the order in which `docs/outcomes.md` has them: by outcome, then by how often one meets them.
reasons! {
    Initialised = "initialised",
        "the init script succeeded",
        None;

    ScriptFailed = "script_failed",
        "the init script ended with a non-zero exit code",
        Some("see its output (`ready-pool claim` shows it) and fix the script");
    ScriptTimedOut = "script_timed_out",
        "the init script ran longer than execution_timeout_seconds",
        Some("make it faster, or raise execution_timeout_seconds");
    NotDelivered = "not_delivered",
        "Systems Manager could not deliver the command to the instance, or lost the instance while it ran",
        Some("send it with a new claim_id; if it happens often, check the image and its route to Systems Manager");
    Cancelled = "cancelled",
        "somebody cancelled the command",
        Some("find out who has ssm:CancelCommand");
    InstanceLost = "instance_lost",
        "the instance left its target before it was ready",
        Some("find out what takes instances out of the target: a scale-in, a health check, a person");
    TargetRefused = "target_refused",
        "the target group does not take the instance",
        Some("check its maximum size, zones and load balancers, and that the pool's image still exists");
    CommandRefused = "command_refused",
        "Systems Manager does not take the claim's command",
        Some("the message has AWS's words: correct the claim, or the document that InitDocument names");
    Expired = "expired",
        "the claim expired before its command was sent",
        Some("raise the pool's size, or send it with a new claim_id and a later expires_at");
    AttemptsExhausted = "attempts_exhausted",
        "every instance that was tried had to be given up",
        Some("check the pool's alarms and its image");
    Other = "other",
        "a newer version of ready-pool wrote a reason that this one does not know",
        Some("read the log");

    Malformed = "malformed",
        "the message is not a claim",
        Some("the message names the field to correct");
    WrongMessageGroup = "wrong_message_group",
        "the claim was sent with another MessageGroupId than the pool's name (dry runs may have dry-run)",
        Some("send it with the pool's name");
    UnknownTarget = "unknown_target",
        "there is no Auto Scaling group of that name",
        Some("create it first, or correct the name");
    NotOptedIn = "not_opted_in",
        "the target lacks the tag that opts it in to this pool",
        Some("tag it ready-pool:pool = <the pool's name>");
    CreatingNotAllowed = "creating_not_allowed",
        "there is no Auto Scaling group of that name, and the stack creates none of that name",
        Some("the message says which of the stack's parameters to set; or create the group first");
    TargetNotMade = "target_not_made",
        "AWS does not create the target",
        Some("the message has AWS's words: correct create_target, or what the stack's parameters TargetLaunchTemplate and TargetRoles name");
    TargetIsOurs = "target_is_ours",
        "the target is a group of ready-pool itself",
        Some("name a tenant's group");
    TargetFull = "target_full",
        "the target's maximum size leaves no room",
        Some("raise it, or remove instances");
    NoCommonZone = "no_common_zone",
        "pool and target share no availability zone",
        Some("compare the subnets of both groups");
    NoCommonSubnet = "no_common_subnet",
        "pool and target share no subnet, so nothing shows that they are in one VPC",
        Some("give the target a subnet of the pool's, or set RequireCommonSubnet to false for a VPC of your own");
    TargetSuspended = "target_suspended",
        "the target's Launch process is suspended, so nothing can be attached",
        Some("resume it");
    TargetDeleting = "target_deleting",
        "somebody is deleting the target",
        Some("name another group, or wait until it is gone and create it again");
    TooManyOpenClaims = "too_many_open_claims",
        "open claims fill the target's tags",
        Some("wait for some of them to end");
    TargetTagsFull = "target_tags_full",
        "the target's own tags leave no room for the claim's entry",
        Some("remove some of them: a group may have 50, and each open claim takes one");
    PoolEmpty = "pool_empty",
        "no instance is ready, and the claim does not wait",
        Some("send it again later, or with when_empty wait");
    PoolPaused = "pool_paused",
        "an operator has paused the pool, and the claim does not wait",
        Some("send it again later, or with when_empty wait");
    InternalError = "internal_error",
        "a bug in ready-pool",
        Some("see the logs of <stack>-claim-instance and <stack>-init-instance, and report it");

    WouldBeServed = "would_be_served",
        "an instance is ready for the claim",
        Some("send it without dry_run");
    WouldWait = "would_wait",
        "the claim would wait in the queue",
        Some("the message says for what");
    WouldRepeat = "would_repeat",
        "this claim was sent before and would get nothing new",
        Some("use a new claim_id for another instance");
    WouldFail = "would_fail",
        "the claim would end as failed",
        Some("the message says why");
}

impl Reason {
    /// Whether a claim rejected for this reason may be accepted as it is, once something else has changed. SQS drops an
    /// equal body within five minutes.
    pub fn may_be_sent_unchanged(self) -> bool {
        !matches!(self, Self::Malformed | Self::TargetIsOurs)
    }

    /// Meaning and advice as one sentence, for people.
    pub fn sentence(self) -> String {
        self.sentence_with(None)
    }

    /// The same, with what is known of this case.
    pub fn sentence_with(self, known: Option<&str>) -> String {
        let known = known.map_or_else(String::new, |known| format!(" ({known})"));
        let advice = self.advice();
        let advice = advice.map_or_else(String::new, |advice| format!("; {advice}"));
        format!("{}{known}{advice}", self.means())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_found_by_its_code() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        }
        assert_eq!(Reason::from_code("nosuch"), None);
    }

    #[test]
    fn a_sentence_says_what_to_do_where_something_is_to_be_done() {
        assert_eq!(
            Reason::ScriptTimedOut.sentence(),
            "the init script ran longer than execution_timeout_seconds; make it faster, or raise execution_timeout_seconds"
        );
        let known = Some("group tenant is being deleted");
        assert_eq!(
            Reason::Cancelled.sentence_with(known),
            "somebody cancelled the command (group tenant is being deleted); find out who has ssm:CancelCommand"
        );
        assert!(!Reason::Initialised.sentence().contains(';'));
    }
}
