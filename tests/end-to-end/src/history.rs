//! What the region's journal has, read as it grows: outcomes, and invariants about moments. A
//! long run's journal forgets its beginning, so it is read in time.

use crate::invariants::Violation;
use ready_pool_core::ids::{ClaimId, ClaimKey, GroupName};
use ready_pool_core::outcome::{Ending, Outcome};
use region::journal::{Entry, Happening};
use region::world::World;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::OffsetDateTime;

const COMMENT: &str = "ready-pool ";
/// What the names of our functions begin with.
const OURS: &str = "ready-pool-";
/// How a retry on the provisioning queue begins.
const RETRY: &str = r#"{"ready_pool":"retry""#;
/// What a claim says that nothing was begun for, and that stepped aside.
const NOT_BEGUN: &str = r#""begun":false"#;
const TAG: &str = "ready-pool:claim/";
/// A function may call a claim ready so long after its machine died: Auto Scaling shows a dead
/// machine as in service for up to a minute (`Timings::health_notice`), and the call takes its time.
const LOOKED_BEFORE: Duration = Duration::from_secs(75);

/// Everything that was learnt from the journal so far.
#[derive(Debug, Default)]
pub(crate) struct History {
    cursor: usize,
    /// Outcomes, in the order they were sent.
    pub(crate) outcomes: Vec<Outcome>,
    /// In which group each instance is in service.
    members: BTreeMap<String, String>,
    /// When each left its last group, and which.
    left: BTreeMap<String, (OffsetDateTime, String)>,
    /// Claims that were called ready, in the ledger or in an outcome.
    called_ready: BTreeSet<String>,
    /// The comment of the last command of each instance.
    sent: BTreeMap<String, String>,
    /// Instances whose leaving is not attributed yet.
    leaving: Vec<String>,
    /// Instances that were sent a command, which a function of ours removed.
    removed: Vec<(String, String, String)>,
    elsewhere: Vec<Violation>,
    launched: BTreeMap<String, usize>,
    attached: BTreeMap<String, usize>,
    retries: usize,
    dead_letters: usize,
    calls: BTreeMap<String, usize>,
    throttled: usize,
    /// Invocations that have not ended.
    running: BTreeSet<String>,
    /// Calls that were answered without an error.
    outcomes_published: usize,
    terminated: usize,
}

/// What happened, in numbers.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    /// Instances that the pool launched.
    pub(crate) made: usize,
    /// Attached to targets.
    pub(crate) attached: usize,
    /// Attached to the retirement group.
    pub(crate) retired: usize,
    /// Requests for another instance.
    pub(crate) retries: usize,
    /// Messages that went to a dead-letter queue.
    pub(crate) dead_letters: usize,
    /// Calls that our functions made, by function and operation.
    pub(crate) calls: BTreeMap<String, usize>,
    /// Of those, the ones that were throttled, as their caller heard.
    pub(crate) throttled: usize,
    /// Outcomes that a function knows it published.
    pub(crate) outcomes_published: usize,
    /// Instances that a function knows it terminated.
    pub(crate) terminated: usize,
}

/// The key of the claim that an outcome is about.
pub(crate) fn key(outcome: &Outcome) -> Option<ClaimKey> {
    claim_key(
        outcome.claim_id.as_deref()?,
        outcome.target_group.as_deref()?,
    )
}

fn claim_key(claim_id: &str, target: &str) -> Option<ClaimKey> {
    let claim_id = ClaimId::try_from(claim_id).ok()?;
    let target = GroupName::try_from(target).ok()?;
    Some(ClaimKey::new(&claim_id, &target))
}

/// The outcome that a line of the journal sends, if it sends one.
pub(crate) fn outcome_in(entry: &Entry) -> Option<Outcome> {
    match &entry.what {
        Happening::MessageSent { queue, body, .. } if queue.ends_with("-outcome") => {
            Some(serde_json::from_str(body).expect("an outcome reads back"))
        }
        _ => None,
    }
}

