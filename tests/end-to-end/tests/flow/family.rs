//! Two stacks in one account and region: the template's own policies keep each to its own pool.

use end_to_end::{Harness, Target};
use region::api::{Call, Service};
use region::journal::{Entry, Happening};
use serde_json::{Value, json};
use std::time::Duration;

const STACKS: [&str; 2] = ["ready-pool-small", "ready-pool-large"];

/// A call of a function (by its name without the stack's).
type Asked = (&'static str, Service, &'static str, Value);

fn tag(group: &str, key: &str) -> Value {
    json!({ "Tags": [{ "ResourceType": "auto-scaling-group", "ResourceId": group, "PropagateAtLaunch": false,
                       "Key": key, "Value": "x" }] })
}

fn members(group: &str, instance: &str) -> Value {
    json!({ "AutoScalingGroupName": group, "InstanceIds": [instance] })
}

fn detached(group: &str, instance: &str) -> Value {
    json!({ "AutoScalingGroupName": group, "InstanceIds": [instance], "ShouldDecrementDesiredCapacity": true })
}

/// What the functions do with queues, groups and instances, on those of this stack. `instance` is in its pool.
fn calls_on(stack: &str, instance: &str) -> Vec<Asked> {
    use Service::{AutoScaling, Sqs, Ssm};
    let (claim, init, replenish) = ("claim-instance", "init-instance", "replenish-pool");
    let (pool, retirement) = (format!("{stack}-pool"), format!("{stack}-retirement"));
    let target = format!("tenant-{stack}");
    let queue = |name: &str| format!("http://region.invalid/123456789012/{stack}-{name}");
    let message = |name: &str| {
        let mut message = json!({ "QueueUrl": queue(name), "MessageBody": "{}" });
        if name.ends_with(".fifo") {
            message["MessageGroupId"] = json!("g");
        }
        message
    };
    let at = |name: &str| json!({ "QueueUrl": queue(name) });
    let entry = "ready-pool:claim/c";
    vec![
        (claim, Sqs, "ReceiveMessage", at("provision.fifo")),
        (claim, Sqs, "SendMessage", message("init.fifo")),
        (claim, Sqs, "SendMessage", message("outcome")),
        (claim, Sqs, "SendMessage", message("rejected")),
        (
            claim,
            AutoScaling,
            "CreateOrUpdateTags",
            tag(&target, entry),
        ),
        (
            claim,
            AutoScaling,
            "CreateOrUpdateTags",
            tag(&pool, "ready-pool:waited"),
        ),
        (init, Sqs, "ReceiveMessage", at("init.fifo")),
        (init, Sqs, "SendMessage", message("provision.fifo")),
        (init, Sqs, "SendMessage", message("outcome")),
        (
            init,
            AutoScaling,
            "AttachInstances",
            members(&target, instance),
        ),
        (
            init,
            AutoScaling,
            "DetachInstances",
            detached(&target, instance),
        ),
        (
            init,
            AutoScaling,
            "AttachInstances",
            members(&retirement, instance),
        ),
        (
            init,
            AutoScaling,
            "SetInstanceProtection",
            json!({ "AutoScalingGroupName": target, "InstanceIds": [instance], "ProtectedFromScaleIn": true }),
        ),
        (init, AutoScaling, "CreateOrUpdateTags", tag(&target, entry)),
        (
            init,
            Ssm,
            "SendCommand",
            json!({ "DocumentName": format!("{stack}-init"), "InstanceIds": [instance],
                    "Parameters": { "commands": ["true"] } }),
        ),
        (replenish, Sqs, "GetQueueAttributes", at("provision.fifo")),
        (replenish, Sqs, "SendMessage", message("init.fifo")),
        (
            replenish,
            AutoScaling,
            "SetDesiredCapacity",
            json!({ "AutoScalingGroupName": pool, "DesiredCapacity": 1 }),
        ),
        (
            replenish,
            AutoScaling,
            "CompleteLifecycleAction",
            json!({ "AutoScalingGroupName": pool, "LifecycleHookName": "agent-online", "InstanceId": instance,
                    "LifecycleActionResult": "CONTINUE" }),
        ),
        (
            replenish,
            AutoScaling,
            "CreateOrUpdateTags",
            tag(&pool, "ready-pool:size"),
        ),
        (replenish, AutoScaling, "DeleteTags", tag(&target, entry)),
        (
            replenish,
            AutoScaling,
            "AttachInstances",
            members(&retirement, instance),
        ),
        (
            replenish,
            AutoScaling,
            "CreateOrUpdateTags",
            tag(&retirement, "ready-pool:note/i"),
        ),
        // The last ones: they take the instance away.
        (
            claim,
            AutoScaling,
            "DetachInstances",
            detached(&pool, instance),
        ),
        (
            replenish,
            AutoScaling,
            "DetachInstances",
            detached(&pool, instance),
        ),
    ]
}

