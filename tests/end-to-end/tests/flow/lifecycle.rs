//! States that a tenant, an operator or Auto Scaling may set while a claim is under way.

use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use region::api::Service;
use region::autoscaling::Lifecycle;
use region::commands::{CommandRun, Pretence};
use region::compute;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a script takes here: long enough to set any state meanwhile.
const SCRIPT: Duration = Duration::from_mins(2);

/// Two ready instances, scripts that take two minutes and end like this, and a target.
async fn scene(exit_code: i32) -> Harness {
    let scripts = move |_: &CommandRun| Pretence {
        takes: Some(SCRIPT),
        exit_code,
        ..Pretence::default()
    };
    begin(Harness::builder().scripts(scripts)).await
}

async fn begin(builder: HarnessBuilder) -> Harness {
    let harness = builder.start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    harness
}

async fn operate(harness: &Harness, operation: &str, input: Value) {
    harness
        .call(Service::AutoScaling, operation, input)
        .await
        .unwrap();
}

/// Waits until a claim's instance is in service in the target while its script runs; answers it.
async fn under_way(harness: &Harness) -> String {
    harness.send(&claim("c", "asg-1")).await;
    let before = harness.in_service("asg-1");
    loop {
        harness.pass(Duration::from_secs(1)).await;
        let members = harness.in_service("asg-1");
        if let Some(joined) = members.into_iter().find(|one| !before.contains(one)) {
            return joined;
        }
    }
}

async fn park(harness: &Harness, group: &str, instance: &str, decrement: bool) {
    let input = json!({ "AutoScalingGroupName": group, "InstanceIds": [instance],
                        "ShouldDecrementDesiredCapacity": decrement });
    operate(harness, "EnterStandby", input).await;
}

async fn take_back(harness: &Harness, group: &str, instance: &str) {
    let input = json!({ "AutoScalingGroupName": group, "InstanceIds": [instance] });
    operate(harness, "ExitStandby", input).await;
}

fn state_in(harness: &Harness, group: &str, instance: &str) -> Option<Lifecycle> {
    harness.region.read(|world| {
        let member = world.autoscaling.groups.get(group)?.members.get(instance)?;
        Some(member.lifecycle)
    })
}

/// Detaches and terminations by our functions, but for the pool's first detach.
fn removals(harness: &Harness) -> usize {
    let terminations = harness.calls("TerminateInstanceInAutoScalingGroup");
    harness.calls("DetachInstances") + terminations - 1
}

