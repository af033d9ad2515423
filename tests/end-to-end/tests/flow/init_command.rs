//! The init command: how it ends is how the claim ends.

use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use region::commands::Pretence;
use region::compute;
use region::journal::Happening;
use region::settings::GroupPaths;
use region::world::World;
use serde_json::json;
use std::time::Duration;

async fn outcome_with(builder: HarnessBuilder) -> (Harness, Outcome) {
    let harness = builder.start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("c", "asg-1")).await;
    let outcome = harness.outcome("c").await;
    (harness, outcome)
}

#[tokio::test(start_paused = true)]
async fn a_failing_script_fails_the_claim_and_retires_the_instance() {
    let failing = Harness::builder().scripts(|_| Pretence {
        exit_code: 7,
        ..Pretence::default()
    });
    let (harness, outcome) = outcome_with(failing).await;
    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Failed, Reason::ScriptFailed)
    );
    harness.gone(outcome.instance_id.unwrap().as_str()).await;
    assert!(harness.in_service("asg-1").is_empty());
    let entry = harness.entry("asg-1", "c").unwrap();
    assert!(
        entry.contains("failed") && entry.ends_with("script_failed"),
        "{entry}"
    );
    assert_eq!(harness.desired("asg-1"), 0, "the target shrinks with it");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_script_that_runs_out_of_time_fails_the_claim() {
    let harness = Harness::builder()
        .scripts(|_| Pretence {
            takes: Some(Duration::from_hours(1)),
            ..Pretence::default()
        })
        .start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    let mut message = claim("c", "asg-1");
    message["init"]["execution_timeout_seconds"] = json!(30);
    harness.send(&message).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::ScriptTimedOut);
    harness.gone(outcome.instance_id.unwrap().as_str()).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_command_sent_before_the_deadline_decides_after_it() {
    let slow = Harness::builder().scripts(|_| Pretence {
        takes: Some(Duration::from_mins(9)),
        ..Pretence::default()
    });
    let harness = slow.start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    let mut message = claim("c", "asg-1");
    message["expires_at"] = harness.in_future(Duration::from_mins(2)).into();
    harness.send(&message).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_died_a_moment_ago_is_found_out_by_the_delivery_time_out() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    let silent = harness.in_service(&harness.pool)[0].clone();
    let mut message = claim("c", "asg-1");
    // Past it the claim does not go on with another one.
    message["expires_at"] = harness.in_future(Duration::from_secs(30)).into();
    // Its last ping is recent: Systems Manager still says Online.
    harness
        .region
        .with(|world| compute::kill_agent(world, &silent));
    harness.send(&message).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::NotDelivered);
    let said = "because the deadline has passed";
    assert!(outcome.message.contains(said), "{}", outcome.message);
    harness.gone(&silent).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn with_every_event_lost_the_minute_timer_brings_the_outcome() {
    let harness = Harness::builder().start();
    harness
        .region
        .with(|world| world.events.unreliability.drop = 1.0);
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("c", "asg-1")).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn with_every_event_doubled_nothing_happens_twice() {
    let harness = Harness::builder().start();
    harness
        .region
        .with(|world| world.events.unreliability.duplicate = 1.0);
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("c", "asg-1")).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    harness.pass(Duration::from_mins(5)).await;
    assert!(
        harness
            .outcomes()
            .iter()
            .all(|outcome| outcome.outcome == Ending::Ready)
    );
    harness.end().await;
}

/// Whether EventBridge follows the path that names the message group is contested.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_command_is_heard_whatever_message_group_it_comes_in() {
    for paths in [GroupPaths::Followed, GroupPaths::AsTheyStand] {
        let harness = Harness::builder()
            .pool_size(5)
            .settings(|settings| settings.group_paths = paths)
            .start();
        harness
            .region
            .with(|world| world.events.unreliability.duplicate = 0.5);
        harness.pool_is_ready(5).await;
        harness.create(Target::named("asg-1")).await;
        let began = harness.now();
        harness.send_together(["a", "b", "c", "d", "e"].map(|id| claim(id, "asg-1")));
        let outcomes = harness.outcomes_of(5).await;
        let all_ready = |outcome: &Outcome| outcome.outcome == Ending::Ready;
        assert!(outcomes.iter().all(all_ready), "{paths:?}: {outcomes:#?}");
        // By the event, and not by the minute that makes up for lost ones.
        let took = harness.now() - began;
        assert!(took < time::Duration::seconds(40), "{paths:?}: {took}");
        harness.pass(Duration::from_mins(2)).await;
        assert!(harness.bodies_in("InitQueue").await.is_empty());
        harness.end().await;
    }
}

/// How often a function was invoked.
fn invocations(harness: &Harness, name: &str) -> usize {
    let journal = harness.journal();
    let is_its =
        |what: &Happening| matches!(what, Happening::Invoked { function, .. } if function == name);
    journal.iter().filter(|entry| is_its(&entry.what)).count()
}

#[tokio::test(start_paused = true)]
async fn init_commands_can_be_sent_with_aws_s_own_document() {
    let document = "AWS-RunShellScript";
    let (harness, outcome) =
        outcome_with(Harness::builder().parameter("InitDocument", document)).await;
    assert_eq!(outcome.outcome, Ending::Ready);
    let sent = |world: &World| {
        let commands = world.ssm.commands.values();
        commands
            .map(|command| command.document.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(harness.region.read(sent), [document]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn commands_of_others_are_nobody_s_claim() {
    let harness = Harness::with_ready_pool(2).await;
    let instance = harness.in_service(&harness.pool)[0].clone();
    let ours = harness
        .region
        .stack()
        .reference("ScriptDocument")
        .to_owned();
    // With AWS's document, which the stack does not hear, and with its own.
    for (document, heard) in [("AWS-RunShellScript", 0), (ours.as_str(), 1)] {
        let patching = json!({
            "InstanceIds": [instance],
            "DocumentName": document,
            "Comment": "patching",
            "Parameters": { "commands": ["true"] },
        });
        harness
            .call(region::api::Service::Ssm, "SendCommand", patching)
            .await
            .unwrap();
        harness.pass(Duration::from_mins(2)).await;
        assert_eq!(invocations(&harness, "ready-pool-init-instance"), heard);
    }
    assert!(harness.outcomes().is_empty());
    assert!(
        harness
            .journal()
            .iter()
            .any(|entry| matches!(entry.what, Happening::CommandFinished { .. }))
    );
    harness.end().await;
}
