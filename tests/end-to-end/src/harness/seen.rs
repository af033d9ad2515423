//! What a scenario sees: outcomes, groups, entries, the journal, and what must hold and does not.

use super::{Harness, STACK};
use crate::history::Counts;
use crate::invariants::{self, Violation};
use ready_pool_core::outcome::Outcome;
use region::autoscaling::Lifecycle;
use region::journal::{Entry, Happening};
use region::world::World;
use std::collections::BTreeSet;

impl Harness {
    /// All outcomes so far, in order.
    pub fn outcomes(&self) -> Vec<Outcome> {
        let mut history = self.history.lock().expect("no test thread panicked");
        self.region.read(|world| history.read(world));
        history.outcomes.clone()
    }

    /// The outcomes after the first `read` ones, which grows by them.
    pub(crate) fn outcomes_since(&self, read: &mut usize) -> Vec<Outcome> {
        let mut history = self.history.lock().expect("no test thread panicked");
        self.region.read(|world| history.read(world));
        let new = history.outcomes[*read..].to_vec();
        *read += new.len();
        new
    }

    /// What happened so far, in numbers.
    pub(crate) fn counts(&self) -> Counts {
        let mut history = self.history.lock().expect("no test thread panicked");
        self.region.read(|world| history.read(world));
        history.counts(&self.pool, &self.retirement)
    }

    /// The keys of the claims whose script succeeded.
    pub(crate) fn succeeded(&self) -> BTreeSet<String> {
        self.region.read(invariants::succeeded)
    }

    /// The claim whose command this instance was sent before it was to be in its target.
    pub(crate) fn sent_late_for(&self, instance: &str) -> Option<String> {
        let sent_late = invariants::sent_late_for;
        self.region.read(|world| sent_late(world, instance))
    }

    /// Instances that run in no group.
    pub(crate) fn leaks(&self) -> Vec<String> {
        self.region.with(|world| invariants::leaks(world))
    }

    /// Instances in service in a group.
    pub fn in_service(&self, group: &str) -> Vec<String> {
        self.region.with(|world| in_service(world, group))
    }

    /// A group's desired capacity.
    pub fn desired(&self, group: &str) -> u32 {
        self.region
            .with(|world| world.autoscaling.groups[group].desired)
    }

    /// An instance's zone.
    pub fn zone(&self, instance: &str) -> String {
        self.region
            .with(|world| world.compute.instances[instance].zone.clone())
    }

    /// The entry of a claim in its target's ledger.
    pub fn entry(&self, target: &str, claim_id: &str) -> Option<String> {
        let key = format!("ready-pool:claim/{claim_id}");
        self.region.with(|world| {
            let tag = world.autoscaling.groups.get(target)?.tags.get(&key)?;
            Some(tag.value.clone())
        })
    }

    /// The journal.
    pub fn journal(&self) -> Vec<Entry> {
        self.region
            .with(|world| world.journal.entries().cloned().collect())
    }

    /// How many calls of an operation the functions made.
    pub fn calls(&self, operation: &str) -> usize {
        self.calls_of(STACK, operation)
    }

    /// How many calls of an operation somebody made whose name begins so.
    pub fn calls_of(&self, who: &str, operation: &str) -> usize {
        self.journal()
            .iter()
            .filter(|entry| {
                matches!(&entry.what, Happening::Called { caller, operation: called, .. }
                    if called == operation && caller.starts_with(who))
            })
            .count()
    }

    /// The error codes that the functions got from an operation, in order.
    pub fn refusals(&self, operation: &str) -> Vec<String> {
        self.journal()
            .into_iter()
            .filter_map(|entry| match entry.what {
                Happening::Called {
                    caller,
                    operation: called,
                    error,
                    ..
                } if called == operation && caller.starts_with(STACK) => error,
                _ => None,
            })
            .collect()
    }

    /// The newest log lines and refused calls, for whoever reads why a scenario did not go on.
    pub(super) fn last_words(&self) -> String {
        const MOST: usize = 20;
        let journal = self.journal();
        let said = journal.iter().rev().filter_map(|entry| match &entry.what {
            Happening::Logged { function, line } => {
                Some(format!("{} {function}: {line}", entry.at))
            }
            Happening::Called {
                caller,
                operation,
                error: Some(error),
                ..
            } => Some(format!("{} {caller}: {operation}: {error}", entry.at)),
            _ => None,
        });
        let newest: Vec<String> = said.take(MOST).collect();
        newest.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// What must hold in every scenario and does not. Ask when nothing is under way any more.
    pub fn violations(&self) -> Vec<Violation> {
        let mut history = self.history.lock().expect("no test thread panicked");
        self.region.with(|world| {
            history.read(world);
            invariants::check(world, &history, &self.pool, &self.retirement)
        })
    }
}

pub(super) fn in_service(world: &World, name: &str) -> Vec<String> {
    let members = world
        .autoscaling
        .groups
        .get(name)
        .map(|group| &group.members);
    members
        .into_iter()
        .flatten()
        .filter(|(_, member)| member.lifecycle == Lifecycle::InService)
        .map(|(instance, _)| instance.clone())
        .collect()
}
