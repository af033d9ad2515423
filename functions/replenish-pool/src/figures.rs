//! What a look says in figures: pure.

use crate::decide::sizing::Sizing;
use crate::decide::{FullScan, Plan, View, all_agents, ready};
use crate::missing::AllMissing;
use crate::notes::{self, Stage};
use ready_pool_aws::metrics::Record;
use ready_pool_core::group::Group;
use ready_pool_core::ids::GroupName;
use ready_pool_sizing::Decision;

/// How the pool is sized by its hit rate, and why so.
pub(crate) fn sizing(pool: &GroupName, sizing: &Sizing) -> Record {
    let decision = sizing.decision;
    let yes_or_no = |is: fn(&Decision) -> bool| decision.as_ref().map(|it| usize::from(is(it)));
    Record::of(pool)
        .figure_if_known("PredictedHitRate", decision.map(|it| it.predicted_hit_rate))
        .figure_if_known("ClaimsExpected", decision.map(|it| it.claims_expected))
        .figure_if_known("Spread", decision.map(|it| it.spread))
        .figure_if_known("WaitPrice", decision.map(|it| it.wait_price_hours))
        .time_if_known("LeadTime", sizing.lead)
        .count_if_known("SizeCapped", yes_or_no(|it| it.is_capped))
        .count_if_known("HitRateOutOfReach", yes_or_no(|it| it.is_out_of_reach))
}

/// The state of the pool and its claims: about once a minute, by a full scan. What is not known is
/// not said.
pub(crate) fn state(view: &View, scan: &FullScan, plan: &Plan, missing: &AllMissing) -> Record {
    // Without the agents of all members only a pool in which none can be ready is known.
    let ready = Some(ready(view).count()).filter(|count| *count == 0 || all_agents(view).is_some());
    let held_back = all_agents(view).map(|_| plan.held_back);
    let failing = view.activities.as_ref().map(|_| plan.failing_launches);
    let open = scan.targets.as_ref().map(|targets| {
        let entries = targets.groups.iter().flat_map(Group::entries);
        entries.filter(|(_, entry)| entry.is_open()).count()
    });
    let notes = scan.retirement.as_ref().map(notes::of);
    let at_stage = |stage: Stage| {
        let notes = notes.as_ref()?.values();
        Some(notes.filter(|note| note.stage == stage).count())
    };
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
    let record = Record::of(&view.pool.name)
        .count_if_known("Ready", ready)
        .count("Desired", whole(view.pool.desired_capacity))
        .count("Size", whole(view.size))
        .count("Booting", plan.booting)
        .count_if_known("Backlog", view.backlog)
        .count_if_known("OpenClaims", open)
        .count_if_known("Suspects", at_stage(Stage::Suspect))
        .count("Leaks", leaks)
        .count_if_known("Retiring", at_stage(Stage::Retiring))
        .count_if_known("FailingLaunches", failing)
        .count_if_known("HeldBackMembers", held_back)
        .count("MissingParts", missing.count());
    if missing.count() == 0 {
        record
    } else {
        record.with("missing", &missing.names())
    }
}

fn whole(capacity: i32) -> usize {
    usize::try_from(capacity).unwrap_or_default()
}
