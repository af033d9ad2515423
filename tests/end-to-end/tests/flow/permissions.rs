//! Least privilege: a tour of everything that the stack does uses every permission that the
//! template gives, and no run gets by without one of them.

use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::outcome::Ending;
use region::api::{Call, CallError, Service};
use region::autoscaling::Lifecycle;
use region::faults::{Calls, Failure, Fault, Moment};
use region::iam::{self, Effect, Policy, Refused, Statement, Use};
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

/// What nothing in the region does, and why it is allowed all the same.
const NOT_PLAYED: [(&str, &str); 1] = [(
    "ec2messages:FailMessage",
    "an agent says it of a message that is no command; Systems Manager alone could send one",
)];

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
const HASTY: usize = 8;

/// So many claims for one zone are not, either.
const ZONAL: usize = 8;

/// What a tour came to.
#[derive(Default)]
struct Toured {
    /// Why the template could not even be started.
    not_started: Option<String>,
    denied: BTreeSet<Refused>,
    /// Whether somebody of the account got a message of their own into InitQueue.
    intruded: bool,
    /// Which claims ended how.
    endings: Vec<(String, Ending)>,
    uses: BTreeSet<Use>,
    allowed: BTreeSet<Use>,
}

fn builder() -> HarnessBuilder {
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
async fn tour(builder: HarnessBuilder, enough: impl Fn(&BTreeSet<Refused>) -> bool) -> Toured {
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

#[tokio::test(start_paused = true)]
async fn everything_that_is_allowed_is_used_and_everything_that_is_used_is_allowed() {
    let toured = tour(builder(), |_| false).await;
    assert_eq!(toured.not_started, None);
    let ended = |claim_id: &str| {
        let mut endings = toured.endings.iter();
        endings
            .find(|(claim, _)| claim == claim_id)
            .map(|(_, ending)| *ending)
    };
    assert_eq!(ended("normal"), Some(Ending::Ready));
    assert_eq!(ended("broken"), Some(Ending::Failed));
    assert_eq!(ended("signup"), Some(Ending::Ready));
    assert_eq!(ended("rejected"), Some(Ending::Rejected));
    assert_eq!(ended("another"), Some(Ending::Ready));
    assert_eq!(ended("silent"), Some(Ending::Ready));
    assert_eq!(ended("late"), Some(Ending::Ready));
    assert_eq!(
        toured.endings.len(),
        9 + ZONAL + HASTY,
        "{:#?}",
        toured.endings
    );
    let hasty: BTreeSet<&str> = (toured.endings.iter())
        .filter(|(claim, _)| claim.starts_with("hasty"))
        .map(|(_, ending)| ending.code())
        .collect();
    assert_eq!(hasty, BTreeSet::from(["ready", "rejected"]));

    let intruder = |denied: &&Refused| denied.principal == "administrator";
    let denied: Vec<&Refused> = toured.denied.iter().filter(|one| !intruder(one)).collect();
    // On the machine that has lost its tag.
    let (untagged, denied): (Vec<&Refused>, Vec<&Refused>) = denied
        .into_iter()
        .partition(|one| one.action == "ssm:SendCommand" && one.resource.contains(":instance/"));
    assert_eq!(untagged.len(), 1, "{untagged:#?}");
    assert!(denied.is_empty(), "used, but not allowed: {denied:#?}");
    assert!(!toured.intruded);

    let unused: Vec<&Use> = toured
        .allowed
        .difference(&toured.uses)
        .filter(|allowed| {
            !NOT_PLAYED
                .iter()
                .any(|(action, _)| *action == allowed.action)
        })
        .collect();
    assert!(unused.is_empty(), "allowed, but never used: {unused:#?}");
    for (action, why) in NOT_PLAYED {
        let used = toured.uses.iter().any(|one| one.action == action);
        assert!(!used, "{action} is used: it need not be excused ({why})");
    }
}

/// Tags of the pool pause it, size it and bind it to the stack: each function writes its own by name.
#[tokio::test(start_paused = true)]
async fn on_the_pool_each_function_writes_its_own_tags_only() {
    let harness = builder().start();
    let write = async |function: &str, keys: &[&str]| {
        let tags = keys.iter().map(|key| {
            json!({ "ResourceType": "auto-scaling-group", "ResourceId": harness.pool,
                    "PropagateAtLaunch": false, "Key": key, "Value": "v1 1" })
        });
        let call = Call {
            service: Service::AutoScaling,
            operation: "CreateOrUpdateTags".to_owned(),
            input: json!({ "Tags": tags.collect::<Vec<_>>() }),
            caller: format!("ready-pool-{function}"),
        };
        let answer = harness.region.call(call).await;
        answer.map_err(|error| error.code).err()
    };
    let denied = Some("AccessDenied".to_owned());
    for key in [
        "ready-pool:size",
        "ready-pool:demand/week-2",
        "ready-pool:own",
    ] {
        assert_eq!(write("replenish-pool", &[key]).await, None, "{key}");
        assert_eq!(write("claim-instance", &[key]).await, denied, "{key}");
    }
    for key in ["ready-pool:waited", "ready-pool:lacking/eu-west-1a"] {
        assert_eq!(write("claim-instance", &[key]).await, None, "{key}");
        assert_eq!(write("init-instance", &[key]).await, denied, "{key}");
    }
    for key in [
        "ready-pool:waited",
        "ready-pool:lacking/eu-west-1a",
        "ready-pool:pause",
        "ready-pool:demand/week-3",
        "Name",
    ] {
        let keys = ["ready-pool:size", key];
        assert_eq!(write("replenish-pool", &keys).await, denied, "{key}");
    }
    for key in ["ready-pool:claim/a", "ready-pool:pool"] {
        let keys = ["ready-pool:waited", key];
        assert_eq!(write("claim-instance", &keys).await, denied, "{key}");
        assert_eq!(write("init-instance", &[key]).await, denied, "{key}");
    }
    harness.stop().await;
}

/// Every policy of the template, as the region has it.
fn policies(harness: &Harness) -> Vec<Policy> {
    let iam_of = |world: &region::world::World| {
        let of_roles = world.iam.roles.values();
        let of_roles = of_roles.flat_map(|role| role.policies.iter().chain([&role.trust]));
        let of_resources = world.iam.resource_policies.values().flatten();
        of_roles
            .chain(of_resources)
            .chain(world.iam.managed_policies.values())
            .cloned()
            .collect()
    };
    harness.region.read(iam_of)
}

/// The statements that the template itself has; SAM makes the permissions of a function's own rules.
fn statements(harness: &Harness) -> Vec<(String, Statement)> {
    let resources = &harness.region.stack().resources;
    let mut statements = Vec::new();
    for policy in policies(harness) {
        if resources.contains_key(&policy.owner) {
            let owner = policy.owner;
            let of_policy = policy.statements.into_iter();
            statements.extend(of_policy.map(|statement| (owner.clone(), statement)));
        }
    }
    statements
}

#[tokio::test(start_paused = true)]
async fn every_statement_has_a_name_and_no_wider_resource_than_aws_allows() {
    let harness = builder().start();
    let statements = statements(&harness);
    harness.stop().await;
    assert!(statements.len() > 30, "{}", statements.len());
    for (owner, statement) in statements {
        let Statement {
            sid,
            actions,
            resources,
            ..
        } = &statement;
        assert!(!sid.starts_with('#'), "{owner}: a statement without Sid");
        for action in actions {
            assert!(!action.contains(['*', '?']), "{owner}/{sid}: {action}");
            assert!(
                !(iam::knows_resources(action) && resources.iter().any(|one| one == "*")),
                "{owner}/{sid}: {action} on everything"
            );
        }
    }
}

/// The template without one statement.
fn without(template: &str, owner: &str, sid: &str) -> String {
    let mut kept = Vec::new();
    let (mut in_owner, mut dropping, mut found) = (false, None, 0);
    for line in template.lines() {
        let indentation = line.len() - line.trim_start().len();
        if indentation == 2 && line.ends_with(':') {
            in_owner = line.trim() == format!("{owner}:");
        }
        if let Some(level) = dropping
            && !line.is_empty()
            && indentation <= level
        {
            dropping = None;
        }
        if in_owner && line.trim() == format!("- Sid: {sid}") {
            dropping = Some(indentation);
            found += 1;
        }
        if dropping.is_none() {
            kept.push(line);
        }
    }
    assert_eq!(found, 1, "statement {sid} of {owner} in the template");
    kept.join("\n") + "\n"
}

/// Whether a refusal says that this statement is missing.
fn tells_of(denied: &Refused, role: &str, owner: &str, statement: &Statement) -> bool {
    let whose = match owner {
        "SendClaimsPolicy" => denied.principal.ends_with(":user/signup"),
        "ReadOutcomesPolicy" => denied.principal.ends_with(":user/reader"),
        "MakeTargetsPolicy" | "PassTargetRolesPolicy" => {
            let role = ":assumed-role/ready-pool-ClaimInstanceRole/";
            denied.principal.contains(role)
        }
        owner if owner.ends_with("QueuePolicy") => denied.principal == "events.amazonaws.com",
        _ => denied.principal.contains(&format!(":assumed-role/{role}/")),
    };
    whose && statement.actions.contains(&denied.action)
}

/// The whole tour for each statement: so the statements are dealt out to several tests.
async fn remove_each(part: usize, parts: usize) {
    let harness = builder().start();
    let statements = statements(&harness);
    let role = |owner: &str| harness.region.stack().reference(owner).to_owned();
    let mut unnoticed = Vec::new();
    for (index, (owner, statement)) in statements.iter().enumerate() {
        if index % parts != part {
            continue;
        }
        let name = format!("{owner}/{}", statement.sid);
        let changed = builder().template(|text| without(text, owner, &statement.sid));
        let tells = |denied: &&Refused| tells_of(denied, &role_of(&role, owner), owner, statement);
        let toured = tour(changed, |refused| refused.iter().any(|one| tells(&one))).await;
        let notices: Vec<String> = match (&toured.not_started, statement.effect) {
            (Some(error), _) => {
                let says = |action: &String| error.contains(action.as_str());
                let said =
                    statement.actions.iter().any(says) && error.contains(&role_of(&role, owner));
                said.then(|| error.clone()).into_iter().collect()
            }
            (None, Effect::Deny) => {
                let text = "a message of somebody else's got into the queue".to_owned();
                toured.intruded.then_some(text).into_iter().collect()
            }
            (None, Effect::Allow) => toured
                .denied
                .iter()
                .filter(tells)
                .map(|denied| {
                    format!(
                        "{} may not {} on {}",
                        denied.principal, denied.action, denied.resource
                    )
                })
                .collect(),
        };
        println!(
            "{name}: {}",
            notices.first().map_or("NOT NOTICED", String::as_str)
        );
        if notices.is_empty() {
            unnoticed.push(name);
        }
    }
    harness.stop().await;
    assert!(unnoticed.is_empty(), "nobody misses {unnoticed:?}");
}

fn role_of(role: &impl Fn(&str) -> String, owner: &str) -> String {
    if owner.ends_with("Role") {
        role(owner)
    } else {
        owner.to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn no_statement_can_be_removed_without_a_refusal_that_names_it_1() {
    remove_each(0, 2).await;
}

#[tokio::test(start_paused = true)]
async fn no_statement_can_be_removed_without_a_refusal_that_names_it_2() {
    remove_each(1, 2).await;
}

/// Gives all permissions back, as an operator who mends the stack.
async fn mend(harness: &Harness) {
    let whole = builder().start();
    let (roles, managed, resources) = whole.region.read(|world| {
        let iam = &world.iam;
        (
            iam.roles.clone(),
            iam.managed_policies.clone(),
            iam.resource_policies.clone(),
        )
    });
    whole.stop().await;
    harness.region.with(|world| {
        world.iam.roles = roles;
        world.iam.managed_policies = managed;
        world.iam.resource_policies = resources;
    });
}

#[tokio::test(start_paused = true)]
async fn no_claim_is_lost_while_a_permission_is_missing() {
    let whole = builder().start();
    let statements = statements(&whole);
    whole.stop().await;
    let mut held_up = 0;
    for (owner, statement) in statements {
        let carries_claims = matches!(
            owner.as_str(),
            "ClaimInstanceRole" | "InitInstanceRole" | "InitQueuePolicy"
        );
        if !carries_claims || matches!(statement.sid.as_str(), "WriteLogs" | "WriteTraces") {
            continue;
        }
        let Ok(harness) = builder()
            .template(|text| without(text, &owner, &statement.sid))
            .try_start()
        else {
            continue;
        };
        harness.pool_is_ready(3).await;
        harness.create(Target::named("asg-1")).await;
        let mut message = claim("signup-1", "asg-1");
        message["expires_at"] = harness.in_future(Duration::from_hours(2)).into();
        harness.send(&message).await;
        harness.pass(Duration::from_mins(4)).await;
        let ended = !harness.outcomes().is_empty();
        held_up += usize::from(!ended);
        mend(&harness).await;
        let outcome = harness.outcome("signup-1").await;
        let name = format!("{owner}/{}", statement.sid);
        assert_eq!(outcome.outcome, Ending::Ready, "{name}: {outcome:?}");
        harness.pass(Duration::from_mins(2)).await;
        let violations = harness.violations();
        assert!(violations.is_empty(), "{name}: {violations:#?}");
        harness.stop().await;
    }
    assert!(held_up >= 6, "only {held_up} were held up");
}
