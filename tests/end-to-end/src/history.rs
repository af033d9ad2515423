//! Invariants about moments, read from the region's journal.

use crate::invariants::Violation;
use crate::stage::outcome_in;
use ready_pool_core::ids::{ClaimId, ClaimKey, GroupName};
use ready_pool_core::outcome::{Ending, Outcome};
use region::journal::Happening;
use region::world::World;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const COMMENT: &str = "ready-pool ";
/// What the names of our functions begin with.
const OURS: &str = "ready-pool-";

/// The key of the claim that an outcome is about.
pub(crate) fn key(outcome: &Outcome) -> Option<ClaimKey> {
    let claim_id = ClaimId::try_from(outcome.claim_id.as_deref()?).ok()?;
    let target = GroupName::try_from(outcome.target_group.as_deref()?).ok()?;
    Some(ClaimKey::new(&claim_id, &target))
}

/// Invariant 2: when a claim is first called ready, its instance is in service in its target.
pub(crate) fn ready_in_target(world: &World) -> Vec<Violation> {
    let mut members: BTreeMap<&str, &str> = BTreeMap::new();
    let mut called_ready = BTreeSet::new();
    let mut violations = Vec::new();
    for entry in world.journal.entries() {
        match &entry.what {
            Happening::InService { group, instance } | Happening::Attached { group, instance } => {
                members.insert(instance, group);
            }
            Happening::Detaching { instance, .. } | Happening::Terminating { instance, .. } => {
                members.remove(instance.as_str());
            }
            _ => {
                let ready = outcome_in(entry).filter(|it| it.outcome == Ending::Ready);
                let Some((claim, outcome)) = ready.and_then(|it| Some((key(&it)?, it))) else {
                    continue;
                };
                if !called_ready.insert(claim.to_string()) {
                    continue;
                }
                let instance = outcome.instance_id.map(String::from).unwrap_or_default();
                let group = members.get(instance.as_str()).copied();
                if group != outcome.target_group.as_deref() {
                    violations.push(Violation::ReadyElsewhere {
                        claim: claim.to_string(),
                        instance,
                        group: group.map(str::to_owned),
                    });
                }
            }
        }
    }
    violations
}

/// Invariant 5: nothing of ours takes a machine that was told out of its group, except for its
/// own failed claim.
pub(crate) fn told_left_alone(world: &World) -> Vec<Violation> {
    let failed: BTreeSet<String> = world
        .journal
        .entries()
        .filter_map(outcome_in)
        .filter(|outcome| outcome.outcome == Ending::Failed)
        .filter_map(|outcome| Some(format!("{COMMENT}{}", key(&outcome)?)))
        .collect();
    let mut told: BTreeMap<&str, &str> = BTreeMap::new();
    let mut leaving: Vec<&str> = Vec::new();
    let mut violations = Vec::new();
    for entry in world.journal.entries() {
        match &entry.what {
            Happening::CommandSent {
                instance, comment, ..
            } if comment.starts_with(COMMENT) => {
                told.insert(instance, comment);
            }
            Happening::Detaching { instance, .. } | Happening::Terminating { instance, .. } => {
                leaving.push(instance);
            }
            // What a call does is in the journal right before it.
            Happening::Called {
                caller,
                operation,
                input,
                ..
            } => {
                let removes = caller.starts_with(OURS)
                    && matches!(
                        operation.as_str(),
                        "DetachInstances" | "TerminateInstanceInAutoScalingGroup"
                    );
                for instance in leaving.drain(..) {
                    let Some(comment) = told.get(instance) else {
                        continue;
                    };
                    if removes && names(input, instance) && !failed.contains(*comment) {
                        violations.push(Violation::ToldAndRemoved {
                            instance: instance.to_owned(),
                            comment: (*comment).to_owned(),
                            function: caller.clone(),
                        });
                    }
                }
            }
            _ => {}
        }
    }
    violations
}

fn names(input: &Value, instance: &str) -> bool {
    let listed = input["InstanceIds"].as_array();
    input["InstanceId"] == instance || listed.is_some_and(|ids| ids.iter().any(|id| id == instance))
}
