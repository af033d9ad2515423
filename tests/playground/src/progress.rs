//! How far every claim is, from the journal alone.

use crate::messages::{Content, is_comment_of};
use crate::moment::Moment;
use crate::start::Names;
use crate::story::words::output;
use ready_pool_core::ids::GroupName;
use ready_pool_core::ledger;
use ready_pool_core::message::Message;
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use region::journal::{Entry, Happening};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// Claims that have ended are forgotten beyond so many.
const ENDED_KEPT: usize = 200;
/// Outcomes that are kept.
const OUTCOMES_KEPT: usize = 20;

/// Target and id: what a claim is known by.
pub(crate) type Key = (String, String);

/// A claim, as far as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Claim {
    /// Its id.
    pub(crate) id: String,
    /// The group that is to have the instance.
    pub(crate) target: String,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Its instance leaves the pool.
    Detaching,
    /// Its instance is on the way into the target.
    Attaching,
    /// The command is on its way to the agent.
    Sending,
    /// The script runs.
    Running,
    /// The outcome is being found out and published.
    Reporting,
}

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

/// An outcome, as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// When.
    pub(crate) at: Moment,
    /// The claim; a message that is no claim may not say one.
    pub(crate) id: Option<String>,
    /// Its target, likewise.
    pub(crate) target: Option<String>,
    /// Whose pool answered, where there are several.
    pub(crate) pool: Option<String>,
    /// `ready`, `failed` or `rejected`.
    pub(crate) outcome: Ending,
    /// Why, in a word.
    pub(crate) reason: Reason,
    /// Why, in a sentence.
    pub(crate) message: String,
    /// From the claim's message, milliseconds.
    pub(crate) took: Option<u64>,
}

/// How many claims there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Sent.
    pub(crate) sent: u32,
    /// Without an outcome yet.
    pub(crate) open: u32,
    /// Ended ready.
    pub(crate) ready: u32,
    /// Ended failed.
    pub(crate) failed: u32,
    /// Ended rejected.
    pub(crate) rejected: u32,
}

/// Follows all claims. Wants every entry of the journal, in order.
#[derive(Debug)]
pub(crate) struct Progress {
    names: Names,
    claims: BTreeMap<Key, Claim>,
    /// In the order of their messages.
    order: VecDeque<Key>,
    /// Whose an instance is.
    holders: BTreeMap<String, Key>,
    /// Whose a command is.
    commands: BTreeMap<String, Key>,
    outcomes: VecDeque<Report>,
    counts: Counts,
}

