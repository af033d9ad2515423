//! A pool with nothing to hand out: claims wait in line, or are rejected.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use region::api::Service;
use region::compute;
use serde_json::json;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_claim_waits_until_an_instance_is_ready() {
    let harness = Harness::builder().pool_size(1).start();
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("early", "asg-1")).await;
    harness.pass(Duration::from_secs(10)).await;
    assert!(harness.outcomes().is_empty(), "nothing has booted yet");

    assert_eq!(harness.outcome("early").await.outcome, Ending::Ready);
    harness.end().await;
}

/// The template gives the pool no desired capacity.
#[tokio::test(start_paused = true)]
async fn a_new_pool_is_filled_by_replenish_pool_alone() {
    let harness = Harness::builder().pool_size(3).starts_empty().start();
    assert_eq!(harness.desired(&harness.pool), 0);
    harness.pass(Duration::from_secs(65)).await;
    assert_eq!(harness.desired(&harness.pool), 3);
    harness.pool_is_ready(3).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_would_not_wait_is_rejected_at_once() {
    let harness = Harness::builder().pool_size(1).start();
    harness.create(Target::named("asg-1")).await;
    let mut message = claim("hasty", "asg-1");
    message["when_empty"] = json!("reject");
    harness.send(&message).await;

    let outcome = harness.outcome("hasty").await;
    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Rejected, Reason::PoolEmpty)
    );
    assert!(outcome.message.contains("send the claim again later"));
    assert!(harness.in_service(&harness.pool).is_empty());
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn waiting_to_the_deadline_ends_as_expired_and_not_in_the_dead_letter_queue() {
    let harness = Harness::builder().pool_size(0).start();
    // The pool would grow for those who wait, if it could.
    harness
        .region
        .with(|world| world.compute.capacity_refused = true);
    harness.create(Target::named("asg-1")).await;
    let mut message = claim("patient", "asg-1");
    let deadline = Duration::from_hours(4);
    message["expires_at"] = harness.at(deadline).into();
    harness.send(&message).await;

    // Creating and sending took a moment: at the deadline itself a look may be just over.
    let just_before = deadline.checked_sub(Duration::from_secs(5)).unwrap();
    harness.pass(just_before).await;
    assert!(harness.outcomes().is_empty(), "it waits as long as it may");
    let outcome = harness.outcome("patient").await;
    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Failed, Reason::Expired)
    );
    assert!(
        harness
            .bodies_in("ProvisionDeadLetterQueue")
            .await
            .is_empty()
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_already_is_answered_even_by_a_full_pool() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    let mut message = claim("late", "asg-1");
    message["expires_at"] = harness.at(Duration::ZERO).into();
    harness.send(&message).await;
    assert_eq!(harness.outcome("late").await.reason, Reason::Expired);
    assert_eq!(harness.calls("DetachInstances"), 0);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn none_in_service_none_healthy_none_online_are_all_empty() {
    // Unhealthy: Auto Scaling would replace it; meanwhile nobody gets it.
    let harness = Harness::builder()
        .pool_size(1)
        // It cannot grow for the claim that waits.
        .parameter("PoolMaxSize", "1")
        .settings(|settings| {
            settings.timings.health_notice =
                region::settings::Spread::exactly(Duration::from_hours(1));
        })
        .start();
    harness.pool_is_ready(1).await;
    harness.create(Target::named("asg-1")).await;
    let sick = harness.in_service(&harness.pool)[0].clone();
    let unhealthy = json!({ "InstanceId": sick, "HealthStatus": "Unhealthy" });
    harness
        .call(Service::AutoScaling, "SetInstanceHealth", unhealthy)
        .await
        .unwrap();
    harness.send(&claim("c", "asg-1")).await;
    harness.pass(Duration::from_mins(5)).await;
    assert!(
        harness.outcomes().is_empty(),
        "an unhealthy instance is not handed out"
    );
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::Expired);
    assert_eq!(harness.calls("DetachInstances"), 0);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_whose_agent_has_gone_silent_is_not_handed_out() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("asg-1")).await;
    let silent = harness.in_service(&harness.pool)[0].clone();
    harness
        .region
        .with(|world| compute::kill_agent(world, &silent));
    // Longer than Systems Manager takes to notice.
    harness.pass(Duration::from_mins(7)).await;

    harness.send(&claim("c", "asg-1")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Ready);
    assert_ne!(outcome.instance_id.unwrap().as_str(), silent);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_launch_whose_agent_stays_away_is_abandoned_and_replaced() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    harness
        .region
        .with(|world| world.compute.silent_launches = 1);
    harness.send(&claim("c", "asg-1")).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);

    harness.pool_is_ready(1).await;
    let ends = harness.calls("CompleteLifecycleAction");
    assert_eq!(
        ends, 3,
        "two completed, and the silent one in between abandoned"
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_waits_for_its_zone_is_passed_over() {
    let harness = Harness::builder()
        .parameter("Subnets", "subnet-1a,subnet-1b")
        .start();
    harness.pool_is_ready(2).await;
    harness
        .create(Target::named("asg-b").zones(&["eu-west-1b"]))
        .await;
    harness.create(Target::named("asg-any")).await;
    harness.send_together([
        claim("first", "asg-b"),
        claim("waits", "asg-b"),
        claim("goes", "asg-any"),
    ]);

    assert_eq!(harness.outcome("first").await.outcome, Ending::Ready);
    assert_eq!(harness.outcome("goes").await.outcome, Ending::Ready);
    assert_eq!(
        harness.outcomes().len(),
        2,
        "the second still waits for its zone"
    );
    assert_eq!(harness.outcome("waits").await.outcome, Ending::Ready);
    harness.end().await;
}
