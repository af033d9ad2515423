//! A pool with nothing to hand out: claims wait in line, or are rejected.

use end_to_end::{Stage, Target, claim};
use ready_pool_core::outcome::{Ending, Reason};
use region::api::Service;
use region::compute;
use serde_json::json;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_claim_waits_until_an_instance_is_ready() {
    let stage = Stage::builder().pool_size(1).start();
    stage.create(Target::named("asg-1")).await;
    stage.send(&claim("early", "asg-1")).await;
    stage.pass(Duration::from_secs(10)).await;
    assert!(stage.outcomes().is_empty(), "nothing has booted yet");

    assert_eq!(stage.outcome("early").await.outcome, Ending::Ready);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_would_not_wait_is_rejected_at_once() {
    let stage = Stage::builder().pool_size(1).start();
    stage.create(Target::named("asg-1")).await;
    let mut message = claim("hasty", "asg-1");
    message["when_empty"] = json!("reject");
    stage.send(&message).await;

    let outcome = stage.outcome("hasty").await;
    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Rejected, Reason::PoolEmpty)
    );
    assert!(outcome.message.contains("send the claim again later"));
    assert!(stage.in_service(&stage.pool).is_empty());
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn waiting_to_the_deadline_ends_as_expired_and_not_in_the_dead_letter_queue() {
    let stage = Stage::builder().pool_size(0).start();
    // The pool would grow for those who wait, if it could.
    stage
        .region
        .with(|world| world.compute.capacity_refused = true);
    stage.create(Target::named("asg-1")).await;
    let mut message = claim("patient", "asg-1");
    let deadline = Duration::from_hours(4);
    message["expires_at"] = stage.at(deadline).into();
    stage.send(&message).await;

    stage.pass(deadline).await;
    assert!(stage.outcomes().is_empty(), "it waits as long as it may");
    let outcome = stage.outcome("patient").await;
    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Failed, Reason::Expired)
    );
    assert!(stage.bodies_in("ProvisionDeadLetterQueue").await.is_empty());
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_already_is_answered_even_by_a_full_pool() {
    let stage = Stage::with_ready_pool(1).await;
    stage.create(Target::named("asg-1")).await;
    let mut message = claim("late", "asg-1");
    message["expires_at"] = stage.at(Duration::ZERO).into();
    stage.send(&message).await;
    assert_eq!(stage.outcome("late").await.reason, Reason::Expired);
    assert_eq!(stage.calls("DetachInstances"), 0);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn none_in_service_none_healthy_none_online_are_all_empty() {
    // Unhealthy: Auto Scaling would replace it; meanwhile nobody gets it.
    let stage = Stage::builder()
        .pool_size(1)
        // It cannot grow for the claim that waits.
        .parameter("PoolMaxSize", "1")
        .settings(|settings| {
            settings.timings.health_notice =
                region::settings::Spread::exactly(Duration::from_hours(1));
        })
        .start();
    stage.pool_is_ready(1).await;
    stage.create(Target::named("asg-1")).await;
    let sick = stage.in_service(&stage.pool)[0].clone();
    let unhealthy = json!({ "InstanceId": sick, "HealthStatus": "Unhealthy" });
    stage
        .call(Service::AutoScaling, "SetInstanceHealth", unhealthy)
        .await
        .unwrap();
    stage.send(&claim("c", "asg-1")).await;
    stage.pass(Duration::from_mins(5)).await;
    assert!(
        stage.outcomes().is_empty(),
        "an unhealthy instance is not handed out"
    );
    let outcome = stage.outcome("c").await;
    assert_eq!(outcome.reason, Reason::Expired);
    assert_eq!(stage.calls("DetachInstances"), 0);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_whose_agent_has_gone_silent_is_not_handed_out() {
    let stage = Stage::with_ready_pool(2).await;
    stage.create(Target::named("asg-1")).await;
    let silent = stage.in_service(&stage.pool)[0].clone();
    stage
        .region
        .with(|world| compute::kill_agent(world, &silent));
    // Longer than Systems Manager takes to notice.
    stage.pass(Duration::from_mins(7)).await;

    stage.send(&claim("c", "asg-1")).await;
    let outcome = stage.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Ready);
    assert_ne!(outcome.instance_id.unwrap().as_str(), silent);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_launch_whose_agent_stays_away_is_abandoned_and_replaced() {
    let stage = Stage::with_ready_pool(1).await;
    stage.create(Target::named("asg-1")).await;
    stage.region.with(|world| world.compute.silent_launches = 1);
    stage.send(&claim("c", "asg-1")).await;
    assert_eq!(stage.outcome("c").await.outcome, Ending::Ready);

    stage.pool_is_ready(1).await;
    let ends = stage.calls("CompleteLifecycleAction");
    assert_eq!(
        ends, 3,
        "two completed, and the silent one in between abandoned"
    );
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_waits_for_its_zone_is_passed_over() {
    let stage = Stage::builder()
        .parameter("Subnets", "subnet-1a,subnet-1b")
        .start();
    stage.pool_is_ready(2).await;
    stage
        .create(Target::named("asg-b").zones(&["eu-west-1b"]))
        .await;
    stage.create(Target::named("asg-any")).await;
    stage.send_together([
        claim("first", "asg-b"),
        claim("waits", "asg-b"),
        claim("goes", "asg-any"),
    ]);

    assert_eq!(stage.outcome("first").await.outcome, Ending::Ready);
    assert_eq!(stage.outcome("goes").await.outcome, Ending::Ready);
    assert_eq!(
        stage.outcomes().len(),
        2,
        "the second still waits for its zone"
    );
    assert_eq!(stage.outcome("waits").await.outcome, Ending::Ready);
    stage.end().await;
}
