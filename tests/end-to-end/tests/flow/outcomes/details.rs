//! What an outcome says of how it went.

use super::caller::Caller;
use end_to_end::{Harness, Target, claim};
use ready_pool_core::Timestamp;
use ready_pool_core::outcome::Outcome;
use region::api::{CallError, Service};
use region::commands::{CommandRun, Pretence};
use region::faults::Fault;
use region::settings::Spread;
use serde_json::json;
use std::time::Duration;

fn printing(_: &CommandRun) -> Pretence {
    Pretence {
        exit_code: 7,
        stdout: format!("{}\nalmost\u{1b}[0m\n", "x".repeat(3_000)),
        stderr: "broken\n".to_owned(),
        ..Pretence::default()
    }
}

async fn outcome_of_a_claim(harness: &Harness) -> Outcome {
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("c", "asg-1")).await;
    let heard = Caller::of(harness).hear("c").await;
    serde_json::from_value(heard.outcome).unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_step_has_its_time_in_order() {
    let harness = Harness::with_ready_pool(2).await;
    let sent_after = harness.now();
    let outcome = outcome_of_a_claim(&harness).await;
    let times = outcome.details.times;
    let steps: Vec<Timestamp> = [
        times.sent,
        times.entered,
        times.detached,
        times.attached,
        times.command_sent,
        times.ended,
        Some(outcome.at),
    ]
    .into_iter()
    .map(|step| step.unwrap_or_else(|| panic!("a step is missing: {times:?}")))
    .collect();
    let millisecond = Duration::from_millis(1);
    for pair in steps.windows(2) {
        assert!(pair[0] <= pair[1] + millisecond, "{times:?}");
    }
    assert!(sent_after <= steps[0] + millisecond && steps[6] <= harness.now());
    assert!(
        times.initialised().unwrap() > Duration::from_millis(100),
        "the command took its time"
    );

    // The figures are the same.
    let figure = |name: &str| harness.figures.values(name, &[("claim_id", "c")]);
    let milliseconds = |took: Option<Duration>| {
        let microseconds = u32::try_from(took.unwrap().as_micros()).unwrap();
        vec![f64::from(microseconds) / 1_000.0]
    };
    assert_eq!(
        figure("TimeToReady"),
        milliseconds(times.from_sent_to(outcome.at))
    );
    assert_eq!(figure("Waited"), milliseconds(times.waited()));
    assert_eq!(figure("DetachTime"), milliseconds(times.moved()));
    assert_eq!(figure("InitTime"), milliseconds(times.initialised()));
    assert_eq!(figure("Attempts"), [1.0]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_first_send_counts_and_each_attempt_has_its_own_steps() {
    let harness = Harness::with_ready_pool(2).await;
    harness.break_next(Fault::next(
        Service::Ssm,
        "SendCommand",
        CallError::sender("InvalidInstanceId", "Instances not in a valid state"),
    ));
    let before = harness.now();
    let outcome = outcome_of_a_claim(&harness).await;
    assert_eq!(outcome.details.attempt, Some(2));
    let times = outcome.details.times;
    assert!(times.sent.unwrap() < before + Duration::from_secs(1));
    assert!(
        times.waited().unwrap() > Duration::from_secs(2),
        "{times:?}"
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn output_is_published_only_where_the_stack_says_so() {
    for (characters, expected) in [
        ("0", None),
        ("24", Some("almost\u{fffd}[0m\nbroken\n")),
        ("6", Some("roken\n")),
    ] {
        let harness = Harness::builder()
            .parameter("OutcomeOutputCharacters", characters)
            .scripts(printing)
            .start();
        harness.pool_is_ready(2).await;
        let outcome = outcome_of_a_claim(&harness).await;
        let command = outcome.details.command.unwrap();
        assert_eq!(
            (command.exit_code, command.status_detail.as_str()),
            (Some(7), "Failed")
        );
        let seen = command.output_end.as_deref();
        match expected {
            None => assert_eq!(seen, None),
            Some(end) => {
                assert!(seen.unwrap().ends_with(end), "{seen:?}");
                assert!(seen.unwrap().chars().count() <= characters.parse().unwrap());
            }
        }
        harness.gone(outcome.instance_id.unwrap().as_str()).await;
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn details_that_cannot_be_read_hold_nothing_up() {
    let builder = Harness::builder().parameter("OutcomeOutputCharacters", "24");
    let harness = builder.start();
    harness.pool_is_ready(2).await;
    harness.break_next(Fault::throttle(Service::Ssm, "GetCommandInvocation", 1));
    let outcome = outcome_of_a_claim(&harness).await;
    assert_eq!(harness.calls("GetCommandInvocation"), 1, "asked once");
    let command = outcome.details.command.unwrap();
    assert_eq!(command.status_detail, "Success");
    assert_eq!(
        (command.exit_code, outcome.details.times.ended),
        (None, None)
    );
    assert!(outcome.details.times.command_sent.is_some());
    harness.end().await;
}

/// An event that nothing held up says when its command ended; of a success there is nothing else to read.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_script_that_succeeded_is_read_only_where_its_event_is_late() {
    for (late, calls) in [(None, 0), (Some(Duration::from_secs(10)), 1)] {
        let harness = Harness::with_ready_pool(2).await;
        harness.region.with(|world| {
            let late = late.map(|late| (1.0, Spread::exactly(late)));
            world.events.unreliability.delay = late;
        });
        let outcome = outcome_of_a_claim(&harness).await;
        assert_eq!(harness.calls("GetCommandInvocation"), calls, "{late:?}");
        assert_eq!(outcome.details.command.unwrap().exit_code, Some(0));
        let ended = outcome.details.times.ended.unwrap();
        assert!(ended > outcome.details.times.command_sent.unwrap());
        // A look may be faster than a late event: but the end is the script's, not the look's.
        let heard = outcome.at + Duration::from_millis(1);
        let late = late.unwrap_or_default() / 2;
        assert!(ended + late < heard, "{ended}, {heard}");
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn times_survive_wiped_tags() {
    let harness = Harness::builder()
        .scripts(|_| Pretence {
            takes: Some(Duration::from_secs(30)),
            ..Pretence::default()
        })
        .start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("c", "asg-1")).await;
    harness
        .until("the script runs", |world| !world.ssm.commands.is_empty())
        .await;
    let wipe = json!({"Tags": [{
        "ResourceId": "asg-1", "ResourceType": "auto-scaling-group", "Key": "ready-pool:claim/c",
    }]});
    harness
        .call(Service::AutoScaling, "DeleteTags", wipe)
        .await
        .unwrap();
    let heard = Caller::of(&harness).hear("c").await;
    assert_eq!(heard.outcome["attempt"], 1);
    assert!(heard.outcome["times"]["sent"].is_string());
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_sent_again_gets_its_outcome_again() {
    let harness = Harness::with_ready_pool(2).await;
    let first = outcome_of_a_claim(&harness).await;
    harness
        .send_as(claim("c", "asg-1").to_string(), &harness.pool, "again")
        .await;
    let again = Caller::of(&harness).hear("c").await;
    assert_eq!(again.outcome["outcome"], "ready");
    assert_eq!(again.outcome["instance_id"], json!(first.instance_id));
    assert_eq!(again.outcome["attempt"], 1);
    harness.end().await;
}