impl Progress {
    /// No claim yet, in the stack of these names.
    pub(crate) fn new(names: Names) -> Self {
        Self {
            names,
            claims: BTreeMap::new(),
            order: VecDeque::new(),
            holders: BTreeMap::new(),
            commands: BTreeMap::new(),
            outcomes: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    /// Claims in the order of their messages. Those that ended long ago are forgotten.
    pub(crate) fn claims(&self) -> impl DoubleEndedIterator<Item = &Claim> {
        self.order.iter().filter_map(|key| self.claims.get(key))
    }

    /// The last outcomes, oldest first.
    pub(crate) fn outcomes(&self) -> impl DoubleEndedIterator<Item = &Report> {
        self.outcomes.iter()
    }

    /// How many claims there were since the start.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// The claim that an instance is or was given to.
    pub(crate) fn holder(&self, instance: &str) -> Option<&Key> {
        self.holders.get(instance)
    }

    /// Takes an entry of the journal in.
    pub(crate) fn follow(&mut self, entry: &Entry) {
        let at = Moment::from(entry.at);
        match &entry.what {
            Happening::MessageSent { .. } => self.message(entry, at),
            Happening::Called {
                operation,
                input,
                error: None,
                ..
            } if operation == "CreateOrUpdateTags" => self.tags(input, at),
            Happening::Detached { group, instance } if self.names.of_pool(group).is_some() => {
                self.step_of_instance(instance, Taken::Detached, Some(Phase::Attaching), at);
            }
            Happening::Attached { group, instance } => {
                let is_target = self
                    .holders
                    .get(instance)
                    .is_some_and(|(target, _)| target == group);
                if is_target {
                    self.step_of_instance(instance, Taken::Attached, None, at);
                }
            }
            Happening::CommandSent {
                instance,
                command_id,
                comment,
            } => self.command_sent(instance, command_id, comment, at),
            Happening::CommandStarted { command_id, .. } => {
                self.step_of_command(command_id, Taken::Started, Phase::Running, at);
            }
            Happening::CommandFinished {
                command_id,
                stdout,
                stderr,
                ..
            } => {
                self.step_of_command(command_id, Taken::Ended, Phase::Reporting, at);
                let key = self.commands.get(command_id);
                if let Some(claim) = key.and_then(|key| self.claims.get_mut(key)) {
                    claim.output = output(stdout, stderr);
                }
            }
            _ => {}
        }
    }

    fn message(&mut self, entry: &Entry, at: Moment) {
        let sent_to_a_pool =
            (self.names.all()).find_map(|names| Content::sent_to(&names.provision, &entry.what));
        match sent_to_a_pool {
            Some(Content::Claim(claim)) if !claim.is_dry_run() => {
                self.sent((claim.target_group, claim.claim_id), at);
            }
            // One that was not begun stepped aside: it waits as before.
            Some(Content::Internal(Message::Retry(retry))) if retry.begun => {
                let key = (
                    retry.claim.target_group.to_string(),
                    retry.claim.claim_id.to_string(),
                );
                self.step(&key, Taken::GivenUp, Some(Phase::Waiting), at);
            }
            _ => {}
        }
        if let Some(Content::Outcome(outcome)) = Content::sent_to(&self.names.outcome, &entry.what)
        {
            self.ended(outcome, at);
        }
    }

    fn sent(&mut self, key: Key, at: Moment) {
        let known = self.claims.get(&key);
        let is_over = |claim: &Claim| {
            let end = claim.end.as_ref();
            end.is_some_and(|end| end.outcome == Ending::Rejected)
        };
        // Sent again it is the same claim, unless it was rejected: then it is tried anew.
        if known.is_some_and(|claim| !is_over(claim)) {
            return;
        }
        self.counts.sent += 1;
        self.counts.open += 1;
        let claim = Claim {
            id: key.1.clone(),
            target: key.0.clone(),
            instance: None,
            attempts: 0,
            steps: vec![Step {
                what: Taken::Message,
                at,
                phase: Some(Phase::Waiting),
            }],
            output: Vec::new(),
            end: None,
        };
        self.order.retain(|other| *other != key);
        self.order.push_back(key.clone());
        self.claims.insert(key, claim);
        self.forget();
    }

    /// Forgets the oldest claim that has ended, when there are too many.
    fn forget(&mut self) {
        let is_over = |key: &&Key| {
            self.claims
                .get(key)
                .is_some_and(|claim| claim.end.is_some())
        };
        if self.order.iter().filter(is_over).count() <= ENDED_KEPT {
            return;
        }
        if let Some(oldest) = self.order.iter().find(is_over).cloned() {
            self.order.retain(|key| *key != oldest);
            self.claims.remove(&oldest);
            self.holders.retain(|_, key| *key != oldest);
            self.commands.retain(|_, key| *key != oldest);
        }
    }

    /// A claim's entry names its instance.
    fn tags(&mut self, input: &Value, at: Moment) {
        let tags = input.get("Tags").and_then(Value::as_array);
        for tag in tags.into_iter().flatten() {
            let text = |name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default();
            let Some(id) = ledger::claim_id_of(text("Key")) else {
                continue;
            };
            let key = (text("ResourceId").to_owned(), id.to_string());
            let entry: Option<ledger::Entry> = text("Value").parse().ok();
            let assigned = entry.filter(ledger::Entry::is_open);
            let Some((instance, attempt)) =
                assigned.and_then(|entry| Some((entry.instance?.to_string(), entry.attempt)))
            else {
                continue;
            };
            let Some(claim) = self.claims.get_mut(&key) else {
                continue;
            };
            if claim.instance.as_ref() != Some(&instance) {
                claim.instance = Some(instance.clone());
                claim.attempts = attempt.into();
                self.holders.insert(instance, key.clone());
                self.step(&key, Taken::Entered, Some(Phase::Detaching), at);
            }
        }
    }

    fn command_sent(&mut self, instance: &str, command: &str, comment: &str, at: Moment) {
        let Some(key) = self.holders.get(instance).cloned() else {
            return;
        };
        if is_comment_of(comment, &key.1, &key.0) {
            self.commands.insert(command.to_owned(), key.clone());
            self.step(&key, Taken::CommandSent, Some(Phase::Sending), at);
        }
    }

    fn step_of_instance(&mut self, instance: &str, step: Taken, phase: Option<Phase>, at: Moment) {
        if let Some(key) = self.holders.get(instance).cloned() {
            self.step(&key, step, phase, at);
        }
    }

    fn step_of_command(&mut self, command: &str, step: Taken, phase: Phase, at: Moment) {
        if let Some(key) = self.commands.get(command).cloned() {
            self.step(&key, step, Some(phase), at);
        }
    }

    /// A claim takes a step, unless it has ended.
    fn step(&mut self, key: &Key, what: Taken, phase: Option<Phase>, at: Moment) {
        let claim = self.claims.get_mut(key);
        if let Some(claim) = claim.filter(|claim| claim.end.is_none()) {
            claim.steps.push(Step { what, at, phase });
        }
    }

    /// What a person calls a pool of the family.
    fn title(&self, pool: Option<&GroupName>) -> Option<String> {
        self.names.family.as_ref()?;
        let names = self.names.of_pool(pool?.as_str())?;
        Some(names.title().to_owned())
    }

    fn ended(&mut self, outcome: Outcome, at: Moment) {
        let mut report = Report {
            at,
            id: outcome.claim_id,
            target: outcome.target_group,
            pool: self.title(outcome.pool.as_ref()),
            outcome: outcome.outcome,
            reason: outcome.reason,
            message: outcome.message,
            took: None,
        };
        let key = report.target.clone().zip(report.id.clone());
        let key = key.filter(|_| report.outcome != Ending::DryRun);
        if let Some(claim) = key.and_then(|key| self.claims.get_mut(&key)) {
            if let Some(end) = &mut claim.end {
                // Published again: nothing new.
                end.published += 1;
                return;
            }
            report.took = Some(claim.age(at));
            claim.end = Some(End {
                at,
                outcome: report.outcome,
                reason: report.reason,
                message: report.message.clone(),
                published: 1,
            });
            self.counts.open -= 1;
            match report.outcome {
                Ending::Ready => self.counts.ready += 1,
                Ending::Rejected => self.counts.rejected += 1,
                Ending::Failed | Ending::DryRun => self.counts.failed += 1,
            }
        }
        if self.outcomes.len() == OUTCOMES_KEPT {
            self.outcomes.pop_front();
        }
        self.outcomes.push_back(report);
    }
}

impl Claim {
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

    /// How long each phase took, in their order, milliseconds; of a claim that has ended.
    pub(crate) fn parts(&self) -> Option<[u64; 6]> {
        let end = self.end.as_ref()?.at;
        let begun: Vec<(Phase, Moment)> = self
            .steps
            .iter()
            .filter_map(|step| Some((step.phase?, step.at)))
            .collect();
        let ends = begun.iter().skip(1).map(|(_, at)| *at).chain([end]);
        let mut parts = [0; 6];
        for ((phase, from), to) in begun.iter().zip(ends) {
            if let Some(part) = parts.get_mut(*phase as usize) {
                *part += to.since(*from);
            }
        }
        Some(parts)
    }
}

#[cfg(test)]
mod tests;
