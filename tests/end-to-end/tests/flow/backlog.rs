//! Claims that wait make the pool grow by as many, and it comes down with them: without churn.

use end_to_end::{Stage, Target, claim};
use ready_pool_core::outcome::{Ending, Outcome};
use region::api::Service;
use region::journal::Happening;
use serde_json::{Value, json};
use std::time::Duration;

/// What a crowd cost and how long it waited.
#[derive(Debug)]
struct Crowd {
    launched: usize,
    terminated: usize,
    half: i64,
    last: i64,
}

fn patient(stage: &Stage, claim_id: &str) -> Value {
    let mut claim = claim(claim_id, "asg-1");
    claim["expires_at"] = stage.in_future(Duration::from_hours(3)).into();
    claim
}

fn count(stage: &Stage, what: impl Fn(&Happening) -> bool) -> usize {
    let journal = stage.journal();
    journal.iter().filter(|entry| what(&entry.what)).count()
}

fn launched(stage: &Stage) -> usize {
    count(stage, |what| matches!(what, Happening::Launching { .. }))
}

fn terminated(stage: &Stage) -> usize {
    count(stage, |what| matches!(what, Happening::Terminated { .. }))
}

/// Thirty claims at a pool of three that may grow to `max`.
async fn thirty_claims(max: &str) -> Crowd {
    let stage = Stage::builder()
        .pool_size(3)
        .parameter("PoolMaxSize", max)
        .start();
    stage.pool_is_ready(3).await;
    stage.create(Target::named("asg-1")).await;
    // What the first fill left behind is over.
    stage.pass(Duration::from_mins(10)).await;
    let before = launched(&stage);
    let since = stage.now();
    stage.send_together((0..30).map(|n| patient(&stage, &format!("claim-{n:02}"))));
    let outcomes = stage.outcomes_of(30).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.outcome == Ending::Ready)
    );
    stage.pool_is_ready(3).await;
    // Whatever would be lowered, launched again or terminated is by then.
    stage.pass(Duration::from_mins(30)).await;
    assert_eq!(stage.desired(&stage.pool), 3);
    assert_eq!(stage.in_service(&stage.pool).len(), 3);
    let waited = |outcome: &Outcome| (outcome.at - since).whole_seconds();
    let mut waits: Vec<i64> = outcomes.iter().map(waited).collect();
    waits.sort_unstable();
    let crowd = Crowd {
        launched: launched(&stage) - before,
        terminated: terminated(&stage),
        half: waits[15],
        last: waits[29],
    };
    stage.end().await;
    crowd
}

#[tokio::test(start_paused = true)]
async fn thirty_claims_at_a_pool_of_three_are_served_sooner_and_nothing_churns() {
    let fixed = thirty_claims("3").await;
    let growing = thirty_claims("50").await;
    println!("30 claims at a pool of 3 that cannot grow: {fixed:?}");
    println!("30 claims at a pool of 3 that can:         {growing:?}");
    for crowd in [&fixed, &growing] {
        assert_eq!(crowd.launched, 30, "one for each claim, to be three again");
        assert_eq!(crowd.terminated, 0);
    }
    assert!(growing.half * 2 < fixed.half && growing.last * 2 < fixed.last);
}

#[tokio::test(start_paused = true)]
async fn claims_that_what_is_ready_serves_never_raise_the_capacity() {
    let stage = Stage::with_ready_pool(3).await;
    stage.create(Target::named("asg-1")).await;
    let before = stage.calls("SetDesiredCapacity");
    for round in 0..5 {
        stage.send_together((0..3).map(|n| patient(&stage, &format!("claim-{round}-{n}"))));
        stage.outcomes_of(3 * (round + 1)).await;
        stage.pass(Duration::from_secs(1)).await;
        stage.pool_is_ready(3).await;
    }
    assert_eq!(stage.calls("SetDesiredCapacity"), before);
    assert_eq!((launched(&stage), terminated(&stage)), (18, 0));
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_of_none_launches_for_each_claim() {
    let stage = Stage::builder().pool_size(0).start();
    stage.create(Target::named("asg-1")).await;
    stage.send_together((0..3).map(|n| patient(&stage, &format!("claim-{n}"))));
    for outcome in stage.outcomes_of(3).await {
        assert_eq!(outcome.outcome, Ending::Ready);
    }
    stage.pass(Duration::from_mins(30)).await;
    assert_eq!(stage.desired(&stage.pool), 0);
    assert_eq!((launched(&stage), terminated(&stage)), (3, 0));
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_launched_for_claims_that_went_away_is_handed_out_before_it_is_given_up() {
    let stage = Stage::with_ready_pool(1).await;
    stage.create(Target::named("asg-1")).await;
    // An operator raises the capacity for a moment, as waiting claims do.
    let more = json!({ "AutoScalingGroupName": stage.pool, "DesiredCapacity": 3 });
    stage
        .call(Service::AutoScaling, "SetDesiredCapacity", more)
        .await
        .unwrap();
    stage.pool_is_ready(3).await;
    stage.send(&patient(&stage, "c")).await;
    assert_eq!(stage.outcome("c").await.outcome, Ending::Ready);
    stage.pass(Duration::from_mins(3)).await;
    assert_eq!(
        stage.desired(&stage.pool),
        2,
        "it left without a replacement"
    );
    assert_eq!((launched(&stage), terminated(&stage)), (3, 0));
    // Nobody comes any more.
    stage.pool_is_ready(1).await;
    assert_eq!(stage.desired(&stage.pool), 1);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn while_replenishing_is_paused_the_pool_shrinks_and_is_filled_again_afterwards() {
    let stage = Stage::with_ready_pool(3).await;
    stage.create(Target::named("asg-1")).await;
    let tag = json!({
        "ResourceType": "auto-scaling-group", "ResourceId": stage.pool, "PropagateAtLaunch": false,
        "Key": "ready-pool:pause", "Value": "replenishing",
    });
    let pause = json!({ "Tags": [tag] });
    stage
        .call(Service::AutoScaling, "CreateOrUpdateTags", pause.clone())
        .await
        .unwrap();
    stage.send_together((0..4).map(|n| patient(&stage, &format!("claim-{n}"))));
    stage.outcomes_of(3).await;
    stage.pass(Duration::from_mins(10)).await;
    assert_eq!(stage.desired(&stage.pool), 0);
    assert_eq!((launched(&stage), stage.outcomes().len()), (3, 3));
    stage
        .call(Service::AutoScaling, "DeleteTags", pause)
        .await
        .unwrap();
    stage.outcomes_of(4).await;
    stage.pool_is_ready(3).await;
    stage.end().await;
}
