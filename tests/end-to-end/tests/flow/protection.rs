//! Protection from scale-in: whoever applies an old desired capacity again takes another machine.

use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::outcome::Ending;
use region::api::{CallError, Service};
use region::commands::Pretence;
use region::faults::{Calls, Failure, Fault, Moment};
use serde_json::{Value, json};
use std::time::Duration;

const OPERATION: &str = "SetInstanceProtection";

async fn scene(builder: HarnessBuilder) -> Harness {
    let harness = builder.start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    harness
}

/// A claim that says it itself, or leaves it to the stack.
fn claim_that_says(protect: Option<bool>) -> Value {
    let mut claim = claim("c", "asg-1");
    if let Some(protect) = protect {
        claim["protect"] = protect.into();
    }
    claim
}

async fn set_desired(harness: &Harness, capacity: u32) {
    let input = json!({ "AutoScalingGroupName": "asg-1", "DesiredCapacity": capacity });
    harness
        .call(Service::AutoScaling, "SetDesiredCapacity", input)
        .await
        .unwrap();
}

fn is_protected(harness: &Harness, instance: &str) -> bool {
    harness.region.read(|world| {
        let members = &world.autoscaling.groups["asg-1"].members;
        members.get(instance).is_some_and(|member| member.protected)
    })
}

/// The instance of a claim that was served, and whether it is protected.
async fn served(harness: &Harness, claim: &Value) -> (String, bool) {
    harness.send(claim).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Ready, "{}", outcome.message);
    let instance = outcome.instance_id.unwrap().to_string();
    let protected = is_protected(harness, &instance);
    (instance, protected)
}

/// `terraform apply` with `desired_capacity = 0`, as the group was made.
#[tokio::test(start_paused = true)]
async fn an_old_desired_capacity_applied_again_takes_a_claimed_machine_unless_it_is_protected() {
    for protect in [true, false] {
        let harness = scene(Harness::builder()).await;
        let (instance, _) = served(&harness, &claim_that_says(Some(protect))).await;
        set_desired(&harness, 0).await;
        harness.pass(Duration::from_mins(5)).await;
        let kept = harness.in_service("asg-1").contains(&instance);
        assert_eq!(kept, protect);
        harness.stop().await;
    }
}

/// A script may run for hours, so its end would be late.
#[tokio::test(start_paused = true)]
async fn a_claimed_machine_is_protected_while_its_script_runs() {
    let long = |_: &_| Pretence {
        takes: Some(Duration::from_mins(5)),
        ..Pretence::default()
    };
    let harness = scene(Harness::builder().scripts(long)).await;
    harness.send(&claim_that_says(Some(true))).await;
    harness.pass(Duration::from_secs(30)).await;
    set_desired(&harness, 0).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Ready, "{}", outcome.message);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn where_the_claim_does_not_say_the_stack_does() {
    for (parameter, said, expected) in [
        ("false", None, false),
        ("true", None, true),
        ("true", Some(false), false),
        ("false", Some(true), true),
    ] {
        let builder = Harness::builder().parameter("ProtectFromScaleIn", parameter);
        let harness = scene(builder).await;
        let (_, protected) = served(&harness, &claim_that_says(said)).await;
        assert_eq!(protected, expected, "{parameter} {said:?}");
        assert_eq!(harness.calls(OPERATION) > 0, expected);
        harness.end().await;
    }
}

/// Whatever init-instance dies at, the end of the command brings what it left out.
#[tokio::test(start_paused = true)]
async fn a_protection_that_was_cut_off_comes_with_the_outcome() {
    let mut died_at_protecting = 0;
    for call in 1..=16 {
        for moment in [Moment::BeforeTheEffect, Moment::AfterTheEffect] {
            let harness = scene(Harness::builder()).await;
            let calls = Calls {
                callers: vec!["ready-pool-init-instance".to_owned()],
                ..Calls::default()
            };
            harness.break_next(Fault::nth(calls, call, moment, Failure::Kill));
            let (_, protected) = served(&harness, &claim_that_says(Some(true))).await;
            assert!(protected, "call {call}, {moment:?}");
            let killed = harness
                .refusals(OPERATION)
                .contains(&"CallerKilled".to_owned());
            died_at_protecting += usize::from(killed);
            harness.end().await;
        }
    }
    assert!(died_at_protecting >= 2);
}

/// The claim is served all the same, and the log says that it lacks something.
#[tokio::test(start_paused = true)]
async fn a_protection_that_is_refused_holds_nothing_up() {
    let harness = scene(Harness::builder()).await;
    let began = harness.now();
    for call in 1..=2 {
        harness.break_next(Fault::nth(
            Calls::of(Service::AutoScaling, OPERATION),
            call,
            Moment::BeforeTheEffect,
            Failure::Error(CallError::sender("AccessDenied", "no policy allows it")),
        ));
    }
    let (_, protected) = served(&harness, &claim_that_says(Some(true))).await;
    assert!(!protected);
    assert_eq!(harness.calls(OPERATION), 2);
    assert!(harness.now() - began < Duration::from_secs(30));
    harness.end().await;
}

/// A machine that failed leaves its target as ever: protection is no obstacle to a detach.
#[tokio::test(start_paused = true)]
async fn a_protected_machine_whose_script_fails_is_retired() {
    let fails = |_: &_| Pretence {
        exit_code: 3,
        ..Pretence::default()
    };
    let harness = scene(Harness::builder().scripts(fails)).await;
    harness.send(&claim_that_says(Some(true))).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Failed);
    harness.gone(outcome.instance_id.unwrap().as_str()).await;
    harness.end().await;
}
