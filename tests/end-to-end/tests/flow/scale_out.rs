//! Scale-out from the pool: a target's CloudWatch alarm becomes a claim by a rule of the template.

use end_to_end::{Harness, Target};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use region::events;
use region::events::Mishap;
use serde_json::{Value, json};
use std::time::Duration;

fn harness() -> Harness {
    Harness::builder()
        .pool_size(2)
        .parameter("ScaleOutAlarmPrefix", "grow-")
        .parameter("ScaleOutCommand", "bash /opt/join.sh $TARGET_GROUP")
        .start()
}

/// Source: CloudWatch User Guide, "Alarm events and EventBridge" (sample of an alarm on one metric).
fn alarm(name: &str, group: &str, state: &str) -> Value {
    json!({
        "alarmName": name,
        "state": {
            "value": state,
            "reason": "Threshold Crossed: 1 out of the last 1 datapoints [91.0] was greater than the threshold (80.0).",
            "reasonData": "{\"version\":\"1.0\"}",
            "timestamp": "2026-11-22T20:05:00.000+0000"
        },
        "previousState": {"value": "OK", "timestamp": "2026-11-22T20:01:00.000+0000"},
        "configuration": {
            "description": "busy",
            "metrics": [{
                "id": "cpu",
                "metricStat": {
                    "metric": {
                        "namespace": "AWS/EC2",
                        "name": "CPUUtilization",
                        "dimensions": {"AutoScalingGroupName": group}
                    },
                    "period": 60,
                    "stat": "Average"
                },
                "returnData": true
            }]
        }
    })
}

fn put(harness: &Harness, detail: &Value) {
    harness.region.with(|world| {
        let arn = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:grow".to_owned();
        let kind = "CloudWatch Alarm State Change";
        events::put(world, "aws.cloudwatch", kind, vec![arn], detail.clone());
    });
}

#[tokio::test(start_paused = true)]
async fn an_alarm_gets_its_target_an_instance() {
    let harness = harness();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("tenant-a")).await;
    put(&harness, &alarm("grow-tenant-a", "tenant-a", "ALARM"));

    let outcome = harness.outcomes_come(1).await.remove(0);
    assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    assert_eq!(outcome.target_group.as_deref(), Some("tenant-a"));
    assert!(outcome.claim_id.unwrap().starts_with("alarm-"));
    assert_eq!(
        harness.in_service("tenant-a"),
        [outcome.instance_id.unwrap().to_string()]
    );
    // The script knows what it is for.
    let script = harness.region.read(|world| {
        let command = world.ssm.commands.values().next().expect("a command");
        command.parameters["commands"].join("\n")
    });
    assert!(
        script.contains("bash /opt/join.sh $TARGET_GROUP"),
        "{script}"
    );
    assert!(script.contains("ALARM_NAME='grow-tenant-a'"), "{script}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_delivered_twice_is_one_claim() {
    let harness = harness();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("tenant-a")).await;
    harness.region.with(|world| {
        let next = &mut world.events.unreliability.next;
        next.push_back(Mishap::Duplicate);
    });
    put(&harness, &alarm("grow-tenant-a", "tenant-a", "ALARM"));
    harness.outcomes_come(1).await;
    harness.pass(Duration::from_mins(10)).await;
    assert_eq!(harness.in_service("tenant-a").len(), 1);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn other_alarms_are_nothing_to_us() {
    let harness = harness();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("tenant-a")).await;
    put(&harness, &alarm("grow-tenant-a", "tenant-a", "OK"));
    put(&harness, &alarm("shrink-tenant-a", "tenant-a", "ALARM"));
    let mut about_a_queue = alarm("grow-queue", "x", "ALARM");
    about_a_queue["configuration"]["metrics"][0]["metricStat"]["metric"]["dimensions"] =
        json!({"QueueName": "x"});
    put(&harness, &about_a_queue);
    harness.pass(Duration::from_mins(10)).await;
    assert_eq!(harness.outcomes(), []);
    assert_eq!(harness.in_service("tenant-a"), [""; 0]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_of_a_group_that_never_opted_in_is_rejected() {
    let harness = harness();
    harness.pool_is_ready(2).await;
    harness
        .create(Target::named("stranger").not_opted_in())
        .await;
    put(&harness, &alarm("grow-stranger", "stranger", "ALARM"));
    let outcome = harness.outcomes_come(1).await.remove(0);
    assert_eq!(outcome.outcome, Ending::Rejected);
    assert_eq!(outcome.reason, Reason::NotOptedIn);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_prefix_no_alarm_is_listened_to() {
    let harness = Harness::with_ready_pool(1).await;
    let resources = &harness.region.stack().resources;
    assert!(!resources.contains_key("ScaleOutRule"));
    assert!(!resources.contains_key("ProvisionQueuePolicy"));
    harness.end().await;
}
