//! Carries out a plan. What fails is left to the next pass, a minute later at most: the world is
//! looked at again anyway.

use crate::decide::Plan;
use crate::pass::ReplenishPool;
use ready_pool_aws::auto_scaling::LaunchResult;
use ready_pool_aws::error::AwsError;
use ready_pool_aws::queue::Outgoing;
use ready_pool_core::Timestamp;
use ready_pool_core::ids::InstanceId;
use ready_pool_core::message::Message;
use tracing::{info, warn};

/// Carries out the whole plan; answers how many of its parts failed.
pub(crate) async fn carry_out(function: &ReplenishPool, plan: &Plan, now: Timestamp) -> usize {
    let mut failures = 0;
    if let Some(capacity) = plan.desired_capacity {
        let pool = &function.config.pool;
        info!(pool = %pool, capacity, "setting the pool's desired capacity");
        let result = function
            .auto_scaling
            .set_desired_capacity(pool, capacity)
            .await;
        failures += usize::from(failed("set the desired capacity", result));
    }
    for instance in &plan.complete {
        info!(instance_id = %instance, "the agent is online; completing the launch");
        failures += end_launch(function, instance, LaunchResult::Continue).await;
    }
    for instance in &plan.abandon {
        warn!(instance_id = %instance, "the agent stays away; abandoning the launch");
        failures += end_launch(function, instance, LaunchResult::Abandon).await;
    }
    failures += look_again(function, plan, now).await;
    if !plan.remove.is_empty() {
        info!(entries = plan.remove.len(), "removing settled entries");
        let result = function.auto_scaling.remove_entries(&plan.remove).await;
        failures += usize::from(failed("remove settled entries", result));
    }
    failures
}

async fn end_launch(function: &ReplenishPool, instance: &InstanceId, end: LaunchResult) -> usize {
    let config = &function.config;
    let result = function
        .auto_scaling
        .complete_launch(&config.pool, &config.launch_hook, instance, end)
        .await;
    usize::from(failed("end a launch's wait", result))
}

async fn look_again(function: &ReplenishPool, plan: &Plan, now: Timestamp) -> usize {
    let messages: Result<Vec<Outgoing>, AwsError> = plan
        .look_again
        .iter()
        .map(|look| {
            let message = Outgoing::json(&Message::LookAgain(look.clone()))?;
            Ok(message.ordered(look.instance_id.as_str(), look.deduplication_id(now)))
        })
        .collect();
    let results = match messages {
        Ok(messages) => function.init_queue.send(&messages).await,
        Err(error) => vec![Err(error)],
    };
    results
        .into_iter()
        .filter(|result| failed("ask for a look at an open claim", result.clone()))
        .count()
}

fn failed(what: &str, result: Result<(), AwsError>) -> bool {
    if let Err(error) = result {
        warn!(%error, "cannot {what}; the next pass tries again");
        return true;
    }
    false
}
