//! A pool group that was there before the stack, with what docs/operations.md says it must bring.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use region::api::{Call, Service};
use region::autoscaling::Lifecycle;
use region::compute;
use region::world::World;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// A group of one instance whose launch template gives the stack's tag.
fn fleet(world: &mut World) {
    let tags = BTreeMap::from([("ready-pool:stack".to_owned(), "ready-pool".to_owned())]);
    compute::register_launch_template(world, "fleet", "m7g.medium", tags);
    let call = Call {
        service: Service::AutoScaling,
        operation: "CreateAutoScalingGroup".to_owned(),
        input: json!({
            "AutoScalingGroupName": "fleet",
            "MinSize": 0,
            "MaxSize": 20,
            "DesiredCapacity": 1,
            "AvailabilityZones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"],
            "LaunchTemplate": { "LaunchTemplateName": "fleet", "Version": "1" },
        }),
        caller: "operator".to_owned(),
    };
    world.answer(&call).expect("the group can be created");
}

fn harness() -> Harness {
    Harness::builder()
        .prepare(fleet)
        .parameter("ExistingPoolGroup", "fleet")
        .pool_size(2)
        .start()
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
