//! Least privilege: a tour of everything that the stack does uses every permission that the
//! template gives, and no run gets by without one of them.

mod tour;

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use region::api::{Call, Service};
use region::iam::{self, Effect, Policy, Refused, Statement, Use};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use tour::{HASTY, ZONAL, builder, tour};

/// What nothing in the region does, and why it is allowed all the same.
const NOT_PLAYED: [(&str, &str); 1] = [(
    "ec2messages:FailMessage",
    "an agent says it of a message that is no command; Systems Manager alone could send one",
)];

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
    assert_eq!(ended("unheard"), Some(Ending::Ready));
    assert_eq!(
        toured.endings.len(),
        10 + ZONAL + HASTY,
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
