//! The Lambda function `init-instance`.

use aws_lambda_events::event::sqs::SqsEvent;
use init_instance::{Config, InitInstance};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use ready_pool_aws::clock::Invocation;
use ready_pool_aws::{Clients, SystemClock, config, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let config = Config::read(&config::environment)?;
    let clients = Clients::from_environment()?;
    let function = &InitInstance::new(config, &clients);
    run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        let invocation = Invocation::of_invocation(Arc::new(SystemClock), &event.context);
        Ok::<_, Error>(function.handle(event.payload, &invocation).await)
    }))
    .await
}
