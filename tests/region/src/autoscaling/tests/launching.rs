//! Launches, hooks, capacity and health.

use super::{
    Lifecycle, call, create, create_in_service, detach, events, members, refused, wait, world,
};
use crate::compute::{self, register_launch_template};
use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

fn put_hook(world: &mut World, group: &str, default_result: &str) {
    let input = json!({"AutoScalingGroupName": group, "LifecycleHookName": "hook",
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING", "HeartbeatTimeout": "300",
        "DefaultResult": default_result});
    assert_eq!(call(world, "PutLifecycleHook", input), Ok(json!({})));
}

fn complete(world: &mut World, instance: &str, result: &str) -> crate::api::Answer {
    let input = json!({"AutoScalingGroupName": "g", "LifecycleHookName": "hook",
        "InstanceId": instance, "LifecycleActionResult": result});
    call(world, "CompleteLifecycleAction", input)
}

fn set_desired(world: &mut World, desired: u32) {
    let input =
        json!({"AutoScalingGroupName": "g", "DesiredCapacity": desired, "HonorCooldown": "false"});
    call(world, "SetDesiredCapacity", input).unwrap();
}

/// A group whose hook holds one instance.
fn waiting(world: &mut World, default_result: &str) -> String {
    create(world, "g", 0, 5);
    put_hook(world, "g", default_result);
    set_desired(world, 1);
    wait(world, 70);
    let waiting = members(world, "g", Lifecycle::PendingWait);
    assert_eq!(waiting.len(), 1);
    waiting[0].clone()
}

fn activities(world: &mut World) -> Vec<Value> {
    let input = json!({"AutoScalingGroupName": "g"});
    let answer = call(world, "DescribeScalingActivities", input).unwrap();
    answer["Activities"].as_array().unwrap().clone()
}

#[test]
fn a_new_group_launches_at_once_and_balances_its_zones() {
    let mut world = world();
    let tags = BTreeMap::from([("from".to_owned(), "template".to_owned())]);
    register_launch_template(&mut world, "lt", "m7g.large", tags);
    create(&mut world, "g", 4, 5);
    assert_eq!(members(&world, "g", Lifecycle::Pending).len(), 4);
    let in_a = world
        .compute
        .instances
        .values()
        .filter(|instance| instance.zone == "eu-west-1a")
        .count();
    assert_eq!(in_a, 2);
    wait(&mut world, 40);
    let ids = members(&world, "g", Lifecycle::InService);
    assert_eq!(ids.len(), 4);
    let instance = &world.compute.instances[&ids[0]];
    assert_eq!(instance.instance_type, "m7g.large");
    assert_eq!(instance.tags["from"], "template");
    assert_eq!(instance.tags["aws:autoscaling:groupName"], "g");
    let (kind, detail) = events(&world)[0].clone();
    assert_eq!(kind, "EC2 Instance Launch Successful");
    assert_eq!(detail["StatusCode"], json!("InProgress"));
    assert_eq!(detail["Origin"], json!("EC2"));
    let activity = &activities(&mut world)[0];
    assert_eq!(activity["StatusCode"], json!("Successful"));
    assert_eq!(activity["Progress"], json!(100));
}

#[test]
fn a_difference_is_noticed_after_a_while() {
    let mut world = world();
    create(&mut world, "g", 0, 5);
    set_desired(&mut world, 2);
    wait(&mut world, 19);
    assert!(world.autoscaling.groups["g"].members.is_empty());
    wait(&mut world, 12);
    assert_eq!(members(&world, "g", Lifecycle::Pending).len(), 2);
    wait(&mut world, 60);
    // Scale-in takes the older of the two.
    set_desired(&mut world, 1);
    wait(&mut world, 31);
    assert_eq!(members(&world, "g", Lifecycle::Terminating).len(), 1);
    wait(&mut world, 60);
    assert_eq!(world.autoscaling.groups["g"].members.len(), 1);
    assert_eq!(
        events(&world).last().unwrap().0,
        "EC2 Instance Terminate Successful"
    );
}

