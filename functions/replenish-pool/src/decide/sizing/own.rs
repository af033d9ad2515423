//! Detaches of replenish-pool's own are no demand. It writes down whom it detaches before it does.

use super::{Tags, checkpoint, differing, minute_of, spans};
use ready_pool_core::Timestamp;
use ready_pool_core::activity::{Activity, ActivityKind};
use ready_pool_core::group::{Group, Lifecycle};
use ready_pool_core::ids::InstanceId;
use ready_pool_core::pool_size::{OWN_TAG, own_value};
use ready_pool_sizing::Minute;
use ready_pool_sizing::tags::{self, SIZING};
use std::collections::BTreeSet;

/// The tags to write before these members of the pool are detached. Where there is no room for their names, this
/// quarter-hour is not learned from.
pub fn before_detach(pool: &Group, instances: &[InstanceId], now: Timestamp) -> Tags {
    if instances.is_empty() {
        return Tags::new();
    }
    let mut own = pool.own_detaches();
    own.extend(instances.iter().cloned());
    let tags = match own_value(&own) {
        Some(value) => Tags::from([(OWN_TAG, value)]),
        None => held_now(pool, minute_of(now)),
    };
    differing(tags, pool)
}

fn held_now(pool: &Group, now: Minute) -> Tags {
    let Some(mut checkpoint) = checkpoint(pool, now) else {
        return Tags::new();
    };
    spans::note(&mut checkpoint, now, true, false);
    let tags = tags::write(&checkpoint).into_iter();
    tags.filter(|(key, _)| *key == SIZING).collect()
}

/// The tag without those that are learned of, where all before `until` is.
pub(super) fn after(
    pool: &Group,
    activities: &[Activity],
    until: Minute,
) -> Option<(&'static str, String)> {
    pool.tags.get(OWN_TAG)?;
    let detached: BTreeSet<&InstanceId> = activities
        .iter()
        .filter(|activity| activity.kind == ActivityKind::Detach)
        .filter(|activity| minute_of(activity.started_at) >= until)
        .filter_map(|activity| activity.instance.as_ref())
        .collect();
    // On its way out, which the history may not show yet.
    let leaves = |instance: &InstanceId| {
        let member = pool.member(instance);
        member.is_some_and(|member| member.lifecycle == Lifecycle::Detaching)
    };
    let mut own = pool.own_detaches();
    own.retain(|instance| detached.contains(instance) || leaves(instance));
    Some((OWN_TAG, own_value(&own)?))
}
