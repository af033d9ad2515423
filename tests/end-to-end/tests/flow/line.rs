//! One line for all claims, while they differ in what can serve them: who waits for something particular lets
//! those behind go first.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use region::api::Service;
use region::faults::{Calls, Failure, Fault, Moment};
use region::journal::Happening;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const ZONES: [&str; 3] = ["eu-west-1a", "eu-west-1b", "eu-west-1c"];

/// Ten claims for a zone in which nothing is ready, and behind them one that can be served.
fn ten_wait_before_one(harness: &Harness) {
    harness.send_together(
        (0..10)
            .map(|n| patient(harness, &format!("waits-{n}"), "waits"))
            .chain([patient(harness, "served", "served")]),
    );
}

fn patient(harness: &Harness, claim_id: &str, target: &str) -> Value {
    let mut claim = claim(claim_id, target);
    claim["expires_at"] = harness.in_future(Duration::from_hours(1)).into();
    claim
}

/// A pool of two that cannot grow, and the zone in which it has nothing.
async fn at_its_maximum() -> (Harness, &'static str) {
    let harness = Harness::builder()
        .pool_size(2)
        .parameter("PoolMaxSize", "2")
        .start();
    harness.pool_is_ready(2).await;
    let members = harness.in_service(&harness.pool);
    let taken: BTreeSet<String> = members.iter().map(|id| harness.zone(id)).collect();
    let free = ZONES.iter().find(|zone| !taken.contains(**zone));
    let lacking = *free.expect("two members are in two zones");
    harness
        .create(Target::named("waits").zones(&[lacking]))
        .await;
    harness.create(Target::named("served")).await;
    (harness, lacking)
}

/// How long the claim waited for its instance to be ready.
async fn waited(harness: &Harness, claim_id: &str, since: ready_pool_core::Timestamp) -> Duration {
    let outcome = harness.outcome(claim_id).await;
    assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    let waited = (outcome.at - since).unsigned_abs();
    println!("{claim_id} waited {waited:?}");
    waited
}

/// How many messages lie on the provisioning queue.
async fn queued(harness: &Harness) -> usize {
    let input = json!({ "QueueUrl": harness.queue("ProvisionQueue"), "AttributeNames": ["All"] });
    let answer = harness
        .call(Service::Sqs, "GetQueueAttributes", input)
        .await;
    let attributes = &answer.unwrap()["Attributes"];
    let count = |name: &str| -> usize { attributes[name].as_str().unwrap().parse().unwrap() };
    count("ApproximateNumberOfMessages") + count("ApproximateNumberOfMessagesNotVisible")
}

fn stepped_aside(harness: &Harness) -> f64 {
    harness.figures.sum("SteppedAside", &[])
}

#[tokio::test(start_paused = true)]
async fn ten_claims_for_a_zone_with_nothing_ready_do_not_hold_up_the_claim_behind_them() {
    let (harness, _) = at_its_maximum().await;
    let since = harness.now();
    ten_wait_before_one(&harness);
    let waited = waited(&harness, "served", since).await;
    assert!(waited < Duration::from_secs(15), "{waited:?}");
    assert!(stepped_aside(&harness) >= 10.0);
    harness.stop().await;
}

