//! What a claim may ask for besides an instance: a dry run, preferences.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::claim::DRY_RUN_GROUP;
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use serde_json::{Value, json};
use std::time::Duration;

fn dry(claim_id: &str, target: &str) -> Value {
    let mut message = claim(claim_id, target);
    message["dry_run"] = json!(true);
    message
}

/// Sends a dry run in the message group of dry runs; answers its outcome and how long that took.
async fn ask(harness: &Harness, message: &Value) -> (Outcome, time::Duration) {
    let heard = harness.outcomes().len();
    let sent = harness.now();
    let id = format!("dry-{heard}");
    harness
        .send_as(message.to_string(), DRY_RUN_GROUP, &id)
        .await;
    let outcomes = harness.outcomes_come(heard + 1).await;
    (outcomes[heard].clone(), harness.now() - sent)
}

/// Nothing but reads and answers were made.
fn nothing_was_changed(harness: &Harness) {
    for operation in ["CreateOrUpdateTags", "DetachInstances", "SendCommand"] {
        assert_eq!(harness.calls(operation), 0, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_what_would_happen_and_changes_nothing() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    harness.send(&dry("a", "asg-1")).await;
    let in_line = harness.outcome("a").await;
    let (beside, _) = ask(&harness, &dry("a", "asg-1")).await;
    for outcome in [in_line, beside] {
        assert_eq!(
            (outcome.outcome, outcome.reason),
            (Ending::DryRun, Reason::WouldBeServed)
        );
        assert!(outcome.message.contains("eu-west-1"), "{outcome:?}");
        assert_eq!(outcome.instance_id, None);
    }
    nothing_was_changed(&harness);
    assert_eq!(harness.entry("asg-1", "a"), None);

    // The real claim goes its way, whatever its dry runs heard.
    let body = claim("a", "asg-1").to_string();
    harness.send_as(body, &harness.pool, "in-earnest").await;
    let outcomes = harness.outcomes_come(3).await;
    assert_eq!(outcomes[2].outcome, Ending::Ready);
    let (again, _) = ask(&harness, &dry("a", "asg-1")).await;
    assert_eq!(again.reason, Reason::WouldRepeat, "{again:?}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_is_rejected_as_the_claim_would_be_and_its_original_is_not_kept() {
    let harness = Harness::with_ready_pool(1).await;
    harness
        .create(Target::named("asg-stranger").not_opted_in())
        .await;
    let mut misspelt = dry("b", "asg-1");
    misspelt["when_emtpy"] = json!("reject");
    for (message, expected) in [
        (dry("a", "asg-stranger"), Reason::NotOptedIn),
        (dry("a", "asg-nowhere"), Reason::UnknownTarget),
        (misspelt, Reason::Malformed),
    ] {
        let (outcome, _) = ask(&harness, &message).await;
        assert_eq!(
            (outcome.outcome, outcome.reason),
            (Ending::Rejected, expected)
        );
    }
    assert!(harness.bodies_in("RejectedQueue").await.is_empty());
    nothing_was_changed(&harness);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_in_a_message_group_of_its_own_is_answered_while_claims_wait_and_knows_of_them() {
    let harness = Harness::builder()
        .pool_size(1)
        .parameter("PoolMaxSize", "1")
        .start();
    harness.pool_is_ready(1).await;
    harness.create(Target::named("asg-1")).await;
    harness
        .region
        .with(|world| world.compute.capacity_refused = true);
    harness.send_together((0..15).map(|n| claim(&format!("claim-{n:02}"), "asg-1")));
    harness.pass(Duration::from_mins(1)).await;
    let (outcome, took) = ask(&harness, &dry("x", "asg-1")).await;
    assert_eq!(outcome.reason, Reason::WouldWait);
    assert!(outcome.message.contains("no instance"), "{outcome:?}");
    println!("a dry run beside a line of 14 was answered after {took}");
    assert!(took < Duration::from_secs(3), "it stood in line: {took}");

    // In line it stands in line: the answer comes when its turn does.
    let sent = harness.now();
    harness.send(&dry("y", "asg-1")).await;
    harness
        .region
        .with(|world| world.compute.capacity_refused = false);
    let outcome = harness.outcome("y").await;
    assert_eq!(outcome.outcome, Ending::DryRun);
    assert!(outcome.at - sent > Duration::from_secs(30));
    harness.outcomes_of(17).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_would_wait_where_queued_claims_leave_no_instance() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    // Nobody reads the queue for a moment: the line is on it, not in a batch.
    let url = harness.queue("ProvisionQueue");
    let arn = harness.region.with(|world| {
        let arn = world.sqs.by_url(&url).expect("it is there").arn.clone();
        for mapping in &mut world.lambda.mappings {
            mapping.enabled &= mapping.queue_arn != arn;
        }
        arn
    });
    // Twelve: a batch holds at most ten of them.
    harness.send_together((0..12).map(|n| claim(&format!("claim-{n:02}"), "asg-1")));
    harness.region.with(|world| {
        for mapping in &mut world.lambda.mappings {
            mapping.enabled |= mapping.queue_arn == arn;
        }
    });
    harness
        .send_as(dry("x", "asg-1").to_string(), DRY_RUN_GROUP, "x")
        .await;
    assert_eq!(harness.outcome("x").await.reason, Reason::WouldWait);
    harness.outcomes_of(13).await;
    harness.end().await;
}

/// A pool with one instance of each of these types, as a mixed-instances policy launches them.
async fn mixed_pool(types: &[&str]) -> Harness {
    let harness = Harness::with_ready_pool(types.len()).await;
    let ready = harness.in_service(&harness.pool);
    harness.region.with(|world| {
        for (id, name) in ready.iter().zip(types) {
            let machine = world.compute.instances.get_mut(id).expect("it runs");
            (*name).clone_into(&mut machine.instance_type);
        }
    });
    harness.create(Target::named("asg-1")).await;
    harness
}

fn type_of(harness: &Harness, outcome: &Outcome) -> String {
    let id = outcome.instance_id.clone().expect("an instance");
    harness
        .region
        .with(|world| world.compute.instances[id.as_str()].instance_type.clone())
}

#[tokio::test(start_paused = true)]
async fn a_claim_gets_the_type_and_the_zone_that_it_prefers() {
    let harness = mixed_pool(&["t3.micro", "m5.large", "t3.micro"]).await;
    let mut large = claim("large", "asg-1");
    large["preferences"] = json!({"instance_types": ["c7g.large", "m5.large"]});
    harness.send(&large).await;
    let outcome = harness.outcome("large").await;
    assert_eq!(type_of(&harness, &outcome), "m5.large");

    let instance = harness.in_service(&harness.pool).pop().unwrap();
    let mut there = claim("there", "asg-1");
    there["preferences"] = json!({"zones": [harness.zone(&instance)]});
    harness.send(&there).await;
    let outcome = harness.outcome("there").await;
    assert_eq!(
        harness.zone(outcome.instance_id.unwrap().as_str()),
        harness.zone(&instance)
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_preference_that_nothing_meets_keeps_no_claim_waiting() {
    let harness = mixed_pool(&["t3.micro"]).await;
    let mut picky = claim("picky", "asg-1");
    picky["preferences"] = json!({"zones": ["eu-west-1z"], "instance_types": ["p5.48xlarge"]});
    harness.send(&picky).await;
    let outcome = harness.outcome("picky").await;
    assert_eq!(outcome.outcome, Ending::Ready);
    assert_eq!(type_of(&harness, &outcome), "t3.micro");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn preferences_go_with_a_claim_to_its_next_instance() {
    let harness = mixed_pool(&["t3.micro", "m5.large", "m5.large", "t3.micro"]).await;
    // The first instance cannot be sent its command: init-instance asks for another.
    harness.break_next(region::faults::Fault::next(
        region::api::Service::Ssm,
        "SendCommand",
        region::api::CallError::sender("InvalidInstanceId", "Instances not in a valid state"),
    ));
    let mut large = claim("large", "asg-1");
    large["preferences"] = json!({"instance_types": ["m5.large"]});
    harness.send(&large).await;
    let outcome = harness.outcome("large").await;
    assert_eq!(outcome.outcome, Ending::Ready);
    assert_eq!(type_of(&harness, &outcome), "m5.large");
    assert_eq!(harness.calls("SendCommand"), 2);
    harness.end().await;
}
