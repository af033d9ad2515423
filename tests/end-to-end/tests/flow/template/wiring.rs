//! What must arrive where, found out by sending it.

use super::bench::Bench;
use region::autoscaling::AutoScaling;
use serde_json::{Value, json};
use std::time::Duration;

/// The stack's own.
const DOCUMENT: &str = "ready-pool-init";
const FIVE_SECONDS: Duration = Duration::from_secs(5);

/// Everything that is wrong with the wiring of a template, each with the name of the part that
/// fails to do its work.
pub(crate) async fn problems(template: &str) -> Vec<String> {
    let mut problems = Vec::new();
    match Bench::start(template) {
        Ok(bench) => {
            mappings(&bench, &mut problems).await;
            rules(&bench, &mut problems).await;
            schedules(&bench, &mut problems).await;
            lost_targets(&bench, &mut problems).await;
            bench.region.stop().await;
        }
        Err(error) => return vec![error],
    }
    match Bench::start_failing(template) {
        Ok(bench) => {
            poison(&bench, &mut problems).await;
            bench.region.stop().await;
        }
        Err(error) => problems.push(error),
    }
    problems
}

/// A message on a queue gets its function invoked.
async fn mappings(bench: &Bench, problems: &mut Vec<String>) {
    for (queue, function, event) in [
        ("ProvisionQueue", "ClaimInstanceFunction", "Provision"),
        ("InitQueue", "InitInstanceFunction", "Init"),
    ] {
        bench.forget();
        bench.send(queue, "a message");
        bench.pass(FIVE_SECONDS).await;
        if !bench.saw(function, |payload| {
            payload["Records"][0]["body"] == "a message"
        }) {
            problems.push(format!(
                "{function}.{event}: a message on {queue} does not come to {function}"
            ));
        }
    }
}

/// An event gets where it belongs, and others do not.
async fn rules(bench: &Bench, problems: &mut Vec<String>) {
    for event in pool_events() {
        bench.forget();
        let kind = event["detail-type"].as_str().expect("a detail-type");
        bench.put("aws.autoscaling", kind, &event["detail"]);
        bench.pass(FIVE_SECONDS).await;
        let function = "ReplenishPoolFunction";
        if !bench.saw(function, |payload| payload["detail-type"] == kind) {
            problems.push(format!(
                "{function}.PoolChanged: {kind} does not come to {function}"
            ));
        }
    }
    for status in ["Success", "Failed", "TimedOut", "Cancelled"] {
        if !command_event_arrives(bench, DOCUMENT, status).await {
            problems.push(format!(
                "CommandFinishedRule: the end of a command ({status}) does not come to InitInstanceFunction"
            ));
        }
    }
    for (document, status) in [(DOCUMENT, "InProgress"), ("AWS-RunShellScript", "Success")] {
        if command_event_arrives(bench, document, status).await {
            problems.push(format!(
                "CommandFinishedRule: lets {document}, {status}, through"
            ));
        }
    }
    bench.forget();
    bench.put("aws.cloudwatch", "CloudWatch Alarm State Change", &alarm());
    bench.pass(FIVE_SECONDS).await;
    let is_a_claim = |payload: &Value| {
        let body = payload["Records"][0]["body"].as_str().unwrap_or_default();
        let claim: Value = serde_json::from_str(body).unwrap_or_default();
        claim["target_group"] == "tenant" && claim["expires_at"]["seconds"] == 900
    };
    if !bench.saw("ClaimInstanceFunction", is_a_claim) {
        problems.push("ScaleOutRule: an alarm does not become a claim".to_owned());
    }
}

/// The files of `events/` that the bus delivers about the pool.
fn pool_events() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
    let mut events: Vec<Value> = std::fs::read_dir(folder)
        .expect("events/ can be listed")
        .map(|file| file.expect("a file").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| std::fs::read_to_string(path).expect("a readable file"))
        .map(|text| serde_json::from_str(&text).expect("JSON"))
        .filter(|event: &Value| event["source"] == "aws.autoscaling")
        .collect();
    events.sort_by_key(|event| event["detail-type"].to_string());
    assert_eq!(events.len(), 7, "launch, terminate, detach, and the hook");
    events
}

