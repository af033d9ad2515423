//! A target whose zones become uneven by its claims: Auto Scaling evens them, and terminates a claimed machine.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use region::commands::{CommandRun, Pretence};
use std::time::Duration;

/// A pool of two in one zone, and such a target in three; each script takes ten minutes.
async fn uneven(target: Target) -> Harness {
    let harness = Harness::builder()
        .pool_size(2)
        .parameter("Subnets", "subnet-1a")
        .scripts(|_: &CommandRun| Pretence {
            takes: Some(Duration::from_mins(10)),
            ..Pretence::default()
        })
        .start();
    harness.pool_is_ready(2).await;
    harness.create(target).await;
    harness
}

#[tokio::test(start_paused = true)]
async fn a_claimed_machine_that_is_rebalanced_away_in_its_script_ends_as_lost() {
    let harness = uneven(Target::named("tenant").rebalances()).await;
    for id in ["first", "second"] {
        harness.send(&claim(id, "tenant")).await;
    }
    let outcomes = harness.outcomes_of(2).await;
    let (lost, served): (Vec<_>, Vec<_>) =
        (outcomes.iter()).partition(|outcome| outcome.reason == Reason::InstanceLost);
    assert_eq!((lost.len(), served.len()), (1, 1), "{outcomes:?}");
    assert_eq!(lost[0].outcome, Ending::Failed);
    assert_eq!(served[0].outcome, Ending::Ready);
    // Before the script's end: nobody waits ten minutes for a machine that is gone.
    assert!(lost[0].at < served[0].at, "{outcomes:?}");
    // What took its place is none of ours.
    harness.pass(Duration::from_mins(5)).await;
    assert_eq!(harness.in_service("tenant").len(), 2);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn with_the_process_suspended_both_keep_their_machines() {
    let harness = uneven(Target::named("tenant")).await;
    for id in ["first", "second"] {
        harness.send(&claim(id, "tenant")).await;
    }
    for outcome in harness.outcomes_of(2).await {
        assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    }
    harness.end().await;
}