impl History {
    /// Reads on.
    pub(crate) fn read(&mut self, world: &World) {
        let (entries, cursor) = world.journal.since(self.cursor);
        self.cursor = cursor;
        for entry in &entries {
            self.learn(entry);
        }
        for violation in &mut self.elsewhere {
            if let Violation::ReadyElsewhere {
                claim,
                instance,
                story,
                ..
            } = violation
                && story.is_empty()
            {
                let claim = claim.split('@').next().unwrap_or_default();
                *story = story_of(world, instance, &format!("\"{claim}\""));
            }
        }
    }

    /// What happened so far, in numbers.
    pub(crate) fn counts(&self, pool: &str, retirement: &str) -> Counts {
        let of = |counted: &BTreeMap<String, usize>, group: &str| {
            counted.get(group).copied().unwrap_or_default()
        };
        let retired = of(&self.attached, retirement);
        Counts {
            made: of(&self.launched, pool),
            attached: self.attached.values().sum::<usize>() - retired,
            retired,
            retries: self.retries,
            dead_letters: self.dead_letters,
            calls: self.calls.clone(),
            throttled: self.throttled,
            outcomes_published: self.outcomes_published,
            terminated: self.terminated,
        }
    }

    /// Whether no function runs at the moment.
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    fn learn(&mut self, entry: &Entry) {
        match &entry.what {
            Happening::Invoked { request_id, .. } => {
                self.running.insert(request_id.clone());
            }
            Happening::Returned { request_id, .. } => {
                self.running.remove(request_id);
            }
            Happening::Launching { group, .. } => {
                *self.launched.entry(group.clone()).or_default() += 1;
            }
            Happening::Attached { group, .. } => {
                *self.attached.entry(group.clone()).or_default() += 1;
            }
            Happening::DeadLettered { .. } => self.dead_letters += 1,
            Happening::MessageSent { body, .. }
                if body.starts_with(RETRY) && !body.contains(NOT_BEGUN) =>
            {
                self.retries += 1;
            }
            _ => {}
        }
        match &entry.what {
            Happening::InService { group, instance } | Happening::Attached { group, instance } => {
                self.members.insert(instance.clone(), group.clone());
            }
            Happening::Detaching { instance, .. } | Happening::Terminating { instance, .. } => {
                self.leaving.push(instance.clone());
                if let Some(group) = self.members.remove(instance) {
                    self.left.insert(instance.clone(), (entry.at, group));
                }
            }
            Happening::CommandSent {
                instance, comment, ..
            } if comment.starts_with(COMMENT) => {
                self.sent.insert(instance.clone(), comment.clone());
            }
            // What a call does is in the journal right before it.
            Happening::Called {
                caller,
                operation,
                input,
                error,
                ..
            } => {
                if caller.starts_with(OURS)
                    && let Some(counter) = self.counter(operation, input, error.as_deref())
                {
                    *counter += 1;
                }
                self.learn_of_call(entry.at, caller, operation, input);
            }
            Happening::Unheard {
                caller,
                operation,
                input,
                error,
            } if caller.starts_with(OURS) => {
                if let Some(counter) = self.counter(operation, input, error.as_deref()) {
                    *counter -= 1;
                }
            }
            _ => {
                if let Some(outcome) = outcome_in(entry) {
                    if outcome.outcome == Ending::Ready {
                        let instance = outcome.instance_id.as_ref().map(ToString::to_string);
                        let target = outcome.target_group.clone().unwrap_or_default();
                        let claim = outcome.claim_id.clone().unwrap_or_default();
                        let instance = instance.unwrap_or_default();
                        self.is_called_ready(entry.at, &claim, &target, &instance);
                    }
                    self.outcomes.push(outcome);
                }
            }
        }
    }

    /// What an answer that reached its caller counts towards.
    fn counter(
        &mut self,
        operation: &str,
        input: &Value,
        error: Option<&str>,
    ) -> Option<&mut usize> {
        match (operation, error) {
            (_, Some("RequestLimitExceeded")) => Some(&mut self.throttled),
            (_, Some(error)) if error.contains("Throttl") => Some(&mut self.throttled),
            ("TerminateInstanceInAutoScalingGroup", None) => Some(&mut self.terminated),
            ("SendMessageBatch", None) => input["QueueUrl"]
                .as_str()
                .is_some_and(|url| url.ends_with("-outcome"))
                .then_some(&mut self.outcomes_published),
            _ => None,
        }
    }

