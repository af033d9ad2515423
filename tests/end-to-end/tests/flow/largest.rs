//! Messages of the largest size go all the way, ten at once too; one byte more is rejected.

use end_to_end::{Stage, Target, claim};
use ready_pool_core::claim::{Claim, MAX_MESSAGE_BYTES};
use ready_pool_core::outcome::{Ending, Reason};
use ready_pool_core::script;
use ready_pool_core::times::Times;
use region::commands::{CommandRun, Pretence};
use region::compute;
use region::world::World;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// Lengths of the scripts that instances got.
type Lengths = Arc<Mutex<Vec<usize>>>;

async fn stage(pool_size: usize) -> (Stage, Lengths) {
    let lengths = Lengths::default();
    let seen = lengths.clone();
    let stage = Stage::builder()
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
    stage.pool_is_ready(pool_size).await;
    stage.create(Target::named("asg-1")).await;
    (stage, lengths)
}

fn with_value(claim_id: &str, bytes: usize) -> Value {
    let mut message = claim(claim_id, "asg-1");
    message["init"]["environment"]["LARGE"] = "x".repeat(bytes).into();
    message
}

/// The bytes of the largest value that the claim's script has room for.
fn most(stage: &Stage, claim_id: &str) -> usize {
    let message = with_value(claim_id, 0).to_string();
    let claim = Claim::parse(&message, stage.now()).unwrap();
    script::MAX_BYTES - script::render(&claim, 1, &Times::default(), None).len()
}

/// The message, filled with blanks to the largest size that is read.
fn padded(message: &Value) -> String {
    let text = message.to_string();
    let blanks = " ".repeat(MAX_MESSAGE_BYTES - text.len());
    text + &blanks
}

#[tokio::test(start_paused = true)]
async fn a_message_and_a_script_of_the_largest_size_go_through() {
    let (stage, lengths) = stage(1).await;
    let message = padded(&with_value("large", most(&stage, "large")));
    assert_eq!(message.len(), MAX_MESSAGE_BYTES);
    stage.send_as(message, &stage.pool, "large").await;
    assert_eq!(stage.outcome("large").await.outcome, Ending::Ready);
    assert_eq!(*lengths.lock().unwrap(), [script::MAX_BYTES - 1]);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_of_little_but_escapes_goes_through() {
    // As JSON six bytes each, in the hand-over too.
    let (stage, _) = stage(1).await;
    let mut message = with_value("escapes", 0);
    message["init"]["environment"]["LARGE"] = "\u{1}".repeat(10_800).into();
    let message = padded(&message);
    stage.send_as(message, &stage.pool, "escapes").await;
    assert_eq!(stage.outcome("escapes").await.outcome, Ending::Ready);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn ten_at_once_fit_into_one_batch() {
    let (stage, lengths) = stage(10).await;
    let claims: Vec<Value> = (0..10)
        .map(|number| {
            let claim_id = format!("large-{number}");
            let bytes = most(&stage, &claim_id);
            with_value(&claim_id, bytes)
        })
        .collect();
    stage.send_together(claims);
    let outcomes = stage.outcomes_come(10).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.outcome == Ending::Ready)
    );
    assert_eq!(*lengths.lock().unwrap(), [script::MAX_BYTES - 1; 10]);
    assert_eq!(stage.in_service("asg-1").len(), 10);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_largest_claim_gets_another_instance_when_its_first_one_dies() {
    let (stage, _) = stage(2).await;
    let first = stage.in_service(&stage.pool);
    stage
        .send_as(
            padded(&with_value("retried", most(&stage, "retried"))),
            &stage.pool,
            "retried",
        )
        .await;
    // It dies between its groups, whichever it is.
    let left_the_pool = |world: &World| {
        let members = &world.autoscaling.groups["ready-pool-pool"].members;
        let left = first
            .iter()
            .find(|instance| !members.contains_key(*instance));
        left.cloned()
    };
    stage
        .until("an instance has left the pool", |world| {
            left_the_pool(world).is_some()
        })
        .await;
    let taken = stage.region.with(|world| {
        let taken = left_the_pool(world).unwrap();
        compute::kill_instance(world, &taken);
        taken
    });
    let outcome = stage.outcome("retried").await;
    assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    assert_ne!(
        outcome.instance_id.map(|instance| instance.to_string()),
        Some(taken)
    );
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_largest_claim_that_wants_it_gets_another_instance_when_its_script_fails() {
    // The script carries the claim, so what is in it counts twice.
    let with_value = |claim_id: &str, bytes: usize| {
        let mut message = with_value(claim_id, bytes);
        message["on_init_failure"] = "replace".into();
        message
    };
    let stage = Stage::builder()
        .pool_size(2)
        .scripts(|run: &CommandRun| Pretence {
            exit_code: i32::from(run.script.contains(", attempt 1, ")),
            ..Pretence::default()
        })
        .start();
    stage.pool_is_ready(2).await;
    stage.create(Target::named("asg-1")).await;
    let smallest = Claim::parse(&with_value("large", 0).to_string(), stage.now()).unwrap();
    let smallest = script::render(&smallest, 1, &Times::default(), None).len();
    let most = (script::MAX_BYTES - smallest) / 2;
    stage.send(&with_value("large", most)).await;
    let outcome = stage.outcome("large").await;
    assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    assert_eq!(outcome.details.attempt, Some(2));
    stage.send(&with_value("wider", most + 1)).await;
    let outcome = stage.outcome("wider").await;
    assert_eq!(outcome.reason, Reason::Malformed);
    assert!(
        outcome.message.contains("with the claim itself"),
        "{outcome:?}"
    );
    stage.pass(std::time::Duration::from_mins(2)).await;
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_byte_more_is_rejected_with_the_limit_and_kept() {
    let (stage, _) = stage(1).await;
    let too_long = padded(&with_value("too-long", 10)) + " ";
    stage
        .send_as(too_long.clone(), &stage.pool, "too-long")
        .await;
    let large_script = with_value("large-script", most(&stage, "large-script") + 1);
    stage.send(&large_script).await;
    stage.send(&claim("good", "asg-1")).await;

    let outcome = stage.outcome("too-long").await;
    assert_eq!(outcome.reason, Reason::Malformed);
    assert_eq!(
        outcome.message,
        "the message has 65537 bytes; at most 65536 are allowed"
    );
    let outcome = stage.outcome("large-script").await;
    assert_eq!(outcome.reason, Reason::Malformed);
    assert!(outcome.message.contains("makes a script of 60001 bytes"));
    assert_eq!(stage.outcome("good").await.outcome, Ending::Ready);
    assert_eq!(
        stage.bodies_in("RejectedQueue").await,
        [too_long, large_script.to_string()]
    );
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_longest_message_that_sqs_takes_is_rejected_and_kept() {
    let (stage, _) = stage(1).await;
    let longest = "x".repeat(1_048_576);
    stage.send_as(longest.clone(), &stage.pool, "longest").await;
    stage.send(&claim("good", "asg-1")).await;
    assert_eq!(stage.outcome("good").await.outcome, Ending::Ready);
    let outcomes = stage.outcomes_come(2).await;
    assert!(outcomes.iter().any(|outcome| {
        outcome.reason == Reason::Malformed && outcome.message.contains("1048576 bytes")
    }));
    assert_eq!(stage.bodies_in("RejectedQueue").await, [longest]);
    stage.end().await;
}
