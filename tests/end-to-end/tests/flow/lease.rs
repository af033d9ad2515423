//! A delivery has its messages to itself for half a minute at a time, as long as it lives.

use end_to_end::{Harness, Target, claim};
use ready_pool_aws::lease::LEASE;
use ready_pool_core::outcome::Ending;
use region::api::Service;
use region::faults::{Calls, Failure, Fault, Moment};
use region::journal::Happening;
use region::settings::Spread;
use std::time::Duration;
use time::OffsetDateTime;

const CLAIM_INSTANCE: &str = "ready-pool-claim-instance";
const INIT_INSTANCE: &str = "ready-pool-init-instance";

/// What takes SQS and Lambda to deliver a message again.
const DELIVERY: Duration = Duration::from_secs(2);

fn invocations(harness: &Harness, of: &str) -> Vec<OffsetDateTime> {
    let journal = harness.journal().into_iter();
    let invoked = journal.filter_map(|entry| match entry.what {
        Happening::Invoked { function, .. } if function == of => Some(entry.at),
        _ => None,
    });
    invoked.collect()
}

/// One claim, of which this call kills the invocation once. Answers how long after the start of that one the next
/// began.
async fn comes_again_after(function: &str, service: Service, operation: &str) -> Duration {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("asg-1")).await;
    let calls = Calls::of(service, operation).by(function);
    harness.break_next(Fault::nth(calls, 1, Moment::BeforeTheEffect, Failure::Kill));
    harness.send(&claim("c", "asg-1")).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    let [killed, next, ..] = invocations(&harness, function)[..] else {
        panic!("{function} was invoked once");
    };
    harness.end().await;
    (next - killed).unsigned_abs()
}

#[tokio::test(start_paused = true)]
async fn a_killed_delivery_keeps_its_messages_for_half_a_minute() {
    for (function, service, operation) in [
        (CLAIM_INSTANCE, Service::AutoScaling, "CreateOrUpdateTags"),
        (CLAIM_INSTANCE, Service::AutoScaling, "DetachInstances"),
        (INIT_INSTANCE, Service::AutoScaling, "AttachInstances"),
        (INIT_INSTANCE, Service::Ssm, "SendCommand"),
    ] {
        let after = comes_again_after(function, service, operation).await;
        assert!(after < LEASE + DELIVERY, "{operation}: {after:?}");
    }
}

/// A harness with one claim, whose detach takes so long that its hand-over waits for it.
async fn a_long_detach(seconds: u64) -> Harness {
    let detach = Spread::exactly(Duration::from_secs(seconds));
    let harness = Harness::builder()
        .pool_size(2)
        .settings(|settings| settings.timings.detach = detach)
        .start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    harness
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_lives_keeps_its_message_beyond_it() {
    let harness = a_long_detach(40).await;
    harness.send(&claim("c", "asg-1")).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    let began = invocations(&harness, INIT_INSTANCE);
    let waited = (began[1] - began[0]).unsigned_abs();
    assert!(waited > Duration::from_secs(40), "{began:?}");
    harness.end().await;
}

/// SQS is away while Auto Scaling is not: the message will be another delivery's.
#[tokio::test(start_paused = true)]
async fn one_that_cannot_renew_its_lease_ends_before_the_next_begins() {
    let harness = a_long_detach(40).await;
    let renewals = Calls::of(Service::Sqs, "ChangeMessageVisibilityBatch").by(INIT_INSTANCE);
    harness.break_next(Fault {
        skip: 1,
        times: 40,
        ..Fault::nth(renewals, 1, Moment::BeforeTheEffect, Failure::Internal)
    });
    harness.send(&claim("c", "asg-1")).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    let began = invocations(&harness, INIT_INSTANCE);
    let (first, next) = (began[0], began[1]);
    assert!(
        (next - first).unsigned_abs() < LEASE + DELIVERY,
        "{began:?}"
    );
    let attempts = harness.journal().into_iter();
    let attempts: Vec<OffsetDateTime> = attempts
        .filter_map(|entry| match entry.what {
            Happening::Called { operation, .. } if operation == "AttachInstances" => Some(entry.at),
            _ => None,
        })
        .collect();
    let quiet = attempts
        .iter()
        .zip(attempts.iter().skip(1))
        .find(|(last, first)| **last < next && **first >= next)
        .map(|(last, _)| (next - *last).unsigned_abs());
    // Every call of the first has had its effect by then.
    assert!(
        quiet.is_some_and(|quiet| quiet > Duration::from_secs(12)),
        "{quiet:?}"
    );
    harness.end().await;
}

/// The queue was purged, or a person received the message: it is nobody's, or theirs.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_another_delivery_s_is_left_to_it() {
    let harness = a_long_detach(20).await;
    harness.region.with(|world| {
        let deliveries = &mut world.faults.deliveries;
        deliveries.start_nth_late("ready-pool-init.fifo", 1, Duration::from_secs(75));
    });
    harness.send(&claim("c", "asg-1")).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    harness.pass(Duration::from_mins(2)).await;
    let sent = harness.journal().into_iter();
    let sent = sent.filter(|entry| matches!(entry.what, Happening::CommandSent { .. }));
    assert_eq!(sent.count(), 1);
    harness.end().await;
}
