//! Messages of the largest size go all the way, ten at once too; one byte more is rejected.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::claim::{Claim, MAX_MESSAGE_BYTES};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use ready_pool_core::script;
use region::autoscaling::Lifecycle;
use region::commands::{CommandRun, Pretence};
use region::compute;
use region::world::World;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// Lengths of the scripts that instances got.
type Lengths = Arc<Mutex<Vec<usize>>>;

async fn harness(pool_size: usize) -> (Harness, Lengths) {
    let lengths = Lengths::default();
    let seen = lengths.clone();
    let harness = Harness::builder()
        .pool_size(pool_size)
        .scripts(move |run: &CommandRun| {
            // Without the times in its first line, which nobody knows when the claim is checked.
            let header = run.script.lines().next().unwrap();
            let times = header
                .splitn(3, ", ")
                .nth(2)
                .map_or(0, |times| times.len() + 2);
            seen.lock()
                .unwrap()
                .push(run.script.trim_end().len() - times);
            Pretence::default()
        })
        .start();
    harness.pool_is_ready(pool_size).await;
    harness.create(Target::named("asg-1")).await;
    (harness, lengths)
}

fn with_value(claim_id: &str, bytes: usize) -> Value {
    let mut message = claim(claim_id, "asg-1");
    message["init"]["environment"]["LARGE"] = "x".repeat(bytes).into();
    message
}

/// The bytes of the largest value that the claim's script has room for.
fn most(harness: &Harness, claim_id: &str) -> usize {
    let message = with_value(claim_id, 0).to_string();
    let claim = Claim::parse(&message, harness.now()).unwrap();
    script::MAX_BYTES - script::bytes(&claim)
}

/// What names the target to the script, and does not count.
const TARGET_LINE: usize = "export TARGET_GROUP='asg-1'\n".len();

/// The message, filled with blanks to the largest size that is read.
fn padded(message: &Value) -> String {
    let text = message.to_string();
    let blanks = " ".repeat(MAX_MESSAGE_BYTES - text.len());
    text + &blanks
}

