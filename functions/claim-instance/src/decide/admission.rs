//! Whether a target may and can take one more instance.

use super::allocation::Allocation;
use super::{Decision, Waiting, count, latest, reject, subnets};
use ready_pool_core::claim::Claim;
use ready_pool_core::group::{Group, MAX_TAGS, OPT_IN_TAG};
use ready_pool_core::ids::{ClaimId, GroupName};
use ready_pool_core::ledger::{self, Entry};
use ready_pool_core::reason::Reason;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One that opted in to another pool belongs there, as a rule: its claim came to the wrong queue.
fn not_opted_in(target: &Group, pool: &GroupName) -> Decision {
    let name = &target.name;
    let opted_in_to = target
        .tags
        .get(OPT_IN_TAG)
        .filter(|other| !other.is_empty());
    let message = match opted_in_to {
        Some(other) => format!(
            "group {name} has opted in to pool {other}, and this is the queue of pool {pool}: send the claim to the \
             queue of {other}, or give the group the tag {OPT_IN_TAG} = {pool}"
        ),
        None => format!("group {name} has not opted in; give it the tag {OPT_IN_TAG} = {pool}"),
    };
    Decision::Reject {
        reason: Reason::NotOptedIn,
        message,
        opted_in_to: opted_in_to.cloned(),
    }
}

impl<'a> Allocation<'a> {
    /// Whether the target may and can take an instance: the target as it is, or, owned, as it will be made.
    pub(super) fn admit(&self, claim: &Claim, has_entry: bool) -> Result<Cow<'a, Group>, Decision> {
        let view = self.view;
        let name = &claim.target_group;
        if *name == view.pool.name || name == view.retirement {
            return Err(reject(
                Reason::TargetIsOurs,
                format!(
                    "target_group {name} is a group of ready-pool itself; name a tenant's group"
                ),
            ));
        }
        let Some(target) = view.targets.get(name) else {
            return self.to_be_made(claim, has_entry).map(Cow::Owned);
        };
        if !target.is_opted_in_to(&view.pool.name) {
            return Err(not_opted_in(target, &view.pool.name));
        }
        if let Some(problem) = target.launches_nothing() {
            let (reason, what_to_do) = if target.deleting {
                (Reason::TargetDeleting, "name another group")
            } else {
                (Reason::TargetSuspended, "resume it")
            };
            return Err(reject(
                reason,
                format!("{problem}, so nothing can be attached; {what_to_do}"),
            ));
        }
        if target.zones.is_disjoint(&view.pool.zones) {
            return Err(reject(
                Reason::NoCommonZone,
                format!(
                    "group {name} and pool {} share no availability zone",
                    view.pool.name
                ),
            ));
        }
        subnets::check(target, view.pool)?;
        if has_entry {
            // Its room was counted when the entry was written.
            return Ok(Cow::Borrowed(target));
        }
        self.check_room(target)?;
        Ok(Cow::Borrowed(target))
    }

    fn check_room(&self, target: &Group) -> Result<(), Decision> {
        let name = &target.name;
        let entries = self.entries_of(target);
        let begun = self.begun.get(name).copied().unwrap_or_default();
        let arriving = begun
            + entries
                .values()
                .filter(|entry| entry.is_open())
                .filter(|entry| {
                    entry
                        .instance
                        .as_ref()
                        .is_none_or(|instance| target.member(instance).is_none())
                })
                .count();
        let wanted = i64::from(target.desired_capacity) + count(arriving);
        if wanted >= i64::from(target.max_size) {
            return Err(reject(
                Reason::TargetFull,
                format!(
                    "group {name} has no room: desired capacity {} and {arriving} on the way, maximum size {}; raise its maximum size",
                    target.desired_capacity, target.max_size
                ),
            ));
        }
        let unseen = entries
            .keys()
            .filter(|claim_id| !target.tags.contains_key(&ledger::tag_key(claim_id)))
            .count();
        let counted = target.counted_tags() + unseen + begun;
        if counted < MAX_TAGS {
            return Ok(());
        }
        if entries.values().any(|entry| !entry.is_open()) {
            return Err(Decision::Wait(Waiting::LedgerFull));
        }
        Err(no_tag_left(name, counted, entries.len() + begun))
    }

    /// The target's ledger as far as this delivery knows it.
    fn entries_of(&self, target: &Group) -> BTreeMap<ClaimId, Entry> {
        let mut entries: BTreeMap<ClaimId, Entry> = target.entries().collect();
        for ((group, claim_id), entry) in &self.view.memory.entries {
            if *group == target.name {
                let read = entries.remove(claim_id);
                entries.insert(claim_id.clone(), latest(read, entry));
            }
        }
        entries
    }
}

/// No tag is left for the claim's entry. Who is to do something about it depends on whose the tags
/// are: open claims end by themselves, the group's own tags do not.
fn no_tag_left(name: &GroupName, counted: usize, open: usize) -> Decision {
    let own = counted.saturating_sub(open);
    let all = format!("group {name} has {counted} tags (those of `aws:` not counted)");
    let each = format!("AWS allows {MAX_TAGS}, and each claim that is not settled needs one");
    if open == 0 {
        return reject(
            Reason::TargetTagsFull,
            format!("{all}, none of them of an open claim; {each}: remove some of its tags"),
        );
    }
    reject(
        Reason::TooManyOpenClaims,
        format!(
            "{all}: {own} of its own and {open} of open claims; {each}: wait for some of them to end, or remove tags of its own"
        ),
    )
}
