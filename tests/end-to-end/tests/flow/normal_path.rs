//! One message in, one ready instance out; and many of them.

use end_to_end::{Stage, Target, claim};
use ready_pool_core::outcome::{Ending, Reason};
use region::journal::Happening;
use std::collections::BTreeSet;

#[tokio::test(start_paused = true)]
async fn a_claim_gets_a_ready_instance_and_the_pool_refills() {
    let stage = Stage::with_ready_pool(2).await;
    stage.create(Target::named("asg-1")).await;

    stage.send(&claim("signup-1", "asg-1")).await;
    let outcome = stage.outcome("signup-1").await;

    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Ready, Reason::Initialised)
    );
    let instance = outcome.instance_id.unwrap().to_string();
    assert_eq!(stage.in_service("asg-1"), std::slice::from_ref(&instance));
    assert_eq!(
        stage.entry("asg-1", "signup-1").unwrap(),
        format!("v1 {instance} 1 ready 2026-11-22T20:30:00Z")
    );
    stage.pool_is_ready(2).await;
    assert!(!stage.in_service(&stage.pool).contains(&instance));
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn fifty_claims_at_once_are_served_in_order_by_a_pool_of_ten() {
    let stage = Stage::with_ready_pool(10).await;
    let names: Vec<String> = (0..50).map(|n| format!("{n:02}")).collect();
    for name in &names {
        stage.create(Target::named(&format!("asg-{name}"))).await;
    }
    for name in &names {
        let mut claim = claim(&format!("claim-{name}"), &format!("asg-{name}"));
        claim["expires_at"] = stage.at(std::time::Duration::from_hours(3)).into();
        stage.send(&claim).await;
    }
    let outcomes = stage.outcomes_of(50).await;
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
            stage.in_service(&format!("asg-{name}")).len(),
            1,
            "asg-{name}"
        );
    }
    assert_eq!(
        order_of_hand_overs(&stage),
        names,
        "first come, first served"
    );
    stage.pool_is_ready(10).await;
    stage.end().await;
}

/// Claims in the order in which their instances were handed over.
fn order_of_hand_overs(stage: &Stage) -> Vec<String> {
    let mut order = Vec::new();
    for entry in stage.journal() {
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
    let stage = Stage::with_ready_pool(10).await;
    for n in 0..10 {
        stage.create(Target::named(&format!("asg-{n}"))).await;
    }
    let detaches = stage.calls("DetachInstances");
    // In one go: the poller finds all of them waiting.
    stage.send_together((0..10).map(|n| claim(&format!("claim-{n}"), &format!("asg-{n}"))));
    for n in 0..10 {
        assert_eq!(
            stage.outcome(&format!("claim-{n}")).await.outcome,
            Ending::Ready
        );
    }
    assert_eq!(stage.calls("DetachInstances") - detaches, 1);
    assert_eq!(
        stage.calls("CreateOrUpdateTags"),
        1 + 10,
        "one to enter all, one to settle each"
    );
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn several_claims_of_one_target_get_one_instance_each_spread_over_zones() {
    let stage = Stage::with_ready_pool(6).await;
    stage.create(Target::named("asg-1")).await;
    stage.send_together((0..3).map(|n| claim(&format!("claim-{n}"), "asg-1")));
    for n in 0..3 {
        assert_eq!(
            stage.outcome(&format!("claim-{n}")).await.outcome,
            Ending::Ready
        );
    }
    let zones: BTreeSet<String> = stage
        .in_service("asg-1")
        .iter()
        .map(|instance| stage.zone(instance))
        .collect();
    assert_eq!(zones.len(), 3);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let stage = Stage::with_ready_pool(2).await;
        stage.create(Target::named("asg-1")).await;
        stage.send(&claim("signup-1", "asg-1")).await;
        stage.outcome("signup-1").await;
        stage.pool_is_ready(2).await;
        runs.push(format!("{:#?}", stage.journal()));
        stage.end().await;
    }
    assert!(runs[0] == runs[1], "two runs of one seed differ");
}

#[tokio::test(start_paused = true)]
async fn a_claim_sent_again_hears_its_outcome_again() {
    let stage = Stage::with_ready_pool(2).await;
    stage.create(Target::named("asg-1")).await;
    let message = claim("signup-1", "asg-1");
    stage.send(&message).await;
    let first = stage.outcome("signup-1").await;

    stage
        .send_as(message.to_string(), &stage.pool, "once-more")
        .await;
    let outcomes = stage.outcomes_come(2).await;
    let again = &outcomes[1];
    assert_eq!(
        (again.outcome, &again.instance_id),
        (first.outcome, &first.instance_id)
    );
    assert_eq!(stage.in_service("asg-1").len(), 1);
    stage.end().await;
}
