//! A tour of everything that the stack does, while a region notes what is used, allowed and refused.

use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::outcome::Ending;
use region::api::{Call, CallError, Service};
use region::autoscaling::Lifecycle;
use region::faults::{Calls, Failure, Fault, Moment};
use region::iam::{Refused, Use};
use region::settings::GroupPaths;
use region::world::World;
use region::{compute, events};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// The users that the template's managed policies are for: the signup service, and whoever waits
/// for outcomes. Both are their access key ids, too.
const SIGNUP: &str = "signup";
const READER: &str = "reader";

/// The role that the launch template of targets gives their own instances.
const TENANTS_ROLE: &str = "arn:aws:iam::123456789012:role/tenant";

/// Its launches are tagged, too: that takes every permission which making a group may take.
fn give_the_tenants_template_a_role(world: &mut World) {
    let template = world.compute.launch_templates.get_mut("tenant").unwrap();
    template.role = Some(TENANTS_ROLE.to_owned());
    let tag = ("org".to_owned(), "1337".to_owned());
    template.instance_tags.extend([tag]);
}

/// So many claims are not all served at once.
pub(super) const HASTY: usize = 8;

/// So many claims for one zone are not, either.
pub(super) const ZONAL: usize = 8;

/// What a tour came to.
#[derive(Default)]
pub(super) struct Toured {
    /// Why the template could not even be started.
    pub(super) not_started: Option<String>,
    pub(super) denied: BTreeSet<Refused>,
    /// Whether somebody of the account got a message of their own into InitQueue.
    pub(super) intruded: bool,
    /// Which claims ended how.
    pub(super) endings: Vec<(String, Ending)>,
    pub(super) uses: BTreeSet<Use>,
    pub(super) allowed: BTreeSet<Use>,
}

pub(super) fn builder() -> HarnessBuilder {
    Harness::builder()
        .pool_size(3)
        .parameter("HitRate", "99")
        .parameter("ScaleOutAlarmPrefix", "grow-")
        .parameter("ScaleOutCommand", "bash /opt/join.sh")
        .makes_targets("made-")
        .parameter("TargetRoles", TENANTS_ROLE)
        .prepare(give_the_tenants_template_a_role)
        .scripts(|run| {
            let fails = run.script.contains("fails.sh");
            region::commands::Pretence {
                exit_code: i32::from(fails),
                ..region::commands::Pretence::default()
            }
        })
}

fn add_users(harness: &Harness) {
    let stack = harness.region.stack();
    let users = [(SIGNUP, "SendClaimsPolicy"), (READER, "ReadOutcomesPolicy")];
    for (name, policy) in users {
        let policies = vec![stack.reference(policy).to_owned()];
        harness.region.with(|world| {
            let settings = world.settings.clone();
            world.iam.add_user(&settings, name, policies);
        });
    }
}

async fn call(
    harness: &Harness,
    caller: &str,
    operation: &str,
    input: Value,
) -> Result<Value, CallError> {
    let call = Call {
        service: Service::Sqs,
        operation: operation.to_owned(),
        input,
        caller: caller.to_owned(),
    };
    harness.region.call(call).await
}

/// Sends a claim as the signup service; that it may not is in the journal.
async fn signs_up(harness: &Harness, claim: &Value, deduplication_id: &str) {
    let input = json!({
        "QueueUrl": harness.queue("ProvisionQueue"),
        "MessageBody": claim.to_string(),
        "MessageGroupId": harness.pool,
        "MessageDeduplicationId": deduplication_id,
    });
    let _ = call(harness, SIGNUP, "SendMessage", input).await;
}

async fn reads_an_outcome(harness: &Harness) {
    let url = harness.queue("OutcomeQueue");
    let input = |more: Value| {
        let mut input = json!({ "QueueUrl": url });
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        input
    };
    let _ = call(harness, READER, "GetQueueAttributes", input(json!({}))).await;
    let received = call(harness, READER, "ReceiveMessage", input(json!({}))).await;
    let received = received.unwrap_or_default();
    let handle = json!({ "ReceiptHandle": received["Messages"][0]["ReceiptHandle"] });
    let mut hold = handle.clone();
    hold["VisibilityTimeout"] = 60.into();
    let _ = call(harness, READER, "ChangeMessageVisibility", input(hold)).await;
    let _ = call(harness, READER, "DeleteMessage", input(handle)).await;
}

/// Somebody of the account, who may do everything, tries InitQueue.
async fn intrudes(harness: &Harness) -> bool {
    let input = json!({
        "QueueUrl": harness.queue("InitQueue"),
        "MessageBody": "{}",
        "MessageGroupId": "i-0123456789abcdef0",
        "MessageDeduplicationId": "intruder",
    });
    call(harness, "somebody", "SendMessage", input)
        .await
        .is_ok()
}