/// The ten go round no more often than every twenty seconds, so it is what it waits for them.
#[tokio::test(start_paused = true)]
async fn who_comes_when_all_ten_have_just_stepped_aside_waits_half_a_minute_at_most() {
    let (harness, _) = at_its_maximum().await;
    ten_wait_before_one(&harness);
    harness.outcome("served").await;
    let since = harness.now();
    harness.send(&patient(&harness, "late", "served")).await;
    let waited = waited(&harness, "late", since).await;
    assert!(waited < Duration::from_secs(35), "{waited:?}");
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_such_claim_costs_those_behind_it_seconds() {
    let (harness, _) = at_its_maximum().await;
    harness.send(&patient(&harness, "waits", "waits")).await;
    harness.pass(Duration::from_secs(3)).await;
    let since = harness.now();
    harness.send(&patient(&harness, "served", "served")).await;
    let waited = waited(&harness, "served", since).await;
    assert!(waited < Duration::from_secs(15), "{waited:?}");
    harness.stop().await;
}

/// A target whose ledger is full of settled entries that replenish-pool does not remove (yet).
async fn with_a_full_ledger(harness: &Harness, name: &str) {
    harness.create(Target::named(name)).await;
    let expires_at = harness.in_future(Duration::from_hours(1));
    let tags = (0..49).map(|n| {
        let value = format!("v1 i-{n:017x} 1 ready {expires_at}");
        json!({ "ResourceType": "auto-scaling-group", "ResourceId": name, "PropagateAtLaunch": false,
                "Key": format!("ready-pool:claim/old-{n}"), "Value": value })
    });
    let tags: Vec<Value> = tags.collect();
    for tags in tags.chunks(25) {
        harness
            .call(
                Service::AutoScaling,
                "CreateOrUpdateTags",
                json!({ "Tags": tags }),
            )
            .await
            .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_ledger_of_one_target_does_not_hold_up_the_others() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("served")).await;
    with_a_full_ledger(&harness, "full").await;
    let since = harness.now();
    harness.send_together(
        (0..10)
            .map(|n| patient(&harness, &format!("full-{n}"), "full"))
            .chain([patient(&harness, "served", "served")]),
    );
    let waited = waited(&harness, "served", since).await;
    assert!(waited < Duration::from_secs(15), "{waited:?}");
    assert!(stepped_aside(&harness) >= 10.0);
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_hears_nothing_of_claims_that_stepped_aside() {
    let (harness, _) = at_its_maximum().await;
    harness.send_together((0..12).map(|n| patient(&harness, &format!("waits-{n:02}"), "waits")));
    harness.pass(Duration::from_secs(40)).await;
    let mut dry_run = patient(&harness, "dry", "served");
    dry_run["dry_run"] = true.into();
    harness
        .send_as(dry_run.to_string(), "dry-run", "dry-run")
        .await;
    let outcome = harness.outcome("dry").await;
    assert_eq!(outcome.reason.code(), "would_be_served", "{outcome:?}");
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_pool_and_a_pause_are_everybody_s() {
    let harness = Harness::builder()
        .pool_size(0)
        .parameter("PoolMaxSize", "1")
        .start();
    harness
        .region
        .with(|world| world.compute.capacity_refused = true);
    for (name, zone) in [("one", ZONES[0]), ("other", ZONES[1])] {
        harness.create(Target::named(name).zones(&[zone])).await;
    }
    harness.send_together((0..12).map(|n| {
        let target = if n % 2 == 0 { "one" } else { "other" };
        patient(&harness, &format!("claim-{n}"), target)
    }));
    harness.pass(Duration::from_mins(3)).await;
    assert!(stepped_aside(&harness) < 1.0);
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_goes_round_three_times_a_minute_at_most_and_is_served_when_its_zone_has_an_instance()
 {
    let (harness, lacking) = at_its_maximum().await;
    let since = harness.now();
    harness.send_together((0..12).map(|n| patient(&harness, &format!("waits-{n:02}"), "waits")));
    harness.pass(Duration::from_mins(10)).await;
    let laps = stepped_aside(&harness);
    println!("12 claims stepped aside {laps} times in ten minutes");
    assert!((12.0..=360.0).contains(&laps), "{laps}");
    assert!(harness.outcomes().is_empty());
    // All copies together are as many as there are claims.
    assert_eq!(queued(&harness).await, 12);
    let more = json!({ "AutoScalingGroupName": harness.pool, "MaxSize": 60 });
    harness
        .call(Service::AutoScaling, "UpdateAutoScalingGroup", more)
        .await
        .unwrap();
    let outcomes = harness.outcomes_of(12).await;
    for outcome in &outcomes {
        assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
        let instance = outcome.instance_id.as_ref().unwrap().to_string();
        assert_eq!(harness.zone(&instance), lacking);
    }
    let last = outcomes.iter().map(|outcome| outcome.at).max().unwrap();
    println!("all served {:?} after they came", last - since);
    // From when it was sent first, not from its last lap.
    let sent = outcomes[0].details.times.sent;
    println!("{sent:?}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_between_copy_and_delete_costs_no_claim_and_no_second_instance() {
    for (operation, moment) in [
        ("SendMessageBatch", Moment::BeforeTheEffect),
        ("SendMessageBatch", Moment::AfterTheEffect),
        ("DeleteMessageBatch", Moment::BeforeTheEffect),
        ("DeleteMessageBatch", Moment::AfterTheEffect),
    ] {
        for failure in [Failure::Silence, Failure::Kill] {
            let (harness, _) = at_its_maximum().await;
            let calls = Calls::of(Service::Sqs, operation).by("ready-pool-claim-instance");
            harness.break_next(Fault::nth(calls, 1, moment, failure.clone()));
            ten_wait_before_one(&harness);
            harness.outcome("served").await;
            harness.pass(Duration::from_mins(3)).await;
            let more = json!({ "AutoScalingGroupName": harness.pool, "MaxSize": 60 });
            harness
                .call(Service::AutoScaling, "UpdateAutoScalingGroup", more)
                .await
                .unwrap();
            for outcome in harness.outcomes_of(11).await {
                assert_eq!(
                    outcome.outcome,
                    Ending::Ready,
                    "{operation} {moment:?} {failure:?}: {outcome:?}"
                );
            }
            harness.end().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_stepped_aside_is_rejected_as_one_that_never_did() {
    let (harness, _) = at_its_maximum().await;
    ten_wait_before_one(&harness);
    harness.outcome("served").await;
    let full = json!({ "AutoScalingGroupName": "waits", "MaxSize": 0 });
    harness
        .call(Service::AutoScaling, "UpdateAutoScalingGroup", full)
        .await
        .unwrap();
    for outcome in harness.outcomes_of(11).await {
        if outcome.claim_id.as_deref() != Some("served") {
            assert_eq!(outcome.outcome, Ending::Rejected, "{outcome:?}");
        }
    }
    let begun = |entry: &region::journal::Entry| matches!(&entry.what, Happening::Detaching { .. });
    assert_eq!(
        harness
            .journal()
            .iter()
            .filter(|entry| begun(entry))
            .count(),
        1
    );
    harness.stop().await;
}
