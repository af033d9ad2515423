//! From events to targets.

use super::{Input, MessageGroup, Pattern, Rule, add_rule};
use super::{Mishap, Target, Trigger};
use crate::api::{Call, Service};
use crate::iam::{Kind, Policy, Role};
use crate::journal::Happening;
use crate::settings::Settings;
use crate::world::World;
use serde_json::{Value, json};
use std::time::Duration;
use time::macros::datetime;

const RULE: &str = "arn:aws:events:eu-west-1:123456789012:rule/rule";

fn world() -> World {
    let mut world = World::new(Settings::default(), datetime!(2026-11-22 12:00 UTC));
    let fifo = json!({"FifoQueue": "true", "ContentBasedDeduplication": "true"});
    for (name, mut attributes) in [("q.fifo", fifo), ("dead", json!({}))] {
        attributes["Policy"] = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn(name),
                "Condition": {"ArnEquals": {"aws:SourceArn": RULE}},
            }],
        })
        .to_string()
        .into();
        let call = Call {
            service: Service::Sqs,
            operation: "CreateQueue".to_owned(),
            input: json!({"QueueName": name, "Attributes": attributes}),
            caller: "test".to_owned(),
        };
        world.answer(&call).unwrap();
    }
    world
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:eu-west-1:123456789012:{queue}")
}

fn rule(trigger: Trigger) -> Rule {
    Rule {
        name: "rule".to_owned(),
        arn: RULE.to_owned(),
        enabled: true,
        trigger,
        targets: vec![Target {
            id: "queue".to_owned(),
            arn: arn("q.fifo"),
            input: Input::Event,
            message_group: Some(MessageGroup::parse("$.detail.instance-id".to_owned()).unwrap()),
            dead_letter: Some(arn("dead")),
            role: None,
        }],
    }
}

fn on_success() -> Trigger {
    let pattern = json!({"source": ["aws.ssm"], "detail": {"status": ["Success"]}});
    Trigger::Event(Pattern::parse(&pattern).unwrap())
}

fn bodies(world: &World, queue: &str) -> Vec<Value> {
    world.sqs.queues[queue]
        .messages(world.now)
        .map(|message| serde_json::from_str(&message.body).unwrap())
        .collect()
}

fn wait(world: &mut World, seconds: u64) {
    world.advance_to(world.now + Duration::from_secs(seconds));
}

#[test]
fn a_matching_event_reaches_its_queue_as_a_whole() {
    let mut world = world();
    add_rule(&mut world, rule(on_success()));
    let resources = vec!["arn:aws:ec2:eu-west-1:123456789012:instance/i-1".to_owned()];
    for status in ["Success", "Failed"] {
        let detail = json!({"status": status, "instance-id": "i-1"});
        world.emit("aws.ssm", "Command", resources.clone(), detail);
    }
    assert!(bodies(&world, "q.fifo").is_empty(), "delivery takes time");
    wait(&mut world, 1);
    let bodies = bodies(&world, "q.fifo");
    assert_eq!(bodies.len(), 1);
    let event = &bodies[0];
    assert_eq!(event["detail-type"], "Command");
    assert_eq!(event["time"], "2026-11-22T12:00:00Z");
    assert_eq!(event["resources"], json!(resources));
    assert_eq!(event["detail"]["instance-id"], "i-1");
    let queue = &world.sqs.queues["q.fifo"];
    let message = queue.messages(world.now).next().unwrap();
    assert_eq!(message.group_id.as_deref(), Some("i-1"));
}

#[test]
fn what_cannot_be_delivered_goes_to_the_dead_letter_queue() {
    let mut world = world();
    add_rule(&mut world, rule(on_success()));
    world.emit("aws.ssm", "Command", vec![], json!({"status": "Success"}));
    wait(&mut world, 1);
    assert!(bodies(&world, "q.fifo").is_empty());
    assert_eq!(bodies(&world, "dead").len(), 1);
    let queue = &world.sqs.queues["dead"];
    let message = queue.messages(world.now).next().unwrap();
    assert!(message.attributes.contains_key("ERROR_CODE"));
}

