//! What the pool and its claims need now: pure.

use ready_pool_core::Timestamp;
use ready_pool_core::group::{Group, Lifecycle};
use ready_pool_core::ids::{ClaimId, GroupName, InstanceId};
use ready_pool_core::ledger::Entry;
use ready_pool_core::message::{LookAgain, VERSION};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// For how long after its deadline a settled entry is kept, so that late repeats of a claim hear
/// the known outcome.
const KEPT_AFTER_DEADLINE: Duration = Duration::from_hours(1);
/// From how many tags on settled entries are removed early, oldest deadline first: AWS allows 50.
const CROWDED_TAGS: usize = 40;

/// The world as observed.
#[derive(Clone, Debug)]
pub struct View {
    /// The present time.
    pub now: Timestamp,
    /// The pool.
    pub pool: Group,
    /// Ready instances to keep.
    pub size: i32,
    /// Those of its members on their way in whose agent is online.
    pub online: BTreeSet<InstanceId>,
    /// When each of its members on their way in was launched, as far as its history tells.
    pub launched_at: BTreeMap<InstanceId, Timestamp>,
    /// After which a launch without an agent is abandoned.
    pub boot_limit: Duration,
    /// The pool's targets, where this pass looks after open claims.
    pub targets: Vec<Group>,
}

/// What to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Desired capacity to set, where it differs.
    pub desired_capacity: Option<i32>,
    /// Launches to complete: their agent is online.
    pub complete: Vec<InstanceId>,
    /// Launches to abandon: their agent stays away.
    pub abandon: Vec<InstanceId>,
    /// Launches to look at again soon.
    pub booting: usize,
    /// Open claims that init-instance shall look at.
    pub look_again: Vec<LookAgain>,
    /// Settled entries to remove.
    pub remove: Vec<(GroupName, ClaimId)>,
}

/// Decides what the pool and its claims need now.
pub fn decide(view: &View) -> Plan {
    let mut plan = Plan {
        desired_capacity: desired_capacity(view),
        ..Plan::default()
    };
    gate(view, &mut plan);
    for target in &view.targets {
        plan.look_again.extend(open_claims(target));
        plan.remove.extend(
            outlived(target, view.now)
                .into_iter()
                .map(|claim_id| (target.name.clone(), claim_id)),
        );
    }
    plan
}

fn desired_capacity(view: &View) -> Option<i32> {
    // Not `clamp`: it panics where a group's bounds are crossed.
    let wanted = view.size.min(view.pool.max_size).max(view.pool.min_size);
    (wanted != view.pool.desired_capacity).then_some(wanted)
}

/// `InService` shall mean ready: a launch goes through when its agent is online.
fn gate(view: &View, plan: &mut Plan) {
    for member in &view.pool.members {
        let instance = &member.instance;
        match member.lifecycle {
            Lifecycle::PendingWait if view.online.contains(instance) => {
                plan.complete.push(instance.clone());
            }
            Lifecycle::PendingWait => {
                let overdue = view
                    .launched_at
                    .get(instance)
                    .is_some_and(|launched| *launched + view.boot_limit < view.now);
                if overdue {
                    plan.abandon.push(instance.clone());
                } else {
                    plan.booting += 1;
                }
            }
            Lifecycle::Pending => plan.booting += 1,
            _ => {}
        }
    }
}

/// Every open claim that has an instance: whether its command has ended, or its deadline has
/// passed, init-instance sees in the order of that instance's messages.
fn open_claims(target: &Group) -> Vec<LookAgain> {
    target
        .entries()
        .filter(|(_, entry)| entry.is_open())
        .filter_map(|(claim_id, entry)| {
            Some(LookAgain {
                version: VERSION,
                claim_id,
                target_group: target.name.clone(),
                instance_id: entry.instance?,
                attempt: entry.attempt,
                expires_at: entry.expires_at,
            })
        })
        .collect()
}

/// Settled entries that have served their time, or must make room.
fn outlived(target: &Group, now: Timestamp) -> Vec<ClaimId> {
    let mut settled: Vec<(ClaimId, Entry)> = target
        .entries()
        .filter(|(_, entry)| !entry.is_open())
        .collect();
    settled.sort_by_key(|(_, entry)| entry.expires_at);
    let crowd = target.tags.len().saturating_sub(CROWDED_TAGS);
    settled
        .into_iter()
        .enumerate()
        .filter(|(position, (_, entry))| {
            *position < crowd || entry.expires_at < now - KEPT_AFTER_DEADLINE
        })
        .map(|(_, (claim_id, _))| claim_id)
        .collect()
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
