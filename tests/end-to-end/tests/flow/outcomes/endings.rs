//! Every way a claim can end, as the caller reads it.

use super::caller::{Caller, Heard};
use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::ids::InstanceId;
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::reason::Reason;
use region::api::{Call, CallError, Service};
use region::commands::{CommandRun, Pretence};
use region::compute;
use region::faults::Fault;
use region::journal::Happening;
use region::settings::Spread;
use region::world::World;
use serde_json::{Value, json};
use std::time::Duration;
use time::format_description::well_known::Rfc3339;

/// The outcome in one line: what programs look at.
fn in_brief(heard: &Heard) -> String {
    let outcome = &heard.outcome;
    for (attribute, value) in &heard.attributes {
        assert_eq!(outcome[attribute], *value, "attribute and body disagree");
    }
    assert!(heard.attributes.contains_key("outcome") && heard.attributes.contains_key("reason"));
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let ending = format!("{} {}", text(&outcome["outcome"]), text(&outcome["reason"]));
    let command = &outcome["command"];
    if command.is_null() {
        return ending;
    }
    let (detail, exit_code) = (text(&command["status_detail"]), &command["exit_code"]);
    format!("{ending}: {detail} {exit_code}")
}

async fn heard(harness: &Harness, claim_id: &str) -> String {
    in_brief(&Caller::of(harness).hear(claim_id).await)
}

async fn ready(builder: HarnessBuilder) -> Harness {
    let harness = builder.start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    harness
}

fn slow(_: &CommandRun) -> Pretence {
    Pretence {
        takes: Some(Duration::from_mins(2)),
        ..Pretence::default()
    }
}

/// The end, once what failed is retired.
async fn end(harness: Harness) {
    harness.pass(Duration::from_mins(5)).await;
    harness.end().await;
}

