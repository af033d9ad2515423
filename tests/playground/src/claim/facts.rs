//! All that is known of a claim, as plain data: what `serve` answers, and `claim` puts in words.

use crate::progress::Taken;
use ready_pool_core::ledger::{Entry, Standing as LedgerStanding};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What is known of a claim id. Several targets may have a claim of the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The id that was asked for.
    pub(super) claim_id: String,
    /// The region's time.
    #[serde(with = "time::serde::rfc3339")]
    pub(super) now: OffsetDateTime,
    /// Where its instance comes from.
    pub(super) pool: Pool,
    /// What was looked at.
    pub(super) looked_at: Vec<String>,
    /// Its claims, by target.
    pub(super) claims: Vec<Facts>,
}

/// The pool, and where instances end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pool {
    /// The pool's group.
    pub(super) group: String,
    /// The retirement group.
    pub(super) retirement: String,
    /// How many instances the pool should have.
    pub(super) desired: u32,
    /// How many are ready.
    pub(super) ready: usize,
    /// How many are on their way to it.
    pub(super) booting: usize,
    /// What the tag says by which an operator pauses it.
    pub(super) pause: Option<String>,
}

/// What is known of one claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// Its target, where anything names one.
    pub(super) target: Option<String>,
    /// Whether there is such a group.
    pub(super) target_exists: bool,
    /// Claim and target in one word, as in comments and logs.
    pub(super) key: Option<String>,
    /// Its line in the ledger.
    pub(super) entry: Option<Tag>,
    /// Its deadline, as far as its entry or a message says.
    pub(super) expires_at: Option<String>,
    /// Every instance that was given to it, its present one last.
    pub(super) instances: Vec<Instance>,
    /// Its commands, oldest first.
    pub(super) commands: Vec<Command>,
    /// The messages that are about it, on every queue.
    pub(super) messages: Vec<Message>,
    /// What was published of its end, oldest first.
    pub(super) outcomes: Vec<Outcome>,
    /// What happened to it, oldest first.
    pub(super) steps: Vec<Step>,
}

/// A tag of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SpeltTag", into = "SpeltTag")]
pub(super) struct Tag {
    /// Its key.
    pub(super) key: String,
    /// Its value, as written.
    pub(super) value: String,
}

impl Tag {
    /// What it says; none where somebody else wrote it.
    pub(super) fn entry(&self) -> Option<Entry> {
        self.value.parse().ok()
    }
}

/// A tag in JSON, for programs: what the value says stands beside it.
#[derive(Serialize, Deserialize)]
struct SpeltTag {
    key: String,
    value: String,
    #[serde(skip_deserializing)]
    entry: Option<SpeltEntry>,
}

#[derive(Serialize)]
struct SpeltEntry {
    instance: Option<String>,
    attempt: u8,
    standing: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    reason: Option<Reason>,
}

impl From<SpeltTag> for Tag {
    fn from(SpeltTag { key, value, .. }: SpeltTag) -> Self {
        Self { key, value }
    }
}

impl From<Tag> for SpeltTag {
    fn from(tag: Tag) -> Self {
        let entry = tag.entry().map(|entry| {
            let (standing, reason) = match entry.standing {
                LedgerStanding::Assigned => ("assigned", None),
                LedgerStanding::Ready => ("ready", None),
                LedgerStanding::Failed(reason) => ("failed", Some(reason)),
            };
            SpeltEntry {
                instance: entry.instance.map(String::from),
                attempt: entry.attempt,
                standing,
                expires_at: entry.expires_at,
                reason,
            }
        });
        Self {
            key: tag.key,
            value: tag.value,
            entry,
        }
    }
}

/// An instance, and where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Instance {
    /// Its id.
    pub(super) id: String,
    /// Its group; none where it is in none.
    pub(super) group: Option<String>,
    /// `LifecycleState` there.
    pub(super) lifecycle: Option<String>,
    /// EC2's state; none where EC2 has forgotten it.
    pub(super) state: Option<String>,
    /// What Systems Manager believes of its agent; none before it registered.
    pub(super) agent: Option<String>,
    /// The agent does not work, and AWS has not noticed.
    pub(super) unnoticed: bool,
}

/// A command of a claim, in Systems Manager's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Command {
    /// Its id.
    pub(super) id: String,
    /// Where it was sent to.
    pub(super) instance: String,
    /// `StatusDetails`.
    pub(super) status: String,
    /// Whether that is its last word.
    pub(super) is_final: bool,
    /// The script's exit status, once it ended.
    pub(super) exit_code: Option<i32>,
    /// When it was sent.
    #[serde(with = "time::serde::rfc3339")]
    pub(super) sent_at: OffsetDateTime,
    /// When the agent started the script.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) started_at: Option<OffsetDateTime>,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) ended_at: Option<OffsetDateTime>,
    /// What the script printed, shortened.
    pub(super) output: Vec<String>,
}

/// A message on a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Message {
    /// The queue, without the stack's name.
    pub(super) queue: String,
    /// Nobody could handle it.
    pub(super) is_dead_letter: bool,
    /// What it is.
    pub(super) what: Kind,
    /// More of it, in words.
    pub(super) about: String,
    /// How it stands.
    pub(super) standing: Standing,
    /// Until when it stands so, where that ends by itself.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) until: Option<OffsetDateTime>,
    /// When it was sent.
    #[serde(with = "time::serde::rfc3339")]
    pub(super) sent_at: OffsetDateTime,
    /// How often it was received.
    pub(super) receives: u32,
    /// How many messages are before it on its queue.
    pub(super) before: usize,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The claim, as its sender sent it.
    Claim,
    /// The same, as a question only.
    DryRun,
    /// From one function to another.
    Internal,
    /// EventBridge's, on the end of its command.
    Event,
    /// The final word on it.
    Outcome,
}

/// How a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// It can be received.
    Visible,
    /// Somebody works on it.
    InFlight,
    /// It was sent with a delay.
    Delayed,
}

/// What was published of a claim's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// When first.
    #[serde(with = "time::serde::rfc3339")]
    pub(super) at: OffsetDateTime,
    /// When last.
    #[serde(with = "time::serde::rfc3339")]
    pub(super) last_at: OffsetDateTime,
    /// How often.
    pub(super) published: u32,
    /// `ready`, `failed`, `rejected` or `dry_run`.
    #[serde(rename = "outcome")]
    pub(super) ending: Ending,
    /// Why, in a word.
    pub(super) reason: Reason,
    /// Why, in a sentence.
    pub(super) message: String,
    /// Its instance.
    pub(super) instance: Option<String>,
}

/// A step that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    /// Which.
    #[serde(rename = "step")]
    pub(super) what: Taken,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub(super) at: OffsetDateTime,
}

impl Facts {
    /// Its line in the ledger, where one can be read.
    pub(super) fn entry(&self) -> Option<Entry> {
        self.entry.as_ref()?.entry()
    }

    /// Its present instance.
    pub(super) fn instance(&self) -> Option<&Instance> {
        self.instances.last()
    }

    /// The final word on it. A dry run has none, and a rejected claim that was sent anew is open.
    pub(super) fn end(&self) -> Option<&Outcome> {
        let sent = self.at(Taken::Message);
        let mut said = self.outcomes.iter().rev();
        said.find(|said| {
            said.ending != Ending::DryRun && sent.is_none_or(|sent| said.last_at >= sent)
        })
    }

    /// When the last step of this kind was taken.
    pub(super) fn at(&self, step: Taken) -> Option<OffsetDateTime> {
        let taken = self.steps.iter().rev().find(|taken| taken.what == step);
        taken.map(|taken| taken.at)
    }
}
