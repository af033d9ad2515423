//! A machine's fault that keeps a claim's script from beginning: the claim goes on with another machine by itself.

use super::machine::{Disk, folder_of, run};
use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use ready_pool_core::script::{EXIT_NO_MARKER, MAX_BYTES, NOTHING_RAN};
use region::api::Service;
use region::commands::{CommandRun, Pretence};
use region::compute;
use region::journal::Happening;
use region::world::World;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Four machines are ready.
async fn scene(builder: HarnessBuilder) -> Harness {
    let harness = builder.pool_size(4).start();
    harness.pool_is_ready(4).await;
    harness.create(Target::named("asg-1")).await;
    harness
}

/// Four machines whose scripts are really run, the first of them after this was done to its folder.
async fn with_real_scripts(disk: &Disk, spoil: fn(&Path)) -> (Harness, Arc<Mutex<Vec<String>>>) {
    let path = disk.0.clone();
    let began = Arc::new(Mutex::new(Vec::new()));
    let seen = began.clone();
    let builder = Harness::builder()
        .parameter("OutcomeOutputCharacters", "200")
        .scripts(move |command: &CommandRun| {
            let mut seen = seen.lock().unwrap();
            if seen.is_empty() {
                spoil(&folder_of(&path, &command.instance));
            }
            seen.push(command.instance.clone());
            run(&path, command)
        });
    (scene(builder).await, began)
}

/// A claim whose script runs on any machine.
fn short_claim() -> Value {
    let mut message = claim("c", "asg-1");
    message["init"] = json!({ "commands": ["true"] });
    message
}

/// Scripts that find no place on the first so many machines.
fn without_a_place(machines: usize) -> HarnessBuilder {
    let mut left = machines;
    Harness::builder().scripts(move |_: &CommandRun| {
        let refused = left > 0;
        left = left.saturating_sub(1);
        if refused {
            refused_by_the_wrapper()
        } else {
            Pretence::default()
        }
    })
}

fn refused_by_the_wrapper() -> Pretence {
    Pretence {
        exit_code: EXIT_NO_MARKER.into(),
        stderr: format!("ready-pool: cannot write to /var/lib/ready-pool: {NOTHING_RAN}\n"),
        ..Pretence::default()
    }
}

/// The claim is ready with its second machine, the first is gone, and nothing was said in between.
async fn assert_went_on(harness: &Harness, outcome: &Outcome, first: &str) {
    assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    assert_eq!(outcome.details.attempt, Some(2));
    let instance = outcome.instance_id.as_ref().unwrap().as_str();
    assert_ne!(instance, first);
    harness.gone(first).await;
    harness.pass(Duration::from_mins(20)).await;
    assert_eq!(harness.in_service("asg-1"), [instance]);
    // Nothing went wrong but on the first machine: nobody repeats an outcome.
    assert_eq!(harness.outcomes().len(), 1, "{:#?}", harness.outcomes());
}

#[tokio::test(start_paused = true)]
async fn with_its_disk_full_on_one_machine_a_claim_is_ready_on_another() {
    let disk = Disk::new("full", "dash");
    // Nothing can be made beneath a file, as on a disk that is full.
    let (harness, began) = with_real_scripts(&disk, |folder| fs::write(folder, "").unwrap()).await;
    let sent = harness.now();
    harness.send(&short_claim()).await;
    let outcome = harness.outcome("c").await;
    assert!(outcome.at < sent + Duration::from_mins(1), "{}", outcome.at);
    let first = began.lock().unwrap()[0].clone();
    assert_went_on(&harness, &outcome, &first).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_image_with_another_claim_s_marker_costs_one_machine_and_no_claim() {
    let disk = Disk::new("baked", "bash");
    let bake = |folder: &Path| {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("claim"), "old@0123456789abcdef\n").unwrap();
    };
    let (harness, began) = with_real_scripts(&disk, bake).await;
    harness.send(&short_claim()).await;
    let outcome = harness.outcome("c").await;
    let first = began.lock().unwrap()[0].clone();
    assert_went_on(&harness, &outcome, &first).await;
    harness.end().await;
}