#[tokio::test(start_paused = true)]
async fn a_member_that_a_tool_puts_into_standby_while_its_script_runs_is_ready() {
    for decrement in [true, false] {
        let harness = scene(0).await;
        let instance = under_way(&harness).await;
        park(&harness, "asg-1", &instance, decrement).await;
        let outcome = harness.outcome("c").await;
        assert_eq!(outcome.outcome, Ending::Ready, "{:?}", outcome.reason);
        harness.pass(Duration::from_mins(5)).await;
        let state = state_in(&harness, "asg-1", &instance);
        assert_eq!(state, Some(Lifecycle::Standby));
        assert_eq!(removals(&harness), 0);
        take_back(&harness, "asg-1", &instance).await;
        harness.joins("asg-1", &instance).await;
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_on_its_way_into_standby_or_out_of_it_as_its_script_ends_is_ready() {
    for seconds_before in [0, 1, 2, 3, 5] {
        let harness = scene(0).await;
        let instance = under_way(&harness).await;
        let before = Duration::from_secs(seconds_before);
        let all_but = SCRIPT.checked_sub(Duration::from_secs(10)).unwrap();
        park(&harness, "asg-1", &instance, true).await;
        harness.pass(all_but.checked_sub(before).unwrap()).await;
        take_back(&harness, "asg-1", &instance).await;
        let outcome = harness.outcome("c").await;
        assert_eq!(outcome.outcome, Ending::Ready, "{:?}", outcome.reason);
        harness.joins("asg-1", &instance).await;
        harness.end().await;
    }
}

/// What was failed is retired from standby, too; the target's other members pay nothing for it.
#[tokio::test(start_paused = true)]
async fn a_member_in_standby_whose_script_fails_is_retired_and_its_target_keeps_its_others() {
    let harness = scene(7).await;
    let grow = json!({ "AutoScalingGroupName": "asg-1", "DesiredCapacity": 1 });
    operate(&harness, "SetDesiredCapacity", grow).await;
    harness
        .until("the tenant's own member is there", |world| {
            let members = world.autoscaling.groups["asg-1"].members.values();
            members
                .filter(|one| one.lifecycle == Lifecycle::InService)
                .count()
                == 1
        })
        .await;
    let own = harness.in_service("asg-1");
    let instance = under_way(&harness).await;
    park(&harness, "asg-1", &instance, true).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::ScriptFailed);
    harness.gone(&instance).await;
    harness.pass(Duration::from_mins(5)).await;
    assert_eq!(harness.in_service("asg-1"), own);
    assert_eq!(harness.desired("asg-1"), 1);
    harness.end().await;
}

/// A scale-in while the script runs: the tenant's hook has the machine, and nobody else.
#[tokio::test(start_paused = true)]
async fn a_member_that_waits_in_a_termination_hook_is_lost_and_left_to_the_hook() {
    let harness = scene(0).await;
    let hook = json!({ "AutoScalingGroupName": "asg-1", "LifecycleHookName": "drain",
                       "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
                       "HeartbeatTimeout": 1800, "DefaultResult": "CONTINUE" });
    operate(&harness, "PutLifecycleHook", hook).await;
    let instance = under_way(&harness).await;
    let shrink = json!({ "AutoScalingGroupName": "asg-1", "DesiredCapacity": 0 });
    operate(&harness, "SetDesiredCapacity", shrink).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::InstanceLost);
    harness.pass(Duration::from_mins(5)).await;
    let state = state_in(&harness, "asg-1", &instance);
    assert_eq!(state, Some(Lifecycle::TerminatingWait));
    assert_eq!(removals(&harness), 0);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_its_tenant_takes_out_while_its_script_runs_stays_the_tenant_s() {
    let harness = scene(0).await;
    let instance = under_way(&harness).await;
    let detach = json!({ "AutoScalingGroupName": "asg-1", "InstanceIds": [instance],
                         "ShouldDecrementDesiredCapacity": true });
    operate(&harness, "DetachInstances", detach).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::InstanceLost);
    harness.pass(Duration::from_mins(30)).await;
    assert!(
        harness
            .region
            .read(|world| world.compute.is_running(&instance))
    );
    assert_eq!(removals(&harness), 0);
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn protection_from_scale_in_changes_nothing_for_a_claim() {
    for (exit_code, ending) in [(0, Ending::Ready), (7, Ending::Failed)] {
        let harness = scene(exit_code).await;
        let protect = json!({ "AutoScalingGroupName": "asg-1",
                              "NewInstancesProtectedFromScaleIn": true });
        operate(&harness, "UpdateAutoScalingGroup", protect).await;
        let instance = under_way(&harness).await;
        let outcome = harness.outcome("c").await;
        assert_eq!(outcome.outcome, ending);
        if ending == Ending::Failed {
            harness.gone(&instance).await;
            harness.pass(Duration::from_mins(1)).await;
        }
        harness.end().await;
    }
}

/// An operator puts a machine of the pool aside, to look at it.
#[tokio::test(start_paused = true)]
async fn a_machine_of_the_pool_in_standby_is_not_handed_out_and_not_taken_away() {
    let harness = scene(0).await;
    let parked = harness.in_service(&harness.pool)[0].clone();
    park(&harness, &harness.pool, &parked, true).await;
    harness
        .region
        .with(|world| compute::kill_agent(world, &parked));
    // Its place is filled.
    harness.pass(Duration::from_mins(3)).await;
    harness.pool_is_ready(2).await;
    for claim_id in ["a", "b"] {
        harness.send(&claim(claim_id, "asg-1")).await;
        let outcome = harness.outcome(claim_id).await;
        assert_eq!(outcome.outcome, Ending::Ready);
        assert!(outcome.instance_id.is_some_and(|id| id.as_str() != parked));
    }
    harness.pass(Duration::from_mins(30)).await;
    let state = state_in(&harness, &harness.pool, &parked);
    assert_eq!(state, Some(Lifecycle::Standby));
    harness.end().await;
}
