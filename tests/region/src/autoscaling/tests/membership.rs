//! Detaching, attaching and terminating.

use super::{
    Lifecycle, attach, call, create, create_in_service, detach, events, members, refused, wait,
    world,
};
use crate::compute;
use crate::settings::MultiDetach;
use crate::world::World;
use serde_json::{Value, json};

fn detach_refused(world: &mut World, group: &str, ids: &[&str]) -> String {
    detach(world, group, ids).unwrap_err().message
}

fn attach_refused(world: &mut World, group: &str, ids: &[&str]) -> String {
    attach(world, group, ids).unwrap_err().message
}

#[test]
fn an_instance_moves_from_one_group_to_another() {
    let mut world = world();
    let ids = create_in_service(&mut world, "pool", 2, 5);
    create(&mut world, "target", 0, 1);
    let id = ids[0].as_str();

    let answer = detach(&mut world, "pool", &[id]).unwrap();
    let activity = &answer["Activities"][0];
    assert_eq!(
        activity["Description"],
        json!(format!("Detaching EC2 instance: {id}"))
    );
    assert_eq!(
        (&activity["StatusCode"], &activity["Progress"]),
        (&json!("InProgress"), &json!(50))
    );
    assert_eq!(members(&world, "pool", Lifecycle::Detaching), [id]);
    assert_eq!(
        detach_refused(&mut world, "pool", &[id]),
        format!("The instance {id} is not in InService or Standby.")
    );
    assert_eq!(
        attach_refused(&mut world, "target", &[id]),
        format!("The Instance: {id} is already part of AutoScalingGroup:pool")
    );

    wait(&mut world, 3);
    assert!(!world.autoscaling.groups["pool"].members.contains_key(id));
    assert!(
        !world.compute.instances[id]
            .tags
            .contains_key("aws:autoscaling:groupName")
    );
    assert_eq!(
        events(&world).last().unwrap().0,
        "EC2 Instance Detach Successful"
    );
    assert_eq!(
        detach_refused(&mut world, "pool", &[id]),
        format!("The instance {id} is not part of Auto Scaling group pool.")
    );

    assert_eq!(attach(&mut world, "target", &[id]), Ok(Value::Null));
    assert_eq!(members(&world, "target", Lifecycle::Pending), [id]);
    assert_eq!(world.autoscaling.groups["target"].desired, 1);
    wait(&mut world, 4);
    assert_eq!(members(&world, "target", Lifecycle::InService), [id]);
    let (kind, detail) = events(&world).last().unwrap().clone();
    assert_eq!(kind, "EC2 Instance Launch Successful");
    assert_eq!(detail["AutoScalingGroupName"], json!("target"));
    assert_eq!(
        detail["Description"],
        json!(format!("Attaching an existing EC2 instance: {id}"))
    );
    assert_eq!(detail["Details"]["Subnet ID"], Value::Null);
    assert_eq!(
        world.compute.instances[id].tags["aws:autoscaling:groupName"],
        "target"
    );

    // The pool replaces it.
    wait(&mut world, 75);
    assert_eq!(members(&world, "pool", Lifecycle::InService).len(), 2);
    assert_eq!(
        attach_refused(&mut world, "target", &[id]),
        format!("The Instance: {id} is already part of AutoScalingGroup:target")
    );
}

#[test]
fn attaching_has_conditions() {
    let mut world = world();
    let ids = create_in_service(&mut world, "pool", 3, 5);
    let free: Vec<&str> = ids.iter().map(String::as_str).collect();
    detach(&mut world, "pool", &free).unwrap();
    wait(&mut world, 3);
    create(&mut world, "target", 0, 1);
    assert_eq!(
        attach_refused(&mut world, "target", &free[..2]),
        "AutoScalingGroup target has min-size=0, max-size=1, and desired-size=0. To attach 2 \
         instances, please update the AutoScalingGroup sizes appropriately."
    );
    assert_eq!(
        attach_refused(&mut world, "target", &["i-0", free[0], "i-1"]),
        "Invalid Instance ID(s): [i-0, i-1] specified"
    );
    assert_eq!(
        attach_refused(&mut world, "nowhere", &free[..1]),
        "AutoScalingGroup name not found - AutoScalingGroup: nowhere not found"
    );
    compute::kill_instance(&mut world, free[2]);
    assert_eq!(
        attach_refused(&mut world, "target", &free[2..]),
        format!(
            "Instance {} [shutting-down] is not in correct state. Instance(s) must be in \
             'running' state.",
            free[2]
        )
    );
    let suspend = json!({"AutoScalingGroupName": "target", "ScalingProcesses": ["Launch"]});
    call(&mut world, "SuspendProcesses", suspend.clone()).unwrap();
    assert!(attach_refused(&mut world, "target", &free[..1]).contains("Launch"));
    call(&mut world, "ResumeProcesses", suspend).unwrap();
    let elsewhere = json!({"AutoScalingGroupName": "target", "AvailabilityZones": ["eu-west-1c"]});
    call(&mut world, "UpdateAutoScalingGroup", elsewhere).unwrap();
    assert!(attach_refused(&mut world, "target", &free[..1]).contains("Availability Zone"));
    assert!(world.autoscaling.groups["target"].members.is_empty());
}