#[tokio::test(start_paused = true)]
async fn a_message_and_a_script_of_the_largest_size_go_through() {
    let (harness, lengths) = harness(1).await;
    let message = padded(&with_value("large", most(&harness, "large")));
    assert_eq!(message.len(), MAX_MESSAGE_BYTES);
    harness.send_as(message, &harness.pool, "large").await;
    assert_eq!(harness.outcome("large").await.outcome, Ending::Ready);
    assert_eq!(
        *lengths.lock().unwrap(),
        [script::MAX_BYTES - 1 + TARGET_LINE]
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_of_little_but_escapes_goes_through() {
    // As JSON six bytes each, in the hand-over too.
    let (harness, _) = harness(1).await;
    let mut message = with_value("escapes", 0);
    message["init"]["environment"]["LARGE"] = "\u{1}".repeat(10_800).into();
    let message = padded(&message);
    harness.send_as(message, &harness.pool, "escapes").await;
    assert_eq!(harness.outcome("escapes").await.outcome, Ending::Ready);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn ten_at_once_fit_into_one_batch() {
    let (harness, lengths) = harness(10).await;
    let claims: Vec<Value> = (0..10)
        .map(|number| {
            let claim_id = format!("large-{number}");
            let bytes = most(&harness, &claim_id);
            with_value(&claim_id, bytes)
        })
        .collect();
    harness.send_together(claims);
    let outcomes = harness.outcomes_come(10).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.outcome == Ending::Ready)
    );
    assert_eq!(
        *lengths.lock().unwrap(),
        [script::MAX_BYTES - 1 + TARGET_LINE; 10]
    );
    assert_eq!(harness.in_service("asg-1").len(), 10);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_largest_claim_gets_another_instance_when_its_first_one_dies() {
    let (harness, _) = harness(2).await;
    let first = harness.in_service(&harness.pool);
    harness
        .send_as(
            padded(&with_value("retried", most(&harness, "retried"))),
            &harness.pool,
            "retried",
        )
        .await;
    // It dies on its way from one group to the other, whichever it is.
    let on_its_way = |world: &World| {
        let members = &world.autoscaling.groups["ready-pool-pool"].members;
        let is_detaching = |instance: &&String| {
            let member = members.get(*instance);
            member.is_some_and(|member| member.lifecycle == Lifecycle::Detaching)
        };
        first.iter().find(is_detaching).cloned()
    };
    harness
        .until("an instance leaves the pool", |world| {
            on_its_way(world).is_some()
        })
        .await;
    let taken = harness.region.with(|world| {
        let taken = on_its_way(world).unwrap();
        compute::kill_instance(world, &taken);
        taken
    });
    let outcome = harness.outcome("retried").await;
    assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    assert_ne!(
        outcome.instance_id.map(|instance| instance.to_string()),
        Some(taken)
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_largest_claim_that_wants_it_gets_another_instance_when_its_script_fails() {
    // The script carries the claim, so what is in it counts twice.
    let with_value = |claim_id: &str, bytes: usize| {
        let mut message = with_value(claim_id, bytes);
        message["on_init_failure"] = "replace".into();
        message
    };
    let harness = Harness::builder()
        .pool_size(2)
        .scripts(|run: &CommandRun| Pretence {
            exit_code: i32::from(run.script.contains(", attempt 1, ")),
            ..Pretence::default()
        })
        .start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    let smallest = Claim::parse(&with_value("large", 0).to_string(), harness.now()).unwrap();
    let most = script::MAX_BYTES - script::bytes(&smallest);
    harness.send(&with_value("large", most)).await;
    let outcome = harness.outcome("large").await;
    assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    assert_eq!(outcome.details.attempt, Some(2));
    harness.send(&with_value("wider", most + 1)).await;
    let outcome = harness.outcome("wider").await;
    assert_eq!(outcome.reason, Reason::Malformed);
    assert!(
        outcome.message.contains("and the claim itself"),
        "{outcome:?}"
    );
    harness.pass(std::time::Duration::from_mins(2)).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_byte_more_is_rejected_with_the_limit_and_kept() {
    let (harness, _) = harness(1).await;
    let too_long = padded(&with_value("too-long", 10)) + " ";
    harness
        .send_as(too_long.clone(), &harness.pool, "too-long")
        .await;
    let large_script = with_value("large-script", most(&harness, "large-script") + 1);
    harness.send(&large_script).await;
    harness.send(&claim("good", "asg-1")).await;

    let outcome = harness.outcome("too-long").await;
    assert_eq!(outcome.reason, Reason::Malformed);
    let limit = "the message has 65537 bytes; at most 65536 are allowed";
    assert_eq!(outcome.message, limit);
    let outcome = harness.outcome("large-script").await;
    assert_eq!(outcome.reason, Reason::Malformed);
    assert!(outcome.message.contains("makes a script of 60001 bytes"));
    assert_eq!(harness.outcome("good").await.outcome, Ending::Ready);
    assert_eq!(
        harness.bodies_in("RejectedQueue").await,
        [too_long, large_script.to_string()]
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_longest_message_that_sqs_takes_is_rejected_and_kept() {
    let (harness, _) = harness(1).await;
    let longest = "x".repeat(1_048_576);
    harness
        .send_as(longest.clone(), &harness.pool, "longest")
        .await;
    harness.send(&claim("good", "asg-1")).await;
    assert_eq!(harness.outcome("good").await.outcome, Ending::Ready);
    let outcomes = harness.outcomes_come(2).await;
    assert!(outcomes.iter().any(|outcome| {
        outcome.reason == Reason::Malformed && outcome.message.contains("1048576 bytes")
    }));
    assert_eq!(harness.bodies_in("RejectedQueue").await, [longest]);
    harness.end().await;
}
