//! Run Command as the record of which instance was sent which init command.

use crate::Timestamp;
use crate::claim::Claim;
use crate::ids::{ClaimKey, CommandId};
use crate::script::Header;
use std::collections::BTreeMap;
use std::time::Duration;

/// The tag of the instances that init commands may be sent to; its value is the stack's name.
pub const STACK_TAG: &str = "ready-pool:stack";

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
    pub id: CommandId,
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
    /// When AWS accepted it (`RequestedDateTime`).
    pub sent_at: Option<Timestamp>,
    /// What its script's first line says. Boxed: it would be most of a command, which is passed by value.
    pub header: Box<Header>,
    /// For how long its script may run, where the history says so.
    pub execution_timeout: Option<Duration>,
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
    /// The agent never picked it up: nothing of it ran.
    NotDelivered,
    /// The instance went away with it: how far it got nobody knows.
    Interrupted,
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
            (_, "DeliveryTimedOut" | "Undeliverable" | "InvalidPlatform" | "AccessDenied") => {
                Self::NotDelivered
            }
            (_, "Terminated") => Self::Interrupted,
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

/// Whether an instance was sent a claim's init command, according to its command history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum InitCommand {
    /// No claim's.
    NotSent,
    /// This claim's.
    Sent(Command),
    /// Another claim's.
    SentForAnother,
}

/// Reads from an instance's history whether it was sent the claim's init command. A command of this
/// claim wins over another's: whichever came first, the marker on the instance decided.
pub fn init_command(history: &[Command], key: &ClaimKey) -> InitCommand {
    let ours = comment(key);
    if let Some(command) = history.iter().find(|command| command.comment == ours) {
        InitCommand::Sent(command.clone())
    } else if has_init_command(history) {
        InitCommand::SentForAnother
    } else {
        InitCommand::NotSent
    }
}

/// Whether an instance was sent any claim's init command.
pub fn has_init_command(history: &[Command]) -> bool {
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
            id: "c".into(),
            comment: comment.to_owned(),
            status: CommandStatus::Running,
            record: Record::default(),
        }
    }

    #[test]
    fn a_history_shows_for_which_claim_an_instance_was_initialised() {
        let key = ClaimKey::new(
            &ClaimId::try_from("a").unwrap(),
            &GroupName::try_from("asg-1").unwrap(),
        );
        let ours = command(&comment(&key));
        assert_eq!(init_command(&[], &key), InitCommand::NotSent);
        assert_eq!(
            init_command(&[command("patching")], &key),
            InitCommand::NotSent
        );
        assert_eq!(
            init_command(&[command("ready-pool b@00000000")], &key),
            InitCommand::SentForAnother
        );
        assert_eq!(
            init_command(&[command("ready-pool b@00000000"), ours.clone()], &key),
            InitCommand::Sent(ours)
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
            ("Failed", "Terminated", Interrupted),
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
