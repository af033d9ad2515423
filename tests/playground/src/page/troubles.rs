//! What can be broken, and what is.

use region::api::Service;
use region::compute;
use region::events::Mishap;
use region::faults::{Calls, Failure, Fault, Moment, Rate};
use region::world::World;
use serde::{Deserialize, Serialize};

/// Chance that a call is throttled while AWS throttles: most get through in the end, some only
/// when the whole step is tried again.
const THROTTLE_CHANCE: f64 = 0.5;

/// What is broken now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Troubles {
    /// Events of the next so many deliveries are lost.
    pub(super) events_to_drop: usize,
    /// Every event is lost.
    pub(super) drops_events: bool,
    /// Auto Scaling and Systems Manager refuse half of the functions' calls.
    pub(super) throttles: bool,
    /// No launch gets a machine.
    pub(super) refuses_capacity: bool,
    /// Functions that are killed at their next call, not counting what has struck.
    pub(super) crashes: usize,
}

/// Something to break.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "trouble", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Trouble {
    /// The agent of this instance dies.
    KillAgent {
        /// Its id.
        instance: String,
    },
    /// This machine dies.
    KillMachine {
        /// Its id.
        instance: String,
    },
    /// The next event is lost.
    DropNextEvent {},
    /// Every event is lost, or no more.
    DropEvents {
        /// Which.
        on: bool,
    },
    /// Calls are throttled, or no more.
    Throttle {
        /// Which.
        on: bool,
    },
    /// No launch gets a machine, or they do again.
    RefuseCapacity {
        /// Which.
        on: bool,
    },
    /// This function is killed right after its next call took effect, before it hears so.
    Crash {
        /// Its name in the stack.
        function: String,
    },
    /// Nothing is broken any more. What is dead stays dead.
    Stop {},
}

/// What is broken in the world.
pub(super) fn troubles(world: &World) -> Troubles {
    let unreliability = &world.events.unreliability;
    Troubles {
        events_to_drop: unreliability.next.len(),
        drops_events: unreliability.drop > 0.0,
        throttles: !world.faults.rates.is_empty(),
        refuses_capacity: world.compute.capacity_refused,
        crashes: world.faults.waiting(),
    }
}

/// Breaks something, or mends it; says what, or why not.
pub(super) fn cause(world: &mut World, trouble: &Trouble) -> Result<String, String> {
    let said = match trouble {
        Trouble::KillAgent { instance } => {
            known_instance(world, instance)?;
            compute::kill_agent(world, instance);
            return Ok(format!(
                "the agent of {instance} is dead; AWS will not know for some minutes"
            ));
        }
        Trouble::KillMachine { instance } => {
            known_instance(world, instance)?;
            compute::kill_instance(world, instance);
            return Ok(format!(
                "{instance} is being terminated behind its group's back"
            ));
        }
        Trouble::Crash { function } => {
            crash(world, function)?;
            return Ok(format!("{function} will be killed in its next call"));
        }
        Trouble::DropNextEvent {} => {
            world.events.unreliability.next.push_back(Mishap::Drop);
            "the next event will be lost"
        }
        Trouble::DropEvents { on } => {
            world.events.unreliability.drop = if *on { 1.0 } else { 0.0 };
            if *on {
                "every event is lost"
            } else {
                "events arrive again"
            }
        }
        Trouble::Throttle { on } => {
            throttle(world, *on);
            if *on {
                "AWS throttles every other call"
            } else {
                "AWS throttles no more"
            }
        }
        Trouble::RefuseCapacity { on } => {
            world.compute.capacity_refused = *on;
            if *on {
                "no launch gets an instance"
            } else {
                "launches get instances again"
            }
        }
        Trouble::Stop {} => {
            world.faults.stop();
            world.events.unreliability = region::events::Unreliability::default();
            world.compute.capacity_refused = false;
            "nothing goes wrong any more; what is dead stays dead"
        }
    };
    Ok(said.to_owned())
}

fn known_instance(world: &World, instance: &str) -> Result<(), String> {
    if world.compute.instances.contains_key(instance) {
        Ok(())
    } else {
        Err(format!("there is no instance {instance}"))
    }
}

/// Only the functions are throttled: whoever breaks things can still look and mend.
fn throttle(world: &mut World, on: bool) {
    world.faults.rates.clear();
    if !on {
        return;
    }
    let callers: Vec<String> = world.lambda.functions.keys().cloned().collect();
    for service in [Service::AutoScaling, Service::Ssm] {
        world.faults.rates.push(Rate {
            calls: Calls {
                service: Some(service),
                callers: callers.clone(),
                ..Calls::default()
            },
            chance: THROTTLE_CHANCE,
            moment: Moment::BeforeTheEffect,
            failure: Failure::Throttled,
        });
    }
}

fn crash(world: &mut World, function: &str) -> Result<(), String> {
    if !world.lambda.functions.contains_key(function) {
        return Err(format!("there is no function {function}"));
    }
    let calls = Calls::default().by(function);
    let fault = Fault::nth(calls, 1, Moment::AfterTheEffect, Failure::Kill);
    world.faults.add(fault);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use region::settings::Settings;
    use serde_json::{Value, json};
    use time::macros::datetime;

    fn world() -> World {
        World::new(Settings::default(), datetime!(2026-11-22 12:00 UTC))
    }

    fn read(json: Value) -> Result<Trouble, serde_json::Error> {
        serde_json::from_value(json)
    }

    #[test]
    fn what_is_switched_on_shows_and_stops() {
        let mut world = world();
        for json in [
            json!({ "trouble": "drop_next_event" }),
            json!({ "trouble": "drop_events", "on": true }),
            json!({ "trouble": "throttle", "on": true }),
            json!({ "trouble": "refuse_capacity", "on": true }),
        ] {
            cause(&mut world, &read(json).unwrap()).unwrap();
        }
        let all = Troubles {
            events_to_drop: 1,
            drops_events: true,
            throttles: true,
            refuses_capacity: true,
            crashes: 0,
        };
        assert_eq!(troubles(&world), all);
        for trouble in [
            Trouble::DropEvents { on: false },
            Trouble::Throttle { on: false },
            Trouble::RefuseCapacity { on: false },
        ] {
            cause(&mut world, &trouble).unwrap();
        }
        let left = Troubles {
            events_to_drop: 1,
            ..Troubles::default()
        };
        assert_eq!(troubles(&world), left);
        cause(&mut world, &Trouble::Stop {}).unwrap();
        assert_eq!(troubles(&world), Troubles::default());
    }

    #[test]
    fn what_is_not_there_cannot_be_broken() {
        let mut world = world();
        for (json, problem) in [
            (
                json!({ "trouble": "kill_agent", "instance": "i-1" }),
                "there is no instance i-1",
            ),
            (
                json!({ "trouble": "kill_machine", "instance": "i-1" }),
                "there is no instance i-1",
            ),
            (
                json!({ "trouble": "crash", "function": "f" }),
                "there is no function f",
            ),
        ] {
            let answer = cause(&mut world, &read(json).unwrap());
            assert_eq!(answer, Err(problem.to_owned()));
        }
        assert_eq!(world.faults.waiting(), 0);
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        assert!(read(json!({ "trouble": "drop_event" })).is_err());
        assert!(read(json!({ "trouble": "throttle", "on": true, "off": false })).is_err());
        assert!(read(json!({ "trouble": "stop", "now": true })).is_err());
    }
}
