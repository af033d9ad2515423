//! A target that opts out while its claim is under way: our policies ask for the opt-in tag, so AWS
//! answers as if a permission were missing.

use end_to_end::{Stage, Target, claim};
use ready_pool_core::outcome::{Ending, Reason};
use region::api::Service;
use region::commands::Pretence;
use region::journal::Happening;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

/// A tenant takes the opt-in tag away.
async fn opts_out(stage: &Stage, target: &str) {
    let tags = json!([{ "Key": "ready-pool:pool", "ResourceId": target,
                        "ResourceType": "auto-scaling-group" }]);
    stage
        .call(Service::AutoScaling, "DeleteTags", json!({ "Tags": tags }))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_target_that_opts_out_while_its_claim_is_under_way_ends_the_claim() {
    let stage = Stage::with_ready_pool(2).await;
    stage.create(Target::named("asg-1")).await;
    stage.send(&claim("signup-1", "asg-1")).await;
    let detached = |world: &region::world::World| {
        let mut entries = world.journal.entries();
        entries.any(|entry| matches!(entry.what, Happening::Detaching { .. }))
    };
    stage.until("a detach", detached).await;
    opts_out(&stage, "asg-1").await;
    let outcome = stage.outcome("signup-1").await;
    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Failed, Reason::TargetRefused)
    );
    let asked: BTreeSet<String> = stage.region.read(|world| {
        let refused = world.iam.refused().iter();
        refused.map(|one| one.action.clone()).collect()
    });
    let expected = [
        "autoscaling:AttachInstances",
        "autoscaling:CreateOrUpdateTags",
    ];
    assert_eq!(asked, expected.map(str::to_owned).into());
    stage.gone(outcome.instance_id.unwrap().as_str()).await;
    assert!(stage.in_service("asg-1").is_empty());
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_opts_out_keeps_the_instance_whose_script_fails() {
    let fails = Pretence {
        exit_code: 1,
        ..Pretence::default()
    };
    let stage = Stage::builder()
        .pool_size(2)
        .scripts(move |_| fails.clone())
        .start();
    stage.pool_is_ready(2).await;
    stage.create(Target::named("asg-1")).await;
    stage.send(&claim("signup-1", "asg-1")).await;
    let started = |world: &region::world::World| {
        let mut entries = world.journal.entries();
        entries.any(|entry| matches!(entry.what, Happening::CommandStarted { .. }))
    };
    stage.until("a script", started).await;
    opts_out(&stage, "asg-1").await;
    let outcome = stage.outcome("signup-1").await;
    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Failed, Reason::ScriptFailed)
    );
    let instance = outcome.instance_id.unwrap();
    stage.joins("asg-1", instance.as_str()).await;
    stage.pass(Duration::from_mins(2)).await;
    let refused = stage.refusals("DetachInstances").len();
    assert!(refused > 0, "it was not even tried");
    // Nobody tries again, and no message comes again and again.
    stage.pass(Duration::from_mins(10)).await;
    assert_eq!(stage.refusals("DetachInstances").len(), refused);
    assert_eq!(stage.bodies_in("InitQueue").await, [""; 0]);
    assert_eq!(stage.in_service("asg-1"), [instance.as_str()]);
    stage.stop().await;
}