#[test]
fn events_are_lost_and_repeated_on_demand() {
    let mut world = world();
    add_rule(&mut world, rule(on_success()));
    world.events.unreliability.next = [Mishap::Drop, Mishap::Duplicate].into();
    for instance in ["i-1", "i-2"] {
        let detail = json!({"status": "Success", "instance-id": instance});
        world.emit("aws.ssm", "Command", vec![], detail);
    }
    wait(&mut world, 1);
    // Content-based deduplication swallows the exact copy.
    assert_eq!(bodies(&world, "q.fifo").len(), 1);
    let lost = |entry: &&crate::journal::Entry| matches!(entry.what, Happening::EventLost { .. });
    assert_eq!(world.journal.entries().filter(lost).count(), 1);
}

#[test]
fn a_schedule_fires_again_and_again() {
    let mut world = world();
    let mut scheduled = rule(Trigger::Rate {
        every: Duration::from_mins(1),
        by_scheduler: false,
    });
    scheduled.targets[0].message_group = Some(MessageGroup::Constant("all".to_owned()));
    add_rule(&mut world, scheduled);
    wait(&mut world, 59);
    assert!(bodies(&world, "q.fifo").is_empty());
    wait(&mut world, 122);
    let bodies = bodies(&world, "q.fifo");
    assert_eq!(bodies.len(), 3);
    assert_eq!(bodies[0]["detail-type"], "Scheduled Event");
}

#[test]
fn a_schedule_can_make_an_api_call() {
    let mut world = world();
    let mut scheduled = rule(Trigger::Rate {
        every: Duration::from_hours(1),
        by_scheduler: true,
    });
    scheduled.targets[0].role = Some(may_set_attributes(&mut world));
    scheduled.targets[0].arn = "arn:aws:scheduler:::aws-sdk:sqs:setQueueAttributes".to_owned();
    scheduled.targets[0].input = Input::Constant(json!({
        "QueueUrl": "http://region.invalid/123456789012/dead",
        "Attributes": {"VisibilityTimeout": "7"},
    }));
    add_rule(&mut world, scheduled);
    wait(&mut world, 1);
    let visibility = world.sqs.queues["dead"].attributes.visibility_timeout();
    assert_eq!(visibility, Duration::from_secs(7));
}

/// A role that may do what the schedule does, and nothing else.
fn may_set_attributes(world: &mut World) -> String {
    let policy = |kind, statement: Value| {
        let document = json!({"Version": "2012-10-17", "Statement": [statement]});
        Policy::parse("Role", kind, &document).unwrap()
    };
    let trust = json!({
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
    });
    let sets = json!({
        "Effect": "Allow", "Action": "sqs:SetQueueAttributes", "Resource": arn("dead"),
    });
    let role = Role {
        name: "role".to_owned(),
        trust: policy(Kind::Trust, trust),
        policies: vec![policy(Kind::Identity, sets)],
    };
    let role_arn = "arn:aws:iam::123456789012:role/role".to_owned();
    world.iam.roles.insert(role_arn.clone(), role);
    role_arn
}

#[test]
fn a_rule_needs_the_queue_s_permission_and_else_its_dead_letter_queue_says_why() {
    let mut world = world();
    world.iam.resource_policies.remove(&arn("q.fifo"));
    add_rule(&mut world, rule(on_success()));
    let detail = json!({"status": "Success", "instance-id": "i-1"});
    world.emit("aws.ssm", "Command", vec![], detail);
    wait(&mut world, 1);
    assert!(bodies(&world, "q.fifo").is_empty());
    let queue = &world.sqs.queues["dead"];
    let message = queue.messages(world.now).next().unwrap();
    let attribute = |name: &str| message.attributes[name].string_value.clone().unwrap();
    assert_eq!(attribute("ERROR_CODE"), "NO_PERMISSIONS");
    assert_eq!(
        attribute("ERROR_MESSAGE"),
        "User: events.amazonaws.com is not authorized to perform: sqs:sendmessage on resource: \
         arn:aws:sqs:eu-west-1:123456789012:q.fifo because no resource-based policy allows the \
         sqs:sendmessage action"
    );
}
