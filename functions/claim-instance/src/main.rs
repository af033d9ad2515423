//! The Lambda function `claim-instance`.

use aws_lambda_events::event::sqs::SqsEvent;
use claim_instance::{ClaimInstance, Config};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use ready_pool_aws::clock::Invocation;
use ready_pool_aws::{Clients, SystemClock, config, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let config = Config::read(&config::environment)?;
    let clients = Clients::from_environment()?;
    let clock = Arc::new(SystemClock);
    let function = &ClaimInstance::new(config, &clients, clock.clone());
    let clock = &clock;
    run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        let invocation = Invocation::of_invocation(clock.clone(), &event.context);
        Ok::<_, Error>(function.handle(event.payload, &invocation).await)
    }))
    .await
}
