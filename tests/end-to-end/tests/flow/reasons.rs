//! What holds a claim up is said where one looks: a process that is suspended, a group that is being
//! deleted, a message that SQS drops.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use region::api::Service;
use region::commands::{CommandRun, Pretence};
use region::journal::Happening;
use region::settings::Spread;
use region::world::World;
use serde_json::{Value, json};
use std::time::Duration;

async fn auto_scaling(harness: &Harness, operation: &str, input: Value) {
    let called = harness.call(Service::AutoScaling, operation, input);
    called.await.unwrap();
}

/// Waits until something of the kind has happened.
async fn happened(harness: &Harness, what: impl Fn(&Happening) -> bool) {
    let has_happened = |world: &World| world.journal.entries().any(|entry| what(&entry.what));
    harness.until("it has happened", has_happened).await;
}

/// A target with a machine of its tenant's own.
async fn target_in_use(harness: &Harness, name: &str) {
    harness.create(Target::named(name)).await;
    let input = json!({ "AutoScalingGroupName": name, "DesiredCapacity": 1 });
    auto_scaling(harness, "SetDesiredCapacity", input).await;
    let is_there = |world: &World| world.autoscaling.groups[name].capacity() == 1;
    harness
        .until("the tenant's machine is there", is_there)
        .await;
    harness.pass(Duration::from_mins(1)).await;
}

async fn delete(harness: &Harness, name: &str) {
    let input = json!({ "AutoScalingGroupName": name, "ForceDelete": true });
    auto_scaling(harness, "DeleteAutoScalingGroup", input).await;
}

// Messages that SQS drops.

/// An id that its sender set is one that SQS drops for five minutes, whatever the body. A rejection for the body's sake
/// does not speak of it: most senders set none.
#[tokio::test(start_paused = true)]
async fn a_corrected_claim_needs_a_fresh_deduplication_id() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("asg-1")).await;
    let mut message = claim("c", "asg-1");
    message["when_emtpy"] = json!("wait");
    harness.send(&message).await;
    let rejected = harness.outcome("c").await;
    assert_eq!(rejected.reason, Reason::Malformed);
    let words = "MessageDeduplicationId";
    assert!(!rejected.message.contains(words), "{}", rejected.message);

    message.as_object_mut().unwrap().remove("when_emtpy");
    harness.send(&message).await;
    harness.pass(Duration::from_mins(2)).await;
    assert_eq!(harness.outcomes().len(), 1, "SQS dropped it");
    let body = message.to_string();
    harness.send_as(body, &harness.pool, "c-corrected").await;
    let outcomes = harness.outcomes_come(2).await;
    assert_eq!(outcomes[1].outcome, Ending::Ready);
    harness.end().await;
}

/// The same body may be sent again once its target was mended: of a dry run, too.
#[tokio::test(start_paused = true)]
async fn a_rejection_of_what_may_be_sent_unchanged_says_how() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-full").max_size(0)).await;
    let mut dry = claim("dry", "asg-full");
    dry["dry_run"] = json!(true);
    for message in [claim("c", "asg-full"), claim("d", "asg-nowhere"), dry] {
        harness.send(&message).await;
        let outcome = harness.outcome(message["claim_id"].as_str().unwrap()).await;
        assert_eq!(outcome.outcome, Ending::Rejected);
        let words =
            "; sent again unchanged within five minutes, it needs a new MessageDeduplicationId";
        assert!(outcome.message.contains(words), "{outcome:?}");
    }
    harness.end().await;
}

// A pool that launches nothing.

/// What a claim, a dry run and a claim that does not wait hear, once the pool is empty.
async fn heard_of_an_empty_pool(harness: &Harness) -> [Outcome; 3] {
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("first", "asg-1")).await;
    assert_eq!(harness.outcome("first").await.outcome, Ending::Ready);
    let mut waits = claim("waits", "asg-1");
    waits["expires_at"] = harness.in_future(Duration::from_secs(150)).into();
    harness.send(&waits).await;
    let mut dry = claim("dry", "asg-1");
    dry["dry_run"] = json!(true);
    harness.send_as(dry.to_string(), "dry-run", "dry").await;
    let mut hasty = claim("hasty", "asg-1");
    hasty["when_empty"] = json!("reject");
    harness.send(&hasty).await;
    [
        harness.outcome("waits").await,
        harness.outcome("dry").await,
        harness.outcome("hasty").await,
    ]
}

