//! Machines that somebody stops.

use super::*;
use crate::compute::{self, State};

#[test]
fn a_stopped_free_machine_can_be_attached_nowhere_until_it_runs_again() {
    let mut world = world();
    let members = create_in_service(&mut world, "g", 1, 3);
    let free = members[0].as_str();
    detach(&mut world, "g", &[free]).unwrap();
    wait(&mut world, 10);
    compute::stop(&mut world, free);
    wait(&mut world, 60);
    assert_eq!(world.compute.instances[free].state, State::Stopped);
    let input = json!({ "AutoScalingGroupName": "g", "InstanceIds": [free] });
    let refused = refused(&mut world, "AttachInstances", input);
    assert!(
        refused.contains("[stopped] is not in correct state"),
        "{refused}"
    );
    compute::start(&mut world, free);
    wait(&mut world, 60);
    assert!(world.compute.instances[free].agent.works());
    attach(&mut world, "g", &[free]).unwrap();
}

#[test]
fn a_stopped_member_is_replaced() {
    let mut world = world();
    let members = create_in_service(&mut world, "g", 1, 1);
    compute::stop(&mut world, &members[0]);
    wait(&mut world, 240);
    assert_eq!(
        world.compute.instances[&members[0]].state,
        State::Terminated
    );
    assert_eq!(super::members(&world, "g", Lifecycle::InService).len(), 1);
}
