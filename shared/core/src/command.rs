//! Run Command as the record of who was told what.

use crate::Timestamp;
use crate::claim::Claim;
use crate::ids::ClaimKey;
use crate::script::Header;
use std::collections::BTreeMap;

/// What the comment of an init command starts with; the claim key follows.
const COMMENT_PREFIX: &str = "ready-pool ";

/// The comment of a claim's init command: at most 84 of the 100 characters that AWS allows.
pub fn comment(key: &ClaimKey) -> String {
    format!("{COMMENT_PREFIX}{key}")
}

/// One line of an instance's command history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    /// Its id.
    pub id: String,
    /// Its comment, empty for none.
    pub comment: String,
    /// How it stands.
    pub status: CommandStatus,
    /// What else the history has of it.
    pub record: Record,
}

/// What a history has of a command beyond what decisions need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    /// AWS's `StatusDetails`, as it spells them.
    pub status_detail: String,
    /// When it was accepted.
    pub told_at: Option<Timestamp>,
    /// What its script's first line says. Boxed: it would be most of a command, which is passed by value.
    pub header: Box<Header>,
    /// The claim, where its script carries it ([`crate::script::claim_of`]) and it is the one that
    /// the comment names.
    pub claim: Option<Box<Claim>>,
}

/// How a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandStatus {
    /// Not final yet.
    Running,
    /// The script ended with 0.
    Succeeded,
    /// The script ended otherwise.
    Failed,
    /// The script ran out of its time.
    TimedOut,
    /// The agent never picked it up, or the instance went away.
    NotDelivered,
    /// Somebody cancelled it.
    Cancelled,
}

impl CommandStatus {
    /// Reads AWS's `Status` and `StatusDetails`. Spellings vary ("Delivery Timed Out",
    /// "DeliveryTimedOut"), so blanks do not count; an unknown word is not final.
    pub fn from_aws(status: &str, details: &str) -> Self {
        let details: String = details.chars().filter(|c| !c.is_whitespace()).collect();
        match (status, details.as_str()) {
            ("Success", _) => Self::Succeeded,
            ("Cancelled", _) => Self::Cancelled,
            (
                _,
                "DeliveryTimedOut" | "Undeliverable" | "Terminated" | "InvalidPlatform"
                | "AccessDenied",
            ) => Self::NotDelivered,
            ("TimedOut", _) | (_, "ExecutionTimedOut") => Self::TimedOut,
            ("Failed", _) => Self::Failed,
            _ => Self::Running,
        }
    }

    /// Whether the status cannot change any more.
    pub fn is_final(self) -> bool {
        self != Self::Running
    }
}

/// What an instance was told, according to its command history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// No claim's init command.
    Nothing,
    /// This claim's.
    ThisClaim(Command),
    /// Another claim's.
    AnotherClaim,
}

/// Reads from an instance's history whether it was told for the claim. A command of this claim
/// wins over another's: whichever came first, the marker on the machine decided.
pub fn told(history: &[Command], key: &ClaimKey) -> Told {
    let ours = comment(key);
    if let Some(command) = history.iter().find(|command| command.comment == ours) {
        Told::ThisClaim(command.clone())
    } else if was_told(history) {
        Told::AnotherClaim
    } else {
        Told::Nothing
    }
}

/// Whether an instance was told for any claim.
pub fn was_told(history: &[Command]) -> bool {
    history
        .iter()
        .any(|command| command.comment.starts_with(COMMENT_PREFIX))
}

/// Histories by instance, as observed in one go.
pub type Histories = BTreeMap<crate::ids::InstanceId, Vec<Command>>;

/// The claim id and the target's hash in a command's comment, if it is a claim's.
pub fn claim_key_of(comment: &str) -> Option<(&str, &str)> {
    comment.strip_prefix(COMMENT_PREFIX)?.rsplit_once('@')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ClaimId, GroupName};

    fn command(comment: &str) -> Command {
        Command {
            id: "c".to_owned(),
            comment: comment.to_owned(),
            status: CommandStatus::Running,
            record: Record::default(),
        }
    }

    #[test]
    fn history_tells_for_whom_an_instance_was_initialised() {
        let key = ClaimKey::new(
            &ClaimId::try_from("a").unwrap(),
            &GroupName::try_from("asg-1").unwrap(),
        );
        let ours = command(&comment(&key));
        assert_eq!(told(&[], &key), Told::Nothing);
        assert_eq!(told(&[command("patching")], &key), Told::Nothing);
        assert_eq!(
            told(&[command("ready-pool b@00000000")], &key),
            Told::AnotherClaim
        );
        assert_eq!(
            told(&[command("ready-pool b@00000000"), ours.clone()], &key),
            Told::ThisClaim(ours)
        );
    }

    #[test]
    fn the_longest_comment_fits() {
        let key = ClaimKey::new(
            &ClaimId::try_from("x".repeat(64)).unwrap(),
            &GroupName::try_from("asg-1").unwrap(),
        );
        assert!(comment(&key).len() <= 100);
    }

    #[test]
    fn statuses_are_read_in_every_spelling() {
        use CommandStatus::*;
        let cases = [
            ("Pending", "Pending", Running),
            ("InProgress", "Delayed", Running),
            ("Cancelling", "Cancelling", Running),
            ("Success", "Success", Succeeded),
            ("Failed", "Failed", Failed),
            ("TimedOut", "ExecutionTimedOut", TimedOut),
            ("TimedOut", "Execution Timed Out", TimedOut),
            ("TimedOut", "Delivery Timed Out", NotDelivered),
            ("Failed", "Undeliverable", NotDelivered),
            ("Failed", "Terminated", NotDelivered),
            ("Cancelled", "Cancelled", Cancelled),
        ];
        for (status, details, expected) in cases {
            assert_eq!(
                CommandStatus::from_aws(status, details),
                expected,
                "{status}/{details}"
            );
        }
    }
}
