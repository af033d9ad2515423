//! Two deliveries of one message at the same time: Lambda has a batch in hand, throttles its
//! invocation, and starts it only when the messages were received again and are being handled.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use region::api::Service;
use region::faults::{Calls, Failure, Fault, Moment};
use region::journal::Happening;
use std::collections::BTreeSet;
use std::time::Duration;

const PROVISION: &str = "ready-pool-provision.fifo";
const CLAIM_INSTANCE: &str = "ready-pool-claim-instance";

/// A harness with a target each for three claims, and the next batch of claims in hand for so long.
async fn late_batch(pool_size: usize, delay: Duration) -> Harness {
    let harness = Harness::builder().pool_size(pool_size).start();
    harness.pool_is_ready(pool_size).await;
    for n in 1..=3 {
        harness.create(Target::named(&format!("asg-{n}"))).await;
    }
    harness.region.with(|world| {
        let deliveries = &mut world.faults.deliveries;
        deliveries.start_nth_late(PROVISION, 1, delay);
    });
    harness.send_together((1..=3).map(|n| claim(&format!("claim-{n}"), &format!("asg-{n}"))));
    harness
}

/// Waits for the three outcomes, and for everything that the second delivery may still do.
async fn three_are_ready(harness: &Harness) -> BTreeSet<String> {
    let outcomes = harness.outcomes_of(3).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.outcome == Ending::Ready),
        "{outcomes:?}"
    );
    harness.pass(Duration::from_mins(3)).await;
    outcomes
        .into_iter()
        .map(|outcome| outcome.instance_id.unwrap().to_string())
        .collect()
}

/// How many claims were entered, by all deliveries together.
fn entered(harness: &Harness) -> usize {
    let is_entry = |tag: &serde_json::Value| {
        let value = tag["Value"].as_str().unwrap_or_default();
        value.contains(" assigned ")
    };
    harness
        .journal()
        .iter()
        .filter_map(|entry| match &entry.what {
            Happening::Called {
                caller,
                operation,
                input,
                error: None,
                ..
            } if caller == CLAIM_INSTANCE && operation == "CreateOrUpdateTags" => {
                Some(input["Tags"].as_array().unwrap().iter())
            }
            _ => None,
        })
        .flatten()
        .filter(|tag| is_entry(tag))
        .count()
}

/// How many invocations of claim-instance there were.
fn invocations(harness: &Harness) -> usize {
    let is_one = |what: &Happening| matches!(what, Happening::Invoked { function, .. } if function == CLAIM_INSTANCE);
    let journal = harness.journal();
    journal.iter().filter(|entry| is_one(&entry.what)).count()
}

/// How many invocations of claim-instance ran at the same time, at most.
fn most_at_once(harness: &Harness) -> usize {
    let mut running = 0_usize;
    let mut most = 0;
    for entry in harness.journal() {
        match entry.what {
            Happening::Invoked { function, .. } if function == CLAIM_INSTANCE => running += 1,
            Happening::Returned { function, .. } if function == CLAIM_INSTANCE => running -= 1,
            _ => {}
        }
        most = most.max(running);
    }
    most
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_starts_late_finds_that_it_is_somebody_else_s() {
    for tenths in [480, 498, 501, 504, 508, 512, 516, 520, 530, 545, 560] {
        let harness = late_batch(4, Duration::from_millis(tenths * 100)).await;
        let instances = three_are_ready(&harness).await;
        assert_eq!(instances.len(), 3, "after {tenths} tenths of a second");
        assert_eq!(entered(&harness), 3, "after {tenths} tenths of a second");
        let deliveries = invocations(&harness);
        // The visibility time-out is fifty seconds.
        let expected = if tenths < 500 { 1 } else { 2 };
        assert_eq!(deliveries, expected, "after {tenths} tenths of a second");
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_leaves_claims_alone_for_which_the_other_delivery_waits() {
    // Nothing is ready: the delivery that has the messages looks for twenty seconds at a time.
    let harness = late_batch(0, Duration::from_mins(1)).await;
    // And the pool cannot grow for what waits.
    harness
        .region
        .with(|world| world.compute.capacity_refused = true);
    harness.pass(Duration::from_secs(65)).await;
    assert_eq!(most_at_once(&harness), 2, "they ran beside each other");
    assert_eq!(entered(&harness), 0);
    harness.pass(Duration::from_mins(15)).await;
    let outcomes = harness.outcomes_of(3).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.outcome == Ending::Failed)
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn it_changes_nothing_that_the_other_delivery_dies_meanwhile() {
    for (operation, moment) in [
        ("CreateOrUpdateTags", Moment::BeforeTheEffect),
        ("CreateOrUpdateTags", Moment::AfterTheEffect),
        ("DetachInstances", Moment::BeforeTheEffect),
        ("DetachInstances", Moment::AfterTheEffect),
    ] {
        for tenths in [505, 515, 700, 1010] {
            let harness = late_batch(4, Duration::from_millis(tenths * 100)).await;
            let calls = Calls::of(Service::AutoScaling, operation).by(CLAIM_INSTANCE);
            harness.break_next(Fault::nth(calls, 1, moment, Failure::Kill));
            let instances = three_are_ready(&harness).await;
            assert_eq!(instances.len(), 3, "{operation} {moment:?} {tenths}");
            harness.end().await;
        }
    }
}
