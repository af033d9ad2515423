//! The init command: how it ends is how the claim ends.

use end_to_end::{Stage, StageBuilder, Target, claim};
use ready_pool_core::outcome::{Ending, Outcome, Reason};
use region::commands::Pretence;
use region::compute;
use region::journal::Happening;
use serde_json::json;
use std::time::Duration;

async fn outcome_with(builder: StageBuilder) -> (Stage, Outcome) {
    let stage = builder.start();
    stage.pool_is_ready(2).await;
    stage.create(Target::named("asg-1")).await;
    stage.send(&claim("c", "asg-1")).await;
    let outcome = stage.outcome("c").await;
    (stage, outcome)
}

#[tokio::test(start_paused = true)]
async fn a_failing_script_fails_the_claim_and_retires_the_instance() {
    let failing = Stage::builder().scripts(|_| Pretence {
        exit_code: 7,
        ..Pretence::default()
    });
    let (stage, outcome) = outcome_with(failing).await;
    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Failed, Reason::ScriptFailed)
    );
    stage.gone(outcome.instance_id.unwrap().as_str()).await;
    assert!(stage.in_service("asg-1").is_empty());
    let entry = stage.entry("asg-1", "c").unwrap();
    assert!(
        entry.contains("failed") && entry.ends_with("script_failed"),
        "{entry}"
    );
    assert_eq!(stage.desired("asg-1"), 0, "the target shrinks with it");
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_script_that_runs_out_of_time_fails_the_claim() {
    let stage = Stage::builder()
        .scripts(|_| Pretence {
            takes: Some(Duration::from_hours(1)),
            ..Pretence::default()
        })
        .start();
    stage.pool_is_ready(2).await;
    stage.create(Target::named("asg-1")).await;
    let mut message = claim("c", "asg-1");
    message["init"]["execution_timeout_seconds"] = json!(30);
    stage.send(&message).await;
    let outcome = stage.outcome("c").await;
    assert_eq!(outcome.reason, Reason::ScriptTimedOut);
    stage.gone(outcome.instance_id.unwrap().as_str()).await;
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_command_sent_before_the_deadline_decides_after_it() {
    let slow = Stage::builder().scripts(|_| Pretence {
        takes: Some(Duration::from_mins(9)),
        ..Pretence::default()
    });
    let stage = slow.start();
    stage.pool_is_ready(2).await;
    stage.create(Target::named("asg-1")).await;
    let mut message = claim("c", "asg-1");
    message["expires_at"] = stage.in_future(Duration::from_mins(2)).into();
    stage.send(&message).await;
    assert_eq!(stage.outcome("c").await.outcome, Ending::Ready);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_died_a_moment_ago_is_found_out_by_the_delivery_time_out() {
    let stage = Stage::with_ready_pool(1).await;
    stage.create(Target::named("asg-1")).await;
    let silent = stage.in_service(&stage.pool)[0].clone();
    // Its last ping is recent: Systems Manager still says Online.
    stage
        .region
        .with(|world| compute::kill_agent(world, &silent));
    stage.send(&claim("c", "asg-1")).await;
    let outcome = stage.outcome("c").await;
    assert_eq!(outcome.reason, Reason::NotDelivered);
    stage.gone(&silent).await;
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn with_every_event_lost_the_minute_timer_brings_the_outcome() {
    let stage = Stage::builder().start();
    stage
        .region
        .with(|world| world.events.unreliability.drop = 1.0);
    stage.pool_is_ready(2).await;
    stage.create(Target::named("asg-1")).await;
    stage.send(&claim("c", "asg-1")).await;
    assert_eq!(stage.outcome("c").await.outcome, Ending::Ready);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn with_every_event_doubled_nothing_happens_twice() {
    let stage = Stage::builder().start();
    stage
        .region
        .with(|world| world.events.unreliability.duplicate = 1.0);
    stage.pool_is_ready(2).await;
    stage.create(Target::named("asg-1")).await;
    stage.send(&claim("c", "asg-1")).await;
    assert_eq!(stage.outcome("c").await.outcome, Ending::Ready);
    stage.pass(Duration::from_mins(5)).await;
    assert!(
        stage
            .outcomes()
            .iter()
            .all(|outcome| outcome.outcome == Ending::Ready)
    );
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn commands_of_others_are_nobody_s_claim() {
    let stage = Stage::with_ready_pool(2).await;
    let instance = stage.in_service(&stage.pool)[0].clone();
    let patching = json!({
        "InstanceIds": [instance],
        "DocumentName": "AWS-RunShellScript",
        "Comment": "patching",
        "Parameters": { "commands": ["true"] },
    });
    stage
        .call(region::api::Service::Ssm, "SendCommand", patching)
        .await
        .unwrap();
    stage.pass(Duration::from_mins(2)).await;
    assert!(stage.outcomes().is_empty());
    assert!(
        stage
            .journal()
            .iter()
            .any(|entry| matches!(entry.what, Happening::CommandFinished { .. }))
    );
    stage.end().await;
}