#[test]
fn a_hook_holds_the_launch_until_it_is_completed() {
    let mut world = world();
    let id = waiting(&mut world, "ABANDON");
    let (kind, detail) = events(&world).last().unwrap().clone();
    assert_eq!(kind, "EC2 Instance-launch Lifecycle Action");
    assert_eq!(detail["EC2InstanceId"], json!(id));
    assert_eq!(detail["LifecycleHookName"], json!("hook"));
    assert_eq!(complete(&mut world, &id, "CONTINUE"), Ok(json!({})));
    assert_eq!(
        members(&world, "g", Lifecycle::PendingProceed),
        std::slice::from_ref(&id)
    );
    let again = json!({"AutoScalingGroupName": "g", "LifecycleHookName": "hook",
        "InstanceId": id, "LifecycleActionResult": "CONTINUE"});
    assert_eq!(
        refused(&mut world, "CompleteLifecycleAction", again),
        format!("No active Lifecycle Action found with instance ID {id}")
    );
    wait(&mut world, 3);
    assert_eq!(members(&world, "g", Lifecycle::InService), [id]);
    // The time-out that was on the agenda is void.
    wait(&mut world, 600);
    assert_eq!(members(&world, "g", Lifecycle::InService).len(), 1);
}

#[test]
fn a_heartbeat_begins_the_time_out_anew() {
    let mut world = world();
    let id = waiting(&mut world, "ABANDON");
    let timeout = world.autoscaling.groups["g"].hooks["hook"].heartbeat_timeout;
    let timeout = u64::from(timeout);
    let beat = json!({"AutoScalingGroupName": "g", "LifecycleHookName": "hook", "InstanceId": id});
    let answer = call(&mut world, "RecordLifecycleActionHeartbeat", beat.clone());
    assert_eq!(answer, Ok(json!({})));
    wait(&mut world, timeout - 1);
    call(&mut world, "RecordLifecycleActionHeartbeat", beat).unwrap();
    wait(&mut world, timeout - 1);
    assert_eq!(members(&world, "g", Lifecycle::PendingWait), [id]);
    wait(&mut world, 2);
    assert!(members(&world, "g", Lifecycle::PendingWait).is_empty());
}

#[test]
fn an_abandoned_launch_is_terminated_and_replaced() {
    let mut world = world();
    let id = waiting(&mut world, "ABANDON");
    complete(&mut world, &id, "ABANDON").unwrap();
    assert_eq!(
        members(&world, "g", Lifecycle::Terminating),
        std::slice::from_ref(&id)
    );
    let launch = activities(&mut world)
        .into_iter()
        .find(|activity| activity["StatusCode"] == json!("Cancelled"))
        .unwrap();
    let message = launch["StatusMessage"].as_str().unwrap();
    assert!(message.ends_with("was abandoned: Lifecycle Action Completed with ABANDON Result"));
    let kinds: Vec<String> = events(&world).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds.last().unwrap(), "EC2 Instance Launch Unsuccessful");
    wait(&mut world, 75);
    let next = members(&world, "g", Lifecycle::PendingWait);
    assert_eq!(next.len(), 1);
    assert_ne!(next[0], id);
}

#[test]
fn a_heartbeat_time_out_means_the_default_result() {
    let mut world = world();
    let id = waiting(&mut world, "CONTINUE");
    wait(&mut world, 305);
    assert_eq!(members(&world, "g", Lifecycle::InService), [id]);
    let mut world = super::world();
    let id = waiting(&mut world, "ABANDON");
    wait(&mut world, 305);
    assert!(!members(&world, "g", Lifecycle::InService).contains(&id));
    assert!(activities(&mut world).iter().any(|activity| {
        activity["StatusMessage"]
            .as_str()
            .is_some_and(|message| message.ends_with("was abandoned: Heartbeat Timeout"))
    }));
}

#[test]
fn without_capacity_launches_fail_and_are_tried_again() {
    let mut world = world();
    world.compute.capacity_refused = true;
    create(&mut world, "g", 1, 5);
    let failed = &activities(&mut world)[0];
    assert_eq!(failed["StatusCode"], json!("Failed"));
    assert!(
        failed["StatusMessage"]
            .as_str()
            .unwrap()
            .contains("sufficient t3.micro capacity")
    );
    let (kind, detail) = events(&world)[0].clone();
    assert_eq!(kind, "EC2 Instance Launch Unsuccessful");
    assert_eq!(detail["EC2InstanceId"], json!(""));
    world.compute.capacity_refused = false;
    wait(&mut world, 75);
    assert_eq!(members(&world, "g", Lifecycle::InService).len(), 1);
}