#[tokio::test(start_paused = true)]
async fn a_pool_whose_launches_somebody_suspended_says_so_to_everybody_who_waits() {
    let harness = Harness::with_ready_pool(1).await;
    let input = json!({ "AutoScalingGroupName": harness.pool, "ScalingProcesses": ["Launch"] });
    auto_scaling(&harness, "SuspendProcesses", input.clone()).await;
    let heard = heard_of_an_empty_pool(&harness).await;
    let reasons = [Reason::Expired, Reason::WouldWait, Reason::PoolEmpty];
    for (outcome, reason) in heard.iter().zip(reasons) {
        assert_eq!(outcome.reason, reason);
        let words = "the Launch process of group ready-pool-pool is suspended (User suspended at ";
        assert!(outcome.message.contains(words), "{outcome:?}");
    }
    auto_scaling(&harness, "ResumeProcesses", input).await;
    harness.pool_is_ready(1).await;
    harness.end().await;
}

/// AWS suspends launches itself after a day without one, and they stay so until somebody resumes them.
#[tokio::test(start_paused = true)]
async fn and_so_does_one_whose_launches_aws_suspended_itself() {
    let harness = Harness::with_ready_pool(1).await;
    let reason = "Administrative suspension: the group failed to launch instances";
    harness.region.with(|world| {
        let pool = world.autoscaling.groups.get_mut(&harness.pool).unwrap();
        pool.suspended
            .insert("Launch".to_owned(), reason.to_owned());
    });
    for outcome in heard_of_an_empty_pool(&harness).await {
        assert!(outcome.message.contains(reason), "{outcome:?}");
    }
    harness.stop().await;
}

// A target that is being deleted.

#[tokio::test(start_paused = true)]
async fn a_target_that_is_being_deleted_is_no_target() {
    let harness = Harness::with_ready_pool(1).await;
    target_in_use(&harness, "asg-1").await;
    delete(&harness, "asg-1").await;
    harness.send(&claim("c", "asg-1")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Rejected);
    assert_eq!(outcome.reason, Reason::TargetDeleting);
    let words = "group asg-1 is being deleted";
    assert!(outcome.message.contains(words), "{}", outcome.message);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_deleted_before_the_attach_refuses_in_aws_s_words() {
    let harness = Harness::builder()
        .settings(|settings| {
            settings.timings.detach = Spread::exactly(Duration::from_secs(10));
        })
        .start();
    harness.pool_is_ready(2).await;
    target_in_use(&harness, "asg-1").await;
    harness.send(&claim("c", "asg-1")).await;
    happened(&harness, |what| matches!(what, Happening::Detaching { .. })).await;
    delete(&harness, "asg-1").await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::TargetRefused);
    let words = "AttachInstances failed: ValidationError: You cannot update an AutoScalingGroup while it is pending delete.";
    assert!(outcome.message.contains(words), "{}", outcome.message);
    harness.pass(Duration::from_mins(5)).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_deleted_while_the_script_runs_says_that_it_is() {
    let harness = Harness::builder()
        .scripts(|_: &CommandRun| Pretence {
            takes: Some(Duration::from_mins(2)),
            ..Pretence::default()
        })
        .start();
    harness.pool_is_ready(2).await;
    target_in_use(&harness, "asg-1").await;
    harness.send(&claim("c", "asg-1")).await;
    happened(&harness, |what| {
        matches!(what, Happening::CommandStarted { .. })
    })
    .await;
    harness.pass(Duration::from_secs(5)).await;
    delete(&harness, "asg-1").await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Failed);
    let words = "(group asg-1 is being deleted)";
    assert!(outcome.message.contains(words), "{}", outcome.message);
    harness.stop().await;
}
