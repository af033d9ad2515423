//! A minute of skew between the functions' machines and AWS, in both directions, changes nothing
//! that matters: not which outcome a claim gets, nor who gets which instance.

use end_to_end::{Stage, StageBuilder, Target, claim};
use ready_pool_core::outcome::{Ending, Outcome, Reason};
use region::api::Service;
use region::commands::Pretence;
use region::compute;
use serde_json::json;
use time::Duration;

const AHEAD: Duration = Duration::MINUTE;
const BEHIND: Duration = Duration::minutes(-1);
/// A minute, as the region counts it.
const MINUTE: std::time::Duration = std::time::Duration::from_mins(1);

/// Plays a scenario with clocks that are right, ahead and behind: it must come to the same.
async fn plays_the_same<T: PartialEq + std::fmt::Debug>(
    builder: impl Fn() -> StageBuilder,
    play: impl AsyncFn(&Stage) -> T,
) {
    let mut seen = Vec::new();
    for skew in [Duration::ZERO, AHEAD, BEHIND] {
        let stage = builder().skew(skew).start();
        stage.create(Target::named("asg-1")).await;
        stage.create(Target::named("asg-2")).await;
        seen.push(play(&stage).await);
        stage.end().await;
    }
    assert_eq!(seen[1], seen[0], "a minute ahead");
    assert_eq!(seen[2], seen[0], "a minute behind");
}

fn ending(outcome: &Outcome) -> (Option<String>, Ending, Reason) {
    (outcome.claim_id.clone(), outcome.outcome, outcome.reason)
}

#[tokio::test(start_paused = true)]
async fn claims_are_served_and_the_pool_is_filled() {
    plays_the_same(
        || Stage::builder().pool_size(3),
        async |stage: &Stage| {
            stage.pool_is_ready(3).await;
            stage.send_together([
                claim("a", "asg-1"),
                claim("b", "asg-2"),
                claim("c", "asg-1"),
                claim("d", "asg-2"),
            ]);
            let mut endings: Vec<_> = stage.outcomes_come(4).await.iter().map(ending).collect();
            endings.sort_by(|a, b| a.0.cmp(&b.0));
            stage.pool_is_ready(3).await;
            endings
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_script_ends_alike() {
    plays_the_same(
        || {
            Stage::builder().pool_size(2).scripts(|run| Pretence {
                exit_code: i32::from(run.script.contains("claim fails@")),
                ..Pretence::default()
            })
        },
        async |stage: &Stage| {
            stage.pool_is_ready(2).await;
            stage.send_together([claim("fails", "asg-1"), claim("works", "asg-2")]);
            let failed = stage.outcome("fails").await;
            let instance = failed.instance_id.clone().unwrap();
            assert_eq!(failed.outcome, Ending::Failed);
            stage.gone(instance.as_str()).await;
            stage.pool_is_ready(2).await;
            let worked = stage.outcome("works").await;
            [ending(&failed), ending(&worked)]
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_member_with_a_dead_agent_is_taken_out() {
    plays_the_same(
        || Stage::builder().pool_size(4),
        async |stage: &Stage| {
            stage.pool_is_ready(4).await;
            let mute = stage.in_service(&stage.pool)[0].clone();
            stage.region.with(|world| compute::kill_agent(world, &mute));
            stage.gone(&mute).await;
            stage.pool_is_ready(4).await;
            mute
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_leaked_instance_is_taken_out_and_not_before_its_claim_must_have_ended() {
    for skew in [AHEAD, BEHIND] {
        let stage = Stage::builder().pool_size(1).skew(skew).start();
        stage.pool_is_ready(1).await;
        let leaked = stage.in_service(&stage.pool)[0].clone();
        let input = json!({
            "AutoScalingGroupName": stage.pool, "InstanceIds": [leaked],
            "ShouldDecrementDesiredCapacity": false,
        });
        stage
            .call(Service::AutoScaling, "DetachInstances", input)
            .await
            .unwrap();
        // A claim for it may be open for four hours.
        stage.pass(MINUTE * 60 * 4).await;
        assert!(stage.region.with(|world| world.compute.is_running(&leaked)));
        stage.gone(&leaked).await;
        stage.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_passes_a_minute_early_or_late_at_most() {
    for skew in [Duration::ZERO, AHEAD, BEHIND] {
        let stage = Stage::builder().pool_size(0).skew(skew).start();
        // The pool would grow for those who wait, if it could.
        stage
            .region
            .with(|world| world.compute.capacity_refused = true);
        stage.create(Target::named("asg-1")).await;
        let mut message = claim("patient", "asg-1");
        let deadline = MINUTE * 30;
        message["expires_at"] = stage.at(deadline).into();
        stage.send(&message).await;
        stage.pass(MINUTE * 57 / 2).await;
        assert!(stage.outcomes().is_empty(), "{skew}: too early");
        let outcome = stage.outcome("patient").await;
        assert_eq!(outcome.reason, Reason::Expired);
        let latest = stage.at(deadline + MINUTE * 3 / 2);
        assert!(
            stage.in_future(std::time::Duration::ZERO) <= latest,
            "{skew}: too late"
        );
        assert_eq!(outcome.outcome, Ending::Failed);
        stage.pass(MINUTE).await;
        assert_eq!(stage.outcomes().len(), 1, "{skew}");
        stage.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_furthest_deadline_is_accepted_by_clocks_that_go_wrong() {
    for skew in [AHEAD, BEHIND] {
        let stage = Stage::builder().pool_size(1).skew(skew).start();
        stage.pool_is_ready(1).await;
        stage.create(Target::named("asg-1")).await;
        let mut message = claim("far", "asg-1");
        message["expires_at"] = stage.in_future(MINUTE * 240).into();
        stage.send(&message).await;
        assert_eq!(stage.outcome("far").await.outcome, Ending::Ready, "{skew}");
        stage.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_sent_again_hears_the_same() {
    plays_the_same(
        || Stage::builder().pool_size(2),
        async |stage: &Stage| {
            stage.pool_is_ready(2).await;
            stage.send(&claim("a", "asg-1")).await;
            let first = stage.outcome("a").await;
            let body = claim("a", "asg-1").to_string();
            stage.send_as(body, &stage.pool, "again").await;
            let again = stage.outcomes_come(2).await[1].clone();
            assert_eq!(again.instance_id, first.instance_id);
            assert_eq!(stage.in_service("asg-1").len(), 1);
            [ending(&first), ending(&again)]
        },
    )
    .await;
}
