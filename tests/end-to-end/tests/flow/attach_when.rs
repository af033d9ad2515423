//! Claims whose instance is attached after its init (`attach_when`: `after_init`).

use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use region::api::{CallError, Service};
use region::autoscaling::Lifecycle;
use region::commands::Pretence;
use region::compute;
use region::faults::{Calls, Failure, Fault, Moment};
use region::journal::Happening;
use serde_json::{Value, json};
use std::time::Duration;

async fn scene(builder: HarnessBuilder) -> Harness {
    let harness = builder.pool_size(2).start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1").max_size(4)).await;
    harness
}

fn late() -> Value {
    let mut late = claim("late", "asg-1");
    late["attach_when"] = json!("after_init");
    late
}

fn takes(time: Duration) -> HarnessBuilder {
    Harness::builder().scripts(move |_| Pretence {
        takes: Some(time),
        ..Pretence::default()
    })
}

fn fails() -> HarnessBuilder {
    Harness::builder().scripts(|_| Pretence {
        exit_code: 7,
        ..Pretence::default()
    })
}

async fn outcome(harness: &Harness) -> (Outcome, String) {
    let outcome = harness.outcome("late").await;
    let instance = outcome.instance_id.clone();
    (outcome, instance.map(String::from).unwrap_or_default())
}

fn group_of(harness: &Harness, instance: &str) -> Option<String> {
    harness.region.read(|world| {
        let group = world.autoscaling.group_of(instance);
        group.map(|group| group.name.clone())
    })
}

async fn until_sent(harness: &Harness) -> String {
    harness
        .until("a command", |world| !world.ssm.commands.is_empty())
        .await;
    harness.region.read(|world| {
        let mut commands = world.ssm.commands.values();
        let command = commands.next().expect("one was sent");
        command.invocations.keys().next().expect("to one").clone()
    })
}

/// In which order a claim's steps were taken.
fn steps(harness: &Harness) -> Vec<&'static str> {
    let steps = harness.journal().into_iter().filter_map(|entry| {
        Some(match entry.what {
            Happening::CommandSent { .. } => "sent",
            Happening::CommandFinished { .. } => "ended",
            Happening::Attached { group, .. } if group == "asg-1" => "attached",
            _ => return None,
        })
    });
    steps.collect()
}

