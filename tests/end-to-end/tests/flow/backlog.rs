//! Claims that wait make the pool grow by as many, and it comes down with them: without churn.

use end_to_end::{Harness, Target, claim};
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

fn patient(harness: &Harness, claim_id: &str) -> Value {
    let mut claim = claim(claim_id, "asg-1");
    claim["expires_at"] = harness.in_future(Duration::from_hours(3)).into();
    claim
}

fn count(harness: &Harness, what: impl Fn(&Happening) -> bool) -> usize {
    let journal = harness.journal();
    journal.iter().filter(|entry| what(&entry.what)).count()
}

fn launched(harness: &Harness) -> usize {
    count(harness, |what| matches!(what, Happening::Launching { .. }))
}

fn terminated(harness: &Harness) -> usize {
    count(harness, |what| matches!(what, Happening::Terminated { .. }))
}

/// Thirty claims at a pool of three that may grow to `max`.
async fn thirty_claims(max: &str) -> Crowd {
    let harness = Harness::builder()
        .pool_size(3)
        .parameter("PoolMaxSize", max)
        .start();
    harness.pool_is_ready(3).await;
    harness.create(Target::named("asg-1")).await;
    // What the first fill left behind is over.
    harness.pass(Duration::from_mins(10)).await;
    let before = launched(&harness);
    let since = harness.now();
    harness.send_together((0..30).map(|n| patient(&harness, &format!("claim-{n:02}"))));
    let outcomes = harness.outcomes_of(30).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.outcome == Ending::Ready)
    );
    harness.pool_is_ready(3).await;
    // Whatever would be lowered, launched again or terminated is by then.
    harness.pass(Duration::from_mins(30)).await;
    assert_eq!(harness.desired(&harness.pool), 3);
    assert_eq!(harness.in_service(&harness.pool).len(), 3);
    let waited = |outcome: &Outcome| (outcome.at - since).whole_seconds();
    let mut waits: Vec<i64> = outcomes.iter().map(waited).collect();
    waits.sort_unstable();
    let crowd = Crowd {
        launched: launched(&harness) - before,
        terminated: terminated(&harness),
        half: waits[15],
        last: waits[29],
    };
    harness.end().await;
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
    let harness = Harness::with_ready_pool(3).await;
    harness.create(Target::named("asg-1")).await;
    let before = harness.calls("SetDesiredCapacity");
    for round in 0..5 {
        harness.send_together((0..3).map(|n| patient(&harness, &format!("claim-{round}-{n}"))));
        harness.outcomes_of(3 * (round + 1)).await;
        harness.pass(Duration::from_secs(1)).await;
        harness.pool_is_ready(3).await;
    }
    assert_eq!(harness.calls("SetDesiredCapacity"), before);
    assert_eq!((launched(&harness), terminated(&harness)), (18, 0));
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_of_none_launches_for_each_claim() {
    let harness = Harness::builder().pool_size(0).start();
    harness.create(Target::named("asg-1")).await;
    harness.send_together((0..3).map(|n| patient(&harness, &format!("claim-{n}"))));
    for outcome in harness.outcomes_of(3).await {
        assert_eq!(outcome.outcome, Ending::Ready);
    }
    harness.pass(Duration::from_mins(30)).await;
    assert_eq!(harness.desired(&harness.pool), 0);
    assert_eq!((launched(&harness), terminated(&harness)), (3, 0));
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_launched_for_claims_that_went_away_is_handed_out_before_it_is_given_up() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    // An operator raises the capacity for a moment, as waiting claims do.
    let more = json!({ "AutoScalingGroupName": harness.pool, "DesiredCapacity": 3 });
    harness
        .call(Service::AutoScaling, "SetDesiredCapacity", more)
        .await
        .unwrap();
    harness.pool_is_ready(3).await;
    harness.send(&patient(&harness, "c")).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    harness.pass(Duration::from_mins(3)).await;
    assert_eq!(
        harness.desired(&harness.pool),
        2,
        "it left without a replacement"
    );
    assert_eq!((launched(&harness), terminated(&harness)), (3, 0));
    // Nobody comes any more.
    harness.pool_is_ready(1).await;
    assert_eq!(harness.desired(&harness.pool), 1);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn while_replenishing_is_paused_the_pool_shrinks_and_is_filled_again_afterwards() {
    let harness = Harness::with_ready_pool(3).await;
    harness.create(Target::named("asg-1")).await;
    let tag = json!({
        "ResourceType": "auto-scaling-group", "ResourceId": harness.pool, "PropagateAtLaunch": false,
        "Key": "ready-pool:pause", "Value": "replenishing",
    });
    let pause = json!({ "Tags": [tag] });
    harness
        .call(Service::AutoScaling, "CreateOrUpdateTags", pause.clone())
        .await
        .unwrap();
    harness.send_together((0..4).map(|n| patient(&harness, &format!("claim-{n}"))));
    harness.outcomes_of(3).await;
    harness.pass(Duration::from_mins(10)).await;
    assert_eq!(harness.desired(&harness.pool), 0);
    assert_eq!((launched(&harness), harness.outcomes().len()), (3, 3));
    harness
        .call(Service::AutoScaling, "DeleteTags", pause)
        .await
        .unwrap();
    harness.outcomes_of(4).await;
    harness.pool_is_ready(3).await;
    harness.end().await;
}