#[test]
fn a_dead_instance_is_replaced_unless_that_is_suspended() {
    let mut world = world();
    let ids = create_in_service(&mut world, "g", 2, 5);
    let suspend = json!({"AutoScalingGroupName": "g", "ScalingProcesses": ["ReplaceUnhealthy"]});
    call(&mut world, "SuspendProcesses", suspend.clone()).unwrap();
    compute::kill_instance(&mut world, &ids[0]);
    wait(&mut world, 120);
    let member = &world.autoscaling.groups["g"].members[&ids[0]];
    assert_eq!(
        (member.healthy, member.lifecycle),
        (false, Lifecycle::InService)
    );
    call(&mut world, "ResumeProcesses", suspend).unwrap();
    wait(&mut world, 150);
    let now = members(&world, "g", Lifecycle::InService);
    assert_eq!(now.len(), 2);
    assert!(!now.contains(&ids[0]));
}

#[test]
fn an_instance_set_unhealthy_is_replaced() {
    let mut world = world();
    let ids = create_in_service(&mut world, "g", 1, 5);
    let input = json!({"InstanceId": ids[0], "HealthStatus": "Unhealthy"});
    call(&mut world, "SetInstanceHealth", input).unwrap();
    assert!(!world.autoscaling.groups["g"].members[&ids[0]].healthy);
    wait(&mut world, 150);
    let now = members(&world, "g", Lifecycle::InService);
    assert_eq!(now.len(), 1);
    assert_ne!(now[0], ids[0]);
    let unknown = json!({"InstanceId": "i-0", "HealthStatus": "Healthy"});
    assert_eq!(
        refused(&mut world, "SetInstanceHealth", unknown),
        "Instance Id not found - No managed instance found for instance ID i-0"
    );
}

#[test]
fn a_suspended_launch_process_leaves_capacity_missing() {
    let mut world = world();
    let ids = create_in_service(&mut world, "g", 1, 5);
    let launch = json!({"AutoScalingGroupName": "g", "ScalingProcesses": ["Launch"]});
    call(&mut world, "SuspendProcesses", launch.clone()).unwrap();
    detach(&mut world, "g", &[&ids[0]]).unwrap();
    wait(&mut world, 120);
    assert!(world.autoscaling.groups["g"].members.is_empty());
    call(&mut world, "ResumeProcesses", launch).unwrap();
    wait(&mut world, 75);
    assert_eq!(members(&world, "g", Lifecycle::InService).len(), 1);
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let run = || {
        let mut world = world();
        create_in_service(&mut world, "g", 3, 5);
        format!("{:?}", world.autoscaling)
    };
    assert_eq!(run(), run());
}

/// After a day in which nothing could be launched, AWS suspends the process itself.
#[test]
fn launches_that_fail_for_a_day_are_suspended_until_somebody_resumes_them() {
    let mut world = world();
    world.compute.capacity_refused = true;
    create(&mut world, "a", 1, 1);
    world.advance_to(world.now + Duration::from_hours(23));
    assert!(world.autoscaling.groups["a"].suspended.is_empty());
    world.advance_to(world.now + Duration::from_hours(2));
    let answer = call(&mut world, "DescribeAutoScalingGroups", json!({})).unwrap();
    let suspended = &answer["AutoScalingGroups"][0]["SuspendedProcesses"][0];
    assert_eq!(suspended["ProcessName"], "Launch");
    let reason = suspended["SuspensionReason"].as_str().unwrap();
    assert!(reason.starts_with("Administrative suspension"), "{reason}");

    world.compute.capacity_refused = false;
    world.advance_to(world.now + Duration::from_hours(1));
    assert_eq!(world.autoscaling.groups["a"].capacity(), 0);
    let resume = json!({"AutoScalingGroupName": "a", "ScalingProcesses": ["Launch"]});
    call(&mut world, "ResumeProcesses", resume).unwrap();
    world.advance_to(world.now + Duration::from_mins(5));
    assert_eq!(world.autoscaling.groups["a"].capacity(), 1);
}
