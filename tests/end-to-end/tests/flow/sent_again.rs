//! Somebody's tool wipes a target's tags, and the claim is sent again a moment later: a second instance is detached,
//! InitQueue swallows its hand-over, and it idles to the deadline. What the claim has heard by then stands.

use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::outcome::Ending;
use region::api::Service;
use region::commands::Pretence;
use region::faults;
use region::journal::Happening;
use serde_json::json;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_mins(10);

/// The claim is sent; this long after its command was, the tags are wiped and it is sent again. Answers the instance
/// that serves it, and the one that nobody uses.
async fn sent_again(builder: HarnessBuilder, after: Duration) -> (Harness, String, String) {
    let harness = builder.pool_size(3).start();
    harness.pool_is_ready(3).await;
    harness.create(Target::named("asg-1")).await;
    let mut message = claim("c", "asg-1");
    message["expires_at"] = harness.in_future(DEADLINE).into();
    message["init"]["execution_timeout_seconds"] = json!(3600);
    harness.send(&message).await;
    while harness.in_service("asg-1").is_empty() {
        harness.pass(Duration::from_secs(1)).await;
    }
    let serving = harness.in_service("asg-1").remove(0);
    harness.pass(after).await;
    let wiped =
        |world: &mut region::world::World| faults::wipe_tags(world, "asg-1", "ready-pool:claim/");
    assert_eq!(harness.region.with(wiped), 1);
    harness
        .send_as(message.to_string(), &harness.pool, "again")
        .await;
    let detached = |world: &region::world::World| {
        let instances = world
            .journal
            .entries()
            .filter_map(|entry| match &entry.what {
                Happening::Detaching { instance, .. } => Some(instance.clone()),
                _ => None,
            });
        instances.collect::<Vec<_>>()
    };
    harness
        .until("another is detached", |world| detached(world).len() == 2)
        .await;
    let idle = harness.region.read(detached).remove(1);
    assert_ne!(serving, idle);
    (harness, serving, idle)
}

/// The instance of no use is gone a little after the deadline, and nobody heard anything but `ready`.
async fn assert_ready(harness: &Harness, serving: &str, idle: &str) {
    harness.pass(DEADLINE).await;
    harness.gone(idle).await;
    harness.pass(Duration::from_mins(5)).await;
    let outcomes = harness.outcomes();
    assert!(!outcomes.is_empty());
    for outcome in outcomes {
        assert_eq!(outcome.outcome, Ending::Ready, "{}", outcome.message);
        assert_eq!(outcome.instance_id.unwrap().as_str(), serving);
    }
    let entry = harness.entry("asg-1", "c").unwrap();
    assert!(
        entry.contains(serving) && entry.contains(" ready "),
        "{entry}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_was_ready_never_hears_that_it_failed() {
    let (harness, serving, idle) = sent_again(Harness::builder(), Duration::from_secs(30)).await;
    assert_eq!(harness.outcomes().len(), 1, "it was ready before");
    assert_ready(&harness, &serving, &idle).await;
    assert_eq!(harness.in_service("asg-1"), [serving]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn nor_does_one_whose_tenant_has_used_its_instance_up_by_then() {
    let (harness, serving, idle) = sent_again(Harness::builder(), Duration::from_secs(30)).await;
    let input = json!({ "InstanceId": serving, "ShouldDecrementDesiredCapacity": true });
    harness
        .call(
            Service::AutoScaling,
            "TerminateInstanceInAutoScalingGroup",
            input,
        )
        .await
        .unwrap();
    assert_ready(&harness, &serving, &idle).await;
    assert_eq!(harness.outcomes().len(), 1, "nothing more is said");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_script_that_runs_past_the_deadline_decides_though_its_event_is_lost() {
    let slow = Harness::builder().scripts(|_| Pretence {
        takes: Some(DEADLINE + Duration::from_mins(4)),
        ..Pretence::default()
    });
    let (harness, serving, idle) = sent_again(slow, Duration::from_secs(30)).await;
    harness
        .region
        .with(|world| world.events.unreliability.drop = 1.0);
    harness.pass(Duration::from_mins(10)).await;
    assert_ready(&harness, &serving, &idle).await;
    harness.end().await;
}