async fn command_event_arrives(bench: &Bench, document: &str, status: &str) -> bool {
    bench.forget();
    let instance = "i-0abc1234def567890";
    let detail = json!({
        "command-id": "e8d3c0e4-71f7-4491-898f-c9b35bee5f3b",
        "document-name": document,
        "instance-id": instance,
        "requested-date-time": "2026-11-22T19:59:00.049Z",
        "status": status,
    });
    let kind = "EC2 Command Invocation Status-change Notification";
    bench.put("aws.ssm", kind, &detail);
    bench.pass(FIVE_SECONDS).await;
    bench.saw("InitInstanceFunction", |payload| {
        let record = &payload["Records"][0];
        record["attributes"]["MessageGroupId"] == instance
            && record["body"]
                .as_str()
                .is_some_and(|body| body.contains(status))
    })
}

fn alarm() -> Value {
    let dimensions = json!({ "AutoScalingGroupName": "tenant" });
    json!({
        "alarmName": "grow-tenant",
        "state": {"value": "ALARM"},
        "configuration": {"metrics": [{"metricStat": {"metric": {"dimensions": dimensions}}}]},
    })
}

/// Time alone does what it shall.
async fn schedules(bench: &Bench, problems: &mut Vec<String>) {
    bench.forget();
    bench.pass(Duration::from_secs(65)).await;
    let function = "ReplenishPoolFunction";
    if !bench.saw(function, |payload| {
        payload["detail-type"] == "Scheduled Event"
    }) {
        problems.push(format!(
            "{function}.EveryMinute: {function} is not invoked every minute"
        ));
    }
    for (schedule, output, processes) in [
        ("PoolSuspension", "PoolGroupName", &["AZRebalance"][..]),
        (
            "RetirementSuspension",
            "RetirementGroupName",
            &["AZRebalance", "HealthCheck", "ReplaceUnhealthy"][..],
        ),
    ] {
        let group = &bench.stack().outputs[output];
        for process in processes {
            let suspended = |autoscaling: &AutoScaling| {
                autoscaling.groups[group].suspended.contains_key(*process)
            };
            if !bench.region.read(|world| suspended(&world.autoscaling)) {
                problems.push(format!("{schedule}: {process} of {group} is not suspended"));
            }
        }
    }
}

/// What cannot be delivered lies on the dead-letter queue of its rule.
async fn lost_targets(bench: &Bench, problems: &mut Vec<String>) {
    bench.lose_targets();
    command_event_arrives(bench, DOCUMENT, "Success").await;
    bench.put("aws.cloudwatch", "CloudWatch Alarm State Change", &alarm());
    let event = &pool_events()[0];
    let kind = event["detail-type"].as_str().expect("a detail-type");
    bench.put("aws.autoscaling", kind, &event["detail"]);
    // An hour, for the schedules.
    bench.pass(Duration::from_secs(3_700)).await;
    let mut dead = Vec::new();
    loop {
        let messages = bench.receive("EventsDeadLetterQueue").await;
        if messages.is_empty() {
            break;
        }
        dead.extend(messages);
    }
    for (part, rule) in [
        ("CommandFinishedRule", "rule/ready-pool-command-finished"),
        ("ScaleOutRule", "rule/ready-pool-scale-out"),
        (
            "ReplenishPoolFunction.PoolChanged",
            "rule/ready-pool-pool-changed",
        ),
        (
            "ReplenishPoolFunction.EveryMinute",
            "rule/ready-pool-every-minute",
        ),
        ("PoolSuspension", "PoolSuspension"),
        ("RetirementSuspension", "RetirementSuspension"),
    ] {
        let is_its = |attributes: &std::collections::BTreeMap<String, String>| {
            attributes
                .get("RULE_ARN")
                .is_some_and(|arn| arn.ends_with(rule))
        };
        if !dead.iter().any(|(_, attributes)| is_its(attributes)) {
            problems.push(format!(
                "{part}.DeadLetterConfig: what it cannot deliver is not on EventsDeadLetterQueue"
            ));
        }
    }
}

/// A message that fails forever lies on the dead-letter queue in the end.
async fn poison(bench: &Bench, problems: &mut Vec<String>) {
    let queues = [
        ("ProvisionQueue", "ProvisionDeadLetterQueue"),
        ("InitQueue", "InitDeadLetterQueue"),
    ];
    // Nothing else happens meanwhile.
    bench.region.with(|world| world.events.rules.clear());
    for (queue, _) in queues {
        bench.send(queue, "poison");
    }
    // A thousand receives, a visibility time-out of up to 70 s apart.
    bench.pass(Duration::from_hours(24)).await;
    for (queue, dead_letter) in queues {
        let messages = bench.receive(dead_letter).await;
        if !messages.iter().any(|(body, _)| body == "poison") {
            problems.push(format!(
                "{queue}.RedrivePolicy: a message that fails forever does not get to {dead_letter}"
            ));
        }
    }
}