/// Its last ping is recent: Systems Manager still says `Online`.
async fn agent_dies_before_the_pick_up(message: &Value) {
    let harness = scene(Harness::builder()).await;
    harness.send(message).await;
    let sent = |world: &World| {
        world.journal.entries().find_map(|entry| match &entry.what {
            Happening::Detaching { instance, .. } => Some(instance.clone()),
            _ => None,
        })
    };
    harness
        .until("a machine is chosen", |world| sent(world).is_some())
        .await;
    let first = harness.region.read(sent).unwrap();
    harness
        .region
        .with(|world| compute::kill_agent(world, &first));
    let outcome = harness.outcome("c").await;
    assert_went_on(&harness, &outcome, &first).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_dies_before_it_picks_the_command_up_costs_a_minute_and_no_claim() {
    agent_dies_before_the_pick_up(&claim("c", "asg-1")).await;
}

/// There is nothing to look at: no script left anything behind.
#[tokio::test(start_paused = true)]
async fn a_claim_that_keeps_what_failed_goes_on_where_nothing_ran() {
    let mut message = claim("c", "asg-1");
    message["on_init_failure"] = json!("keep");
    agent_dies_before_the_pick_up(&message).await;
}

#[tokio::test(start_paused = true)]
async fn where_every_event_is_lost_the_minute_timer_finds_that_nothing_ran() {
    let harness = scene(without_a_place(1)).await;
    harness
        .region
        .with(|world| world.events.unreliability.drop = 1.0);
    harness.send(&claim("c", "asg-1")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Ready, "{}", outcome.message);
    assert_eq!(outcome.details.attempt, Some(2));
    harness.pass(Duration::from_mins(20)).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn three_machines_without_a_place_are_the_claim_s_end_and_it_says_that_nothing_ran() {
    let harness = scene(without_a_place(3)).await;
    harness.send(&claim("c", "asg-1")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::ScriptFailed);
    assert_eq!(outcome.details.attempt, Some(3));
    let said = "nothing of the claim ran on this instance, the last of 3";
    assert!(outcome.message.contains(said), "{}", outcome.message);
    harness.pass(Duration::from_mins(20)).await;
    assert_eq!(harness.in_service("asg-1"), [""; 0]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_its_script_has_no_room_for_ends_and_says_so() {
    let harness = scene(without_a_place(1)).await;
    let mut message = claim("c", "asg-1");
    message["init"]["environment"]["LARGE"] = "".into();
    let parsed = |message: &Value| {
        ready_pool_core::claim::Claim::parse(&message.to_string(), harness.now()).unwrap()
    };
    let room = MAX_BYTES - ready_pool_core::script::bytes(&parsed(&message));
    message["init"]["environment"]["LARGE"] = "x".repeat(room).into();
    harness.send(&message).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::ScriptFailed);
    assert_eq!(outcome.details.attempt, Some(1));
    let said =
        "nothing of the claim ran and no other instance was tried, because the script has no room";
    assert!(outcome.message.contains(said), "{}", outcome.message);
    harness.pass(Duration::from_mins(20)).await;
    harness.end().await;
}

/// A script may end with 113 by itself: then it ran.
#[tokio::test(start_paused = true)]
async fn a_script_that_ends_with_the_wrapper_s_exit_status_has_run() {
    let harness = scene(Harness::builder().scripts(|_: &CommandRun| Pretence {
        exit_code: EXIT_NO_MARKER.into(),
        stderr: "the database is not reachable\n".to_owned(),
        ..Pretence::default()
    }))
    .await;
    harness.send(&claim("c", "asg-1")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::ScriptFailed);
    assert_eq!(outcome.details.attempt, Some(1));
    assert!(!outcome.message.contains("nothing"), "{}", outcome.message);
    harness.pass(Duration::from_mins(20)).await;
    harness.end().await;
}

/// The target may have been made smaller on purpose: nothing is attached in the lost machine's place.
#[tokio::test(start_paused = true)]
async fn a_machine_that_is_scaled_in_before_the_pick_up_is_lost() {
    let harness = scene(Harness::builder()).await;
    for instance in harness.in_service(&harness.pool) {
        harness
            .region
            .with(|world| compute::kill_agent(world, &instance));
    }
    harness.send(&claim("c", "asg-1")).await;
    while harness.in_service("asg-1").is_empty() {
        harness.pass(Duration::from_secs(1)).await;
    }
    let input = json!({ "AutoScalingGroupName": "asg-1", "DesiredCapacity": 0 });
    harness
        .call(Service::AutoScaling, "SetDesiredCapacity", input)
        .await
        .unwrap();
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::InstanceLost);
    assert_eq!(outcome.details.attempt, Some(1));
    harness.pass(Duration::from_mins(20)).await;
    assert_eq!(harness.desired("asg-1"), 0);
    harness.stop().await;
}
