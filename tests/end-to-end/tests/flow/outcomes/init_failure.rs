//! What becomes of an instance whose init failed, as its claim wants it.

use super::caller::Caller;
use end_to_end::{Harness, HarnessBuilder, Target, claim};
use region::commands::{CommandRun, Pretence};
use region::compute;
use region::journal::Happening;
use serde_json::{Value, json};
use std::time::Duration;

fn keeping(claim_id: &str) -> Value {
    wanting("keep", claim_id)
}

fn replacing(claim_id: &str) -> Value {
    wanting("replace", claim_id)
}

fn wanting(on_init_failure: &str, claim_id: &str) -> Value {
    let mut message = claim(claim_id, "asg-1");
    message["init"]["execution_timeout_seconds"] = json!(30);
    message["on_init_failure"] = json!(on_init_failure);
    message
}

async fn ready(builder: HarnessBuilder) -> Harness {
    let harness = builder.start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    harness
}

fn failing() -> HarnessBuilder {
    Harness::builder().scripts(|_| Pretence {
        exit_code: 7,
        ..Pretence::default()
    })
}

/// The claim fails for this reason, and its instance stays in its target for good: past the
/// deadline, past everything that could come late, past the sweep. A repeat hears the same.
async fn fails_and_is_kept(harness: Harness, claim_id: &str, reason: &str) {
    let mut caller = Caller::of(&harness);
    let heard = caller.hear(claim_id).await.outcome;
    assert_eq!(heard["outcome"], "failed");
    assert_eq!(heard["reason"], reason);
    let instance = heard["instance_id"].as_str().unwrap().to_owned();
    harness.pass(Duration::from_mins(5)).await;
    let again = keeping(claim_id).to_string();
    harness.send_as(again, &harness.pool, "again").await;
    harness.pass(Duration::from_hours(7)).await;
    assert_eq!(harness.in_service("asg-1"), std::slice::from_ref(&instance));
    assert_eq!(harness.desired("asg-1"), 1);
    let entry = harness.entry("asg-1", claim_id).unwrap();
    assert!(
        entry.contains(&instance) && entry.contains(" failed "),
        "{entry}"
    );
    let retired = |what: &Happening| {
        matches!(what, Happening::Terminated { .. })
            || matches!(what, Happening::Attached { group, .. } if group != "asg-1")
    };
    assert!(!harness.journal().iter().any(|entry| retired(&entry.what)));
    let outcomes = harness.outcomes();
    assert!(outcomes.len() >= 2, "the repeat hears nothing");
    for outcome in outcomes {
        assert_eq!(outcome.reason.code(), reason);
        assert_eq!(
            outcome.instance_id.map(|id| id.to_string()),
            Some(instance.clone())
        );
    }
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_instance_whose_script_failed_stays() {
    let harness = ready(failing()).await;
    harness.send(&keeping("c")).await;
    fails_and_is_kept(harness, "c", "script_failed").await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_instance_whose_script_ran_out_of_time_stays() {
    let harness = ready(Harness::builder().scripts(|_| Pretence {
        takes: Some(Duration::from_mins(2)),
        ..Pretence::default()
    }));
    let harness = harness.await;
    harness.send(&keeping("c")).await;
    fails_and_is_kept(harness, "c", "script_timed_out").await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_instance_whose_agent_is_gone_stays() {
    let harness = ready(Harness::builder()).await;
    for instance in harness.in_service(&harness.pool) {
        harness
            .region
            .with(|world| compute::kill_agent(world, &instance));
    }
    let mut message = keeping("c");
    // Past it the claim does not go on with another one.
    message["expires_at"] = harness.in_future(Duration::from_secs(30)).into();
    harness.send(&message).await;
    let mut caller = Caller::of(&harness);
    let heard = caller.hear("c").await.outcome;
    assert_eq!(heard["reason"], "not_delivered");
    let instance = heard["instance_id"].as_str().unwrap();
    harness.pass(Duration::from_hours(1)).await;
    assert_eq!(harness.in_service("asg-1"), [instance]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_instance_stays_when_the_end_is_found_by_looking_again() {
    let harness = ready(failing()).await;
    harness
        .region
        .with(|world| world.events.unreliability.drop = 1.0);
    harness.send(&keeping("c")).await;
    fails_and_is_kept(harness, "c", "script_failed").await;
}

/// Which attempt of its claim a script says it is for.
fn attempt_of(run: &CommandRun) -> u8 {
    let header = run.script.lines().next().unwrap();
    let attempt = header
        .split(", ")
        .find_map(|word| word.strip_prefix("attempt "));
    attempt.unwrap().parse().unwrap()
}

/// Scripts fail up to this attempt.
fn failing_up_to(attempt: u8) -> HarnessBuilder {
    Harness::builder().scripts(move |run| Pretence {
        exit_code: if attempt_of(run) <= attempt { 7 } else { 0 },
        ..Pretence::default()
    })
}

/// The instances that were sent a command, in order.
fn sent(harness: &Harness) -> Vec<String> {
    let commands = harness.journal().into_iter();
    commands
        .filter_map(|entry| match entry.what {
            Happening::CommandSent { instance, .. } => Some(instance),
            _ => None,
        })
        .collect()
}

/// The claim ends ready with its second instance, and the first one is gone.
async fn is_replaced(harness: Harness, claim_id: &str) {
    let mut caller = Caller::of(&harness);
    let heard = caller.hear(claim_id).await.outcome;
    assert_eq!(heard["outcome"], "ready", "{heard}");
    assert_eq!(heard["attempt"], 2);
    let sent = sent(&harness);
    let [first, second] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(heard["instance_id"], second.as_str());
    assert_ne!(first, second);
    harness.gone(first).await;
    harness.pass(Duration::from_mins(20)).await;
    assert_eq!(harness.in_service("asg-1"), std::slice::from_ref(second));
    assert_eq!(harness.desired("asg-1"), 1);
    assert_eq!(
        harness.outcomes().len(),
        1,
        "one outcome, and not before the end"
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_whose_script_failed_is_replaced() {
    let harness = ready(failing_up_to(1)).await;
    harness.send(&replacing("c")).await;
    is_replaced(harness, "c").await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_whose_script_ran_out_of_time_is_replaced() {
    let harness = ready(Harness::builder().scripts(|run| Pretence {
        takes: (attempt_of(run) == 1).then_some(Duration::from_mins(2)),
        ..Pretence::default()
    }));
    let harness = harness.await;
    harness.send(&replacing("c")).await;
    is_replaced(harness, "c").await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_whose_agent_is_gone_is_replaced() {
    let harness = ready(Harness::builder()).await;
    // All those that are there now; the pool will make others.
    for instance in harness.in_service(&harness.pool) {
        harness
            .region
            .with(|world| compute::kill_agent(world, &instance));
    }
    let mut message = replacing("c");
    message["expires_at"] = harness.in_future(Duration::from_hours(1)).into();
    harness.send(&message).await;
    let mut caller = Caller::of(&harness);
    let heard = caller.hear("c").await.outcome;
    assert_eq!(heard["outcome"], "ready", "{heard}");
    let sent = sent(&harness);
    assert!((2..=3).contains(&sent.len()), "{sent:?}");
    assert_eq!(sent.len() as u64, heard["attempt"].as_u64().unwrap());
    harness.pass(Duration::from_mins(20)).await;
    assert_eq!(harness.in_service("asg-1").len(), 1);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_whose_machine_died_while_its_script_ran_is_replaced() {
    let harness = ready(Harness::builder().scripts(|_| Pretence {
        takes: Some(Duration::from_secs(20)),
        ..Pretence::default()
    }));
    let harness = harness.await;
    harness.send(&replacing("c")).await;
    harness
        .until("a script runs", |world| {
            let mut entries = world.journal.entries();
            entries.any(|entry| matches!(entry.what, Happening::CommandStarted { .. }))
        })
        .await;
    let first = sent(&harness).remove(0);
    harness
        .region
        .with(|world| compute::kill_instance(world, &first));
    let mut caller = Caller::of(&harness);
    let heard = caller.hear("c").await.outcome;
    assert_eq!(heard["outcome"], "ready", "{heard}");
    assert_eq!(heard["attempt"], 2);
    harness.pass(Duration::from_mins(20)).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_found_by_looking_again_is_replaced() {
    let harness = ready(failing_up_to(1)).await;
    harness
        .region
        .with(|world| world.events.unreliability.drop = 1.0);
    harness.send(&replacing("c")).await;
    is_replaced(harness, "c").await;
}

#[tokio::test(start_paused = true)]
async fn with_every_event_doubled_one_instance_is_replaced_once() {
    let harness = ready(failing_up_to(1)).await;
    harness
        .region
        .with(|world| world.events.unreliability.duplicate = 1.0);
    harness.send(&replacing("c")).await;
    is_replaced(harness, "c").await;
}

#[tokio::test(start_paused = true)]
async fn a_full_target_has_room_for_the_replacement() {
    let harness = failing_up_to(1).start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1").max_size(1)).await;
    harness.send(&replacing("c")).await;
    is_replaced(harness, "c").await;
}

#[tokio::test(start_paused = true)]
async fn three_instances_at_most_are_tried_and_the_last_reason_is_the_claim_s() {
    let harness = ready(failing_up_to(u8::MAX)).await;
    harness.send(&replacing("c")).await;
    let mut caller = Caller::of(&harness);
    let heard = caller.hear("c").await.outcome;
    assert_eq!(heard["outcome"], "failed");
    assert_eq!(heard["reason"], "script_failed");
    assert_eq!(heard["command"]["exit_code"], 7);
    assert_eq!(heard["attempt"], 3);
    harness.pass(Duration::from_mins(30)).await;
    let sent = sent(&harness);
    assert_eq!(sent.len(), 3, "{sent:?}");
    assert_eq!(heard["instance_id"], sent[2].as_str());
    for instance in &sent {
        harness.gone(instance).await;
    }
    assert!(harness.in_service("asg-1").is_empty());
    assert_eq!(harness.desired("asg-1"), 0);
    let outcomes = harness.outcomes();
    assert_eq!(outcomes.len(), 1);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn past_the_deadline_the_first_failure_is_the_claim_s() {
    let harness = ready(Harness::builder().scripts(|_| Pretence {
        exit_code: 7,
        takes: Some(Duration::from_secs(20)),
        ..Pretence::default()
    }));
    let harness = harness.await;
    let mut message = replacing("c");
    message["expires_at"] = harness.in_future(Duration::from_secs(15)).into();
    harness.send(&message).await;
    let mut caller = Caller::of(&harness);
    let heard = caller.hear("c").await.outcome;
    assert_eq!(heard["reason"], "script_failed");
    assert_eq!(heard["attempt"], 1);
    harness.pass(Duration::from_mins(5)).await;
    assert_eq!(sent(&harness).len(), 1);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_waits_for_its_replacement_to_the_deadline_is_expired() {
    let harness = failing_up_to(1).pool_size(1).start();
    harness.pool_is_ready(1).await;
    harness.create(Target::named("asg-1")).await;
    let refuses = |refused: bool| {
        harness
            .region
            .with(|world| world.compute.capacity_refused = refused);
    };
    refuses(true);
    harness.send(&replacing("c")).await;
    let mut caller = Caller::of(&harness);
    let heard = caller.hear("c").await.outcome;
    assert_eq!(heard["outcome"], "failed");
    assert_eq!(heard["reason"], "expired");
    assert_eq!(heard["instance_id"], Value::Null);
    harness.gone(&sent(&harness)[0]).await;
    refuses(false);
    harness.pass(Duration::from_mins(40)).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_person_cancelled_is_not_replaced() {
    let harness = ready(Harness::builder().scripts(|_| Pretence {
        takes: Some(Duration::from_secs(25)),
        ..Pretence::default()
    }));
    let harness = harness.await;
    harness.send(&replacing("c")).await;
    let started = |world: &region::world::World| {
        world.journal.entries().find_map(|entry| match &entry.what {
            Happening::CommandStarted { command_id, .. } => Some(command_id.clone()),
            _ => None,
        })
    };
    harness
        .until("a script runs", |world| started(world).is_some())
        .await;
    let command = harness.region.read(started).unwrap();
    let cancel = json!({ "CommandId": command });
    harness
        .call(region::api::Service::Ssm, "CancelCommand", cancel)
        .await
        .unwrap();
    let mut caller = Caller::of(&harness);
    let heard = caller.hear("c").await.outcome;
    assert_eq!(heard["reason"], "cancelled");
    harness.pass(Duration::from_mins(5)).await;
    assert_eq!(sent(&harness).len(), 1);
    harness.end().await;
}
