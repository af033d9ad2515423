//! The machines: those of the pool, and those that are elsewhere.

use super::sizing::Sizing;
use crate::moment::Moment;
use crate::progress::Progress;
use crate::start::Names;
use region::autoscaling::{Group, Lifecycle, Member};
use region::compute::{Instance, State};
use region::ssm::ping_status;
use region::world::World;
use serde::Serialize;

/// Machines outside of the pool that are shown: the newest.
const ELSEWHERE_SHOWN: usize = 24;

/// The pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Pool {
    /// The group's name.
    pub(crate) name: String,
    /// What a person calls it.
    pub(super) title: String,
    /// How it is sized, where a hit rate is asked for.
    pub(super) sizing: Option<Sizing>,
    /// How many machines it should have.
    pub(crate) desired: u32,
    /// How many of them are ready.
    pub(crate) ready: usize,
    /// How many are on their way to it.
    pub(crate) booting: usize,
    /// How many launches are still to begin.
    pub(crate) requested: usize,
    /// All it has, oldest first.
    pub(super) members: Vec<Machine>,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Machine {
    /// Its id.
    pub(super) id: String,
    /// Its zone.
    pub(super) zone: String,
    /// Its group; none where it is in none.
    pub(super) group: Option<String>,
    /// How it is.
    pub(super) state: Health,
    /// When it was launched.
    pub(super) launched: Moment,
    /// The id of the claim it was given to.
    pub(super) claim: Option<String>,
    /// Its agent is dead, and SSM still reports Online.
    pub(super) unnoticed: bool,
}

/// How a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Health {
    /// It starts.
    Booting,
    /// It runs, in its launch hook; its agent has not registered yet.
    AgentAwaited,
    /// Its agent is there; it is about to be let into service.
    AgentOnline,
    /// It is in service, and its agent works.
    Ready,
    /// Its agent does not work.
    AgentDead,
    /// It runs, in no group.
    Free,
    /// It is being detached.
    Leaving,
    /// It is its group's, and out of service.
    Standby,
    /// Somebody has stopped it.
    Stopped,
    /// It is being terminated.
    Terminating,
}

/// The pool as it is.
pub(crate) fn pool(world: &World, names: &Names, progress: &Progress) -> Pool {
    let Some(group) = world.autoscaling.groups.get(&names.pool) else {
        return Pool::default();
    };
    let mut members: Vec<Machine> = group
        .members
        .iter()
        .filter_map(|(id, member)| {
            let instance = world.compute.instances.get(id)?;
            Some(machine(world, instance, Some((group, member)), progress))
        })
        .collect();
    members.sort_by(|a, b| (a.launched, &a.id).cmp(&(b.launched, &b.id)));
    let count = |wanted: &[Health]| {
        let counted = members.iter().filter(|one| wanted.contains(&one.state));
        counted.count()
    };
    let desired = usize::try_from(group.desired).unwrap_or_default();
    let going = count(&[Health::Leaving, Health::Terminating]);
    Pool {
        requested: desired.saturating_sub(members.len() - going),
        name: group.name.clone(),
        title: names.title().to_owned(),
        sizing: None,
        desired: group.desired,
        ready: count(&[Health::Ready]),
        booting: count(&[Health::Booting, Health::AgentAwaited, Health::AgentOnline]),
        members,
    }
}

/// The machines outside of every pool that are not gone, newest first.
pub(super) fn elsewhere(world: &World, names: &Names, progress: &Progress) -> Vec<Machine> {
    let mut machines: Vec<Machine> = world
        .compute
        .instances
        .values()
        .filter(|instance| instance.state != State::Terminated)
        .filter_map(|instance| {
            let group = world.autoscaling.group_of(&instance.id);
            if group.is_some_and(|group| names.of_pool(&group.name).is_some()) {
                return None;
            }
            let membership =
                group.and_then(|group| Some((group, group.members.get(&instance.id)?)));
            Some(machine(world, instance, membership, progress))
        })
        .collect();
    machines.sort_by(|a, b| (b.launched, &b.id).cmp(&(a.launched, &a.id)));
    machines.truncate(ELSEWHERE_SHOWN);
    machines
}

fn machine(
    world: &World,
    instance: &Instance,
    membership: Option<(&Group, &Member)>,
    progress: &Progress,
) -> Machine {
    let lifecycle = membership.map(|(_, member)| member.lifecycle);
    let state = health(instance, lifecycle);
    let holder = progress.holder(&instance.id);
    Machine {
        id: instance.id.clone(),
        zone: instance.zone.clone(),
        group: membership.map(|(group, _)| group.name.clone()),
        state,
        launched: Moment::from(instance.launched_at),
        claim: holder.map(|(_, id)| id.clone()),
        unnoticed: state == Health::AgentDead && ping_status(world, instance) == "Online",
    }
}

fn health(instance: &Instance, lifecycle: Option<Lifecycle>) -> Health {
    let agent = &instance.agent;
    if matches!(instance.state, State::ShuttingDown | State::Terminated) {
        return Health::Terminating;
    }
    if matches!(instance.state, State::Stopping | State::Stopped) {
        return Health::Stopped;
    }
    match lifecycle {
        Some(Lifecycle::Terminating | Lifecycle::TerminatingWait) => Health::Terminating,
        _ if agent.died_at.is_some() => Health::AgentDead,
        None => Health::Free,
        Some(Lifecycle::Detaching) => Health::Leaving,
        Some(Lifecycle::EnteringStandby | Lifecycle::Standby) => Health::Standby,
        Some(Lifecycle::InService) if agent.works() => Health::Ready,
        Some(Lifecycle::InService) => Health::AgentDead,
        Some(_) if agent.works() => Health::AgentOnline,
        Some(Lifecycle::PendingWait) => Health::AgentAwaited,
        Some(Lifecycle::Pending | Lifecycle::PendingProceed) => Health::Booting,
    }
}

#[cfg(test)]
mod tests;
