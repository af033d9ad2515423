//! A failed AWS call: what it means to whoever decides what to do next.
//!
//! AWS's messages are matched by code and substring, never by equality: they have changed before.
//! Most Auto Scaling refusals are not modelled by the SDK, so their text is the only witness.

use crate::ids::{GroupName, InstanceId};

/// A failed AWS call.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{operation} failed: {code}: {message}")]
pub struct CallError {
    /// The operation, `DetachInstances`.
    pub operation: &'static str,
    /// AWS's error code; for failures that never reached AWS, a word of ours.
    pub code: String,
    /// AWS's text.
    pub message: String,
    /// What may have happened.
    pub effect: Effect,
}

/// The code of an answer that is none of AWS's: without its words, or in words that cannot be read.
pub const NO_ANSWER_OF_AWS: &str = "NoAnswerOfAws";

/// What a failed call may have done, and so what may be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing, and the same call will be refused again until something changes. Final.
    Refused,
    /// Nothing: AWS was busy. Retry later.
    Busy,
    /// Perhaps everything: look before doing it again.
    Unknown,
}

/// Codes of throttling, over all services (`RateExceeded` is what Auto Scaling's documentation
/// says, `Throttling` what it sends).
const THROTTLING: [&str; 9] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RateExceeded",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "KmsThrottled",
];

/// Codes that say another activity is in the way. Auto Scaling sends the first with HTTP 500.
const CONTENTION: [&str; 4] = [
    "ResourceContention",
    "ResourceContentionFault",
    "ScalingActivityInProgress",
    "ScalingActivityInProgressFault",
];

/// How `AttachInstances` refuses an instance that is in a group. A colon and the group's name follow.
const ALREADY_PART_OF: &str = "is already part of AutoScalingGroup";

/// The group that an instance is in, as a refusal ends with its name. A name may hold colons and
/// spaces and end with a full stop, so the text is compared with a name and not cut into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InGroup<'a>(&'a str);

impl InGroup<'_> {
    /// Whether that is this group. AWS's text was seen without a full stop at its end, and may have one.
    pub fn is(self, group: &GroupName) -> bool {
        let name = group.as_str();
        let rest = self
            .0
            .strip_prefix(name)
            .or_else(|| self.0.trim().strip_prefix(name));
        rest.is_some_and(|rest| matches!(rest.trim(), "" | "."))
    }
}

impl CallError {
    /// What AWS answered, with its code and text and the HTTP status of the answer.
    pub fn answered(operation: &'static str, code: &str, message: &str, status: u16) -> Self {
        Self {
            operation,
            code: code.to_owned(),
            message: message.to_owned(),
            effect: effect_of(code, message, status),
        }
    }

    /// An answer that lacks what its API model promises.
    pub fn incomplete(operation: &'static str, what: &str) -> Self {
        Self {
            operation,
            code: "IncompleteAnswer".to_owned(),
            message: format!("the answer has no {what}"),
            effect: Effect::Unknown,
        }
    }

    /// `DetachInstances` refused because the instance is not (any more) in the group, or is not
    /// in a state that can be detached: somebody or something else has it.
    pub fn says_not_detachable(&self) -> bool {
        self.says("is not part of Auto Scaling group")
            || self.says("is not in InService or Standby")
    }

    /// `AttachInstances` refused because the instance is in a group: the one that is named. Right
    /// after a detach it is still the old group.
    pub fn already_part_of(&self) -> Option<InGroup<'_>> {
        if self.code != "ValidationError" {
            return None;
        }
        let (_, name) = self.message.split_once(ALREADY_PART_OF)?;
        Some(InGroup(name.strip_prefix(':').unwrap_or(name)))
    }

    /// The call was refused because the instance is not running, or long gone.
    pub fn says_instance_gone(&self) -> bool {
        self.says("is not in correct state")
            || self.says("Invalid Instance ID")
            || self.says("No managed instance found")
    }

    /// The call was refused because somebody has stopped the instance: it is there, and can be started.
    pub fn says_stopped(&self) -> bool {
        self.says("is not in correct state") && self.says("[stopp")
    }

    /// What is to be made exists already. A group that is being deleted still does.
    pub fn says_exists(&self) -> bool {
        self.code.starts_with("AlreadyExists")
    }

    /// A quota of the account or of the resource leaves no room.
    pub fn says_quota(&self) -> bool {
        self.code.starts_with("LimitExceeded")
    }

    /// AWS cannot do it as it is asked for, whoever asks and whenever.
    pub fn says_invalid(&self) -> bool {
        self.code == "ValidationError"
            && self.effect == Effect::Refused
            && !self.says_launch_denied()
    }

    /// A policy does not allow what a group's launches need: EC2's words behind Auto Scaling's.
    pub fn says_launch_denied(&self) -> bool {
        self.says_denied() || self.says("not authorized to perform")
    }

    /// A policy does not allow the call; the text names who, what and on which resource. So do
    /// groups answer that are gone, or have lost the tag that opts them in, where the policy asks
    /// for that tag.
    pub fn says_denied(&self) -> bool {
        matches!(self.code.as_str(), "AccessDenied" | "AccessDeniedException")
    }

    /// A policy does not allow the call on this very instance. Where the policy asks for a tag of the
    /// instance, that says either: it has lost the tag, or the policy allows it on none.
    pub fn says_denied_on(&self, instance: &InstanceId) -> bool {
        self.says_denied() && self.message.contains(instance.as_str())
    }

    /// `DetachInstances` refused for want of a permission: one is missing, or the group has not (any
    /// more) the tag that the policy asks for.
    pub fn says_detach_denied(&self) -> bool {
        self.operation == "DetachInstances" && self.says_denied()
    }

    /// Taking the instance out would leave the group below its minimum size.
    pub fn says_below_minimum(&self) -> bool {
        self.says("min-size=") || self.says("min size constraint")
    }

    /// An instance that is on its way into its group, or out of it, cannot be protected from scale-in (the
    /// text: infrahouse-toolkit#223, riff-raff#510).
    pub fn says_not_protectable(&self) -> bool {
        self.says("is not in InService or EnteringStandby or Standby")
    }

    fn says(&self, text: &str) -> bool {
        self.code == "ValidationError" && self.message.contains(text)
    }
}

