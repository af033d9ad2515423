//! Machines that are away for a while, though nobody terminated them: an agent that restarts, a machine that
//! reboots, and one that somebody stops.

use super::{Associations, Due, State};
use crate::autoscaling;
use crate::settings::FirstOnline;
use crate::ssm;
use crate::world::{Due as Agenda, World};
use std::time::Duration;
use time::OffsetDateTime;

/// The agent has registered for the first time: what the account's associations have for every machine runs now
/// (State Manager user guide; reports of restarts and reboots just then: KiroCrew#7867,
/// bottlerocket-ecs-updater#53).
pub(super) fn first_online(world: &mut World, id: &str) {
    if world.settings.first_online == FirstOnline::Nothing {
        return;
    }
    let Some(instance) = world.compute.instances.get_mut(id) else {
        return;
    };
    if instance.associations != Associations::None {
        return;
    }
    instance.associations = Associations::Pending;
    let wait = world.draw(world.settings.timings.first_associations);
    let instance = id.to_owned();
    world.after(wait, Agenda::Compute(Due::AssociationsRun { instance }));
}

pub(super) fn associations_run(world: &mut World, id: &str) {
    match world.settings.first_online {
        FirstOnline::Nothing => {}
        FirstOnline::AgentRestarts => restart_agent(world, id),
        FirstOnline::Reboots => reboot(world, id),
    }
}

/// The agent is away for seconds. What runs goes on, and is reported afterwards (amazon-ssm-agent: a document has
/// a process of its own, `ssm-document-worker`).
pub fn restart_agent(world: &mut World, id: &str) {
    let takes = world.draw(world.settings.timings.agent_restart);
    goes_away(world, id, takes);
}

/// The machine is away for a minute or so, and `running` all the time. What ran on it is lost: its command stays
/// as it was until its time-out (assumed; the agent may run it again, by its `CommandRetryLimit`).
pub fn reboot(world: &mut World, id: &str) {
    let takes = world.draw(world.settings.timings.reboot);
    if let Some(instance) = world.compute.instances.get_mut(id) {
        instance.rebooted_at = Some(world.now);
    }
    goes_away(world, id, takes);
}

fn goes_away(world: &mut World, id: &str, takes: Duration) {
    let now = world.now;
    let Some(instance) = world.compute.instances.get_mut(id) else {
        return;
    };
    if instance.state != State::Running {
        return;
    }
    instance.agent.away_since = Some(now);
    let (instance, since) = (id.to_owned(), now);
    let due = Due::AgentReturns { instance, since };
    world.after(takes, Agenda::Compute(due));
}

/// The agent starts, pings, reports what ended meanwhile and takes what waits for it.
pub(super) fn agent_returns(world: &mut World, id: &str, since: OffsetDateTime) {
    let now = world.now;
    let Some(instance) = world.compute.instances.get_mut(id) else {
        return;
    };
    let is_over = instance.state != State::Running || instance.agent.died_at.is_some();
    if is_over || instance.agent.away_since != Some(since) {
        return;
    }
    instance.agent.away_since = None;
    instance.agent.registered_at = Some(now);
    if instance.associations == Associations::Pending {
        instance.associations = Associations::Done(now);
    }
    ssm::agent_returned(world, id);
}

/// Somebody stops the machine: a scheduler that saves money at night. Its group notices, if it is in one.
pub fn stop(world: &mut World, id: &str) {
    let now = world.now;
    let Some(instance) = world.compute.instances.get_mut(id) else {
        return;
    };
    if instance.state != State::Running {
        return;
    }
    instance.state = State::Stopping;
    instance.agent.died_at.get_or_insert(now);
    autoscaling::health::instance_lost(world, id);
    let takes = world.draw(world.settings.timings.stop);
    let instance = id.to_owned();
    world.after(takes, Agenda::Compute(Due::Stopped { instance }));
}

pub(super) fn stopped(world: &mut World, id: &str) {
    if let Some(instance) = world.compute.instances.get_mut(id)
        && instance.state == State::Stopping
    {
        instance.state = State::Stopped;
    }
}

/// Somebody starts a stopped machine. Its user data does not run again, and its agent starts with the machine.
pub fn start(world: &mut World, id: &str) {
    let Some(instance) = world.compute.instances.get_mut(id) else {
        return;
    };
    if instance.state != State::Stopped {
        return;
    }
    instance.state = State::Pending;
    instance.agent.died_at = None;
    let takes = world.draw(world.settings.timings.instance_start);
    let instance = id.to_owned();
    world.after(takes, Agenda::Compute(Due::Runs { instance }));
}
