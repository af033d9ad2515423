//! What an operator can pause with a tag on the pool: nothing is lost meanwhile.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use region::api::Service;
use region::journal::Happening;
use serde_json::json;
use std::time::Duration;

/// Sets the tag as an operator does.
async fn pause(harness: &Harness, value: &str) {
    let input = json!({ "Tags": [{
        "ResourceType": "auto-scaling-group", "ResourceId": harness.pool, "PropagateAtLaunch": false,
        "Key": "ready-pool:pause", "Value": value,
    }] });
    harness
        .call(Service::AutoScaling, "CreateOrUpdateTags", input)
        .await
        .unwrap();
}

async fn go_on(harness: &Harness) {
    let input = json!({ "Tags": [{
        "ResourceType": "auto-scaling-group", "ResourceId": harness.pool, "Key": "ready-pool:pause",
    }] });
    harness
        .call(Service::AutoScaling, "DeleteTags", input)
        .await
        .unwrap();
}

fn launches(harness: &Harness) -> usize {
    let launched = |what: &Happening| matches!(what, Happening::Launching { .. });
    let journal = harness.journal();
    journal.iter().filter(|entry| launched(&entry.what)).count()
}

#[tokio::test(start_paused = true)]
async fn paused_claims_wait_and_are_served_when_the_pause_ends() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("asg-1")).await;
    pause(&harness, "claims").await;
    harness.send(&claim("patient", "asg-1")).await;
    let mut hasty = claim("hasty", "asg-1");
    hasty["when_empty"] = json!("reject");
    harness.send(&hasty).await;
    let outcome = harness.outcome("hasty").await;
    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Rejected, Reason::PoolPaused)
    );
    let mut dry = claim("dry", "asg-1");
    dry["dry_run"] = json!(true);
    harness.send(&dry).await;
    let outcome = harness.outcome("dry").await;
    assert_eq!(outcome.reason, Reason::WouldWait);
    assert!(outcome.message.contains("ready-pool:pause"), "{outcome:?}");

    harness.pass(Duration::from_mins(5)).await;
    assert_eq!(harness.outcomes().len(), 2, "the patient one waits");
    assert_eq!(harness.calls("DetachInstances"), 0);
    assert_eq!(
        launches(&harness),
        2,
        "nothing is launched for a paused claim"
    );
    go_on(&harness).await;
    let ended = harness.now();
    let outcome = harness.outcome("patient").await;
    assert_eq!(outcome.outcome, Ending::Ready);
    let took = outcome.at - ended;
    println!("served {took} after the pause ended");
    assert!(took < Duration::from_secs(20), "{took}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_beyond_the_longest_deadline_costs_no_message() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    pause(&harness, "claims").await;
    harness.send_together((0..2).map(|n| {
        let mut message = claim(&format!("claim-{n}"), "asg-1");
        message["expires_at"] = harness.in_future(Duration::from_hours(4)).into();
        message
    }));
    let deadline = harness.now() + Duration::from_hours(4);
    for outcome in harness.outcomes_of(2).await {
        assert_eq!(outcome.reason, Reason::Expired);
        assert!(outcome.at >= deadline, "{outcome:?}");
    }
    assert!(
        harness
            .bodies_in("ProvisionDeadLetterQueue")
            .await
            .is_empty()
    );
    assert_eq!(harness.calls("DetachInstances"), 0);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_was_begun_goes_on_to_its_end_in_a_paused_pool() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("begun", "asg-1")).await;
    harness
        .until("an entry", |world| {
            let tags = &world.autoscaling.groups["asg-1"].tags;
            tags.keys().any(|key| key.starts_with("ready-pool:claim/"))
        })
        .await;
    pause(&harness, "all").await;
    assert_eq!(harness.outcome("begun").await.outcome, Ending::Ready);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_misspelt_pause_pauses_everything() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    pause(&harness, "claim").await;
    harness.send(&claim("c", "asg-1")).await;
    harness.pass(Duration::from_mins(3)).await;
    assert!(harness.outcomes().is_empty());
    pause(&harness, "replenishing").await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn while_replenishing_is_paused_a_boot_goes_through_and_a_bad_member_stays() {
    let harness = Harness::builder().pool_size(3).start();
    pause(&harness, "replenishing").await;
    // The stack's own three launches are completed all the same.
    harness.pool_is_ready(3).await;
    let silent = harness.in_service(&harness.pool)[0].clone();
    harness
        .region
        .with(|world| region::compute::kill_agent(world, &silent));
    harness.pass(Duration::from_mins(30)).await;
    assert!(harness.in_service(&harness.pool).contains(&silent));
    assert_eq!(launches(&harness), 3);
    go_on(&harness).await;
    harness.gone(&silent).await;
    harness.pool_is_ready(3).await;
    harness.end().await;
}
