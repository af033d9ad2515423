//! A pool group that was there before the stack, with what docs/operations.md says it must bring.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use region::api::{Call, Service};
use region::autoscaling::Lifecycle;
use region::compute;
use region::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A new version of the launch template, which gives the stack's tag.
fn register_template(world: &mut World) {
    let tags = BTreeMap::from([("ready-pool:stack".to_owned(), "ready-pool".to_owned())]);
    compute::register_launch_template(world, "fleet", "m7g.medium", tags);
}

/// The template itself, in this version.
fn by_template(version: &str) -> Value {
    json!({ "LaunchTemplate": { "LaunchTemplateName": "fleet", "Version": version } })
}

/// A mixed instances policy on it.
fn by_policy(version: &str) -> Value {
    let mut template = json!({ "Overrides": [
        { "InstanceType": "m7g.medium" }, { "InstanceType": "m6g.medium" } ] });
    template["LaunchTemplateSpecification"] = by_template(version)["LaunchTemplate"].clone();
    json!({ "MixedInstancesPolicy": { "LaunchTemplate": template } })
}

fn call(operation: &str, group: Value, source: Value) -> Call {
    let (Value::Object(mut input), Value::Object(source)) = (group, source) else {
        panic!("inputs are objects");
    };
    input.extend(source);
    Call {
        service: Service::AutoScaling,
        operation: operation.to_owned(),
        input: input.into(),
        caller: "operator".to_owned(),
    }
}

/// A stack on a group of one instance.
fn harness_on(source: Value) -> Harness {
    let fleet = move |world: &mut World| {
        register_template(world);
        let group = json!({
            "AutoScalingGroupName": "fleet",
            "MinSize": 0,
            "MaxSize": 20,
            "DesiredCapacity": 1,
            "AvailabilityZones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"],
        });
        let create = call("CreateAutoScalingGroup", group, source);
        world.answer(&create).expect("the group can be created");
    };
    Harness::builder()
        .prepare(fleet)
        .parameter("ExistingPoolGroup", "fleet")
        .pool_size(2)
        .start()
}

fn harness() -> Harness {
    harness_on(by_template("1"))
}

fn versions(world: &World) -> Vec<String> {
    let members = world.autoscaling.groups["fleet"].members.values();
    members
        .filter_map(|member| Some(member.template.as_ref()?.version.clone()))
        .collect()
}

/// A group with a policy names no launch template outside of it.
#[tokio::test(start_paused = true)]
async fn a_pool_with_a_mixed_instances_policy_is_renewed_with_its_launch_template() {
    let harness = harness_on(by_policy("1"));
    harness.pool_is_ready(2).await;
    harness.region.with(|world| {
        register_template(world);
        let group = json!({ "AutoScalingGroupName": "fleet" });
        let update = call("UpdateAutoScalingGroup", group, by_policy("2"));
        world.answer(&update).expect("the group can be updated");
    });
    harness
        .until("all are of the new version", |world| {
            let versions = versions(world);
            versions.len() == 2 && versions.iter().all(|version| version == "2")
        })
        .await;
    harness.pool_is_ready(2).await;
    let before = harness.in_service("fleet");
    harness.pass(Duration::from_mins(10)).await;
    assert_eq!(harness.in_service("fleet"), before, "these stay");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_prefers_one_of_a_mixed_pool_s_instance_types() {
    for preferred in ["m6g.medium", "m7g.medium"] {
        let harness = harness_on(by_policy("1"));
        harness.pool_is_ready(2).await;
        harness.create(Target::named("tenant")).await;
        let mut claim = claim("signup", "tenant");
        claim["preferences"] = json!({ "instance_types": [preferred] });
        harness.send(&claim).await;
        let outcome = harness.outcome("signup").await;
        assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
        let instance = outcome.instance_id.unwrap().to_string();
        let got = harness
            .region
            .read(|world| world.compute.instances[&instance].instance_type.clone());
        assert_eq!(got, preferred);
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_existing_group_is_the_pool() {
    let harness = harness();
    assert_eq!(harness.pool, "fleet");
    harness.pool_is_ready(2).await;
    // The hook of the stack gates what is launched from now on.
    let hooked = |world: &World| {
        let members = &world.autoscaling.groups["fleet"].members;
        let mut states = members.values().map(|member| member.lifecycle);
        states.any(|state| state == Lifecycle::PendingWait)
    };
    harness.create(Target::named("tenant")).await;
    harness.send(&claim("signup", "tenant")).await;
    let outcome = harness.outcome("signup").await;
    assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    harness
        .until("a replacement waits for its agent", hooked)
        .await;
    harness.pool_is_ready(2).await;
    assert_eq!(harness.in_service("tenant").len(), 1);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_pool_of_its_own_is_made_beside_it() {
    let harness = harness();
    harness.pass(Duration::from_mins(2)).await;
    let resources = &harness.region.stack().resources;
    for own in [
        "PoolGroup",
        "PoolLaunchTemplate",
        "PoolInstanceProfile",
        "PoolInstanceRole",
    ] {
        assert!(!resources.contains_key(own), "{own}");
    }
    let suspended = harness
        .region
        .read(|world| world.autoscaling.groups["fleet"].suspended.clone());
    assert!(suspended.contains_key("AZRebalance"), "{suspended:?}");
    harness.end().await;
}
