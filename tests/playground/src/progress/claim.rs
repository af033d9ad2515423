//! A claim on its way, as the page shows it: the steps that were taken, and what it is in meanwhile.

use crate::moment::Moment;
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use serde::Serialize;

/// A claim, as far as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Claim {
    /// Its id.
    pub(crate) id: String,
    /// The group that is to have the instance.
    pub(crate) target: String,
    /// Whether its instance is attached before its init, or after it.
    pub(crate) attach_when: AttachWhen,
    /// The instance it was given last.
    pub(crate) instance: Option<String>,
    /// How many instances it was given.
    pub(crate) attempts: u32,
    /// What happened to it, oldest first; the message is the first.
    pub(crate) steps: Vec<Step>,
    /// What its script printed.
    pub(crate) output: Vec<String>,
    /// How it ended.
    pub(crate) end: Option<End>,
}

/// A step that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    /// Which.
    #[serde(rename = "step")]
    pub(crate) what: Taken,
    /// When.
    pub(crate) at: Moment,
    /// What the claim is in from now on; `None` where that stays as it is.
    pub(crate) phase: Option<Phase>,
}

/// The steps on a claim's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Taken {
    /// Its message is on the queue.
    Message,
    /// The ledger says which instance it gets.
    Entered,
    /// The instance has left the pool.
    Detached,
    /// The instance was given up, and another is asked for.
    GivenUp,
    /// Auto Scaling attaches the instance to the target: `AttachInstances` was accepted.
    Attaching,
    /// The instance is in service in the target.
    Attached,
    /// The command was sent.
    CommandSent,
    /// The agent started the script.
    Started,
    /// The script ended.
    Ended,
}

/// What takes time, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// In line: no instance is assigned.
    Waiting,
    /// Its instance leaves the pool; where it is attached after its init, the command is sent meanwhile.
    Detaching,
    /// Its instance is to be attached; the command is sent as soon as that is accepted.
    Attaching,
    /// The command is on its way to the agent.
    Sending,
    /// The script runs.
    Running,
    /// The script is over, and the instance is not in service in the target yet.
    Joining,
    /// Everything is done, and the outcome is not published yet.
    Reporting,
}

/// What an outcome is to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its end.
    First,
    /// The same end, published again.
    Again,
    /// That of another message of the same id, one of which was rejected.
    Beside,
}

/// How many phases there are.
pub(crate) const PHASES: usize = 7;

/// How a claim ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct End {
    /// When it was published first.
    pub(crate) at: Moment,
    /// `ready`, `failed` or `rejected`.
    pub(crate) outcome: Ending,
    /// Why, in a word.
    pub(crate) reason: Reason,
    /// Why, in a sentence.
    pub(crate) message: String,
    /// How often it was published.
    pub(crate) published: u32,
}

impl Claim {
    /// Takes an outcome in. What became of an instance goes over what was said of a message that got none.
    pub(super) fn end_with(&mut self, new: End) -> Ended {
        let Some(end) = &mut self.end else {
            self.end = Some(new);
            return Ended::First;
        };
        if end.outcome == Ending::Rejected {
            *end = new;
            return Ended::Beside;
        }
        if (end.outcome, end.reason) == (new.outcome, new.reason) {
            end.published += 1;
            return Ended::Again;
        }
        Ended::Beside
    }

    /// When its message was sent.
    pub(crate) fn sent(&self) -> Moment {
        self.steps.first().map(|step| step.at).unwrap_or_default()
    }

    /// Milliseconds since its message.
    pub(crate) fn age(&self, now: Moment) -> u64 {
        now.since(self.sent())
    }

    /// What it is in, while it is open.
    pub(crate) fn phase(&self) -> Option<Phase> {
        if self.end.is_some() {
            return None;
        }
        self.steps.iter().rev().find_map(|step| step.phase)
    }

    /// Whether this step was taken on the way with its present instance.
    pub(super) fn has(&self, step: Taken) -> bool {
        let way = self.steps.iter().rev();
        let mut way = way.take_while(|step| step.what != Taken::GivenUp);
        way.any(|taken| taken.what == step)
    }

    /// How long each phase took, in their order, milliseconds; of a claim that has ended.
    pub(crate) fn parts(&self) -> Option<[u64; PHASES]> {
        let end = self.end.as_ref()?.at;
        let begun: Vec<(Phase, Moment)> = self
            .steps
            .iter()
            .filter_map(|step| Some((step.phase?, step.at)))
            .collect();
        let ends = begun.iter().skip(1).map(|(_, at)| *at).chain([end]);
        let mut parts = [0; PHASES];
        for ((phase, from), to) in begun.iter().zip(ends) {
            if let Some(part) = parts.get_mut(*phase as usize) {
                *part += to.since(*from);
            }
        }
        Some(parts)
    }
}
