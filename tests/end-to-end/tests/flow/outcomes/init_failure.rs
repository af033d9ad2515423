//! What becomes of an instance whose init failed, as its claim wants it.

use super::caller::Caller;
use end_to_end::{Stage, StageBuilder, Target, claim};
use region::commands::Pretence;
use region::compute;
use region::journal::Happening;
use serde_json::{Value, json};
use std::time::Duration;

fn keeping(claim_id: &str) -> Value {
    let mut message = claim(claim_id, "asg-1");
    message["init"]["execution_timeout_seconds"] = json!(30);
    message["on_init_failure"] = json!("keep");
    message
}

async fn ready(builder: StageBuilder) -> Stage {
    let stage = builder.start();
    stage.pool_is_ready(2).await;
    stage.create(Target::named("asg-1")).await;
    stage
}

fn failing() -> StageBuilder {
    Stage::builder().scripts(|_| Pretence {
        exit_code: 7,
        ..Pretence::default()
    })
}

/// The claim fails for this reason, and its instance stays in its target for good: past the
/// deadline, past everything that could come late, past the sweep. A repeat hears the same.
async fn fails_and_is_kept(stage: Stage, claim_id: &str, reason: &str) {
    let mut caller = Caller::of(&stage);
    let heard = caller.hear(claim_id).await.outcome;
    assert_eq!(heard["outcome"], "failed");
    assert_eq!(heard["reason"], reason);
    let instance = heard["instance_id"].as_str().unwrap().to_owned();
    stage.pass(Duration::from_mins(5)).await;
    let again = keeping(claim_id).to_string();
    stage.send_as(again, &stage.pool, "again").await;
    stage.pass(Duration::from_hours(7)).await;
    assert_eq!(stage.in_service("asg-1"), std::slice::from_ref(&instance));
    assert_eq!(stage.desired("asg-1"), 1);
    let entry = stage.entry("asg-1", claim_id).unwrap();
    assert!(
        entry.contains(&instance) && entry.contains(" failed "),
        "{entry}"
    );
    let retired = |what: &Happening| {
        matches!(what, Happening::Terminated { .. })
            || matches!(what, Happening::Attached { group, .. } if group != "asg-1")
    };
    assert!(!stage.journal().iter().any(|entry| retired(&entry.what)));
    let outcomes = stage.outcomes();
    assert!(outcomes.len() >= 2, "the repeat hears nothing");
    for outcome in outcomes {
        assert_eq!(outcome.reason.code(), reason);
        assert_eq!(
            outcome.instance_id.map(|id| id.to_string()),
            Some(instance.clone())
        );
    }
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_instance_whose_script_failed_stays() {
    let stage = ready(failing()).await;
    stage.send(&keeping("c")).await;
    fails_and_is_kept(stage, "c", "script_failed").await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_instance_whose_script_ran_out_of_time_stays() {
    let stage = ready(Stage::builder().scripts(|_| Pretence {
        takes: Some(Duration::from_mins(2)),
        ..Pretence::default()
    }));
    let stage = stage.await;
    stage.send(&keeping("c")).await;
    fails_and_is_kept(stage, "c", "script_timed_out").await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_instance_whose_agent_is_gone_stays() {
    let stage = ready(Stage::builder()).await;
    for instance in stage.in_service(&stage.pool) {
        stage
            .region
            .with(|world| compute::kill_agent(world, &instance));
    }
    stage.send(&keeping("c")).await;
    let mut caller = Caller::of(&stage);
    let heard = caller.hear("c").await.outcome;
    assert_eq!(heard["reason"], "not_delivered");
    let instance = heard["instance_id"].as_str().unwrap();
    stage.pass(Duration::from_hours(1)).await;
    assert_eq!(stage.in_service("asg-1"), [instance]);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_instance_stays_when_the_end_is_found_by_looking_again() {
    let stage = ready(failing()).await;
    stage
        .region
        .with(|world| world.events.unreliability.drop = 1.0);
    stage.send(&keeping("c")).await;
    fails_and_is_kept(stage, "c", "script_failed").await;
}
