//! One message in, one ready instance out; and many of them.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use region::journal::Happening;
use region::settings::Spread;
use std::collections::BTreeSet;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_claim_gets_a_ready_instance_and_the_pool_refills() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("asg-1")).await;

    harness.send(&claim("signup-1", "asg-1")).await;
    let outcome = harness.outcome("signup-1").await;

    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Ready, Reason::Initialised)
    );
    let instance = outcome.instance_id.unwrap().to_string();
    assert_eq!(harness.in_service("asg-1"), std::slice::from_ref(&instance));
    assert_eq!(
        harness.entry("asg-1", "signup-1").unwrap(),
        format!("v1 {instance} 1 ready 2026-11-22T20:30:00Z")
    );
    harness.pool_is_ready(2).await;
    assert!(!harness.in_service(&harness.pool).contains(&instance));
    harness.end().await;
}

/// The minute's look at open claims finds that the command has ended, and settles its claim.
#[tokio::test(start_paused = true)]
async fn a_look_that_overtakes_the_command_s_event_publishes_the_only_outcome() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    let late = Spread::exactly(Duration::from_secs(90));
    harness
        .region
        .with(|world| world.events.unreliability.delay = Some((1.0, late)));

    harness.send(&claim("signup-1", "asg-1")).await;
    let outcome = harness.outcome("signup-1").await;
    assert_eq!(outcome.outcome, Ending::Ready);
    let ended = outcome.details.times.ended.unwrap();
    assert!(outcome.at < ended + Duration::from_secs(90), "{outcome:?}");

    harness.pass(Duration::from_mins(5)).await;
    assert_eq!(harness.outcomes().len(), 1, "{:#?}", harness.outcomes());
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn fifty_claims_at_once_are_served_in_order_by_a_pool_of_ten() {
    let harness = Harness::with_ready_pool(10).await;
    let names: Vec<String> = (0..50).map(|n| format!("{n:02}")).collect();
    for name in &names {
        harness.create(Target::named(&format!("asg-{name}"))).await;
    }
    for name in &names {
        let mut claim = claim(&format!("claim-{name}"), &format!("asg-{name}"));
        claim["expires_at"] = harness.at(Duration::from_hours(3)).into();
        harness.send(&claim).await;
    }
    let outcomes = harness.outcomes_of(50).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.outcome == Ending::Ready),
        "{outcomes:#?}"
    );
    let instances: BTreeSet<_> = outcomes
        .iter()
        .map(|outcome| &outcome.instance_id)
        .collect();
    assert_eq!(instances.len(), 50, "one instance each");
    for name in &names {
        assert_eq!(
            harness.in_service(&format!("asg-{name}")).len(),
            1,
            "asg-{name}"
        );
    }
    assert_eq!(
        order_of_hand_overs(&harness),
        names,
        "first come, first served"
    );
    harness.pool_is_ready(10).await;
    harness.end().await;
}

/// Claims in the order in which their instances were handed over.
fn order_of_hand_overs(harness: &Harness) -> Vec<String> {
    let mut order = Vec::new();
    for entry in harness.journal() {
        if let Happening::MessageSent { queue, body, .. } = entry.what
            && queue.ends_with("-init.fifo")
            && let Some(claim) = body.split("\"claim_id\":\"claim-").nth(1)
        {
            let name = claim[..2].to_owned();
            if !order.contains(&name) {
                order.push(name);
            }
        }
    }
    order
}

#[tokio::test(start_paused = true)]
async fn claims_of_many_targets_in_one_batch_share_their_calls() {
    let harness = Harness::with_ready_pool(10).await;
    for n in 0..10 {
        harness.create(Target::named(&format!("asg-{n}"))).await;
    }
    let detaches = harness.calls("DetachInstances");
    // In one go: the poller finds all of them waiting.
    harness.send_together((0..10).map(|n| claim(&format!("claim-{n}"), &format!("asg-{n}"))));
    for n in 0..10 {
        assert_eq!(
            harness.outcome(&format!("claim-{n}")).await.outcome,
            Ending::Ready
        );
    }
    assert_eq!(harness.calls("DetachInstances") - detaches, 1);
    assert_eq!(
        harness.calls("CreateOrUpdateTags"),
        1 + 10,
        "one to enter all, one to settle each"
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn several_claims_of_one_target_get_one_instance_each_spread_over_zones() {
    let harness = Harness::with_ready_pool(6).await;
    harness.create(Target::named("asg-1")).await;
    harness.send_together((0..3).map(|n| claim(&format!("claim-{n}"), "asg-1")));
    for n in 0..3 {
        assert_eq!(
            harness.outcome(&format!("claim-{n}")).await.outcome,
            Ending::Ready
        );
    }
    let zones: BTreeSet<String> = harness
        .in_service("asg-1")
        .iter()
        .map(|instance| harness.zone(instance))
        .collect();
    assert_eq!(zones.len(), 3);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let harness = Harness::with_ready_pool(2).await;
        harness.create(Target::named("asg-1")).await;
        harness.send(&claim("signup-1", "asg-1")).await;
        harness.outcome("signup-1").await;
        harness.pool_is_ready(2).await;
        runs.push(format!("{:#?}", harness.journal()));
        harness.end().await;
    }
    assert!(runs[0] == runs[1], "two runs of one seed differ");
}

#[tokio::test(start_paused = true)]
async fn a_claim_sent_again_hears_its_outcome_again() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("asg-1")).await;
    let message = claim("signup-1", "asg-1");
    harness.send(&message).await;
    let first = harness.outcome("signup-1").await;

    harness
        .send_as(message.to_string(), &harness.pool, "once-more")
        .await;
    let outcomes = harness.outcomes_come(2).await;
    let again = &outcomes[1];
    assert_eq!(
        (again.outcome, &again.instance_id),
        (first.outcome, &first.instance_id)
    );
    assert_eq!(harness.in_service("asg-1").len(), 1);
    harness.end().await;
}
