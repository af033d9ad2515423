//! One part of the stack is missing, or one read fails: what does not need it goes on, and it is said
//! by name what is missing.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use region::api::{CallError, Service};
use region::faults::{Calls, Failure, Moment, Rate};
use serde_json::json;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

/// What replenish-pool says is missing, the last time that it said anything.
fn missing(harness: &Harness) -> Option<f64> {
    harness.figures.values("MissingParts", &[]).last().copied()
}

/// Whether a full scan said that exactly this is missing.
fn said(harness: &Harness, names: &str) -> bool {
    let said = harness
        .figures
        .values("MissingParts", &[("missing", names)]);
    said.iter().any(|count| *count > 0.0)
}

/// A pool of two with a target. What is in the pool is claimed, and so is what is launched then.
async fn claims_are_served(harness: &Harness) {
    harness.create(Target::named("asg-1")).await;
    for n in 0..4 {
        let mut message = claim(&format!("claim-{n}"), "asg-1");
        message["expires_at"] = harness.in_future(MINUTE * 15).into();
        harness.send(&message).await;
    }
    for outcome in harness.outcomes_come(4).await {
        assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    }
    harness.pool_is_ready(2).await;
}

/// From now on replenish-pool may not make this call.
fn refuse(harness: &Harness, service: Service, operation: &str) {
    harness.region.with(|world| {
        world.faults.rates.push(Rate {
            calls: Calls::of(service, operation).by("ready-pool-replenish-pool"),
            chance: 1.0,
            moment: Moment::BeforeTheEffect,
            failure: Failure::Error(CallError::sender("AccessDenied", "not authorized")),
        });
    });
}

fn allow_everything(harness: &Harness) {
    harness.region.with(|world| world.faults.rates.clear());
}

/// A clean-up rule deletes the empty group.
#[tokio::test(start_paused = true)]
async fn without_the_retirement_group_launches_are_let_into_service_and_claims_served() {
    let harness = Harness::with_ready_pool(2).await;
    let name = harness.retirement.clone();
    let input = json!({ "AutoScalingGroupName": name });
    harness
        .call(Service::AutoScaling, "DeleteAutoScalingGroup", input)
        .await
        .unwrap();
    harness
        .until("the group is gone", |world| {
            !world.autoscaling.groups.contains_key(&name)
        })
        .await;
    claims_are_served(&harness).await;
    harness.pass(MINUTE * 2).await;
    assert!(said(&harness, &format!("retirement group {name}")));
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_the_launch_hook_claims_are_served_and_it_is_named() {
    let harness = Harness::with_ready_pool(2).await;
    let input = json!({
        "AutoScalingGroupName": harness.pool,
        "LifecycleHookName": "agent-online",
    });
    harness
        .call(Service::AutoScaling, "DeleteLifecycleHook", input)
        .await
        .unwrap();
    claims_are_served(&harness).await;
    harness.pass(MINUTE * 11).await;
    assert!(said(&harness, "launch hook agent-online"));
    harness.end().await;
}

/// A group opted in whose name no claim can have. Its event lost, an open claim of another one is looked at.
#[tokio::test(start_paused = true)]
async fn one_target_that_cannot_be_read_hides_no_other() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("asg-1")).await;
    harness.region.with(|world| {
        let groups = &mut world.autoscaling.groups;
        let mut group = groups["asg-1"].clone();
        group.name = "tenant\tone".to_owned();
        groups.insert(group.name.clone(), group);
        world.events.unreliability.drop = 1.0;
    });
    harness.send(&claim("silent", "asg-1")).await;
    let outcome = harness.outcome("silent").await;
    assert_eq!(outcome.outcome, Ending::Ready);
    assert!(said(&harness, "target tenant\tone"));
    harness.end().await;
}

