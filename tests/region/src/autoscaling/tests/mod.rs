//! Auto Scaling against the world, without a runtime.

mod groups;
mod launching;
mod membership;
mod rebalancing;
mod standby;
mod stopping;
mod tags;

use super::Lifecycle;
use crate::api::{Answer, Call, Service};
use crate::journal::Happening;
use crate::settings::{Settings, Spread};
use crate::world::World;
use serde_json::{Value, json};
use std::time::Duration;
use time::macros::datetime;

/// A world without tails, so that waits in tests are safe.
fn world() -> World {
    let mut settings = Settings::default();
    settings.timings.detach = Spread::exactly(Duration::from_secs(3));
    settings.timings.agent_registration = Spread::exactly(Duration::from_secs(25));
    World::new(settings, datetime!(2026-11-22 12:00 UTC))
}

fn call(world: &mut World, operation: &str, input: Value) -> Answer {
    world.answer(&Call {
        service: Service::AutoScaling,
        operation: operation.to_owned(),
        input,
        caller: "test".to_owned(),
    })
}

/// The text of the `ValidationError` that a call ends with.
fn refused(world: &mut World, operation: &str, input: Value) -> String {
    let error = call(world, operation, input).expect_err("refused");
    assert_eq!(
        (error.status, error.code.as_str()),
        (400, "ValidationError")
    );
    error.message
}

fn wait(world: &mut World, seconds: u64) {
    world.advance_to(world.now + Duration::from_secs(seconds));
}

/// A group in zones a and b with a launch template.
fn create(world: &mut World, name: &str, desired: u32, max: u32) {
    let answer = call(
        world,
        "CreateAutoScalingGroup",
        json!({
            "AutoScalingGroupName": name,
            "MinSize": "0",
            "MaxSize": max.to_string(),
            "DesiredCapacity": desired.to_string(),
            "AvailabilityZones": ["eu-west-1a", "eu-west-1b"],
            "LaunchTemplate": {"LaunchTemplateName": "lt", "Version": "$Latest"},
        }),
    );
    assert_eq!(answer, Ok(Value::Null));
}

/// The same with its instances in service.
fn create_in_service(world: &mut World, name: &str, desired: u32, max: u32) -> Vec<String> {
    create(world, name, desired, max);
    wait(world, 60);
    let members = members(world, name, Lifecycle::InService);
    assert_eq!(members.len(), desired as usize);
    members
}

fn members(world: &World, group: &str, lifecycle: Lifecycle) -> Vec<String> {
    world.autoscaling.groups[group]
        .members
        .iter()
        .filter(|(_, member)| member.lifecycle == lifecycle)
        .map(|(id, _)| id.clone())
        .collect()
}

fn detach(world: &mut World, group: &str, ids: &[&str]) -> Answer {
    call(
        world,
        "DetachInstances",
        json!({
            "AutoScalingGroupName": group,
            "InstanceIds": ids,
            "ShouldDecrementDesiredCapacity": "false",
        }),
    )
}

fn attach(world: &mut World, group: &str, ids: &[&str]) -> Answer {
    let input = json!({ "AutoScalingGroupName": group, "InstanceIds": ids });
    call(world, "AttachInstances", input)
}

/// Types and details of the events on the bus so far.
fn events(world: &World) -> Vec<(String, Value)> {
    world
        .journal
        .entries()
        .filter_map(|entry| match &entry.what {
            Happening::Event {
                detail_type,
                detail,
                ..
            } => Some((detail_type.clone(), detail.clone())),
            _ => None,
        })
        .collect()
}
