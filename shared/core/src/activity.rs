//! A group's activity history (`DescribeScalingActivities`), as far as decisions need it.

use crate::Timestamp;
use crate::ids::InstanceId;

/// A line of a group's activity history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// What it did.
    pub kind: ActivityKind,
    /// To which instance; a failed launch may have none.
    pub instance: Option<InstanceId>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; none while it is under way.
    pub ended_at: Option<Timestamp>,
    /// Whether it failed or was cancelled.
    pub failed: bool,
    /// Whether it was cancelled, which is nobody's failure: the capacity was lowered meanwhile.
    pub cancelled: bool,
}

/// What an activity did, by its description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKind {
    /// `Launching a new EC2 instance: …`.
    Launch,
    /// `Detaching EC2 instance: …`.
    Detach,
    /// `Attaching an existing EC2 instance: …`.
    Attach,
    /// Anything else.
    Other,
}

/// What an activity did and to which instance, read from AWS's description of it: the API has no other field for
/// either.
pub fn read_description(description: &str) -> (ActivityKind, Option<InstanceId>) {
    let kind = if description.starts_with("Launching a new EC2 instance") {
        ActivityKind::Launch
    } else if description.starts_with("Detaching EC2 instance") {
        ActivityKind::Detach
    } else if description.starts_with("Attaching an existing EC2 instance") {
        ActivityKind::Attach
    } else {
        ActivityKind::Other
    };
    let instance = description
        .split(|separator: char| !separator.is_ascii_alphanumeric() && separator != '-')
        .find(|word| word.starts_with("i-"))
        .and_then(|word| InstanceId::try_from(word).ok());
    (kind, instance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activity_is_known_by_its_description() {
        let read = |description| {
            let (kind, instance) = read_description(description);
            (kind, instance.map(String::from))
        };
        assert_eq!(
            read("Launching a new EC2 instance: i-0123456789abcdef0"),
            (ActivityKind::Launch, Some("i-0123456789abcdef0".to_owned()))
        );
        assert_eq!(
            read(
                "Launching a new EC2 instance.  Status Reason: We currently do not have sufficient capacity. Launching EC2 instance failed."
            ),
            (ActivityKind::Launch, None)
        );
        assert_eq!(
            read("Detaching EC2 instance: i-0123456789abcdef0"),
            (ActivityKind::Detach, Some("i-0123456789abcdef0".to_owned()))
        );
        assert_eq!(
            read("Attaching an existing EC2 instance: i-0123456789abcdef0").0,
            ActivityKind::Attach
        );
        assert_eq!(
            read("Terminating EC2 instance: i-0123456789abcdef0").0,
            ActivityKind::Other
        );
    }
}