/// An event of an alarm on a group.
fn alarm(harness: &Harness, group: &str) {
    let detail = json!({
        "alarmName": format!("grow-{group}"),
        "state": { "value": "ALARM" },
        "configuration": { "metrics": [{ "metricStat": { "metric": {
            "namespace": "AWS/EC2",
            "name": "CPUUtilization",
            "dimensions": { "AutoScalingGroupName": group },
        }, "period": 60, "stat": "Average" } }] },
    });
    harness.region.with(|world| {
        let kind = "CloudWatch Alarm State Change";
        events::put(world, "aws.cloudwatch", kind, Vec::new(), detail);
    });
}

/// An end of a command that no rule's target can take: it names no instance.
fn undeliverable(harness: &Harness) {
    let document = harness.region.stack().reference("ScriptDocument");
    let detail = json!({ "document-name": document, "status": "Success" });
    harness.region.with(|world| {
        let kind = "EC2 Command Invocation Status-change Notification";
        events::put(world, "aws.ssm", kind, Vec::new(), detail);
    });
}

/// Somebody takes the tag away from the machines that leave the pool now.
fn untag_what_is_detached(world: &mut World, pool: &str) {
    let members = world.autoscaling.groups[pool].members.iter();
    let leaving: Vec<String> = members
        .filter(|(_, member)| member.lifecycle == Lifecycle::Detaching)
        .map(|(instance, _)| instance.clone())
        .collect();
    for instance in leaving {
        let machine = world.compute.instances.get_mut(&instance);
        machine.unwrap().tags.remove("ready-pool:stack");
    }
}

/// What is on its way out of the pool is in service there again.
fn take_detach_back(world: &mut World, pool: &str) {
    let members = &mut world.autoscaling.groups.get_mut(pool).unwrap().members;
    for member in members.values_mut() {
        if member.lifecycle == Lifecycle::Detaching {
            member.lifecycle = Lifecycle::InService;
        }
    }
}

/// An entry that has served its time.
fn old_entry(harness: &Harness) {
    harness.region.with(|world| {
        let group = world.autoscaling.groups.get_mut("asg-1").unwrap();
        let tag = region::autoscaling::Tag {
            value: "v1 i-0123456789abcdef0 1 ready 2026-11-21T20:00:00Z".to_owned(),
            propagate_at_launch: false,
        };
        group
            .tags
            .insert("ready-pool:claim/long-ago".to_owned(), tag);
    });
}

fn command_rule_is_enabled(harness: &Harness, enabled: bool) {
    let rule = harness.region.stack().reference("CommandFinishedRule");
    harness.region.with(|world| {
        world.events.rules.get_mut(rule).unwrap().enabled = enabled;
    });
}

fn set_group_paths(harness: &Harness, paths: GroupPaths) {
    let set = |world: &mut World| world.settings.group_paths = paths;
    harness.region.with(set);
}

/// The tour is over early: it showed what it is for.
struct Enough;

/// Lets time pass, until what was refused is enough.
async fn pass(
    harness: &Harness,
    duration: Duration,
    enough: &impl Fn(&BTreeSet<Refused>) -> bool,
) -> Result<(), Enough> {
    const STEP: Duration = Duration::from_secs(2);
    let end = harness.now() + duration;
    while harness.now() < end {
        if harness.region.read(|world| enough(world.iam.refused())) {
            return Err(Enough);
        }
        harness.pass(STEP).await;
    }
    Ok(())
}

/// Everything that the stack does, at fixed times: a run that is refused something goes on.
pub(super) async fn tour(
    builder: HarnessBuilder,
    enough: impl Fn(&BTreeSet<Refused>) -> bool,
) -> Toured {
    let harness = match builder.try_start() {
        Ok(harness) => harness,
        Err(error) => {
            return Toured {
                not_started: Some(error.to_string()),
                ..Toured::default()
            };
        }
    };
    add_users(&harness);
    let mut intruded = false;
    // Nothing more to do when it ends early.
    let _ = play(&harness, &mut intruded, &enough).await;
    let endings = harness
        .outcomes()
        .into_iter()
        .map(|outcome| (outcome.claim_id.unwrap_or_default(), outcome.outcome))
        .collect();
    let toured = harness.region.read(|world| Toured {
        not_started: None,
        denied: world.iam.refused().clone(),
        intruded,
        endings,
        uses: world.iam.uses().clone(),
        allowed: world.iam.allowed(),
    });
    harness.stop().await;
    toured
}