#[test]
fn a_refused_id_in_a_multi_id_detach_follows_the_switch() {
    for (switch, gone) in [
        (MultiDetach::AllRefused, 0),
        (MultiDetach::GoodOnesDetached, 1),
    ] {
        let mut world = world();
        world.settings.multi_detach = switch;
        let ids = create_in_service(&mut world, "pool", 2, 5);
        let message = detach_refused(&mut world, "pool", &[&ids[0], "i-0", &ids[1]]);
        assert_eq!(
            message,
            "The instance i-0 is not part of Auto Scaling group pool."
        );
        assert_eq!(members(&world, "pool", Lifecycle::Detaching).len(), gone);
    }
}

#[test]
fn detaching_has_limits() {
    let mut world = world();
    let ids = create_in_service(&mut world, "pool", 1, 5);
    let many = vec!["i-0"; 21];
    assert_eq!(
        detach_refused(&mut world, "pool", &many),
        "List exceeds the maximum number of instances to detach. Please retry your request with \
         fewer instances."
    );
    let update = json!({"AutoScalingGroupName": "pool", "MinSize": "1"});
    call(&mut world, "UpdateAutoScalingGroup", update).unwrap();
    let input = json!({"AutoScalingGroupName": "pool", "InstanceIds": [ids[0]],
        "ShouldDecrementDesiredCapacity": "true"});
    assert!(
        refused(&mut world, "DetachInstances", input.clone())
            .starts_with("AutoScalingGroup pool has min-size=1, max-size=5, and desired-size=1.")
    );
    let update = json!({"AutoScalingGroupName": "pool", "MinSize": "0"});
    call(&mut world, "UpdateAutoScalingGroup", update).unwrap();
    let answer = call(&mut world, "DetachInstances", input).unwrap();
    let cause = answer["Activities"][0]["Cause"].as_str().unwrap();
    assert!(
        cause.ends_with("shrinking the capacity from 1 to 0."),
        "{cause}"
    );
    wait(&mut world, 120);
    assert!(world.autoscaling.groups["pool"].members.is_empty());
}

#[test]
fn terminating_in_a_group_can_shrink_it() {
    let mut world = world();
    let ids = create_in_service(&mut world, "g", 2, 5);
    let input = |id: &str, decrement: bool| json!({"InstanceId": id, "ShouldDecrementDesiredCapacity": decrement.to_string()});
    let operation = "TerminateInstanceInAutoScalingGroup";
    let answer = call(&mut world, operation, input(&ids[0], true)).unwrap();
    assert_eq!(
        answer["Activity"]["Description"],
        json!(format!("Terminating EC2 instance: {}", ids[0]))
    );
    let again = call(&mut world, operation, input(&ids[0], true)).unwrap_err();
    assert_eq!(again.code, "ScalingActivityInProgress");
    call(&mut world, operation, input(&ids[1], false)).unwrap();
    wait(&mut world, 75);
    let now = members(&world, "g", Lifecycle::InService);
    assert_eq!(now.len(), 1);
    assert!(!ids.contains(&now[0]));
    assert!(
        refused(&mut world, operation, input(&ids[0], true)).starts_with("Instance Id not found")
    );
    let update = json!({"AutoScalingGroupName": "g", "MinSize": "1"});
    call(&mut world, "UpdateAutoScalingGroup", update).unwrap();
    assert_eq!(
        refused(&mut world, operation, input(&now[0], true)),
        "Terminating instance without replacement will violate group's min size constraint of 1"
    );
}

#[test]
fn scale_in_spares_the_protected() {
    let mut world = world();
    create_in_service(&mut world, "pool", 1, 5);
    let input = json!({"AutoScalingGroupName": "kept", "MinSize": "0", "MaxSize": "2",
        "DesiredCapacity": "1", "AvailabilityZones": ["eu-west-1a"],
        "LaunchTemplate": {"LaunchTemplateName": "lt"},
        "NewInstancesProtectedFromScaleIn": "true"});
    call(&mut world, "CreateAutoScalingGroup", input).unwrap();
    wait(&mut world, 60);
    let input = json!({"AutoScalingGroupName": "kept", "DesiredCapacity": "0"});
    call(&mut world, "SetDesiredCapacity", input).unwrap();
    wait(&mut world, 120);
    assert_eq!(members(&world, "kept", Lifecycle::InService).len(), 1);
}

#[test]
fn a_member_is_protected_once_it_is_in_service_and_loses_that_with_its_detach() {
    let mut world = world();
    let ids = create_in_service(&mut world, "g", 2, 5);
    let input = |group: &str, id: &str| json!({"AutoScalingGroupName": group, "InstanceIds": [id], "ProtectedFromScaleIn": "true"});
    call(&mut world, "SetInstanceProtection", input("g", &ids[0])).unwrap();
    let input_of_two = json!({"AutoScalingGroupName": "g", "DesiredCapacity": "0"});
    call(&mut world, "SetDesiredCapacity", input_of_two).unwrap();
    wait(&mut world, 120);
    assert_eq!(members(&world, "g", Lifecycle::InService), [ids[0].clone()]);

    let detach = json!({"AutoScalingGroupName": "g", "InstanceIds": [ids[0]],
        "ShouldDecrementDesiredCapacity": "false"});
    call(&mut world, "DetachInstances", detach).unwrap();
    assert_eq!(
        refused(&mut world, "SetInstanceProtection", input("g", &ids[0])),
        format!(
            "The instance {} is not in InService or EnteringStandby or Standby.",
            ids[0]
        )
    );
    wait(&mut world, 10);
    assert_eq!(
        refused(&mut world, "SetInstanceProtection", input("g", &ids[0])),
        format!(
            "The instance {} is not part of Auto Scaling group g.",
            ids[0]
        )
    );
}
