//! Open claims are looked after, settled entries removed.

use super::Plan;
use ready_pool_core::Timestamp;
use ready_pool_core::group::Group;
use ready_pool_core::ids::ClaimId;
use ready_pool_core::ledger::{ENTRY_KEPT_AFTER_DEADLINE, Entry, tag_key};
use ready_pool_core::message::{LookAgain, VERSION};

/// From how many tags on settled entries are removed early, oldest deadline first: AWS allows 50.
pub(super) const CROWDED_TAGS: usize = 40;

pub(super) fn plan(targets: &[Group], now: Timestamp, plan: &mut Plan) {
    for target in targets {
        plan.look_again.extend(open_claims(target));
        plan.remove_tags.extend(
            outlived(target, now)
                .into_iter()
                .map(|claim_id| (target.name.clone(), tag_key(&claim_id))),
        );
    }
}

/// Every open claim: whether its command has ended, or its deadline has passed, init-instance
/// sees in the order of that instance's messages.
fn open_claims(target: &Group) -> Vec<LookAgain> {
    target
        .entries()
        .filter(|(_, entry)| entry.is_open())
        .map(|(claim_id, entry)| LookAgain {
            version: VERSION,
            claim_id,
            target_group: target.name.clone(),
            instance_id: entry.instance,
            attempt: entry.attempt,
            expires_at: entry.expires_at,
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
    let crowd = target.counted_tags().saturating_sub(CROWDED_TAGS);
    settled
        .into_iter()
        .enumerate()
        .filter(|(position, (_, entry))| {
            *position < crowd || entry.expires_at < now - ENTRY_KEPT_AFTER_DEADLINE
        })
        .map(|(_, (claim_id, _))| claim_id)
        .collect()
}
