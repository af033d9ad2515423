//! A signup in one message: the target is made with the claim's entry in it.

use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use region::api::{Call, CallError, Service};
use region::autoscaling::{Group, LaunchSource};
use region::faults::{Calls, Failure, Fault, Moment};
use serde_json::{Value, json};
use std::time::Duration;

const CREATE: &str = "CreateAutoScalingGroup";

fn builder(pool_size: usize) -> HarnessBuilder {
    Harness::builder()
        .pool_size(pool_size)
        .makes_targets("tenant-")
}

/// A stack that makes groups called `tenant-…`, with so many ready instances.
async fn scene(pool_size: usize) -> Harness {
    let harness = builder(pool_size).start();
    harness.pool_is_ready(pool_size).await;
    harness
}

/// A claim for a group that grows to four.
fn signup(claim_id: &str, target: &str) -> Value {
    let mut message = claim(claim_id, target);
    message["create_target"] = json!({ "max_size": 4, "tags": { "org": "1337" } });
    message
}

fn group(harness: &Harness, name: &str) -> Option<Group> {
    let read = |world: &region::world::World| world.autoscaling.groups.get(name).cloned();
    harness.region.read(read)
}

async fn rejected(harness: &Harness, claim_id: &str, reason: Reason, what_to_fix: &str) -> Outcome {
    let outcome = harness.outcome(claim_id).await;
    assert_eq!(outcome.outcome, Ending::Rejected, "{}", outcome.message);
    assert_eq!(outcome.reason, reason);
    assert!(outcome.message.contains(what_to_fix), "{}", outcome.message);
    outcome
}

