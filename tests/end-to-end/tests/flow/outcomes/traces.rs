//! A claim's trace goes with it from queue to queue, to the outcome.

use super::caller::Caller;
use end_to_end::{Harness, HarnessBuilder, Target, claim};
use region::api::{CallError, Service};
use region::events::Unreliability;
use region::faults::Fault;
use region::world::World;
use serde_json::{Value, json};

const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

/// Sends a claim as part of a trace.
async fn send(harness: &Harness, message: &Value, trace: &str) {
    let input = json!({
        "QueueUrl": harness.queue("ProvisionQueue"),
        "MessageBody": message.to_string(),
        "MessageGroupId": harness.pool,
        "MessageDeduplicationId": message["claim_id"],
        "MessageSystemAttributes": {
            "AWSTraceHeader": { "DataType": "String", "StringValue": trace },
        },
    });
    harness
        .call(Service::Sqs, "SendMessage", input)
        .await
        .expect("the message can be sent");
}

/// The trace of the outcome that a claim in this one gets.
async fn heard_in(harness: &Harness, message: &Value, trace: &str) -> Option<String> {
    send(harness, message, trace).await;
    let claim_id = message["claim_id"].as_str().expect("a claim has an id");
    Caller::of(harness).hear(claim_id).await.trace
}

async fn ready(builder: HarnessBuilder) -> Harness {
    let harness = builder.start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    harness
}

#[tokio::test(start_paused = true)]
async fn the_outcome_comes_in_the_trace_that_the_claim_was_sent_in() {
    let harness = ready(Harness::builder()).await;
    assert_eq!(
        heard_in(&harness, &claim("c", "asg-1"), TRACE).await,
        Some(TRACE.to_owned())
    );
    // A claim that is rejected, too.
    assert_eq!(
        heard_in(&harness, &claim("lost", "asg-404"), TRACE).await,
        Some(TRACE.to_owned())
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn another_attempt_and_a_lost_event_do_not_lose_the_trace() {
    let harness = ready(Harness::builder()).await;
    harness.region.with(|world| {
        world.events.unreliability = Unreliability {
            drop: 1.0,
            ..Unreliability::default()
        };
    });
    harness.break_next(Fault::next(
        Service::Ssm,
        "SendCommand",
        CallError::sender("InvalidInstanceId", "Instances not in a valid state"),
    ));
    assert_eq!(
        heard_in(&harness, &claim("c", "asg-1"), TRACE).await,
        Some(TRACE.to_owned())
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_trace_a_claim_goes_on_in_that_of_the_function_that_took_it() {
    let harness = ready(Harness::builder()).await;
    let sent_in = |world: &World| {
        world.ssm.commands.values().find_map(|command| {
            let script = command.parameters["commands"].first()?;
            let (_, trace) = script.lines().next()?.split_once(", trace ")?;
            Some(trace.to_owned())
        })
    };
    let trace = heard_in(&harness, &claim("c", "asg-1"), "Root=nonsense").await;
    assert!(trace.as_deref().unwrap().starts_with("Root=1-"));
    assert_eq!(harness.region.read(sent_in), trace);
    harness.end().await;
}
