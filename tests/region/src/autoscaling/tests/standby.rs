//! Members that are put aside and taken back.

use super::{Lifecycle, call, create_in_service, detach, members, refused, wait, world};
use crate::compute;
use crate::world::World;
use serde_json::json;

fn enter(world: &mut World, id: &str, decrement: bool) -> crate::api::Answer {
    let input = json!({ "AutoScalingGroupName": "g", "InstanceIds": [id],
        "ShouldDecrementDesiredCapacity": decrement.to_string() });
    call(world, "EnterStandby", input)
}

fn exit(world: &mut World, id: &str) -> crate::api::Answer {
    let input = json!({ "AutoScalingGroupName": "g", "InstanceIds": [id] });
    call(world, "ExitStandby", input)
}

fn desired(world: &World) -> u32 {
    world.autoscaling.groups["g"].desired
}

#[test]
fn a_member_is_put_aside_and_taken_back() {
    let mut world = world();
    let ids = create_in_service(&mut world, "g", 2, 2);
    let id = ids[0].as_str();
    let answer = enter(&mut world, id, true).unwrap();
    let description = format!("Moving EC2 instance to Standby: {id}");
    assert_eq!(answer["Activities"][0]["Description"], json!(description));
    assert_eq!(members(&world, "g", Lifecycle::EnteringStandby), [id]);
    wait(&mut world, 5);
    assert_eq!(members(&world, "g", Lifecycle::Standby), [id]);
    assert_eq!(desired(&world), 1);
    // Nobody is launched in its place, and nobody terminated.
    wait(&mut world, 300);
    assert_eq!(members(&world, "g", Lifecycle::InService), [ids[1].clone()]);

    exit(&mut world, id).unwrap();
    assert_eq!(members(&world, "g", Lifecycle::Pending), [id]);
    wait(&mut world, 5);
    assert_eq!(members(&world, "g", Lifecycle::InService).len(), 2);
    assert_eq!(desired(&world), 2);
}

#[test]
fn without_decrement_another_one_is_launched_and_taking_back_wants_room() {
    let mut world = world();
    let ids = create_in_service(&mut world, "g", 1, 1);
    enter(&mut world, &ids[0], false).unwrap();
    wait(&mut world, 120);
    assert_eq!(members(&world, "g", Lifecycle::InService).len(), 1);
    let input = json!({ "AutoScalingGroupName": "g", "InstanceIds": [ids[0]] });
    assert!(
        refused(&mut world, "ExitStandby", input)
            .starts_with("AutoScalingGroup g has min-size=0, max-size=1, and desired-size=1.")
    );
}

#[test]
fn only_members_in_service_can_be_put_aside_and_only_those_in_standby_taken_back() {
    let mut world = world();
    let ids = create_in_service(&mut world, "g", 1, 5);
    let id = ids[0].as_str();
    let refusal = |answer: crate::api::Answer| answer.unwrap_err().message;
    assert_eq!(
        refusal(exit(&mut world, id)),
        format!("The instance {id} is not in Standby.")
    );
    enter(&mut world, id, true).unwrap();
    assert_eq!(
        refusal(enter(&mut world, id, true)),
        format!("The instance {id} is not in InService.")
    );
    // On its way it cannot be detached either.
    assert_eq!(
        refusal(detach(&mut world, "g", &[id])),
        format!("The instance {id} is not in InService or Standby.")
    );
    assert_eq!(
        refusal(enter(&mut world, "i-0", true)),
        "The instance i-0 is not part of Auto Scaling group g."
    );
    let update = json!({ "AutoScalingGroupName": "g", "MinSize": "1", "DesiredCapacity": "1" });
    call(&mut world, "UpdateAutoScalingGroup", update).unwrap();
    wait(&mut world, 120);
    let in_service = members(&world, "g", Lifecycle::InService);
    assert_eq!(
        refusal(enter(&mut world, &in_service[0], true)),
        "AutoScalingGroup g has min-size=1, max-size=5, and desired-size=1. To place into standby \
         1 instance, please update the AutoScalingGroup sizes appropriately."
    );
}

/// "Detaching an instance in Standby with decrement can make the group terminate others."
#[test]
fn a_member_in_standby_is_detached_and_with_decrement_another_one_goes() {
    for (decrement, left) in [(false, 1), (true, 0)] {
        let mut world = world();
        let ids = create_in_service(&mut world, "g", 2, 5);
        enter(&mut world, &ids[0], true).unwrap();
        wait(&mut world, 5);
        let input = json!({ "AutoScalingGroupName": "g", "InstanceIds": [ids[0]],
            "ShouldDecrementDesiredCapacity": decrement.to_string() });
        call(&mut world, "DetachInstances", input).unwrap();
        wait(&mut world, 120);
        assert!(world.compute.is_running(&ids[0]));
        assert_eq!(members(&world, "g", Lifecycle::InService).len(), left);
    }
}

#[test]
fn nobody_looks_at_the_health_of_a_member_in_standby_until_it_is_back() {
    let mut world = world();
    let ids = create_in_service(&mut world, "g", 1, 5);
    enter(&mut world, &ids[0], true).unwrap();
    wait(&mut world, 5);
    compute::kill_instance(&mut world, &ids[0]);
    wait(&mut world, 600);
    assert_eq!(members(&world, "g", Lifecycle::Standby), ids);
    exit(&mut world, &ids[0]).unwrap();
    wait(&mut world, 180);
    let now = members(&world, "g", Lifecycle::InService);
    assert_eq!(now.len(), 1);
    assert_ne!(now, ids);
}
