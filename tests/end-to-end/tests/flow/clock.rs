//! A minute of skew between the functions' machines and AWS, in both directions, changes nothing
//! that matters: not which outcome a claim gets, nor who gets which instance.

use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
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
    builder: impl Fn() -> HarnessBuilder,
    play: impl AsyncFn(&Harness) -> T,
) {
    let mut seen = Vec::new();
    for skew in [Duration::ZERO, AHEAD, BEHIND] {
        let harness = builder().skew(skew).start();
        harness.create(Target::named("asg-1")).await;
        harness.create(Target::named("asg-2")).await;
        seen.push(play(&harness).await);
        harness.end().await;
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
        || Harness::builder().pool_size(3),
        async |harness: &Harness| {
            harness.pool_is_ready(3).await;
            harness.send_together([
                claim("a", "asg-1"),
                claim("b", "asg-2"),
                claim("c", "asg-1"),
                claim("d", "asg-2"),
            ]);
            let mut endings: Vec<_> = harness.outcomes_come(4).await.iter().map(ending).collect();
            endings.sort_by(|a, b| a.0.cmp(&b.0));
            harness.pool_is_ready(3).await;
            endings
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_script_ends_alike() {
    plays_the_same(
        || {
            Harness::builder().pool_size(2).scripts(|run| Pretence {
                exit_code: i32::from(run.script.contains("claim fails@")),
                ..Pretence::default()
            })
        },
        async |harness: &Harness| {
            harness.pool_is_ready(2).await;
            harness.send_together([claim("fails", "asg-1"), claim("works", "asg-2")]);
            let failed = harness.outcome("fails").await;
            let instance = failed.instance_id.clone().unwrap();
            assert_eq!(failed.outcome, Ending::Failed);
            harness.gone(instance.as_str()).await;
            harness.pool_is_ready(2).await;
            let worked = harness.outcome("works").await;
            [ending(&failed), ending(&worked)]
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_member_with_a_dead_agent_is_taken_out() {
    plays_the_same(
        || Harness::builder().pool_size(4),
        async |harness: &Harness| {
            harness.pool_is_ready(4).await;
            let mute = harness.in_service(&harness.pool)[0].clone();
            harness
                .region
                .with(|world| compute::kill_agent(world, &mute));
            harness.gone(&mute).await;
            harness.pool_is_ready(4).await;
            mute
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_leaked_instance_is_taken_out_and_not_before_its_claim_must_have_ended() {
    for skew in [AHEAD, BEHIND] {
        let harness = Harness::builder().pool_size(1).skew(skew).start();
        harness.pool_is_ready(1).await;
        let leaked = harness.in_service(&harness.pool)[0].clone();
        let input = json!({
            "AutoScalingGroupName": harness.pool, "InstanceIds": [leaked],
            "ShouldDecrementDesiredCapacity": false,
        });
        harness
            .call(Service::AutoScaling, "DetachInstances", input)
            .await
            .unwrap();
        // A claim for it may be open for four hours.
        harness.pass(MINUTE * 60 * 4).await;
        assert!(
            harness
                .region
                .with(|world| world.compute.is_running(&leaked))
        );
        harness.gone(&leaked).await;
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_passes_a_minute_early_or_late_at_most() {
    for skew in [Duration::ZERO, AHEAD, BEHIND] {
        let harness = Harness::builder().pool_size(0).skew(skew).start();
        // The pool would grow for those who wait, if it could.
        harness
            .region
            .with(|world| world.compute.capacity_refused = true);
        harness.create(Target::named("asg-1")).await;
        let mut message = claim("patient", "asg-1");
        let deadline = MINUTE * 30;
        message["expires_at"] = harness.at(deadline).into();
        harness.send(&message).await;
        harness.pass(MINUTE * 57 / 2).await;
        assert!(harness.outcomes().is_empty(), "{skew}: too early");
        let outcome = harness.outcome("patient").await;
        assert_eq!(outcome.reason, Reason::Expired);
        let latest = harness.at(deadline + MINUTE * 3 / 2);
        assert!(
            harness.in_future(std::time::Duration::ZERO) <= latest,
            "{skew}: too late"
        );
        assert_eq!(outcome.outcome, Ending::Failed);
        harness.pass(MINUTE).await;
        assert_eq!(harness.outcomes().len(), 1, "{skew}");
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_furthest_deadline_is_accepted_by_clocks_that_go_wrong() {
    for skew in [AHEAD, BEHIND] {
        let harness = Harness::builder().pool_size(1).skew(skew).start();
        harness.pool_is_ready(1).await;
        harness.create(Target::named("asg-1")).await;
        let mut message = claim("far", "asg-1");
        message["expires_at"] = harness.in_future(MINUTE * 240).into();
        harness.send(&message).await;
        assert_eq!(
            harness.outcome("far").await.outcome,
            Ending::Ready,
            "{skew}"
        );
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_sent_again_hears_the_same() {
    plays_the_same(
        || Harness::builder().pool_size(2),
        async |harness: &Harness| {
            harness.pool_is_ready(2).await;
            harness.send(&claim("a", "asg-1")).await;
            let first = harness.outcome("a").await;
            let body = claim("a", "asg-1").to_string();
            harness.send_as(body, &harness.pool, "again").await;
            let again = harness.outcomes_come(2).await[1].clone();
            assert_eq!(again.instance_id, first.instance_id);
            assert_eq!(harness.in_service("asg-1").len(), 1);
            [ending(&first), ending(&again)]
        },
    )
    .await;
}
