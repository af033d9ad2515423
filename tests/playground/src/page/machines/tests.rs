use super::*;
use region::api::{Call, Service};
use region::compute;
use region::settings::Settings;
use serde_json::json;
use std::time::Duration;
use time::macros::datetime;

fn names() -> Names {
    Names {
        pool: "pool".to_owned(),
        ..Names::default()
    }
}

/// A pool of `size`, just created, and an empty target.
fn world(size: u32) -> World {
    let mut world = World::new(Settings::default(), datetime!(2026-11-22 12:00 UTC));
    compute::register_launch_template(&mut world, "template", "t3.micro", [].into());
    for (name, size) in [("pool", size), ("target", 0)] {
        let input = json!({
            "AutoScalingGroupName": name, "MinSize": 0, "MaxSize": 9, "DesiredCapacity": size,
            "AvailabilityZones": ["eu-west-1a"],
            "LaunchTemplate": { "LaunchTemplateName": "template", "Version": "1" },
        });
        ask(&mut world, "CreateAutoScalingGroup", input);
    }
    world
}

fn ask(world: &mut World, operation: &str, input: serde_json::Value) {
    let call = Call {
        service: Service::AutoScaling,
        operation: operation.to_owned(),
        input,
        caller: "test".to_owned(),
    };
    world.answer(&call).unwrap();
}

fn pass(world: &mut World, seconds: u64) {
    world.advance_to(world.now + Duration::from_secs(seconds));
}

fn progress() -> Progress {
    Progress::new(names())
}

fn states(world: &World) -> Vec<Health> {
    let pool = pool(world, &names(), &progress());
    pool.members.iter().map(|member| member.state).collect()
}

#[test]
fn members_boot_until_they_are_ready() {
    let mut world = world(2);
    assert_eq!(states(&world), [Health::Booting; 2]);
    let pool_now = pool(&world, &names(), &progress());
    assert_eq!(pool_now.requested, 0);
    assert_eq!(
        (pool_now.ready, pool_now.booting, pool_now.desired),
        (0, 2, 2)
    );
    pass(&mut world, 600);
    assert_eq!(states(&world), [Health::Ready; 2]);
    assert_eq!(pool(&world, &names(), &progress()).ready, 2);
    let more = json!({ "AutoScalingGroupName": "pool", "DesiredCapacity": 5 });
    ask(&mut world, "SetDesiredCapacity", more);
    let pool_now = pool(&world, &names(), &progress());
    assert_eq!(
        pool_now.requested + pool_now.booting,
        3,
        "a launch is requested before it begins"
    );
}

#[test]
fn a_dead_agent_shows_before_aws_knows() {
    let mut world = world(1);
    pass(&mut world, 600);
    let id = pool(&world, &names(), &progress()).members[0].id.clone();
    compute::kill_agent(&mut world, &id);
    let look = |world: &World| {
        let pool = pool(world, &names(), &progress());
        (pool.members[0].state, pool.members[0].unnoticed, pool.ready)
    };
    assert_eq!(look(&world), (Health::AgentDead, true, 0));
    pass(&mut world, 400);
    assert_eq!(look(&world), (Health::AgentDead, false, 0));
}

#[test]
fn a_killed_machine_terminates() {
    let mut world = world(1);
    pass(&mut world, 600);
    let id = pool(&world, &names(), &progress()).members[0].id.clone();
    compute::kill_instance(&mut world, &id);
    assert_eq!(states(&world), [Health::Terminating]);
}

#[test]
fn what_leaves_the_pool_is_elsewhere() {
    let mut world = world(1);
    pass(&mut world, 600);
    let id = pool(&world, &names(), &progress()).members[0].id.clone();
    let input = json!({
        "AutoScalingGroupName": "pool", "InstanceIds": [id],
        "ShouldDecrementDesiredCapacity": true,
    });
    ask(&mut world, "DetachInstances", input);
    assert_eq!(states(&world), [Health::Leaving]);
    assert_eq!(elsewhere(&world, &names(), &progress()), []);
    pass(&mut world, 60);
    assert_eq!(states(&world), []);
    let free = elsewhere(&world, &names(), &progress());
    assert_eq!((free[0].state, free[0].group.clone()), (Health::Free, None));
    let input = json!({ "AutoScalingGroupName": "target", "InstanceIds": [id] });
    ask(&mut world, "AttachInstances", input);
    pass(&mut world, 10);
    let there = elsewhere(&world, &names(), &progress());
    assert_eq!((there.len(), there[0].state), (1, Health::Ready));
    assert_eq!(there[0].group.as_deref(), Some("target"));
}
