//! What goes wrong, and how often.

use crate::harness::Harness;
use region::api::Service;
use region::faults::{Calls, Failure, Faults, Moment, Outage, Rate, Staleness};
use region::world::World;
use std::time::Duration;

/// Rates of what goes wrong, each a chance from 0 to 1.
#[derive(Clone, Debug, Default)]
pub struct Troubles {
    /// That an invocation crashes, at some call, before or after its effect.
    pub crash: f64,
    /// That a message or an event is delivered twice, or a claim sent twice.
    pub duplicate: f64,
    /// That a call is throttled.
    pub throttle: f64,
    /// That a call's answer is lost after its effect (half in silence, half as an internal error).
    pub lost_answer: f64,
    /// That an event is lost.
    pub lost_event: f64,
    /// That an instance's agent dies within minutes.
    pub agent_dead: f64,
    /// That an instance dies within minutes.
    pub instance_dead: f64,
    /// That a machine loses the tag by which it may be sent commands, within minutes.
    pub untagged: f64,
    /// That a machine's agent restarts within minutes.
    pub agent_restarts: f64,
    /// That a machine reboots within minutes.
    pub reboots: f64,
    /// That, after a claim, its target's entries are wiped.
    pub tags_wiped: f64,
    /// That a read is up to a second stale.
    pub stale: f64,
    /// Whether, for some minutes each, capacity is refused, SSM is down, and the retirement group is missing.
    pub outages: bool,
}

/// About how many calls an invocation makes: a crash hits any of them.
const CALLS_PER_INVOCATION: f64 = 8.0;

impl Troubles {
    /// The rates that a release must survive.
    pub fn of_the_soak() -> Self {
        Self {
            crash: 0.02,
            duplicate: 0.02,
            throttle: 0.1,
            lost_answer: 0.005,
            lost_event: 0.1,
            agent_dead: 0.02,
            instance_dead: 0.01,
            untagged: 0.01,
            agent_restarts: 0.02,
            reboots: 0.01,
            tags_wiped: 0.005,
            stale: 0.0,
            outages: true,
        }
    }

    /// What goes wrong how often, in a line each.
    pub fn words(&self) -> Vec<String> {
        let rates = [
            (self.crash, "of the invocations are killed"),
            (self.duplicate, "of messages, events and claims come twice"),
            (self.throttle, "of the calls are throttled"),
            (self.lost_answer, "of the answers are lost"),
            (self.lost_event, "of the events are lost"),
            (self.agent_dead, "of the agents die"),
            (self.instance_dead, "of the instances die"),
            (
                self.untagged,
                "of the instances lose the tag by which they may be sent commands",
            ),
            (self.agent_restarts, "of the agents restart"),
            (self.reboots, "of the instances reboot"),
            (
                self.tags_wiped,
                "of the claims have their target's entries wiped",
            ),
            (self.stale, "of the reads are up to a second stale"),
        ];
        let rates = rates.into_iter().filter(|(rate, _)| *rate > 0.0);
        let rates = rates.map(|(rate, what)| format!("{:>5.1} %  {what}", rate * 100.0));
        let outages = self.outages.then(|| {
            " once    for minutes each: no capacity, SSM down, no retirement group".to_owned()
        });
        rates.chain(outages).collect()
    }

    pub(super) fn begin(&self, harness: &Harness) {
        let functions: Vec<String> = harness
            .region
            .with(|world| world.lambda.functions.keys().cloned().collect());
        let rate = |chance: f64, moment: Moment, failure: Failure| Rate {
            calls: Calls {
                callers: functions.clone(),
                ..Calls::default()
            },
            chance,
            moment,
            failure,
        };
        let crash = self.crash / CALLS_PER_INVOCATION / 2.0;
        let lost = self.lost_answer / 2.0;
        let rates = vec![
            rate(crash, Moment::BeforeTheEffect, Failure::Kill),
            rate(crash, Moment::AfterTheEffect, Failure::Kill),
            rate(lost, Moment::AfterTheEffect, Failure::Silence),
            rate(lost, Moment::AfterTheEffect, Failure::Internal),
            rate(self.throttle, Moment::BeforeTheEffect, Failure::Throttled),
        ];
        harness.region.with(|world| {
            world.faults.rates = rates;
            world.faults.deliveries.lost_delete = self.duplicate;
            world.events.unreliability.drop = self.lost_event;
            world.events.unreliability.duplicate = self.duplicate;
            world.faults.staleness = (self.stale > 0.0).then_some(Staleness {
                chance: self.stale,
                at_most: Duration::from_secs(1),
            });
        });
    }

    /// SSM is down for three minutes.
    pub(super) fn ssm_outage(world: &mut World) {
        let until = world.now + Duration::from_mins(3);
        world.faults.outages.push(Outage {
            service: Service::Ssm,
            until,
        });
    }

    /// Nothing new goes wrong any more.
    pub(super) fn end(world: &mut World) {
        Faults::stop(&mut world.faults);
        world.events.unreliability = region::events::Unreliability::default();
    }
}
