//! Two stacks in one account and region: the template's own policies keep each to its own pool.

use end_to_end::{Harness, Target};
use region::api::{Call, Service};
use region::journal::{Entry, Happening};
use serde_json::{Value, json};
use std::time::Duration;

const STACKS: [&str; 2] = ["ready-pool-small", "ready-pool-large"];
/// The key of a claim's entry.
const ENTRY: &str = "ready-pool:claim/c";

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

fn at(stack: &str, queue: &str) -> Value {
    json!({ "QueueUrl": format!("http://region.invalid/123456789012/{stack}-{queue}") })
}

fn message(stack: &str, queue: &str) -> Value {
    let mut message = at(stack, queue);
    message["MessageBody"] = json!("{}");
    message
}

fn ordered(stack: &str, queue: &str) -> Value {
    let mut message = message(stack, queue);
    message["MessageGroupId"] = json!("g");
    message
}

/// What the functions do with queues, groups and instances, on those of this stack. `instance` is in its pool.
fn calls_on(stack: &str, instance: &str) -> Vec<Asked> {
    let mut calls = calls_of_init_instance(stack, instance);
    calls.extend(calls_of_replenish_pool(stack, instance));
    calls.extend(calls_of_claim_instance(stack, instance));
    calls
}

fn calls_of_claim_instance(stack: &str, instance: &str) -> Vec<Asked> {
    use Service::{AutoScaling, Sqs};
    let (pool, target) = (format!("{stack}-pool"), format!("tenant-{stack}"));
    let calls = [
        (Sqs, "ReceiveMessage", at(stack, "provision.fifo")),
        (Sqs, "SendMessage", ordered(stack, "init.fifo")),
        (Sqs, "SendMessage", message(stack, "outcome")),
        (Sqs, "SendMessage", message(stack, "rejected")),
        (AutoScaling, "CreateOrUpdateTags", tag(&target, ENTRY)),
        (
            AutoScaling,
            "CreateOrUpdateTags",
            tag(&pool, "ready-pool:waited"),
        ),
        (AutoScaling, "DetachInstances", detached(&pool, instance)),
    ];
    calls
        .map(|(service, operation, input)| ("claim-instance", service, operation, input))
        .into()
}

fn calls_of_init_instance(stack: &str, instance: &str) -> Vec<Asked> {
    use Service::{AutoScaling, Sqs, Ssm};
    let (target, retirement) = (format!("tenant-{stack}"), format!("{stack}-retirement"));
    let protected = json!({
        "AutoScalingGroupName": target, "InstanceIds": [instance], "ProtectedFromScaleIn": true,
    });
    let calls = [
        (Sqs, "ReceiveMessage", at(stack, "init.fifo")),
        (Sqs, "SendMessage", ordered(stack, "provision.fifo")),
        (Sqs, "SendMessage", message(stack, "outcome")),
        (AutoScaling, "AttachInstances", members(&target, instance)),
        (AutoScaling, "DetachInstances", detached(&target, instance)),
        (
            AutoScaling,
            "AttachInstances",
            members(&retirement, instance),
        ),
        (AutoScaling, "SetInstanceProtection", protected),
        (AutoScaling, "CreateOrUpdateTags", tag(&target, ENTRY)),
        (Ssm, "SendCommand", command(stack, instance)),
    ];
    calls
        .map(|(service, operation, input)| ("init-instance", service, operation, input))
        .into()
}

fn calls_of_replenish_pool(stack: &str, instance: &str) -> Vec<Asked> {
    use Service::{AutoScaling, Sqs};
    let (pool, retirement) = (format!("{stack}-pool"), format!("{stack}-retirement"));
    let target = format!("tenant-{stack}");
    let completed = json!({
        "AutoScalingGroupName": pool, "LifecycleHookName": "agent-online", "InstanceId": instance,
        "LifecycleActionResult": "CONTINUE",
    });
    let size = json!({ "AutoScalingGroupName": pool, "DesiredCapacity": 1 });
    let calls = [
        (Sqs, "GetQueueAttributes", at(stack, "provision.fifo")),
        (Sqs, "SendMessage", ordered(stack, "init.fifo")),
        (AutoScaling, "SetDesiredCapacity", size),
        (AutoScaling, "CompleteLifecycleAction", completed),
        (
            AutoScaling,
            "CreateOrUpdateTags",
            tag(&pool, "ready-pool:size"),
        ),
        (AutoScaling, "DeleteTags", tag(&target, ENTRY)),
        (
            AutoScaling,
            "AttachInstances",
            members(&retirement, instance),
        ),
        (
            AutoScaling,
            "CreateOrUpdateTags",
            tag(&retirement, "ready-pool:note/i"),
        ),
        (AutoScaling, "DetachInstances", detached(&pool, instance)),
    ];
    calls
        .map(|(service, operation, input)| ("replenish-pool", service, operation, input))
        .into()
}

/// An init command with the document of this stack.
fn command(stack: &str, instance: &str) -> Value {
    json!({
        "DocumentName": format!("{stack}-init"), "InstanceIds": [instance],
        "Parameters": { "commands": ["true"] },
    })
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
            let input = command(STACKS[document], &instances[instance]);
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
    harness.pass(Duration::from_hours(1)).await;
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