    fn learn_of_call(&mut self, at: OffsetDateTime, caller: &str, operation: &str, input: &Value) {
        let leaving = std::mem::take(&mut self.leaving);
        let Some(function) = caller.strip_prefix(OURS) else {
            return;
        };
        *self
            .calls
            .entry(format!("{function} {operation}"))
            .or_default() += 1;
        if operation == "CreateOrUpdateTags" {
            for tag in input["Tags"].as_array().into_iter().flatten() {
                let text = |name: &str| tag[name].as_str().unwrap_or_default();
                let Some(claim_id) = text("Key").strip_prefix(TAG) else {
                    continue;
                };
                let words: Vec<&str> = text("Value").split(' ').collect();
                if let [_, instance, _, "ready", ..] = words[..] {
                    self.is_called_ready(at, claim_id, text("ResourceId"), instance);
                }
            }
        }
        // A detach from the pool that was taken back is made again: that removes nothing from its target.
        let from = input["AutoScalingGroupName"].as_str().unwrap_or_default();
        let again = function == "init-instance" && from.ends_with("-pool");
        if !again
            && matches!(
                operation,
                "DetachInstances" | "TerminateInstanceInAutoScalingGroup"
            )
        {
            for instance in leaving.into_iter().filter(|id| names(input, id)) {
                if let Some(comment) = self.sent.get(&instance) {
                    let removed = (instance, comment.clone(), caller.to_owned());
                    self.removed.push(removed);
                }
            }
        }
    }

    /// Invariant 2: when a claim is first called ready, its instance is in service in its target,
    /// or was when the function looked.
    fn is_called_ready(
        &mut self,
        at: OffsetDateTime,
        claim_id: &str,
        target: &str,
        instance: &str,
    ) {
        let Some(claim) = claim_key(claim_id, target) else {
            return;
        };
        if !self.called_ready.insert(claim.to_string()) {
            return;
        }
        let just_left = self
            .left
            .get(instance)
            .filter(|(left_at, _)| *left_at + LOOKED_BEFORE > at)
            .map(|(_, group)| group);
        let group = self.members.get(instance).or(just_left);
        if group.is_none_or(|group| group != target) {
            self.elsewhere.push(Violation::ReadyElsewhere {
                claim: claim.to_string(),
                instance: instance.to_owned(),
                group: group.cloned(),
                story: Vec::new(),
            });
        }
    }

    /// The invariants about moments that did not hold.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        let failed: BTreeSet<String> = self
            .outcomes
            .iter()
            .filter(|outcome| outcome.outcome == Ending::Failed)
            .filter_map(|outcome| Some(format!("{COMMENT}{}", key(outcome)?)))
            .collect();
        let removed = self
            .removed
            .iter()
            .filter(|(_, comment, _)| !failed.contains(comment))
            .map(|(instance, comment, function)| Violation::SentAndRemoved {
                instance: instance.clone(),
                comment: comment.clone(),
                function: function.clone(),
            });
        self.elsewhere.iter().cloned().chain(removed).collect()
    }
}

/// The lines of the journal that speak of one of these.
fn story_of(world: &World, instance: &str, claim: &str) -> Vec<String> {
    let lines = world.journal.entries().map(|entry| {
        let what = format!("{:?}", entry.what).replace("\\\"", "\"");
        (entry.at, what)
    });
    lines
        .filter(|(_, what)| what.contains(instance) || what.contains(claim))
        .map(|(at, what)| format!("{at} {}", what.chars().take(600).collect::<String>()))
        .collect()
}

fn names(input: &Value, instance: &str) -> bool {
    let listed = input["InstanceIds"].as_array();
    input["InstanceId"] == instance || listed.is_some_and(|ids| ids.iter().any(|id| id == instance))
}