fn effect_of(code: &str, message: &str, status: u16) -> Effect {
    // EC2's throttling behind Auto Scaling comes as a ValidationError.
    if THROTTLING.contains(&code)
        || CONTENTION.contains(&code)
        || message.contains("Request limit exceeded")
    {
        Effect::Busy
    } else if status >= 500 {
        Effect::Unknown
    } else {
        Effect::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, message: &str, status: u16) -> CallError {
        CallError::answered("AttachInstances", code, message, status)
    }

    #[test]
    fn attach_names_the_group_that_still_has_the_instance() {
        let refusal = error(
            "ValidationError",
            "The Instance: i-79600761 is already part of AutoScalingGroup:gamma-dock-pool",
            400,
        );
        let is = |refusal: &CallError, name: &str| {
            let group = GroupName::try_from(name).unwrap();
            refusal
                .already_part_of()
                .is_some_and(|named| named.is(&group))
        };
        assert!(is(&refusal, "gamma-dock-pool"));
        assert!(!is(&refusal, "gamma-dock") && !is(&refusal, "gamma-dock-pool-2"));
        assert_eq!(refusal.effect, Effect::Refused);
        let other = error("ValidationError", "something else: x", 400);
        assert_eq!(other.already_part_of(), None);
        for name in ["Web Servers", "a:b", "ends with a stop.", " spaced "] {
            for end in ["", ".", " "] {
                let refusal = error(
                    "ValidationError",
                    &format!(
                        "The Instance: i-79600761 is already part of AutoScalingGroup:{name}{end}"
                    ),
                    400,
                );
                assert!(is(&refusal, name), "{refusal}");
                assert!(!is(&refusal, "gamma-dock-pool"), "{refusal}");
            }
        }
    }

    #[test]
    fn throttling_and_contention_have_no_effect_in_all_their_spellings() {
        for (code, message, status) in [
            ("Throttling", "Rate exceeded", 400),
            ("ThrottlingException", "Rate exceeded", 400),
            ("RateExceeded", "", 400),
            ("ValidationError", "EC2 Request limit exceeded.", 400),
            ("ResourceContention", "", 500),
        ] {
            assert_eq!(error(code, message, status).effect, Effect::Busy, "{code}");
        }
    }

    #[test]
    fn a_server_error_may_have_done_everything() {
        assert_eq!(error("InternalFailure", "", 500).effect, Effect::Unknown);
        assert_eq!(error("ValidationError", "", 400).effect, Effect::Refused);
        assert_eq!(error("AccessDenied", "", 403).effect, Effect::Refused);
    }

    #[test]
    fn a_denial_names_what_it_is_about() {
        let instance = InstanceId::try_from("i-0123456789abcdef0").unwrap();
        let denied = |resource: &str| {
            let message =
                format!("not authorized to perform: ssm:SendCommand on resource: {resource}");
            error("AccessDeniedException", &message, 400)
        };
        let on_it = denied("arn:aws:ec2:eu-west-1:123456789012:instance/i-0123456789abcdef0");
        assert!(on_it.says_denied_on(&instance));
        let on_the_document = denied("arn:aws:ssm:eu-west-1:123456789012:document/ready-pool-init");
        assert!(!on_the_document.says_denied_on(&instance));
        let invalid = error("InvalidInstanceId", "i-0123456789abcdef0", 400);
        assert!(!invalid.says_denied_on(&instance));
    }

    #[test]
    fn an_instance_that_cannot_be_detached_is_distinguished_from_other_refusals() {
        for message in [
            "The instance i-0123456789abcdef0 is not part of Auto Scaling group pool.",
            "The instance i-0123456789abcdef0 is not in InService or Standby.",
        ] {
            assert!(error("ValidationError", message, 400).says_not_detachable());
        }
        assert!(!error("AccessDenied", "not in InService or Standby", 403).says_not_detachable());
    }
}
