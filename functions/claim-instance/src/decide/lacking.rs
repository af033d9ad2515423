//! Which zone a claim lacks an instance in. Nobody else sees that: replenish-pool counts messages.

use super::{Decision, Request, View, Waiting};

/// The zone in which each of these requests, decided on like this, waits for an instance. None where it does not
/// wait, or where any zone of the pool will do: then it is one of the queue's length. Position by position.
pub fn lacking<'a>(
    view: &View<'a>,
    requests: &[Request],
    decisions: &[Decision],
) -> Vec<Option<&'a str>> {
    let decided = requests.iter().zip(decisions);
    decided
        .map(|(request, decision)| {
            let target = match decision {
                Decision::Wait(Waiting::PoolEmpty | Waiting::NothingLaunches) => {
                    view.targets.get(&request.claim.target_group)?
                }
                _ => return None,
            };
            let pool = &view.pool.zones;
            // Of several zones the first: one that gets an instance is enough.
            let mut common = pool.intersection(&target.zones);
            (!pool.is_subset(&target.zones))
                .then(|| common.next().map(String::as_str))
                .flatten()
        })
        .collect()
}
