//! `AZRebalance`.

use super::*;

/// A target of two zones with one machine of its own in each, and two machines of the pool in one zone attached.
fn uneven(suspended: bool) -> (World, Vec<String>) {
    let mut world = world();
    compute::know_launch_template(&mut world, "other");
    let input = json!({
        "AutoScalingGroupName": "pool", "MinSize": "0", "MaxSize": "2", "DesiredCapacity": "2",
        "AvailabilityZones": ["eu-west-1a"],
        "LaunchTemplate": {"LaunchTemplateName": "other", "Version": "$Latest"},
    });
    call(&mut world, "CreateAutoScalingGroup", input).unwrap();
    create_in_service(&mut world, "target", 2, 4);
    let claimed = members(&world, "pool", Lifecycle::InService);
    let suspend = json!({"AutoScalingGroupName": "target", "ScalingProcesses": ["AZRebalance"]});
    if suspended {
        call(&mut world, "SuspendProcesses", suspend).unwrap();
    }
    let ids: Vec<&str> = claimed.iter().map(String::as_str).collect();
    let input = json!({
        "AutoScalingGroupName": "pool", "InstanceIds": ids, "ShouldDecrementDesiredCapacity": "true",
    });
    call(&mut world, "DetachInstances", input).unwrap();
    wait(&mut world, 10);
    attach(&mut world, "target", &ids).unwrap();
    (world, claimed)
}

fn by_zone(world: &World) -> Vec<usize> {
    let zones = ["eu-west-1a", "eu-west-1b"];
    let members = members(world, "target", Lifecycle::InService);
    let of = |zone: &str| {
        let zones = members.iter().map(|id| &world.compute.instances[id].zone);
        zones.filter(|of| *of == zone).count()
    };
    zones.map(of).to_vec()
}

#[test]
fn a_claimed_machine_goes_first_when_its_zone_is_the_fullest() {
    let (mut world, claimed) = uneven(false);
    wait(&mut world, 10);
    assert_eq!(by_zone(&world), [3, 1]);
    // It launches first: for a while there is one more than there should be.
    wait(&mut world, 60);
    assert_eq!(world.autoscaling.groups["target"].capacity(), 5);
    wait(&mut world, 120);
    assert_eq!(by_zone(&world), [2, 2]);
    let running = claimed.iter().filter(|id| world.compute.is_running(id));
    assert_eq!(running.count(), 1);
}

#[test]
fn nothing_is_rebalanced_where_the_process_is_suspended_until_it_is_resumed() {
    let (mut world, claimed) = uneven(true);
    wait(&mut world, 1_000);
    assert_eq!(by_zone(&world), [3, 1]);
    assert!(claimed.iter().all(|id| world.compute.is_running(id)));
    let resume = json!({"AutoScalingGroupName": "target", "ScalingProcesses": ["AZRebalance"]});
    call(&mut world, "ResumeProcesses", resume).unwrap();
    wait(&mut world, 300);
    assert_eq!(by_zone(&world), [2, 2]);
}