/// Each read of a pass, but for the pool itself.
#[tokio::test(start_paused = true)]
async fn with_one_of_several_reads_refused_launches_are_let_into_service_and_claims_served() {
    for (service, operation, names) in [
        (
            Service::AutoScaling,
            "DescribeScalingActivities",
            // Each is read where it is needed only.
            ["history of the pool", "detaches of a day"].as_slice(),
        ),
        (
            Service::Sqs,
            "GetQueueAttributes",
            &["length of the provisioning queue"],
        ),
        (
            Service::AutoScaling,
            "DescribeLifecycleHooks",
            &["launch hook agent-online"],
        ),
    ] {
        let harness = Harness::with_ready_pool(2).await;
        refuse(&harness, service, operation);
        claims_are_served(&harness).await;
        harness.pass(MINUTE * 11).await;
        for name in names {
            assert!(said(&harness, name), "{name}");
        }
        allow_everything(&harness);
        harness.pass(MINUTE * 11).await;
        assert_eq!(missing(&harness), Some(0.0), "{operation}");
        harness.end().await;
    }
}

/// What an instance on its way out is judged by: the pool does not wait for it.
#[tokio::test(start_paused = true)]
async fn with_a_read_about_a_dead_agent_s_instance_refused_the_pool_goes_on_and_it_waits() {
    for (service, operation, name) in [
        (
            Service::AutoScaling,
            "DescribeAutoScalingInstances",
            "places of instances on their way out",
        ),
        (Service::Ssm, "ListCommands", "command history"),
    ] {
        let harness = Harness::builder().pool_size(4).start();
        harness.pool_is_ready(4).await;
        let dead = harness.in_service(&harness.pool)[0].clone();
        harness
            .region
            .with(|world| region::compute::kill_agent(world, &dead));
        harness
            .until("it is noted", |world| {
                let tags = &world.autoscaling.groups["ready-pool-retirement"].tags;
                tags.keys().any(|key| key.ends_with(&dead))
            })
            .await;
        refuse(&harness, service, operation);
        harness.create(Target::named("asg-1")).await;
        for n in 0..6 {
            let mut message = claim(&format!("claim-{n}"), "asg-1");
            message["expires_at"] = harness.in_future(MINUTE * 15).into();
            harness.send(&message).await;
        }
        for outcome in harness.outcomes_come(6).await {
            assert_eq!(outcome.outcome, Ending::Ready, "{operation}: {outcome:?}");
        }
        harness.pass(MINUTE * 10).await;
        let name = if operation == "ListCommands" {
            format!("{name} {dead}")
        } else {
            name.to_owned()
        };
        assert!(said(&harness, &name), "{operation}");
        assert!(harness.in_service(&harness.pool).contains(&dead));
        allow_everything(&harness);
        harness.gone(&dead).await;
        harness.pool_is_ready(4).await;
        harness.end().await;
    }
}

/// Open claims need no pool: their deadlines pass all the same.
#[tokio::test(start_paused = true)]
async fn without_the_pool_open_claims_are_looked_at() {
    let harness = Harness::builder()
        .pool_size(1)
        .scripts(|_| region::commands::Pretence {
            takes: Some(Duration::from_mins(3)),
            ..region::commands::Pretence::default()
        })
        .start();
    harness.pool_is_ready(1).await;
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("begun", "asg-1")).await;
    harness
        .until("it is in its target", |world| {
            !world.autoscaling.groups["asg-1"].members.is_empty()
        })
        .await;
    harness
        .region
        .with(|world| world.events.unreliability.drop = 1.0);
    let pool = harness.pool.clone();
    let input = json!({ "AutoScalingGroupName": pool, "ForceDelete": true });
    harness
        .call(Service::AutoScaling, "DeleteAutoScalingGroup", input)
        .await
        .unwrap();
    harness
        .until("the pool is gone", |world| {
            !world.autoscaling.groups.contains_key(&pool)
        })
        .await;
    assert!(harness.outcomes().is_empty());
    let outcome = harness.outcome("begun").await;
    assert_eq!(outcome.outcome, Ending::Ready);
    harness.stop().await;
}