#[tokio::test(start_paused = true)]
async fn one_message_makes_the_group_and_brings_it_a_machine_and_the_same_again_changes_nothing() {
    let harness = scene(2).await;
    harness.send(&signup("signup-1", "tenant-1337")).await;
    let outcome = harness.outcome("signup-1").await;
    assert_eq!(outcome.outcome, Ending::Ready, "{}", outcome.message);
    let made = group(&harness, "tenant-1337").unwrap();
    let pool = group(&harness, &harness.pool).unwrap();
    assert_eq!((made.min, made.max, made.desired), (0, 4, 1));
    assert_eq!(made.subnets, pool.subnets);
    assert!(made.protects_new && made.members.values().all(|member| member.protected));
    let LaunchSource::Template(template) = &made.launch_source else {
        panic!("{:?}", made.launch_source);
    };
    assert_eq!(template.version, "1");
    let tag = |key: &str| made.tags.get(key).map(|tag| tag.value.as_str());
    assert_eq!(tag("org"), Some("1337"));
    assert_eq!(tag("ready-pool:pool"), Some(harness.pool.as_str()));
    assert!(made.tags.values().all(|tag| !tag.propagate_at_launch));

    let again = signup("signup-1", "tenant-1337").to_string();
    harness.send_as(again, &harness.pool, "again").await;
    let outcomes = harness.outcomes_come(2).await;
    assert_eq!(outcomes[1].outcome, Ending::Ready);
    assert_eq!(outcomes[1].instance_id, outcome.instance_id);
    assert_eq!(harness.calls(CREATE), 1);
    assert_eq!(harness.in_service("tenant-1337").len(), 1);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_stack_without_the_parameters_makes_nothing_and_says_which_to_set() {
    let harness = Harness::with_ready_pool(1).await;
    harness.send(&signup("c", "tenant-1")).await;
    for parameter in ["TargetLaunchTemplate,", "TargetNamePrefix"] {
        rejected(&harness, "c", Reason::CreatingNotAllowed, parameter).await;
    }
    assert_eq!(harness.calls(CREATE), 0);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_name_without_the_prefix_is_not_made() {
    let harness = scene(1).await;
    harness.send(&signup("c", "production-1")).await;
    let fix = "begin with tenant-";
    rejected(&harness, "c", Reason::CreatingNotAllowed, fix).await;
    assert_eq!(harness.calls(CREATE), 0);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_group_that_exists_and_did_not_opt_in_is_left_alone() {
    let harness = scene(1).await;
    harness
        .create(Target::named("tenant-1").not_opted_in())
        .await;
    harness.send(&signup("c", "tenant-1")).await;
    rejected(&harness, "c", Reason::NotOptedIn, "ready-pool:pool = ").await;
    assert!(group(&harness, "tenant-1").unwrap().tags.is_empty());
    harness.end().await;
}

/// It is there until its last machine is gone; then the claim can be sent again.
#[tokio::test(start_paused = true)]
async fn a_group_that_is_being_deleted_is_not_made_anew_before_it_is_gone() {
    let harness = scene(2).await;
    harness.send(&signup("first", "tenant-1")).await;
    harness.outcome("first").await;
    let input = json!({ "AutoScalingGroupName": "tenant-1", "ForceDelete": true });
    let delete = harness.call(Service::AutoScaling, "DeleteAutoScalingGroup", input);
    delete.await.unwrap();
    harness.send(&signup("second", "tenant-1")).await;
    let fix = "is being deleted";
    rejected(&harness, "second", Reason::TargetDeleting, fix).await;
    harness
        .until("it is gone", |world| {
            !world.autoscaling.groups.contains_key("tenant-1")
        })
        .await;
    harness.send(&signup("third", "tenant-1")).await;
    assert_eq!(harness.outcome("third").await.outcome, Ending::Ready);
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn claims_with_differing_preferences_share_the_group_that_the_first_one_makes() {
    let harness = scene(3).await;
    let mut larger = signup("second", "tenant-1");
    larger["create_target"] = json!({ "max_size": 9 });
    harness.send_together([
        signup("first", "tenant-1"),
        larger,
        signup("third", "tenant-1"),
    ]);
    for outcome in harness.outcomes_of(3).await {
        assert_eq!(outcome.outcome, Ending::Ready, "{}", outcome.message);
    }
    assert_eq!(harness.calls(CREATE), 1);
    assert_eq!(group(&harness, "tenant-1").unwrap().max, 4);
    assert_eq!(harness.in_service("tenant-1").len(), 3);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_size_that_the_first_claim_gave_holds_for_all() {
    let harness = scene(2).await;
    let of_one = |claim_id| {
        let mut message = signup(claim_id, "tenant-1");
        message["create_target"] = json!({ "max_size": 1 });
        message
    };
    harness.send(&of_one("first")).await;
    assert_eq!(harness.outcome("first").await.outcome, Ending::Ready);
    harness.send(&of_one("second")).await;
    rejected(&harness, "second", Reason::TargetFull, "raise its maximum").await;
    harness.end().await;
}

/// Somebody makes the group between the look and the call.
#[tokio::test(start_paused = true)]
async fn a_group_that_somebody_made_meanwhile_is_read_again() {
    let harness = scene(1).await;
    harness.break_next(Fault::nth(
        Calls::of(Service::AutoScaling, "DescribeAutoScalingGroups")
            .by("ready-pool-claim-instance"),
        1,
        Moment::BeforeTheEffect,
        Failure::Stale,
    ));
    harness.create(Target::named("tenant-1")).await;
    harness.send(&signup("c", "tenant-1")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Ready, "{}", outcome.message);
    assert_eq!(harness.refusals(CREATE), ["AlreadyExists"]);
    assert_eq!(group(&harness, "tenant-1").unwrap().max, 100);
    harness.end().await;
}

/// What is wrong with the stack's own parameters, the sender hears in AWS's words.
#[tokio::test(start_paused = true)]
async fn what_aws_refuses_for_good_is_said_in_its_words() {
    let builder = builder(1).parameter("TargetLaunchTemplateVersion", "7");
    let harness = builder.start();
    harness.pool_is_ready(1).await;
    harness.send(&signup("c", "tenant-1")).await;
    let words = "AWS says: You must use a valid fully-formed launch template";
    rejected(&harness, "c", Reason::TargetNotMade, words).await;
    assert_eq!(harness.in_service(&harness.pool).len(), 1);
    harness.end().await;
}

/// Pool, retirement group, and no more: the claim waits, others go on, and the log says what to do.
#[tokio::test(start_paused = true)]
async fn a_claim_waits_for_room_under_the_account_s_quota_and_others_do_not_wait_for_it() {
    let builder = builder(2).settings(|settings| settings.max_groups = 3);
    let harness = builder.start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("other")).await;
    harness.send(&signup("c", "tenant-1")).await;
    harness.send(&claim("d", "other")).await;
    assert_eq!(harness.outcome("d").await.outcome, Ending::Ready);
    harness.pass(Duration::from_mins(2)).await;
    let refused = harness.refusals(CREATE).len();
    assert!(
        (3..=20).contains(&refused),
        "{refused} calls in two minutes"
    );
    assert_eq!(harness.outcomes().len(), 1);
    harness.region.with(|world| world.settings.max_groups = 10);
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    harness.end().await;
}

/// The stack's permission is missing: the claim waits until somebody mends that.
#[tokio::test(start_paused = true)]
async fn a_claim_waits_for_a_permission_that_is_missing() {
    let harness = scene(1).await;
    let denied = CallError {
        status: 403,
        code: "AccessDenied".to_owned(),
        message: "You are not authorized to use launch template: lt-0".to_owned(),
    };
    let calls = Calls::of(Service::AutoScaling, CREATE);
    for n in 1..=2 {
        let failure = Failure::Error(denied.clone());
        let fault = Fault::nth(calls.clone(), n, Moment::BeforeTheEffect, failure);
        harness.break_next(fault);
    }
    harness.send(&signup("c", "tenant-1")).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    assert_eq!(harness.calls(CREATE), 3);
    harness.end().await;
}

/// The answer is lost, and the SDK's second call hears that the group exists.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_makes_no_second_group_and_loses_no_machine() {
    let harness = scene(2).await;
    harness.break_next(Fault::nth(
        Calls::of(Service::AutoScaling, CREATE),
        1,
        Moment::AfterTheEffect,
        Failure::Silence,
    ));
    harness.send(&signup("c", "tenant-1")).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    assert_eq!(harness.in_service("tenant-1").len(), 1);
    harness.pool_is_ready(2).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_pool_makes_no_group() {
    let builder = builder(1).parameter("PoolMaxSize", "1");
    let harness = builder.start();
    harness.pool_is_ready(1).await;
    harness
        .region
        .with(|world| world.compute.capacity_refused = true);
    let mut hasty = signup("b", "tenant-2");
    hasty["when_empty"] = json!("reject");
    harness.send_together([signup("a", "tenant-1"), hasty]);
    rejected(&harness, "b", Reason::PoolEmpty, "no ready instance").await;
    assert_eq!(harness.outcome("a").await.outcome, Ending::Ready);
    assert!(group(&harness, "tenant-2").is_none());
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_that_the_group_would_be_made_and_makes_none() {
    let harness = scene(1).await;
    let mut asks = signup("c", "tenant-1");
    asks["dry_run"] = json!(true);
    harness
        .send_as(asks.to_string(), "dry-run", "dry-run")
        .await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::WouldBeServed);
    let words = "group tenant-1 does not exist, and would be made";
    assert!(outcome.message.contains(words), "{}", outcome.message);
    assert_eq!(harness.calls(CREATE), 0);
    harness.end().await;
}

/// Whoever deletes the group of a claim that is under way means it.
#[tokio::test(start_paused = true)]
async fn another_attempt_makes_no_group_again() {
    let harness = scene(3).await;
    harness.break_next(Fault::next(
        Service::Ssm,
        "SendCommand",
        CallError::sender("InvalidInstanceId", "Instances not in a valid state"),
    ));
    harness.send(&signup("c", "tenant-1")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Ready, "{}", outcome.message);
    assert_eq!(outcome.details.attempt, Some(2));
    assert_eq!(harness.calls(CREATE), 1);
    harness.pass(Duration::from_mins(2)).await;
    harness.end().await;
}

/// Who may send claims gets nothing else of the account with it: what a claim names beyond a size and tags is
/// malformed, and what claim-instance itself asks for beyond the stack's parameters is denied.
#[tokio::test(start_paused = true)]
async fn no_claim_can_name_a_template_a_role_a_subnet_or_a_tag_of_ours() {
    let harness = scene(1).await;
    let attempts = [
        json!({ "max_size": 4, "launch_template_id": "lt-0123456789abcdef0" }),
        json!({ "max_size": 4, "version": "2" }),
        json!({ "max_size": 4, "role": "admin" }),
        json!({ "max_size": 4, "subnets": ["subnet-1"] }),
        json!({ "max_size": 4, "tags": { "ready-pool:pool": "other" } }),
        json!({ "max_size": 4, "tags": { "ready-pool:claim/x": "v1" } }),
        json!({ "max_size": 4, "tags": { "aws:cloudformation:stack-name": "x" } }),
    ];
    for (number, attempt) in attempts.into_iter().enumerate() {
        let claim_id = format!("c-{number}");
        let mut message = signup(&claim_id, "tenant-1");
        message["create_target"] = attempt;
        harness.send(&message).await;
        rejected(&harness, &claim_id, Reason::Malformed, "create_target").await;
    }
    assert_eq!(harness.calls(CREATE), 0);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn claim_instance_itself_can_make_no_other_group() {
    let harness = scene(1).await;
    let (mine, other) = harness.region.with(|world| {
        let tags = [].into();
        let other = region::compute::register_launch_template(world, "other", "m7g.metal", tags);
        (region::compute::known_template_id("tenant"), other)
    });
    let good = json!({
        "AutoScalingGroupName": "tenant-1", "MinSize": 0, "MaxSize": 4, "DesiredCapacity": 0,
        "VPCZoneIdentifier": "subnet-1a,subnet-1b",
        "LaunchTemplate": { "LaunchTemplateId": mine, "Version": "1" },
        "Tags": [{ "Key": "ready-pool:pool", "Value": harness.pool, "ResourceId": "tenant-1",
                   "ResourceType": "auto-scaling-group", "PropagateAtLaunch": false }],
    });
    let makes = async |pointer: &str, value: Value| {
        let mut input = good.clone();
        if !pointer.is_empty() {
            *input.pointer_mut(pointer).unwrap() = value;
        }
        let call = Call {
            service: Service::AutoScaling,
            operation: CREATE.to_owned(),
            input,
            caller: "ready-pool-claim-instance".to_owned(),
        };
        harness.region.call(call).await.map_err(|error| error.code)
    };
    let denied = Err("AccessDenied".to_owned());
    for (pointer, value) in [
        ("/AutoScalingGroupName", json!("production")),
        ("/LaunchTemplate/LaunchTemplateId", json!(other)),
        ("/LaunchTemplate/Version", json!("$Latest")),
        ("/VPCZoneIdentifier", json!("subnet-1a,subnet-9a")),
        ("/Tags/0/Value", json!("another-pool")),
        ("/Tags/0/Key", json!("org")),
    ] {
        assert_eq!(makes(pointer, value).await, denied, "{pointer}");
    }
    assert_eq!(makes("", Value::Null).await, Ok(Value::Null));
    harness.stop().await;
}
