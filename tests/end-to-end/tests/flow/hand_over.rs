//! Between detach and `SendCommand`: slow detaches, busy or silent services, instances that are elsewhere.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use region::api::{CallError, Service};
use region::compute;
use region::faults::{Failure, Fault, Moment};
use region::journal::Happening;
use region::settings::{MultiDetach, Spread};
use serde_json::json;
use std::time::Duration;

fn lost_answer(service: Service, operation: &str) -> Fault {
    Fault {
        moment: Moment::AfterTheEffect,
        failure: Failure::Silence,
        ..Fault::next(service, operation, CallError::receiver("unused", "unused"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_detach_that_takes_half_a_minute_is_waited_for() {
    let harness = Harness::builder()
        .settings(|settings| settings.timings.detach = Spread::exactly(Duration::from_secs(30)))
        .start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("c", "asg-1")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Ready);
    assert_eq!(
        harness.entry("asg-1", "c").unwrap().split(' ').nth(2),
        Some("1"),
        "the first attempt"
    );
    harness.end().await;
}

/// Each try is a call of a limit that the whole account shares.
#[tokio::test(start_paused = true)]
async fn the_longer_a_detach_takes_the_less_often_its_end_is_tried() {
    for attach_when in ["before_init", "after_init"] {
        let harness = Harness::builder()
            .settings(|settings| settings.timings.detach = Spread::exactly(Duration::from_secs(30)))
            .start();
        harness.pool_is_ready(2).await;
        harness.create(Target::named("asg-1")).await;
        let mut claim = claim("c", "asg-1");
        claim["attach_when"] = json!(attach_when);
        let sent = harness.now();
        harness.send(&claim).await;
        assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
        let took = harness.now() - sent;
        let tries = harness.calls("AttachInstances");
        println!("{attach_when}: {tries} tries, ready after {took}");
        assert!(tries <= 13, "{tries} tries");
        assert!(took < Duration::from_secs(45), "{took}");
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_detach_that_takes_minutes_outlives_invocations() {
    let harness = Harness::builder()
        .settings(|settings| settings.timings.detach = Spread::exactly(Duration::from_mins(3)))
        .start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("c", "asg-1")).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn every_throttled_call_is_tried_again() {
    for (service, operation) in [
        (Service::AutoScaling, "DescribeAutoScalingGroups"),
        (Service::AutoScaling, "CreateOrUpdateTags"),
        (Service::AutoScaling, "DetachInstances"),
        (Service::AutoScaling, "AttachInstances"),
        (Service::Ssm, "DescribeInstanceInformation"),
        (Service::Ssm, "SendCommand"),
        (Service::Ssm, "ListCommands"),
        (Service::Sqs, "SendMessageBatch"),
        (Service::Sqs, "ChangeMessageVisibilityBatch"),
    ] {
        let harness = Harness::with_ready_pool(2).await;
        harness.create(Target::named("asg-1")).await;
        harness.break_next(Fault::throttle(service, operation, 5));
        harness.send(&claim("c", "asg-1")).await;
        let outcome = harness.outcome("c").await;
        assert_eq!(outcome.outcome, Ending::Ready, "{operation}");
        assert_eq!(harness.in_service("asg-1").len(), 1, "{operation}");
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn ec2_s_rate_limit_behind_an_attach_is_not_a_refusal() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("asg-1")).await;
    let limited = CallError::validation("EC2 Request limit exceeded.");
    harness.break_next(Fault::next(
        Service::AutoScaling,
        "AttachInstances",
        limited,
    ));
    harness.send(&claim("c", "asg-1")).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    assert_eq!(
        harness.entry("asg-1", "c").unwrap().split(' ').nth(2),
        Some("1"),
        "the first attempt"
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_any_write_leaves_one_instance_that_was_sent_one_command() {
    for (service, operation) in [
        (Service::AutoScaling, "CreateOrUpdateTags"),
        (Service::AutoScaling, "DetachInstances"),
        (Service::AutoScaling, "AttachInstances"),
        (Service::Ssm, "SendCommand"),
        (Service::Sqs, "SendMessageBatch"),
    ] {
        let harness = Harness::with_ready_pool(2).await;
        harness.create(Target::named("asg-1")).await;
        harness.break_next(lost_answer(service, operation));
        harness.send(&claim("c", "asg-1")).await;
        let outcome = harness.outcome("c").await;
        assert_eq!(outcome.outcome, Ending::Ready, "{operation}");
        assert_eq!(harness.in_service("asg-1").len(), 1, "{operation}");
        // What is sent once, and owned once, is checked on the region's state.
        harness.pool_is_ready(2).await;
        harness.end().await;
    }
}

/// By instance a command is listed only once its agent has it.
#[tokio::test(start_paused = true)]
async fn a_command_that_no_agent_has_picked_up_is_not_sent_again() {
    for failure in [Failure::Silence, Failure::Kill] {
        let harness = Harness::with_ready_pool(1).await;
        harness.create(Target::named("asg-1")).await;
        let silent = harness.in_service(&harness.pool)[0].clone();
        // Its last ping is recent: Systems Manager still says Online.
        harness
            .region
            .with(|world| compute::kill_agent(world, &silent));
        harness.break_next(Fault {
            failure: failure.clone(),
            ..lost_answer(Service::Ssm, "SendCommand")
        });
        let mut message = claim("c", "asg-1");
        // Time for the next delivery, and none for another instance.
        message["expires_at"] = harness.in_future(Duration::from_secs(50)).into();
        harness.send(&message).await;
        let outcome = harness.outcome("c").await;
        assert_eq!(outcome.reason, Reason::NotDelivered, "{failure:?}");
        assert_eq!(harness.calls("SendCommand"), 1, "{failure:?}");
        harness.gone(&silent).await;
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn already_attached_to_the_right_group_is_success() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("asg-1")).await;
    // The answer to the attach is lost three times: the fourth call finds it done.
    harness.break_next(Fault {
        times: 1,
        moment: Moment::AfterTheEffect,
        ..Fault::next(
            Service::AutoScaling,
            "AttachInstances",
            CallError::receiver("InternalFailure", "oops"),
        )
    });
    harness.send(&claim("c", "asg-1")).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    let refusals = harness.refusals("AttachInstances");
    assert!(
        refusals.contains(&"ValidationError".to_owned()),
        "{refusals:?}"
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_somebody_attached_elsewhere_is_given_up_untouched() {
    let harness = Harness::builder()
        .settings(|settings| settings.timings.detach = Spread::exactly(Duration::from_secs(3)))
        .start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    harness.create(Target::named("asg-thief")).await;
    // Only the function is throttled, long enough for the thief.
    let mut busy = Fault::throttle(Service::AutoScaling, "AttachInstances", 20);
    busy.calls.callers = vec!["ready-pool-init-instance".to_owned()];
    harness.break_next(busy);
    harness.send(&claim("c", "asg-1")).await;
    // As soon as it is free, somebody else takes it; that call is not the functions'.
    harness
        .until("a detach", |world| {
            world
                .journal
                .entries()
                .any(|entry| matches!(entry.what, Happening::Detached { .. }))
        })
        .await;
    let stolen = harness
        .journal()
        .into_iter()
        .find_map(|entry| match entry.what {
            Happening::Detached { instance, .. } => Some(instance),
            _ => None,
        })
        .unwrap();
    let steal = json!({ "AutoScalingGroupName": "asg-thief", "InstanceIds": [stolen] });
    while harness
        .call(Service::AutoScaling, "AttachInstances", steal.clone())
        .await
        .is_err()
    {}

    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Ready);
    assert_ne!(
        outcome.instance_id.unwrap().as_str(),
        stolen,
        "another instance"
    );
    assert_eq!(
        harness.in_service("asg-thief"),
        [stolen],
        "nobody touched the stolen one"
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_leaves_the_pool_first_is_replaced_by_another() {
    for multi_detach in [MultiDetach::AllRefused, MultiDetach::GoodOnesDetached] {
        let harness = Harness::builder()
            .pool_size(4)
            .settings(|settings| settings.multi_detach = multi_detach)
            .start();
        harness.pool_is_ready(4).await;
        for n in 0..3 {
            harness.create(Target::named(&format!("asg-{n}"))).await;
        }
        harness.send_together((0..3).map(|n| claim(&format!("claim-{n}"), &format!("asg-{n}"))));
        // Between entering and detaching, one of the three dies.
        harness
            .until("entries", |world| {
                world.autoscaling.groups["asg-1"]
                    .tags
                    .keys()
                    .any(|key| key.contains("claim/"))
            })
            .await;
        let entry = harness.entry("asg-1", "claim-1").unwrap();
        let doomed = entry.split(' ').nth(1).unwrap().to_owned();
        harness
            .region
            .with(|world| compute::kill_instance(world, &doomed));
        for n in 0..3 {
            let outcome = harness.outcome(&format!("claim-{n}")).await;
            assert_eq!(outcome.outcome, Ending::Ready, "{multi_detach:?}");
        }
        harness.pool_is_ready(4).await;
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_was_filled_meanwhile_refuses_and_the_instance_is_retired() {
    let harness = Harness::builder()
        .settings(|settings| settings.timings.detach = Spread::exactly(Duration::from_secs(10)))
        .start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1").max_size(1)).await;
    harness.send(&claim("c", "asg-1")).await;
    harness
        .until("a detach", |world| {
            world
                .journal
                .entries()
                .any(|entry| matches!(entry.what, Happening::Detaching { .. }))
        })
        .await;
    let grow = json!({ "AutoScalingGroupName": "asg-1", "DesiredCapacity": 1 });
    harness
        .call(Service::AutoScaling, "SetDesiredCapacity", grow)
        .await
        .unwrap();

    let outcome = harness.outcome("c").await;
    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Failed, Reason::TargetRefused)
    );
    assert!(outcome.message.contains("maximum size"));
    harness.gone(outcome.instance_id.unwrap().as_str()).await;
    harness.end().await;
}
