//! Carries out a retirement: see [`ready_pool_core::retirement`] for its one rule.

use crate::auto_scaling::{AutoScaling, Capacity};
use crate::clock::{Invocation, sleep};
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::ids::{GroupName, InstanceId};
use ready_pool_core::retirement::{Route, Step};
use std::time::Duration;

/// How long between two looks: a detach or an attach takes about three seconds.
const PACE: Duration = Duration::from_secs(1);
/// What one more step may take; with less time left the rest is for the next delivery.
const STEP_TIME: Duration = Duration::from_secs(8);

/// How a retirement went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retired {
    /// We terminated it.
    Terminated,
    /// It is gone, or somebody else's: nothing is left to do.
    Done,
    /// Somebody has stopped it: no group takes it, and a person must see to it.
    Stopped,
    /// Time ran out half way: call again, it goes on from where the instance is.
    Unfinished,
}

/// Takes an instance out of the world, step by step.
pub async fn retire(
    auto_scaling: &AutoScaling,
    instance: &InstanceId,
    route: Route<'_>,
    invocation: &Invocation,
) -> Result<Retired, CallError> {
    while invocation.has(STEP_TIME) {
        let places = auto_scaling
            .placements(std::slice::from_ref(instance))
            .await?;
        match route.next_step(places.get(instance)) {
            Step::Done => return Ok(Retired::Done),
            Step::Wait => {}
            Step::DetachFromPool => {
                detach(auto_scaling, route.pool, instance, Capacity::Replace).await?;
            }
            Step::Detach => shrink(auto_scaling, route.from, instance).await?,
            Step::DetachFromStandby => {
                detach(auto_scaling, route.from, instance, Capacity::Replace).await?;
            }
            Step::Attach => match auto_scaling.attach(route.retirement, instance).await {
                Err(error) if error.says_stopped() => return Ok(Retired::Stopped),
                Err(error) if error.says_instance_gone() => return Ok(Retired::Done),
                // A finishing detach, or somebody was faster: the next look shows.
                Err(error) if error.already_part_of().is_some() => {}
                other => other?,
            },
            Step::Terminate => match auto_scaling.terminate(instance).await {
                Err(error) if error.effect == Effect::Refused && !error.says_instance_gone() => {
                    return Err(error);
                }
                Ok(()) => return Ok(Retired::Terminated),
                Err(_) => {}
            },
        }
        sleep(PACE).await;
    }
    Ok(Retired::Unfinished)
}

/// Takes the instance out and shrinks its group, unless the group's minimum forbids that.
async fn shrink(
    auto_scaling: &AutoScaling,
    group: &GroupName,
    instance: &InstanceId,
) -> Result<(), CallError> {
    match detach(auto_scaling, group, instance, Capacity::Shrink).await {
        Err(error) if error.says_below_minimum() => {
            detach(auto_scaling, group, instance, Capacity::Replace).await
        }
        other => other,
    }
}

/// Detaches an instance, unless it has left already. Where the answer is lost, the next look shows.
pub async fn detach(
    auto_scaling: &AutoScaling,
    group: &GroupName,
    instance: &InstanceId,
    capacity: Capacity,
) -> Result<(), CallError> {
    let instances = std::slice::from_ref(instance);
    match auto_scaling.detach(group, instances, capacity).await {
        Err(error) if error.says_not_detachable() || error.effect != Effect::Refused => Ok(()),
        other => other,
    }
}
