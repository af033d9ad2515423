//! What an operator can pause with a tag on the pool: nothing is lost meanwhile.

use end_to_end::{Stage, Target, claim};
use ready_pool_core::outcome::{Ending, Reason};
use region::api::Service;
use region::journal::Happening;
use serde_json::json;
use std::time::Duration;

/// Sets the tag as an operator does.
async fn pause(stage: &Stage, value: &str) {
    let input = json!({ "Tags": [{
        "ResourceType": "auto-scaling-group", "ResourceId": stage.pool, "PropagateAtLaunch": false,
        "Key": "ready-pool:pause", "Value": value,
    }] });
    stage
        .call(Service::AutoScaling, "CreateOrUpdateTags", input)
        .await
        .unwrap();
}

async fn go_on(stage: &Stage) {
    let input = json!({ "Tags": [{
        "ResourceType": "auto-scaling-group", "ResourceId": stage.pool, "Key": "ready-pool:pause",
    }] });
    stage
        .call(Service::AutoScaling, "DeleteTags", input)
        .await
        .unwrap();
}

fn launches(stage: &Stage) -> usize {
    let launched = |what: &Happening| matches!(what, Happening::Launching { .. });
    let journal = stage.journal();
    journal.iter().filter(|entry| launched(&entry.what)).count()
}

#[tokio::test(start_paused = true)]
async fn paused_claims_wait_and_are_served_when_the_pause_ends() {
    let stage = Stage::with_ready_pool(2).await;
    stage.create(Target::named("asg-1")).await;
    pause(&stage, "claims").await;
    stage.send(&claim("patient", "asg-1")).await;
    let mut hasty = claim("hasty", "asg-1");
    hasty["when_empty"] = json!("reject");
    stage.send(&hasty).await;
    let outcome = stage.outcome("hasty").await;
    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Rejected, Reason::PoolPaused)
    );
    let mut dry = claim("dry", "asg-1");
    dry["dry_run"] = json!(true);
    stage.send(&dry).await;
    let outcome = stage.outcome("dry").await;
    assert_eq!(outcome.reason, Reason::WouldWait);
    assert!(outcome.message.contains("ready-pool:pause"), "{outcome:?}");

    stage.pass(Duration::from_mins(5)).await;
    assert_eq!(stage.outcomes().len(), 2, "the patient one waits");
    assert_eq!(stage.calls("DetachInstances"), 0);
    assert_eq!(
        launches(&stage),
        2,
        "nothing is launched for a paused claim"
    );
    go_on(&stage).await;
    let ended = stage.now();
    let outcome = stage.outcome("patient").await;
    assert_eq!(outcome.outcome, Ending::Ready);
    let took = outcome.at - ended;
    println!("served {took} after the pause ended");
    assert!(took < Duration::from_secs(20), "{took}");
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_beyond_the_longest_deadline_costs_no_message() {
    let stage = Stage::with_ready_pool(1).await;
    stage.create(Target::named("asg-1")).await;
    pause(&stage, "claims").await;
    stage.send_together((0..2).map(|n| {
        let mut message = claim(&format!("claim-{n}"), "asg-1");
        message["expires_at"] = stage.in_future(Duration::from_hours(4)).into();
        message
    }));
    let deadline = stage.now() + Duration::from_hours(4);
    for outcome in stage.outcomes_of(2).await {
        assert_eq!(outcome.reason, Reason::Expired);
        assert!(outcome.at >= deadline, "{outcome:?}");
    }
    assert!(stage.bodies_in("ProvisionDeadLetterQueue").await.is_empty());
    assert_eq!(stage.calls("DetachInstances"), 0);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_was_begun_goes_on_to_its_end_in_a_paused_pool() {
    let stage = Stage::with_ready_pool(1).await;
    stage.create(Target::named("asg-1")).await;
    stage.send(&claim("begun", "asg-1")).await;
    stage
        .until("an entry", |world| {
            let tags = &world.autoscaling.groups["asg-1"].tags;
            tags.keys().any(|key| key.starts_with("ready-pool:claim/"))
        })
        .await;
    pause(&stage, "all").await;
    assert_eq!(stage.outcome("begun").await.outcome, Ending::Ready);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_misspelt_pause_pauses_everything() {
    let stage = Stage::with_ready_pool(1).await;
    stage.create(Target::named("asg-1")).await;
    pause(&stage, "claim").await;
    stage.send(&claim("c", "asg-1")).await;
    stage.pass(Duration::from_mins(3)).await;
    assert!(stage.outcomes().is_empty());
    pause(&stage, "replenishing").await;
    assert_eq!(stage.outcome("c").await.outcome, Ending::Ready);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn while_replenishing_is_paused_a_boot_goes_through_and_a_bad_member_stays() {
    let stage = Stage::builder().pool_size(3).start();
    pause(&stage, "replenishing").await;
    // The stack's own three launches are completed all the same.
    stage.pool_is_ready(3).await;
    let silent = stage.in_service(&stage.pool)[0].clone();
    stage
        .region
        .with(|world| region::compute::kill_agent(world, &silent));
    stage.pass(Duration::from_mins(30)).await;
    assert!(stage.in_service(&stage.pool).contains(&silent));
    assert_eq!(launches(&stage), 3);
    go_on(&stage).await;
    stage.gone(&silent).await;
    stage.pool_is_ready(3).await;
    stage.end().await;
}