/// Waits until the claim's script runs; answers the command and its instance.
async fn running(harness: &Harness) -> (String, String) {
    let started = |world: &World| {
        world.journal.entries().find_map(|entry| match &entry.what {
            Happening::CommandStarted {
                instance,
                command_id,
            } => Some((command_id.clone(), instance.clone())),
            _ => None,
        })
    };
    harness
        .until("a script runs", |world| started(world).is_some())
        .await;
    harness.region.read(started).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_script_decides() {
    let harness = Harness::builder().pool_size(3).scripts(|run: &CommandRun| {
        let of = |name: &str| {
            run.script
                .starts_with(&format!("# ready-pool: claim {name}@"))
        };
        Pretence {
            exit_code: if of("fails") { 7 } else { 0 },
            takes: of("slow").then_some(Duration::from_hours(1)),
            ..Pretence::default()
        }
    });
    let harness = harness.start();
    harness.pool_is_ready(3).await;
    harness.create(Target::named("asg-1")).await;
    for (claim_id, expected) in [
        ("good", "ready initialised: Success 0"),
        ("fails", "failed script_failed: Failed 7"),
        ("slow", "failed script_timed_out: ExecutionTimedOut 137"),
    ] {
        let mut message = claim(claim_id, "asg-1");
        message["init"]["execution_timeout_seconds"] = json!(30);
        harness.send(&message).await;
        assert_eq!(heard(&harness, claim_id).await, expected);
    }
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_agent_a_dead_machine_and_a_cancelled_command_have_reasons_of_their_own() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    let silent = harness.in_service(&harness.pool)[0].clone();
    harness
        .region
        .with(|world| compute::kill_agent(world, &silent));
    let mut message = claim("silent", "asg-1");
    // Past it the claim does not go on with another one.
    message["expires_at"] = harness.in_future(Duration::from_secs(30)).into();
    harness.send(&message).await;
    let expected = "failed not_delivered: DeliveryTimedOut null";
    assert_eq!(heard(&harness, "silent").await, expected);
    end(harness).await;

    let harness = ready(Harness::builder().scripts(slow)).await;
    harness.send(&claim("dead", "asg-1")).await;
    let (_, instance) = running(&harness).await;
    harness
        .region
        .with(|world| compute::kill_instance(world, &instance));
    let expected = "failed not_delivered: Terminated null";
    assert_eq!(heard(&harness, "dead").await, expected);
    end(harness).await;

    let harness = ready(Harness::builder().scripts(slow)).await;
    harness.send(&claim("cancelled", "asg-1")).await;
    let (command, _) = running(&harness).await;
    let cancel = json!({ "CommandId": command });
    harness
        .call(Service::Ssm, "CancelCommand", cancel)
        .await
        .unwrap();
    let expected = "failed cancelled: Cancelled null";
    assert_eq!(heard(&harness, "cancelled").await, expected);
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_its_tenant_takes_out_meanwhile_is_lost() {
    let harness = ready(Harness::builder().scripts(slow)).await;
    harness.send(&claim("c", "asg-1")).await;
    let (_, instance) = running(&harness).await;
    harness.joins("asg-1", &instance).await;
    let detach = json!({
        "AutoScalingGroupName": "asg-1", "InstanceIds": [instance],
        "ShouldDecrementDesiredCapacity": true,
    });
    harness
        .call(Service::AutoScaling, "DetachInstances", detach)
        .await
        .unwrap();
    // Nobody waits for the end of a script that runs elsewhere.
    let expected = "failed instance_lost: InProgress null";
    assert_eq!(heard(&harness, "c").await, expected);
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_fills_up_meanwhile_refuses() {
    let detach = |settings: &mut region::settings::Settings| {
        settings.timings.detach = Spread::exactly(Duration::from_secs(10));
    };
    let harness = Harness::builder().settings(detach).start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1").max_size(1)).await;
    harness.send(&claim("c", "asg-1")).await;
    harness
        .until("a detach", |world| {
            let mut entries = world.journal.entries();
            entries.any(|entry| matches!(entry.what, Happening::Detaching { .. }))
        })
        .await;
    let grow = json!({ "AutoScalingGroupName": "asg-1", "DesiredCapacity": 1 });
    harness
        .call(Service::AutoScaling, "SetDesiredCapacity", grow)
        .await
        .unwrap();
    assert_eq!(heard(&harness, "c").await, "failed target_refused");
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_stays_empty() {
    let harness = Harness::builder().pool_size(0).start();
    harness.create(Target::named("asg-1")).await;
    let mut hasty = claim("hasty", "asg-1");
    hasty["when_empty"] = json!("reject");
    harness.send(&hasty).await;
    assert_eq!(heard(&harness, "hasty").await, "rejected pool_empty");
    let mut patient = claim("patient", "asg-1");
    patient["expires_at"] = harness.in_future(Duration::from_mins(2)).into();
    harness.send(&patient).await;
    assert_eq!(heard(&harness, "patient").await, "failed expired");
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn three_instances_that_cannot_be_sent_a_command() {
    let harness = ready(Harness::builder()).await;
    for _ in 0..3 {
        harness.break_next(Fault::next(
            Service::Ssm,
            "SendCommand",
            CallError::sender("InvalidInstanceId", "Instances not in a valid state"),
        ));
    }
    harness.send(&claim("c", "asg-1")).await;
    let mut caller = Caller::of(&harness);
    let outcome = caller.hear("c").await;
    assert_eq!(in_brief(&outcome), "failed attempts_exhausted");
    assert_eq!(outcome.outcome["attempt"], 3);
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_tried_is_rejected_with_what_to_correct() {
    let harness = Harness::with_ready_pool(2).await;
    for target in [
        Target::named("asg-1"),
        Target::named("asg-full").max_size(0),
        Target::named("asg-stranger").not_opted_in(),
        Target::named("asg-far").zones(&["eu-west-1f"]),
        Target::named("asg-elsewhere").in_another_vpc(),
        Target::named("asg-closed"),
        Target::named("asg-tagged"),
    ] {
        harness.create(target).await;
    }
    let suspend = json!({ "AutoScalingGroupName": "asg-closed", "ScalingProcesses": ["Launch"] });
    harness
        .call(Service::AutoScaling, "SuspendProcesses", suspend)
        .await
        .unwrap();
    let open = Entry {
        instance: InstanceId::try_from("i-0123456789abcdef0").ok(),
        attempt: 1,
        standing: Standing::Assigned,
        expires_at: harness.now() + Duration::from_hours(3),
        instead_of: None,
    };
    let tags: Vec<Value> = (0..49)
        .map(|number| {
            json!({ "ResourceId": "asg-tagged", "ResourceType": "auto-scaling-group",
                    "Key": format!("ready-pool:claim/{number}"), "Value": open.to_string(),
                    "PropagateAtLaunch": false })
        })
        .collect();
    for tags in tags.chunks(25) {
        let input = json!({ "Tags": tags });
        harness
            .call(Service::AutoScaling, "CreateOrUpdateTags", input)
            .await
            .unwrap();
    }

    let mut caller = Caller::of(&harness);
    for (target, reason) in [
        ("asg-nowhere", "unknown_target"),
        ("asg-stranger", "not_opted_in"),
        (harness.pool.as_str(), "target_is_ours"),
        ("asg-full", "target_full"),
        ("asg-far", "no_common_zone"),
        ("asg-elsewhere", "no_common_subnet"),
        ("asg-closed", "target_suspended"),
        ("asg-tagged", "too_many_open_claims"),
    ] {
        harness.send(&claim(reason, target)).await;
        let outcome = caller.hear(reason).await;
        assert_eq!(in_brief(&outcome), format!("rejected {reason}"));
    }
    let body = claim("stray", "asg-1").to_string();
    harness.send_as(body, "stray", "stray").await;
    let outcome = caller.hear("stray").await;
    assert_eq!(in_brief(&outcome), "rejected wrong_message_group");
    let mut misspelt = claim("misspelt", "asg-1");
    misspelt["when_emtpy"] = json!("wait");
    harness.send(&misspelt).await;
    let outcome = caller.hear("misspelt").await;
    assert_eq!(in_brief(&outcome), "rejected malformed");

    // What a consumer that only cares for one target, or one reason, gets to see.
    assert_eq!(caller.with("target_group", "asg-full").len(), 1);
    assert_eq!(caller.with("reason", "malformed").len(), 1);
    assert_eq!(caller.with("outcome", "rejected").len(), 10);
    harness.stop().await;
}

/// What a claim that was begun hears of its target, whoever says it: the reason's own words, and what
/// to do.
#[tokio::test(start_paused = true)]
async fn a_look_at_a_settled_claim_says_what_to_do_and_so_does_the_claim_sent_again() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    let deadline = harness.now() - Duration::from_secs(1);
    let mut caller = Caller::of(&harness);
    let reasons = [Reason::TargetFull, Reason::NotOptedIn, Reason::PoolEmpty];
    for (before, reason) in reasons.into_iter().enumerate() {
        let code = reason.code();
        let entry = Entry {
            instance: None,
            attempt: 2,
            standing: Standing::Failed(reason),
            expires_at: deadline,
            instead_of: None,
        };
        let tags = json!([{ "ResourceId": "asg-1", "ResourceType": "auto-scaling-group",
            "Key": format!("ready-pool:claim/{code}"), "Value": entry.to_string(),
            "PropagateAtLaunch": false }]);
        harness
            .call(
                Service::AutoScaling,
                "CreateOrUpdateTags",
                json!({ "Tags": tags }),
            )
            .await
            .unwrap();
        let look = json!({ "ready_pool": "look-again", "version": 1, "claim_id": code,
            "target_group": "asg-1", "attempt": 2,
            "expires_at": deadline.format(&Rfc3339).unwrap() });
        let input = json!({ "QueueUrl": harness.queue("InitQueue"), "MessageGroupId": code,
            "MessageDeduplicationId": code, "MessageBody": look.to_string() });
        // The queue takes our own messages only.
        let sent = Call {
            service: Service::Sqs,
            operation: "SendMessage".to_owned(),
            input,
            caller: "ready-pool-replenish-pool".to_owned(),
        };
        harness.region.call(sent).await.unwrap();
        let heard = caller.hear(code).await;
        assert_eq!(heard.outcome["message"], reason.sentence());
        assert_eq!(in_brief(&heard), format!("failed {code}"));
        // (The caller drops repeats.)
        harness.send(&claim(code, "asg-1")).await;
        let again = harness.outcomes_come(2 * before + 2).await.pop().unwrap();
        assert!(again.message.contains(&reason.sentence()), "{again:?}");
    }
    harness.stop().await;
}

#[test]
fn every_reason_has_its_line_in_the_docs() {
    let docs = include_str!("../../../../../docs/outcomes.md");
    for reason in Reason::ALL {
        let (code, means) = (reason.code(), reason.means());
        let row = format!(
            "| `{code}` | {means} | {} |",
            reason.advice().unwrap_or("nothing")
        );
        assert!(
            docs.lines().any(|line| line == row),
            "docs/outcomes.md wants the line\n{row}"
        );
    }
}
