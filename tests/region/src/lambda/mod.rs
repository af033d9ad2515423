//! AWS Lambda: functions, event-source mappings and asynchronous invocation.
//!
//! The world decides when a function is invoked with what, and what its result means; the
//! [`Region`](crate::region::Region) performs the invocation through a [`Function`].

mod asynchronous;
pub mod environment;
pub mod external;
mod function;
mod invocation;
mod mapping;
pub mod process;
pub mod remote;
pub mod runtime_api;

pub use asynchronous::{AsyncSettings, invoke_async};
pub use function::{Function, FunctionConfig, FunctionError, Invocation};
pub use invocation::{finished, kill};
pub use mapping::{Batch, Mapping, queue_changed};

use crate::world::World;
use std::collections::BTreeMap;

/// All functions of the region, and what they are doing.
#[derive(Debug, Default)]
pub struct Lambda {
    /// By name.
    pub functions: BTreeMap<String, FunctionConfig>,
    /// Event-source mappings, in the order they were added.
    pub mappings: Vec<Mapping>,
    running: BTreeMap<String, invocation::Running>,
}

impl Lambda {
    /// How many invocations of a function are running.
    pub fn concurrency(&self, function: &str) -> usize {
        self.running
            .values()
            .filter(|running| running.function == function)
            .count()
    }

    /// Ids of the running invocations of a function, in no particular order.
    pub fn running(&self, function: &str) -> Vec<String> {
        self.running
            .iter()
            .filter(|(_, running)| running.function == function)
            .map(|(request_id, _)| request_id.clone())
            .collect()
    }

    /// The function with this ARN.
    pub fn by_arn(&self, arn: &str) -> Option<&FunctionConfig> {
        self.functions.values().find(|function| function.arn == arn)
    }
}

/// Keeps a function from running by itself, as an operator does it: no mapping looks into its
/// queues, and no concurrency is left for events.
///
/// # Panics
/// When there is no such function.
pub fn pause(world: &mut World, function: &str) {
    let lambda = &mut world.lambda;
    let config = lambda.functions.get_mut(function);
    config.expect("the function exists").reserved_concurrency = Some(0);
    for mapping in &mut lambda.mappings {
        if mapping.function == function {
            mapping.enabled = false;
        }
    }
}

/// What is on the agenda.
#[derive(Debug)]
pub enum Due {
    /// A mapping looks into its queue.
    Poll(usize),
    /// The function is invoked with a batch that a mapping has had in hand for a while.
    Start(Box<Batch>),
    /// An asynchronous event is tried, for the first time or again.
    TryAsync(Box<asynchronous::Event>),
}

/// An item of the agenda is due.
pub fn happen(world: &mut World, due: Due) {
    match due {
        Due::Poll(mapping) => mapping::poll(world, mapping),
        Due::Start(batch) => {
            mapping::start(world, *batch);
        }
        Due::TryAsync(event) => asynchronous::attempt(world, *event),
    }
}

#[cfg(test)]
mod tests;
