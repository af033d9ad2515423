//! Reads that show the past. AWS's describe calls are eventually consistent: a read right after a
//! write, or after something happened by itself, may not show it yet.

use crate::api::{Answer, Call, Service};
use crate::autoscaling::AutoScaling;
use crate::ssm::Ssm;
use crate::world::World;
use std::collections::VecDeque;
use std::time::Duration;
use time::OffsetDateTime;

/// How old the reads of Auto Scaling and SSM are.
#[derive(Clone, Copy, Debug)]
pub struct Staleness {
    /// Chance that a read is stale, 0 to 1.
    pub chance: f64,
    /// A stale read shows the state as of a moment drawn from the last so long.
    pub at_most: Duration,
}

/// The states before the newest changes, oldest first.
#[derive(Debug, Default)]
pub(super) struct Past {
    states: VecDeque<State>,
}

#[derive(Debug)]
struct State {
    /// When it ended.
    until: OffsetDateTime,
    autoscaling: AutoScaling,
    ssm: Ssm,
}

/// The past is not kept for longer, unless it is the only state kept.
const KEPT: Duration = Duration::from_secs(5);

/// Keeps the present state before it is changed, where a later read may ask for it.
pub(crate) fn remember(world: &mut World) {
    if !world.faults.keeps_the_past() {
        return;
    }
    let state = State {
        until: world.now,
        autoscaling: world.autoscaling.clone(),
        ssm: world.ssm.clone(),
    };
    let kept = world
        .faults
        .staleness
        .map_or(KEPT, |staleness| staleness.at_most);
    let states = &mut world.faults.past.states;
    while states
        .front()
        .is_some_and(|oldest| oldest.until + kept < world.now)
    {
        states.pop_front();
    }
    states.push_back(state);
}

/// Whether a call is a read that may be stale.
pub(crate) fn is_read(call: &Call) -> bool {
    call.service != Service::Sqs
        && ["Describe", "Get", "List"]
            .iter()
            .any(|verb| call.operation.starts_with(verb))
}

impl World {
    /// Whether chance wants this read stale, and how old.
    pub(crate) fn draw_staleness(&mut self, call: &Call) -> Option<Duration> {
        let staleness = self.faults.staleness.filter(|_| is_read(call))?;
        let strikes = self.rng.f64() < staleness.chance;
        strikes.then(|| staleness.at_most.mul_f64(self.rng.f64()))
    }
}

/// Answers a read from the state of `age` ago; without an age from the state before the newest
/// change. Anything but a read is answered as always.
pub(crate) fn answer_from_the_past(
    world: &mut World,
    call: &Call,
    age: Option<Duration>,
) -> Answer {
    let states = &world.faults.past.states;
    let wanted = match age {
        // The first state that had not ended yet at that time.
        Some(age) => states.partition_point(|state| state.until <= world.now - age),
        None => states.len().saturating_sub(1),
    };
    if !is_read(call) || wanted >= states.len() {
        return world.dispatch(call);
    }
    exchange(world, wanted);
    let answer = world.dispatch(call);
    exchange(world, wanted);
    answer
}

fn exchange(world: &mut World, index: usize) {
    if let Some(state) = world.faults.past.states.get_mut(index) {
        std::mem::swap(&mut world.autoscaling, &mut state.autoscaling);
        std::mem::swap(&mut world.ssm, &mut state.ssm);
    }
}
