//! A machine that leaves its target while its script runs: the claim hears of it soon, and hears
//! nothing that nobody saw, whatever Systems Manager says of the command.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::Timestamp;
use ready_pool_core::outcome::Outcome;
use ready_pool_core::reason::Reason;
use region::api::Service;
use region::autoscaling::Lifecycle;
use region::commands::{CommandRun, Pretence};
use region::compute;
use region::settings::DeadMachinesCommands;
use serde_json::{Value, json};
use std::time::Duration;

/// How soon a claim hears that its machine has left.
const SOON: Duration = Duration::from_mins(2);

/// A claim whose script runs for an hour, on a machine in service in its target; answers the machine.
async fn running(commands: DeadMachinesCommands) -> (Harness, String) {
    let harness = Harness::builder()
        .settings(|settings| settings.dead_machines_commands = commands)
        .scripts(|_: &CommandRun| Pretence {
            takes: Some(Duration::from_hours(1)),
            ..Pretence::default()
        })
        .start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    let mut message = claim("c", "asg-1");
    message["init"]["execution_timeout_seconds"] = json!(7200);
    harness.send(&message).await;
    while harness.in_service("asg-1").is_empty() {
        harness.pass(Duration::from_secs(1)).await;
    }
    let instance = harness.in_service("asg-1").remove(0);
    harness.pass(Duration::from_secs(30)).await;
    (harness, instance)
}

async fn operate(harness: &Harness, operation: &str, input: Value) {
    harness
        .call(Service::AutoScaling, operation, input)
        .await
        .unwrap();
}

/// Waits until the target does not have the machine any more; answers when that was.
async fn left(harness: &Harness, instance: &str) -> Timestamp {
    harness
        .until("the machine leaves its target", |world| {
            let Some(target) = world.autoscaling.groups.get("asg-1") else {
                return true;
            };
            let member = target.members.get(instance);
            member.is_none_or(|member| {
                matches!(
                    member.lifecycle,
                    Lifecycle::Detaching | Lifecycle::Terminating | Lifecycle::TerminatingWait
                )
            })
        })
        .await;
    harness.now()
}

/// The claim's outcome, which comes soon after its machine has left.
async fn lost(harness: &Harness, instance: &str) -> Outcome {
    let left = left(harness, instance).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::InstanceLost, "{}", outcome.message);
    assert!(outcome.at < left + SOON, "{} after {left}", outcome.at);
    for word in ["agent", "deliver"] {
        assert!(!outcome.message.contains(word), "{}", outcome.message);
    }
    outcome
}

const BOTH: [DeadMachinesCommands; 2] = [DeadMachinesCommands::Stay, DeadMachinesCommands::End];

#[tokio::test(start_paused = true)]
async fn a_machine_that_dies_while_systems_manager_says_in_progress_for_ever() {
    let (harness, instance) = running(DeadMachinesCommands::Stay).await;
    harness
        .region
        .with(|world| compute::kill_instance(world, &instance));
    lost(&harness, &instance).await;
    harness.pass(Duration::from_mins(5)).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_scaled_in_to_nothing_while_the_script_runs() {
    for commands in BOTH {
        let (harness, instance) = running(commands).await;
        let input = json!({ "AutoScalingGroupName": "asg-1", "DesiredCapacity": 0 });
        operate(&harness, "SetDesiredCapacity", input).await;
        lost(&harness, &instance).await;
        harness.pass(Duration::from_mins(5)).await;
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_its_tenant_terminates_or_detaches_while_the_script_runs() {
    for commands in BOTH {
        for (operation, input) in [
            ("TerminateInstanceInAutoScalingGroup", json!({})),
            (
                "DetachInstances",
                json!({ "AutoScalingGroupName": "asg-1" }),
            ),
        ] {
            let (harness, instance) = running(commands).await;
            let mut input = input;
            input["ShouldDecrementDesiredCapacity"] = json!(true);
            if operation == "DetachInstances" {
                input["InstanceIds"] = json!([instance]);
            } else {
                input["InstanceId"] = json!(instance);
            }
            operate(&harness, operation, input).await;
            lost(&harness, &instance).await;
            harness.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_deleted_by_force_while_the_script_runs() {
    for commands in BOTH {
        let (harness, instance) = running(commands).await;
        // Long enough for a pass of replenish-pool to see it, as a termination is.
        harness.region.with(|world| {
            let minute = Duration::from_secs(70);
            world.settings.timings.terminate = region::settings::Spread::exactly(minute);
        });
        let input = json!({ "AutoScalingGroupName": "asg-1", "ForceDelete": true });
        operate(&harness, "DeleteAutoScalingGroup", input).await;
        lost(&harness, &instance).await;
        harness.stop().await;
    }
}
