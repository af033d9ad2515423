//! Who steps aside: goes to the end of the line, because what it waits for is not what others wait for.
//!
//! A delivery holds ten messages, and those behind it wait until it is over. Claims differ in what can serve
//! them: ten of a zone where nothing is ready would keep everybody else from what is ready elsewhere.

use super::allocation::reserved;
use super::{Decision, Isolation, MessageGroup, Request, View, Waiting, identity};
use ready_pool_core::group::{Group, Member};
use ready_pool_core::ids::InstanceId;
use std::collections::BTreeSet;
use std::time::Duration;

/// A claim steps aside no more often than this: two that both wait would go round each other all the time. It is what
/// somebody who comes while all of a batch have just stepped aside waits for them, and how long a delivery looks anyway.
pub const STEPS_ASIDE_EVERY: Duration = Duration::from_secs(20);

/// Whether each of these requests, decided on like this, may step aside. Position by position.
pub fn may_step_aside(view: &View<'_>, requests: &[Request], decisions: &[Decision]) -> Vec<bool> {
    let left = left_over(view, requests, decisions);
    let decided = requests.iter().zip(decisions);
    decided
        .map(|(request, decision)| {
            waits_for_something_particular(view, request, decision, &left) && may_go(view, request)
        })
        .collect()
}

/// What is ready and goes to nobody of this batch.
fn left_over<'a>(view: &View<'a>, requests: &[Request], decisions: &[Decision]) -> Vec<&'a Member> {
    let mut given: BTreeSet<InstanceId> = reserved(view, requests);
    given.extend(decisions.iter().filter_map(|decision| match decision {
        Decision::Assign { instance, .. } => Some(instance.clone()),
        _ => None,
    }));
    let ready = |member: &&Member| member.is_fit() && view.online.contains(&member.instance);
    let members = view.pool.members.iter().filter(ready);
    members
        .filter(|member| !given.contains(&member.instance))
        .collect()
}

/// Exactly two waits are not everybody's: for a zone, while another one has what is ready; and for room in the
/// ledger of the claim's own target.
fn waits_for_something_particular(
    view: &View<'_>,
    request: &Request,
    decision: &Decision,
    left: &[&Member],
) -> bool {
    let elsewhere = |target: &Group| {
        left.iter()
            .any(|member| !target.zones.contains(&member.zone))
    };
    match decision {
        Decision::Wait(Waiting::LedgerFull) => true,
        Decision::Wait(Waiting::PoolEmpty | Waiting::NothingLaunches) => {
            let target = view.targets.get(&request.claim.target_group);
            target.is_some_and(elsewhere)
        }
        _ => false,
    }
}

/// Not a suspect: as a copy it would come back as one that nobody suspects, and end another ten. And not what this
/// delivery has begun: only its memory says how far that is.
fn may_go(view: &View<'_>, request: &Request) -> bool {
    let begun = (view.memory.entries).contains_key(&identity(&request.claim));
    let rested = (request.stepped_aside).is_none_or(|at| view.now - at >= STEPS_ASIDE_EVERY);
    request.isolation == Isolation::Batched
        && request.group == MessageGroup::Pool
        && !begun
        && rested
}
