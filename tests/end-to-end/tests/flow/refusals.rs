//! Refusals that no waiting mends: of one machine, of a claim, of all.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use region::api::{CallError, Service};
use region::faults::Fault;
use region::journal::Happening;
use region::world::World;
use serde_json::json;
use std::time::Duration;

async fn scene() -> Harness {
    let harness = Harness::with_ready_pool(6).await;
    harness.create(Target::named("asg-1")).await;
    harness
}

/// Waits until an instance leaves the pool for the claim; answers it.
async fn chosen(harness: &Harness) -> String {
    let detaching = |world: &World| {
        world.journal.entries().find_map(|entry| match &entry.what {
            Happening::Detaching { instance, .. } => Some(instance.clone()),
            _ => None,
        })
    };
    harness
        .until("an instance is chosen", |world| detaching(world).is_some())
        .await;
    harness.region.read(detaching).unwrap()
}

fn untag(world: &mut World, instance: &str) {
    let machine = world.compute.instances.get_mut(instance).unwrap();
    machine.tags.remove("ready-pool:stack").unwrap();
}

/// The claim went on with a second machine soon, and the first is retired.
async fn assert_replaced(harness: Harness, first: &str, outcome: &Outcome, refusal: &str) {
    assert_eq!(outcome.outcome, Ending::Ready, "{}", outcome.message);
    assert_eq!(outcome.details.attempt, Some(2));
    assert_eq!(harness.refusals("SendCommand"), [refusal]);
    harness.gone(first).await;
    harness.pass(Duration::from_mins(2)).await;
    harness.end().await;
}

/// Somebody's clean-up takes a tag away: five other machines are ready.
#[tokio::test(start_paused = true)]
async fn a_machine_that_has_lost_its_tag_costs_one_attempt_and_no_more() {
    let harness = scene().await;
    let sent = harness.now();
    harness.send(&claim("c", "asg-1")).await;
    let first = chosen(&harness).await;
    harness.region.with(|world| untag(world, &first));
    let outcome = harness.outcome("c").await;
    assert!(
        outcome.at < sent + Duration::from_secs(40),
        "{}",
        outcome.at
    );
    assert_replaced(harness, &first, &outcome, "AccessDeniedException").await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_of_another_platform_costs_one_attempt_and_no_more() {
    let harness = scene().await;
    harness.send(&claim("c", "asg-1")).await;
    let first = chosen(&harness).await;
    harness.region.with(|world| {
        let machine = world.compute.instances.get_mut(&first).unwrap();
        machine.platform = "Windows";
    });
    let outcome = harness.outcome("c").await;
    assert_replaced(harness, &first, &outcome, "UnsupportedPlatformType").await;
}

/// What was refused on each of three machines is in the outcome, in AWS's words.
#[tokio::test(start_paused = true)]
async fn a_claim_whose_machines_are_all_refused_says_what_aws_said() {
    let harness = scene().await;
    harness.region.with(|world| {
        let pool = world.autoscaling.groups[&harness.pool].members.clone();
        for instance in pool.keys() {
            untag(world, instance);
        }
    });
    harness.send(&claim("c", "asg-1")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::AttemptsExhausted);
    assert!(
        outcome.message.contains("is not authorized"),
        "{}",
        outcome.message
    );
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_s_machine_of_another_platform_is_not_ready_and_is_retired() {
    let harness = scene().await;
    let other = harness.in_service(&harness.pool)[0].clone();
    harness.region.with(|world| {
        let machine = world.compute.instances.get_mut(&other).unwrap();
        machine.platform = "Windows";
    });
    for claim_id in ["a", "b", "d", "e", "f"] {
        harness.send(&claim(claim_id, "asg-1")).await;
    }
    for outcome in harness.outcomes_of(5).await {
        assert_eq!(outcome.details.attempt, Some(1));
        assert!(outcome.instance_id.is_some_and(|id| id.as_str() != other));
    }
    harness.gone(&other).await;
    harness.pass(Duration::from_mins(10)).await;
    harness.end().await;
}

/// The stack's rights are missing for every machine: none is given up for it, the log is not
/// flooded, and the claim that expires over it says why.
#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_for_all_costs_no_machine_and_is_named_in_the_end() {
    for code in ["AccessDeniedException", "InvalidDocument"] {
        let harness = scene().await;
        let mut message = claim("c", "asg-1");
        message["expires_at"] = harness.in_future(Duration::from_mins(5)).into();
        let error = CallError::sender(code, "somebody has taken it away");
        harness.break_next(Fault {
            times: 1_000,
            ..Fault::next(Service::Ssm, "SendCommand", error)
        });
        harness.send(&message).await;
        let outcome = harness.outcome("c").await;
        assert_eq!(outcome.reason, Reason::Expired);
        assert_eq!(outcome.details.attempt, Some(1));
        let words = format!("SendCommand failed: {code}: somebody has taken it away");
        assert!(outcome.message.contains(&words), "{}", outcome.message);
        let tries = harness.calls("SendCommand");
        assert!((10..60).contains(&tries), "{tries} tries");
        harness.pass(Duration::from_mins(5)).await;
        harness.end().await;
    }
}

/// So is one that is missing on every instance, tag or no tag.
#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_on_every_instance_is_waited_for() {
    let harness = scene().await;
    harness.send(&claim("c", "asg-1")).await;
    let first = chosen(&harness).await;
    let error = CallError::sender(
        "AccessDeniedException",
        format!("not authorized to perform: ssm:SendCommand on resource: instance/{first}"),
    );
    harness.break_next(Fault {
        times: 5,
        ..Fault::next(Service::Ssm, "SendCommand", error)
    });
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Ready);
    assert_eq!(outcome.details.attempt, Some(1));
    assert_eq!(outcome.instance_id.unwrap().as_str(), first);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_command_that_systems_manager_does_not_take_ends_its_claim_with_aws_s_words() {
    for code in ["InvalidParameters", "MaxDocumentSizeExceeded"] {
        let harness = scene().await;
        let error = CallError::sender(code, "not like this");
        harness.break_next(Fault::next(Service::Ssm, "SendCommand", error));
        harness.send(&claim("c", "asg-1")).await;
        let outcome = harness.outcome("c").await;
        assert_eq!(outcome.reason, Reason::CommandRefused);
        assert!(
            outcome.message.contains("not like this"),
            "{}",
            outcome.message
        );
        harness.pass(Duration::from_mins(3)).await;
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_refuses_is_quoted() {
    let harness = scene().await;
    harness.send(&claim("c", "asg-1")).await;
    chosen(&harness).await;
    let shrink = json!({ "AutoScalingGroupName": "asg-1", "MaxSize": 0 });
    harness
        .call(Service::AutoScaling, "UpdateAutoScalingGroup", shrink)
        .await
        .unwrap();
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::TargetRefused);
    assert!(
        outcome.message.contains("max-size=0"),
        "{}",
        outcome.message
    );
    harness.pass(Duration::from_mins(3)).await;
    harness.end().await;
}