#[tokio::test(start_paused = true)]
async fn its_script_ends_before_the_target_sees_the_machine() {
    let harness = scene(takes(Duration::from_secs(1))).await;
    harness.send(&late()).await;
    let (outcome, instance) = outcome(&harness).await;
    assert_eq!(outcome.outcome, Ending::Ready, "{}", outcome.message);
    assert_eq!(group_of(&harness, &instance).as_deref(), Some("asg-1"));
    assert_eq!(steps(&harness), ["sent", "ended", "attached"]);
    assert!(outcome.details.times.attached > outcome.details.times.command_sent);
    harness.pass(Duration::from_mins(5)).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_script_that_outlasts_its_deadline_is_attached_all_the_same() {
    let harness = scene(takes(Duration::from_mins(20))).await;
    let mut claim = late();
    claim["init"]["execution_timeout_seconds"] = json!(3600);
    claim["expires_at"] = harness.in_future(Duration::from_mins(5)).into();
    harness.send(&claim).await;
    let (outcome, instance) = outcome(&harness).await;
    assert_eq!(outcome.outcome, Ending::Ready, "{}", outcome.message);
    assert_eq!(group_of(&harness, &instance).as_deref(), Some("asg-1"));
    harness.pass(Duration::from_mins(5)).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_script_that_fails_costs_the_target_nothing() {
    let harness = scene(fails()).await;
    harness.send(&late()).await;
    let (outcome, instance) = outcome(&harness).await;
    assert_eq!(outcome.reason, Reason::ScriptFailed);
    harness.pass(Duration::from_mins(5)).await;
    assert!(!steps(&harness).contains(&"attached"));
    let runs = harness
        .region
        .read(|world| world.compute.is_running(&instance));
    assert!(!runs, "it is retired");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_machine_is_left_free_and_running() {
    let harness = scene(fails()).await;
    let mut claim = late();
    claim["on_init_failure"] = json!("keep");
    harness.send(&claim).await;
    let (outcome, instance) = outcome(&harness).await;
    assert_eq!(outcome.reason, Reason::ScriptFailed);
    harness.pass(Duration::from_hours(30)).await;
    assert_eq!(group_of(&harness, &instance), None);
    let runs = harness
        .region
        .read(|world| world.compute.is_running(&instance));
    assert!(runs, "it is kept");
    harness.stop().await;
}

/// The event's first handling attaches and dies; the tenant takes the machine out; the message comes again.
#[tokio::test(start_paused = true)]
async fn what_a_tenant_took_out_is_not_attached_again() {
    let harness = scene(Harness::builder()).await;
    harness.break_next(Fault::nth(
        Calls::of(Service::AutoScaling, "AttachInstances").by("ready-pool-init-instance"),
        1,
        Moment::AfterTheEffect,
        Failure::Kill,
    ));
    harness.send(&late()).await;
    let instance = until_sent(&harness).await;
    harness
        .until("a member", |world| {
            let group = &world.autoscaling.groups["asg-1"];
            let member = group.members.get(&instance);
            member.is_some_and(|member| member.lifecycle == Lifecycle::InService)
        })
        .await;
    let detach = json!({ "AutoScalingGroupName": "asg-1", "InstanceIds": [instance],
                         "ShouldDecrementDesiredCapacity": true });
    harness
        .call(Service::AutoScaling, "DetachInstances", detach)
        .await
        .unwrap();
    let (outcome, _) = outcome(&harness).await;
    assert_eq!(outcome.reason, Reason::InstanceLost, "{}", outcome.message);
    harness.pass(Duration::from_mins(5)).await;
    assert_eq!(group_of(&harness, &instance), None, "it is the tenant's");
    assert_eq!(steps(&harness), ["sent", "ended", "attached"]);
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_detach_that_is_taken_back_is_made_again() {
    let harness = scene(Harness::builder()).await;
    harness.send(&late()).await;
    let instance = until_sent(&harness).await;
    harness.region.with(|world| {
        let pool = world.autoscaling.groups.get_mut(&harness.pool).unwrap();
        let member = pool.members.get_mut(&instance).unwrap();
        assert_eq!(member.lifecycle, Lifecycle::Detaching);
        member.lifecycle = Lifecycle::InService;
    });
    let (outcome, _) = outcome(&harness).await;
    assert_eq!(outcome.outcome, Ending::Ready, "{}", outcome.message);
    assert_eq!(group_of(&harness, &instance).as_deref(), Some("asg-1"));
    harness.pass(Duration::from_mins(5)).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_attach_that_stays_denied_ends_an_hour_after_the_script_must_have() {
    let harness = scene(Harness::builder()).await;
    harness.region.with(|world| {
        world.faults.add(Fault {
            calls: Calls::of(Service::AutoScaling, "AttachInstances")
                .by("ready-pool-init-instance"),
            skip: 0,
            times: u32::MAX,
            moment: Moment::BeforeTheEffect,
            failure: Failure::Error(CallError::sender("AccessDenied", "not authorized")),
        });
    });
    let sent_at = harness.now();
    harness.send(&late()).await;
    let (outcome, _) = outcome(&harness).await;
    assert_eq!(outcome.reason, Reason::TargetRefused, "{}", outcome.message);
    let took = harness.now() - sent_at;
    assert!(
        took > Duration::from_mins(65) && took < Duration::from_mins(85),
        "{took}"
    );
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn with_wiped_tags_nobody_knows_where_it_belongs() {
    let harness = scene(takes(Duration::from_secs(30))).await;
    harness.send(&late()).await;
    let instance = until_sent(&harness).await;
    harness
        .region
        .with(|world| region::faults::wipe_tags(world, "asg-1", "ready-pool:claim/"));
    let (outcome, _) = outcome(&harness).await;
    assert_eq!(outcome.outcome, Ending::Failed);
    assert_eq!(outcome.reason, Reason::InstanceLost);
    assert_eq!(group_of(&harness, &instance), None);
    // Its entry may only have been read too early: it is waited for, and that takes minutes.
    let looks = harness.calls("DescribeAutoScalingInstances");
    println!("looked {looks} times where it belongs");
    assert!(looks <= 60, "{looks} looks");
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_dies_under_its_script_ends_the_claim() {
    let harness = scene(takes(Duration::from_mins(2))).await;
    harness.send(&late()).await;
    let instance = until_sent(&harness).await;
    harness.pass(Duration::from_secs(20)).await;
    harness
        .region
        .with(|world| compute::kill_instance(world, &instance));
    let (outcome, _) = outcome(&harness).await;
    assert_eq!(outcome.outcome, Ending::Failed, "{}", outcome.message);
    harness.pass(Duration::from_mins(5)).await;
    harness.end().await;
}
