//! What a look says in figures: pure.

use crate::decide::{Plan, View};
use crate::notes::{self, Stage};
use ready_pool_aws::metrics::Record;
use ready_pool_core::group::Member;
use ready_pool_core::ledger::Entry;

/// The state of the pool and its claims: once a minute, by a full look.
pub(crate) fn state(view: &View, plan: &Plan) -> Option<Record> {
    let scan = view.scan.as_ref()?;
    let is_ready = |member: &&Member| {
        member.is_fit() && (view.agents.get(&member.instance)).is_some_and(|agent| agent.online)
    };
    let open = scan
        .targets
        .iter()
        .flat_map(|target| target.entries())
        .filter(|(_, entry): &(_, Entry)| entry.is_open());
    let notes = notes::of(&scan.retirement);
    let suspects = notes
        .values()
        .filter(|note| note.stage == Stage::Suspect)
        .count();
    // Found for the second time: from now on they are taken out.
    let leaks = plan
        .note
        .iter()
        .filter(|(instance, note)| {
            note.stage == Stage::Retiring
                && !scan.places.contains_key(instance)
                && view.pool.member(instance).is_none()
        })
        .count();
    Some(
        Record::of(&view.pool.name)
            .count("Ready", view.pool.members.iter().filter(is_ready).count())
            .count("Desired", whole(view.pool.desired_capacity))
            .count("Size", whole(view.size))
            .count("Booting", plan.booting)
            .count("Backlog", view.backlog)
            .count("OpenClaims", open.count())
            .count("Suspects", suspects)
            .count("Leaks", leaks)
            .count("Retiring", notes.len() - suspects)
            .count("FailingLaunches", plan.failing_launches)
            .count("HeldBackMembers", plan.held_back),
    )
}

fn whole(capacity: i32) -> usize {
    usize::try_from(capacity).unwrap_or_default()
}
