//! What goes wrong with the region itself: outages, refused capacity, wiped tags.

use crate::api::Service;
use crate::world::{Due as Agenda, World};
use std::time::Duration;
use time::OffsetDateTime;

/// A service that is down: every call fails with its internal error, and SSM delivers no command
/// (those that wait are delivered when it is up again, unless their time-out was shorter).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Which.
    pub service: Service,
    /// When it is up again.
    pub until: OffsetDateTime,
}

/// What is on the agenda.
#[derive(Debug)]
pub enum Due {
    /// EC2 has capacity again.
    CapacityReturns,
}

/// A mishap is over.
pub fn happen(world: &mut World, due: &Due) {
    match due {
        Due::CapacityReturns => world.compute.capacity_refused = false,
    }
}

/// No launch gets capacity for this long (not scaled).
pub fn refuse_capacity(world: &mut World, duration: Duration) {
    world.compute.capacity_refused = true;
    world.after(duration, Agenda::Faults(Due::CapacityReturns));
}

/// Somebody's tool, which takes the group's tags for its own, removes those whose key begins with
/// `prefix`. Returns how many there were.
pub fn wipe_tags(world: &mut World, group: &str, prefix: &str) -> usize {
    super::remember(world);
    let Some(group) = world.autoscaling.groups.get_mut(group) else {
        return 0;
    };
    let before = group.tags.len();
    group.tags.retain(|key, _| !key.starts_with(prefix));
    before - group.tags.len()
}