async fn play(
    harness: &Harness,
    intruded: &mut bool,
    enough: &impl Fn(&BTreeSet<Refused>) -> bool,
) -> Result<(), Enough> {
    let minutes = |minutes: u64| pass(harness, Duration::from_mins(minutes), enough);
    // The first suspension fails, as far as the schedule can see: its role keeps that.
    harness.break_next(Fault::nth(
        Calls::of(Service::AutoScaling, "SuspendProcesses"),
        1,
        Moment::AfterTheEffect,
        Failure::Internal,
    ));
    // The ends of commands come in another message group than their instances', for a while.
    set_group_paths(harness, GroupPaths::AsTheyStand);
    minutes(4).await?;
    for name in ["asg-1", "asg-2"] {
        harness.create(Target::named(name)).await;
    }
    harness.create(Target::named("asg-3").not_opted_in()).await;
    harness
        .create(Target::named("asg-4").zones(&["eu-west-1a"]))
        .await;
    let with_script = |claim_id: &str, script: &str| with_script(harness, claim_id, script);

    // A claim, sent again while its script runs.
    let mut normal = with_script("normal", "bash /opt/init.sh");
    normal["protect"] = true.into();
    signs_up(harness, &normal, "normal").await;
    pass(harness, Duration::from_secs(6), enough).await?;
    signs_up(harness, &normal, "normal-again").await;
    // One whose script fails: its machine is retired.
    signs_up(harness, &with_script("broken", "bash fails.sh"), "broken").await;
    // One for a group that does not exist yet.
    let mut signup = claim("signup", "made-1");
    signup["create_target"] = json!({ "max_size": 4, "tags": { "org": "1337" } });
    signup["expires_at"] = harness.in_future(Duration::from_hours(2)).into();
    signs_up(harness, &signup, "signup").await;
    // One for a group that did not opt in.
    signs_up(harness, &claim("rejected", "asg-3"), "rejected").await;
    minutes(2).await?;

    // One whose first instance loses its tag before it is sent its command. Its hand-over comes again, for a
    // call fails for which the SDK has no second try.
    harness.break_next(Fault::nth(
        Calls::of(Service::Ssm, "ListCommands").by("ready-pool-init-instance"),
        1,
        Moment::BeforeTheEffect,
        Failure::Error(CallError::sender("InvalidCommandId", "no such command")),
    ));
    signs_up(
        harness,
        &with_script("another", "bash /opt/init.sh"),
        "another",
    )
    .await;
    pass(harness, Duration::from_secs(2), enough).await?;
    harness
        .region
        .with(|world| untag_what_is_detached(world, &harness.pool));
    minutes(3).await?;

    // One of which no event reports the end; an alarm's; and an event that nobody can take.
    set_group_paths(harness, GroupPaths::Followed);
    command_rule_is_enabled(harness, false);
    signs_up(
        harness,
        &with_script("silent", "bash /opt/init.sh"),
        "silent",
    )
    .await;
    minutes(3).await?;
    command_rule_is_enabled(harness, true);
    alarm(harness, "asg-2");
    undeliverable(harness);
    old_entry(harness);
    *intruded = intrudes(harness).await;
    reads_an_outcome(harness).await;
    minutes(2).await?;

    // One whose instance is attached after its init, and whose detach is taken back meanwhile.
    let mut late = with_script("late", "bash /opt/init.sh");
    late["attach_when"] = json!("after_init");
    signs_up(harness, &late, "late").await;
    pass(harness, Duration::from_secs(2), enough).await?;
    harness
        .region
        .with(|world| take_detach_back(world, &harness.pool));
    minutes(2).await?;

    // Another one, whose script's end is not heard: its target may have had it, and have taken it out.
    command_rule_is_enabled(harness, false);
    let mut unheard = with_script("unheard", "bash /opt/init.sh");
    unheard["attach_when"] = json!("after_init");
    signs_up(harness, &unheard, "unheard").await;
    minutes(3).await?;
    command_rule_is_enabled(harness, true);

    more_than_are_ready(harness, enough).await?;

    // Somebody changes the pool's size; then an agent dies.
    let input = json!({ "AutoScalingGroupName": harness.pool, "DesiredCapacity": 2 });
    let _ = harness
        .call(Service::AutoScaling, "SetDesiredCapacity", input)
        .await;
    minutes(3).await?;
    if let Some(member) = harness.in_service(&harness.pool).first().cloned() {
        harness
            .region
            .with(|world| compute::kill_agent(world, &member));
    }
    minutes(16).await
}

async fn more_than_are_ready(
    harness: &Harness,
    enough: &impl Fn(&BTreeSet<Refused>) -> bool,
) -> Result<(), Enough> {
    let minutes = |minutes: u64| pass(harness, Duration::from_mins(minutes), enough);
    let with_script = |claim_id: &str, script: &str| with_script(harness, claim_id, script);
    // More than are ready, of those that would not wait.
    for n in 0..HASTY {
        let claim_id = format!("hasty-{n}");
        let mut hasty = with_script(&claim_id, "bash /opt/init.sh");
        hasty["when_empty"] = json!("reject");
        signs_up(harness, &hasty, &claim_id).await;
    }
    minutes(2).await?;

    // More than are ready in a zone, and one behind them: they step aside for it, and the pool grows for them.
    for n in 0..ZONAL {
        let claim_id = format!("zonal-{n}");
        let mut zonal = with_script(&claim_id, "bash /opt/init.sh");
        zonal["target_group"] = "asg-4".into();
        signs_up(harness, &zonal, &claim_id).await;
    }
    pass(harness, Duration::from_secs(3), enough).await?;
    signs_up(
        harness,
        &with_script("behind", "bash /opt/init.sh"),
        "behind",
    )
    .await;
    minutes(6).await
}

fn with_script(harness: &Harness, claim_id: &str, script: &str) -> Value {
    let mut claim = claim(claim_id, "asg-1");
    claim["init"]["commands"] = json!([script]);
    claim["expires_at"] = harness.in_future(Duration::from_hours(2)).into();
    claim
}
