//! `AZRebalance`: a group whose zones are uneven launches in the emptiest one, and terminates in the fullest.
//!
//! After an attach, too, which says nothing of zones: the machine that is terminated may be the attached one,
//! whatever it is at (user guide, "Suspend and resume processes" and "Instance distribution"; buildkite
//! elastic-ci-stack#435, aws-cdk#36134).

use super::{Due, capacity, launch};
use crate::wire::timestamp::iso_seconds;
use crate::world::{Due as Agenda, World};

/// Puts a look at the zones on the agenda, if they are uneven and nobody has suspended the process.
pub(super) fn notice(world: &mut World, name: &str) {
    if uneven(world, name).is_none() {
        return;
    }
    let delay = world.draw(world.settings.timings.rebalance_notice);
    if let Some(group) = world.autoscaling.groups.get_mut(name)
        && !std::mem::replace(&mut group.rebalancing, true)
    {
        let group = name.to_owned();
        world.after(delay, Agenda::AutoScaling(Due::Rebalance { group }));
    }
}

/// The emptiest zone, where another one has two members more.
fn uneven(world: &World, name: &str) -> Option<String> {
    let group = world.autoscaling.groups.get(name)?;
    let suspended = ["AZRebalance", "Launch", "Terminate"];
    if group.deleting || suspended.iter().any(|process| group.is_suspended(process)) {
        return None;
    }
    let load = capacity::load_by_zone(world, name);
    let of = |zone: &String| load.get(zone.as_str()).copied().unwrap_or(0);
    let fullest = group.zones.iter().map(of).max()?;
    let emptiest = group.zones.iter().min_by_key(|zone| of(zone))?;
    (of(emptiest) + 2 <= fullest).then(|| emptiest.clone())
}

/// Launches before it terminates, so the group has one more than it should for a while, its maximum or not.
pub(super) fn rebalance(world: &mut World, name: &str) {
    let Some(group) = world.autoscaling.groups.get_mut(name) else {
        return;
    };
    group.rebalancing = false;
    let settled = group.capacity() == group.desired;
    let Some(zone) = uneven(world, name) else {
        return;
    };
    if !settled {
        notice(world, name);
        return;
    }
    let cause = format!(
        "At {} instances were launched to balance instances in zones {zone} with other zones resulting in more \
         than desired number of instances in the group.",
        iso_seconds(world.now)
    );
    launch::launch_for(world, name, cause);
}
