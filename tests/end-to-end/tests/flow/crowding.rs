//! Many claims at once: who waits how long, and that nobody who could be served is left standing.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::Timestamp;
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use serde_json::Value;
use std::time::Duration;

fn patient(harness: &Harness, claim_id: &str, target: &str) -> Value {
    let mut claim = claim(claim_id, target);
    claim["expires_at"] = harness.in_future(Duration::from_hours(3)).into();
    claim
}

/// Prints how long claims waited for their outcome.
fn print_waits(what: &str, since: Timestamp, outcomes: &[Outcome]) {
    let mut waits: Vec<i64> = outcomes
        .iter()
        .map(|outcome| (outcome.at - since).whole_seconds())
        .collect();
    waits.sort_unstable();
    let at = |percent: usize| waits[(waits.len() - 1) * percent / 100];
    println!(
        "{what}: {} claims waited {} s (first), {} s (half), {} s (99 of 100), {} s (last)",
        waits.len(),
        at(0),
        at(50),
        at(99),
        at(100)
    );
}

#[tokio::test(start_paused = true)]
async fn a_line_of_two_hundred_claims_is_served_in_order_by_a_pool_of_ten() {
    let harness = Harness::with_ready_pool(10).await;
    for n in 0..20 {
        harness.create(Target::named(&format!("asg-{n:02}"))).await;
    }
    let since = harness.now();
    harness.send_together((0..200).map(|n| {
        patient(
            &harness,
            &format!("claim-{n:03}"),
            &format!("asg-{:02}", n % 20),
        )
    }));
    let outcomes = harness.outcomes_of(200).await;

    print_waits("a line of 200 at a pool of 10", since, &outcomes);
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.outcome == Ending::Ready)
    );
    for n in 0..20 {
        assert_eq!(harness.in_service(&format!("asg-{n:02}")).len(), 10);
    }
    assert!(
        harness
            .bodies_in("ProvisionDeadLetterQueue")
            .await
            .is_empty()
    );
    harness.pool_is_ready(10).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn nine_claims_that_wait_for_a_zone_do_not_hold_up_those_behind_them() {
    let harness = Harness::builder()
        .pool_size(4)
        .parameter("Subnets", "subnet-1a,subnet-1b")
        .start();
    harness.pool_is_ready(4).await;
    harness
        .create(Target::named("asg-b").zones(&["eu-west-1b"]))
        .await;
    harness
        .create(Target::named("asg-a").zones(&["eu-west-1a"]))
        .await;
    let since = harness.now();
    // Two of the eleven find an instance in their zone; nine wait for new ones.
    let for_b = (0..11).map(|n| patient(&harness, &format!("b-{n:02}"), "asg-b"));
    let for_a = (0..6).map(|n| patient(&harness, &format!("a-{n:02}"), "asg-a"));
    harness.send_together(for_b.chain(for_a).collect::<Vec<_>>());
    let outcomes = harness.outcomes_of(17).await;

    let (a, b): (Vec<Outcome>, Vec<Outcome>) = outcomes
        .into_iter()
        .partition(|outcome| outcome.target_group.as_deref() == Some("asg-a"));
    print_waits("those who wait for zone b", since, &b);
    print_waits("those behind them, for zone a", since, &a);
    assert!(
        a.iter()
            .chain(&b)
            .all(|outcome| outcome.outcome == Ending::Ready)
    );
    let first_a = a.iter().map(|outcome| outcome.at).min();
    let last_b = b.iter().map(|outcome| outcome.at).max();
    assert!(
        first_a < last_b,
        "the line stood still for those who could be served"
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_stays_empty_answers_everybody_at_the_deadline() {
    let harness = Harness::builder().pool_size(0).start();
    // The pool would grow for those who wait, if it could.
    harness
        .region
        .with(|world| world.compute.capacity_refused = true);
    harness.create(Target::named("asg-1")).await;
    let deadline = harness.now() + Duration::from_mins(20);
    harness.send_together((0..25).map(|n| {
        let mut claim = claim(&format!("claim-{n:02}"), "asg-1");
        claim["expires_at"] = harness.in_future(Duration::from_mins(20)).into();
        claim
    }));
    let outcomes = harness.outcomes_of(25).await;

    print_waits(
        "25 at a pool that stays empty",
        deadline - Duration::from_mins(20),
        &outcomes,
    );
    for outcome in &outcomes {
        assert_eq!(outcome.reason, Reason::Expired);
        assert!(outcome.at >= deadline && outcome.at < deadline + Duration::from_mins(2));
    }
    assert!(
        harness
            .bodies_in("ProvisionDeadLetterQueue")
            .await
            .is_empty()
    );
    harness.end().await;
}
