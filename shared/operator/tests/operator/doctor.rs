//! `doctor`.

use crate::operator::{harness, run};
use end_to_end::{Harness, Target};
use ready_pool_operator::Exit;
use region::api::Service;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_stack_as_it_was_deployed_is_well() {
    let harness = harness(Harness::builder()).await;
    let found = run(&harness, &["doctor"]).await;
    found.is(
        Exit::Done,
        &[
            "ready-pool in eu-west-1: 7 queues, pool ready-pool-pool, 1 target",
            "found       nothing: all is well",
        ],
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_is_found_and_each_finding_says_what_to_do() {
    let harness = harness(Harness::builder()).await;
    harness
        .create(
            Target::named("elsewhere")
                .zones(&["eu-west-1a"])
                .in_another_vpc(),
        )
        .await;
    harness
        .create(Target::named("rebalanced").rebalances().max_size(0))
        .await;
    let calls = [
        (
            Service::AutoScaling,
            "DeleteLifecycleHook",
            json!({ "AutoScalingGroupName": harness.pool, "LifecycleHookName": "agent-online" }),
        ),
        (
            Service::AutoScaling,
            "ResumeProcesses",
            json!({ "AutoScalingGroupName": harness.pool, "ScalingProcesses": ["AZRebalance"] }),
        ),
        (
            Service::AutoScaling,
            "SuspendProcesses",
            json!({ "AutoScalingGroupName": "tenant", "ScalingProcesses": ["Launch"] }),
        ),
        (
            Service::AutoScaling,
            "UpdateAutoScalingGroup",
            json!({ "AutoScalingGroupName": "tenant", "HealthCheckType": "ELB", "HealthCheckGracePeriod": 60 }),
        ),
        (
            Service::Sqs,
            "SetQueueAttributes",
            json!({ "QueueUrl": harness.queue("InitQueue"), "Attributes": { "VisibilityTimeout": "10" } }),
        ),
    ];
    for (service, operation, input) in calls {
        let called = harness.call(service, operation, input).await;
        called.unwrap_or_else(|error| panic!("{operation}: {error:?}"));
    }
    harness.region.with(|world| {
        let pool = world.autoscaling.groups.get_mut(&harness.pool).unwrap();
        pool.warm_pool = Some(json!({ "MinSize": 1, "PoolState": "Stopped" }));
    });
    let found = run(&harness, &["doctor"]).await;
    assert_eq!(found.exit, Exit::Bad, "{found:?}");
    for part in [
        "wrong       ready-pool-init.fifo: its visibility time-out is below 70 s",
        "wrong       ready-pool-pool: it has no launch hook agent-online",
        "wrong       ready-pool-pool: it has a warm pool, which is not supported",
        "wrong       ready-pool-pool: its process AZRebalance is not suspended",
        "wrong       tenant: the Launch process of group tenant is suspended",
        "aws autoscaling resume-processes --auto-scaling-group-name tenant --scaling-processes Launch",
        "look at     tenant: its load balancer's health check counts 60 s after an attach",
        "look at     elsewhere: it shares no subnet with the pool",
        "look at     rebalanced: it is full",
        "look at     rebalanced: its process AZRebalance is not suspended",
        "found       5 wrong, 4 to look at",
    ] {
        assert!(found.out.contains(part), "no {part:?} in:\n{}", found.out);
    }
    let report = run(&harness, &["doctor", "--json"]).await.json().remove(0);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 9, "{report}");
    for finding in findings {
        assert!(!finding["advice"].as_str().unwrap().is_empty(), "{finding}");
    }
    harness.stop().await;
}
