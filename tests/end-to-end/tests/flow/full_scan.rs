//! Everything is looked at about once a minute, whatever else keeps replenish-pool busy: lost events,
//! deadlines, leaks, dead agents and tags wait for it.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::Timestamp;
use region::journal::Happening;
use std::time::Duration;

/// The longest that a claim or an instance waits for a full scan.
const WANTED: Duration = Duration::from_secs(90);

/// When replenish-pool asked for the targets, which only a full scan does.
fn full_scans(harness: &Harness) -> Vec<Timestamp> {
    let journal = harness.journal().into_iter();
    journal
        .filter(|entry| {
            matches!(&entry.what, Happening::Called { caller, operation, input, .. }
                if caller.ends_with("replenish-pool")
                    && operation == "DescribeAutoScalingGroups"
                    && input.get("Filters").is_some())
        })
        .map(|entry| entry.at)
        .collect()
}

/// The longest time without a full scan after `since`.
fn longest_gap(harness: &Harness, since: Timestamp) -> Duration {
    let mut times = vec![since];
    times.extend(full_scans(harness).into_iter().filter(|at| *at > since));
    times.push(harness.now());
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    gaps.max().unwrap().unsigned_abs()
}

/// Events of the pool start short passes of forty seconds back to back, at a concurrency of one: the
/// timer's tick is throttled, and dropped after a minute.
async fn gap_under_load(every: Duration) -> Duration {
    let harness = Harness::with_ready_pool(30).await;
    for number in 0..20 {
        harness
            .create(Target::named(&format!("asg-{number}")))
            .await;
    }
    let since = harness.now();
    let mut sent = 0;
    while harness.now() < since + Duration::from_mins(30) {
        let mut claim = claim(&format!("claim-{sent}"), &format!("asg-{}", sent % 20));
        claim["expires_at"] = harness.in_future(Duration::from_mins(15)).into();
        harness.send(&claim).await;
        sent += 1;
        harness.pass(every).await;
    }
    let gap = longest_gap(&harness, since);
    println!("a claim every {every:?}: longest time without a full scan {gap:?}");
    harness.outcomes_of(sent).await;
    harness.end().await;
    gap
}

#[tokio::test(start_paused = true)]
async fn at_a_claim_every_five_seconds_everything_is_looked_at_within_ninety() {
    assert!(gap_under_load(Duration::from_secs(5)).await <= WANTED);
}

#[tokio::test(start_paused = true)]
async fn at_a_claim_every_ten_seconds_too() {
    assert!(gap_under_load(Duration::from_secs(10)).await <= WANTED);
}

#[tokio::test(start_paused = true)]
async fn at_a_claim_a_minute_too() {
    assert!(gap_under_load(Duration::from_mins(1)).await <= WANTED);
}

/// The environment remembers when the last one was: one that remembers it does no more of them than
/// the timer asks for.
#[tokio::test(start_paused = true)]
async fn nothing_is_looked_at_more_often_than_the_timer_asks_while_nothing_happens() {
    let harness = Harness::with_ready_pool(2).await;
    harness.pass(Duration::from_mins(2)).await;
    let before = full_scans(&harness).len();
    harness.pass(Duration::from_mins(10)).await;
    assert_eq!(full_scans(&harness).len() - before, 10);
    harness.end().await;
}
