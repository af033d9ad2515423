//! The Lambda function `replenish-pool`.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use ready_pool_aws::clock::Invocation;
use ready_pool_aws::{Clients, SystemClock, config, telemetry};
use replenish_pool::{Config, ReplenishPool};
use serde_json::Value;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let config = Config::read(&config::environment)?;
    let clients = Clients::from_environment()?;
    let function = &ReplenishPool::new(config, &clients);
    run(service_fn(
        move |event: LambdaEvent<EventBridgeEvent<Value>>| async move {
            let invocation = Invocation::of_invocation(Arc::new(SystemClock), &event.context);
            function.handle(&event.payload, &invocation).await
        },
    ))
    .await
}
