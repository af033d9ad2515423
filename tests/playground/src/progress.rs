//! How far every claim is, from the journal alone.

mod claim;

pub(crate) use claim::{Claim, End, PHASES, Phase, Step, Taken};

use claim::Ended;

use crate::messages::{Content, SentClaim, claim_key, is_comment_of};
use crate::moment::Moment;
use crate::start::Names;
use crate::story::words::output;
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::ids::GroupName;
use ready_pool_core::ledger;
use ready_pool_core::message::Message;
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use region::journal::{Entry, Happening};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Claims that have ended are forgotten beyond so many.
const ENDED_KEPT: usize = 1_000;
/// Outcomes that are kept.
const OUTCOMES_KEPT: usize = 20;

/// Target and id: what a claim is known by.
pub(crate) type Key = (String, String);

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

/// How many claims there were; what was rejected as no claim at all is one, too, so that as many are rejected here
/// as are kept on the rejected queue.
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
    /// Dry runs that were answered. They are no claims.
    pub(crate) dry_runs: u32,
}

impl Counts {
    fn count(&mut self, outcome: Ending) {
        match outcome {
            Ending::Ready => self.ready += 1,
            Ending::Rejected => self.rejected += 1,
            Ending::Failed | Ending::DryRun => self.failed += 1,
        }
    }
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
    /// Dry runs that are not answered yet.
    dry_runs: BTreeSet<Key>,
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
            dry_runs: BTreeSet::new(),
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
                self.step_of_instance(instance, Taken::Detached, at, |claim| {
                    // Otherwise the command does not wait for the detach.
                    (claim.attach_when == AttachWhen::BeforeInit).then_some(Phase::Attaching)
                });
            }
            Happening::Attaching { group, instance } if self.is_target(group, instance) => {
                self.step_of_instance(instance, Taken::Attaching, at, |_| None);
            }
            Happening::Attached { group, instance } if self.is_target(group, instance) => {
                self.step_of_instance(instance, Taken::Attached, at, |claim| {
                    claim.has(Taken::Ended).then_some(Phase::Reporting)
                });
            }
            Happening::CommandSent {
                instance,
                command_id,
                comment,
            } => self.command_sent(instance, command_id, comment, at),
            Happening::CommandStarted { command_id, .. } => {
                self.step_of_command(command_id, Taken::Started, at, |_| Phase::Running);
            }
            Happening::CommandFinished {
                command_id,
                status,
                stdout,
                stderr,
                ..
            } => {
                self.step_of_command(command_id, Taken::Ended, at, |claim| {
                    if status == "Success" && !claim.has(Taken::Attached) {
                        Phase::Joining
                    } else {
                        Phase::Reporting
                    }
                });
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
            Some(Content::Claim(claim)) if claim.is_dry_run() => {
                self.dry_runs.insert((claim.target_group, claim.claim_id));
            }
            Some(Content::Claim(claim)) => self.sent(claim, at),
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

    fn sent(&mut self, claim: SentClaim, at: Moment) {
        // Names that no claim can have: its outcome may spell them otherwise, and it is counted by that alone.
        if claim_key(&claim.claim_id, &claim.target_group).is_none() {
            return;
        }
        let attach_when = claim.attach_when();
        let key = (claim.target_group, claim.claim_id);
        self.dry_runs.remove(&key);
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
            attach_when,
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

    /// Whether the group is the target of the claim that has the instance.
    fn is_target(&self, group: &str, instance: &str) -> bool {
        let holder = self.holders.get(instance);
        holder.is_some_and(|(target, _)| target == group)
    }

    fn step_of_instance(
        &mut self,
        instance: &str,
        step: Taken,
        at: Moment,
        phase: impl FnOnce(&Claim) -> Option<Phase>,
    ) {
        if let Some(key) = self.holders.get(instance).cloned() {
            let phase = self.claims.get(&key).and_then(phase);
            self.step(&key, step, phase, at);
        }
    }

    fn step_of_command(
        &mut self,
        command: &str,
        step: Taken,
        at: Moment,
        phase: impl FnOnce(&Claim) -> Phase,
    ) {
        if let Some(key) = self.commands.get(command).cloned() {
            let phase = self.claims.get(&key).map(phase);
            self.step(&key, step, phase, at);
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
        let is_dry = report.outcome == Ending::DryRun
            || (key.as_ref()).is_some_and(|key| self.dry_runs.remove(key));
        self.counts.dry_runs += u32::from(is_dry);
        let claim = key.filter(|_| !is_dry);
        match claim.and_then(|key| self.claims.get_mut(&key)) {
            Some(claim) => {
                let end = End {
                    at,
                    outcome: report.outcome,
                    reason: report.reason,
                    message: report.message.clone(),
                    published: 1,
                };
                match claim.end_with(end) {
                    // Nothing new.
                    Ended::Again => return,
                    Ended::First => self.counts.open -= 1,
                    // By another message of the same id.
                    Ended::Beside => self.counts.sent += 1,
                }
                report.took = Some(claim.age(at));
                self.counts.count(report.outcome);
            }
            // A message that says of no claim what it is.
            None if !is_dry && report.outcome == Ending::Rejected => {
                self.counts.sent += 1;
                self.counts.count(report.outcome);
            }
            None => {}
        }
        if self.outcomes.len() == OUTCOMES_KEPT {
            self.outcomes.pop_front();
        }
        self.outcomes.push_back(report);
    }
}

#[cfg(test)]
mod tests;