/// Whether a function of `stack` may make the call.
async fn may(harness: &Harness, stack: &str, asked: &Asked) -> bool {
    let (function, service, operation, input) = asked.clone();
    let call = Call {
        service,
        operation: operation.to_owned(),
        input,
        caller: format!("{stack}-{function}"),
    };
    let answer = harness.region.call(call).await;
    !answer.is_err_and(|error| error.code.contains("AccessDenied"))
}

#[tokio::test(start_paused = true)]
async fn the_roles_of_one_stack_are_refused_on_the_other_s_groups_queues_and_instances() {
    let harness = Harness::builder()
        .pool_size(1)
        .stack(STACKS[0])
        .beside(STACKS[1], &[])
        .start();
    let mut instances = Vec::new();
    for stack in STACKS {
        let pool = format!("{stack}-pool");
        harness.group_is_ready(&pool, 1).await;
        let target = Target::named(&format!("tenant-{stack}"));
        harness.create(target.of(&pool)).await;
        instances.push(harness.in_service(&pool).remove(0));
    }
    for (own, other) in [(0, 1), (1, 0)] {
        for asked in calls_on(STACKS[other], &instances[other]) {
            let is_allowed = may(&harness, STACKS[own], &asked).await;
            assert!(!is_allowed, "{} may: {asked:?}", STACKS[own]);
        }
        // Its own document on the other's instance, and the other's on its own.
        for (document, instance) in [(own, other), (other, own)] {
            let input = json!({ "DocumentName": format!("{}-init", STACKS[document]),
                "InstanceIds": [instances[instance]], "Parameters": { "commands": ["true"] } });
            let asked = ("init-instance", Service::Ssm, "SendCommand", input);
            let is_allowed = may(&harness, STACKS[own], &asked).await;
            assert!(!is_allowed, "{} may: {asked:?}", STACKS[own]);
        }
    }
    // Each is allowed at home: it is the stack that makes the difference.
    for asked in calls_on(STACKS[0], &instances[0]) {
        assert!(may(&harness, STACKS[0], &asked).await, "{asked:?}");
    }
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_pool_makes_at_most_five_auto_scaling_calls_a_minute() {
    const MINUTES: usize = 60;
    let harness = Harness::builder()
        .stack(STACKS[0])
        .beside(STACKS[1], &[])
        .start();
    for stack in STACKS {
        harness.group_is_ready(&format!("{stack}-pool"), 2).await;
    }
    // Until nothing is learned of the new instances any more.
    harness.pass(Duration::from_mins(30)).await;
    let began = harness.now();
    harness.pass(Duration::from_mins(60)).await;
    for stack in STACKS {
        let is_its = |entry: &Entry| {
            matches!(&entry.what, Happening::Called { caller, service: Service::AutoScaling, .. }
                if entry.at >= began && caller.starts_with(stack))
        };
        let calls = harness
            .journal()
            .iter()
            .filter(|entry| is_its(entry))
            .count();
        // docs/operations.md, "Several pools".
        assert!((MINUTES..=5 * MINUTES).contains(&calls), "{stack}: {calls}");
    }
    harness.end().await;
}
