//! A target that opts out while its claim is under way: our policies ask for the opt-in tag, so AWS
//! answers as if a permission were missing.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use region::api::Service;
use region::commands::Pretence;
use region::journal::Happening;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

/// A tenant takes the opt-in tag away.
async fn opts_out(harness: &Harness, target: &str) {
    let tags = json!([{ "Key": "ready-pool:pool", "ResourceId": target,
                        "ResourceType": "auto-scaling-group" }]);
    harness
        .call(Service::AutoScaling, "DeleteTags", json!({ "Tags": tags }))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_target_that_opts_out_while_its_claim_is_under_way_ends_the_claim() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("signup-1", "asg-1")).await;
    let detached = |world: &region::world::World| {
        let mut entries = world.journal.entries();
        entries.any(|entry| matches!(entry.what, Happening::Detaching { .. }))
    };
    harness.until("a detach", detached).await;
    opts_out(&harness, "asg-1").await;
    let outcome = harness.outcome("signup-1").await;
    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Failed, Reason::TargetRefused)
    );
    let asked: BTreeSet<String> = harness.region.read(|world| {
        let refused = world.iam.refused().iter();
        refused.map(|one| one.action.clone()).collect()
    });
    let expected = [
        "autoscaling:AttachInstances",
        "autoscaling:CreateOrUpdateTags",
    ];
    assert_eq!(asked, expected.map(str::to_owned).into());
    harness.gone(outcome.instance_id.unwrap().as_str()).await;
    assert!(harness.in_service("asg-1").is_empty());
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_opts_out_keeps_the_instance_whose_script_fails() {
    let fails = Pretence {
        exit_code: 1,
        ..Pretence::default()
    };
    let harness = Harness::builder()
        .pool_size(2)
        .scripts(move |_| fails.clone())
        .start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("signup-1", "asg-1")).await;
    let started = |world: &region::world::World| {
        let mut entries = world.journal.entries();
        entries.any(|entry| matches!(entry.what, Happening::CommandStarted { .. }))
    };
    harness.until("a script", started).await;
    opts_out(&harness, "asg-1").await;
    let outcome = harness.outcome("signup-1").await;
    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Failed, Reason::ScriptFailed)
    );
    let instance = outcome.instance_id.unwrap();
    harness.joins("asg-1", instance.as_str()).await;
    harness.pass(Duration::from_mins(2)).await;
    let refused = harness.refusals("DetachInstances").len();
    assert!(refused > 0, "it was not even tried");
    // Nobody tries again, and no message comes again and again.
    harness.pass(Duration::from_mins(10)).await;
    assert_eq!(harness.refusals("DetachInstances").len(), refused);
    assert_eq!(harness.bodies_in("InitQueue").await, [""; 0]);
    assert_eq!(harness.in_service("asg-1"), [instance.as_str()]);
    harness.stop().await;
}
