//! Policies, probed one by one.

use super::document::Request;
use super::{Iam, Kind, Policy, Principal, Role};
use crate::api::{Call, CallError, Service};
use crate::settings::Settings;
use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::macros::datetime;

const ROLE: &str = "arn:aws:iam::123456789012:role/worker";

fn policy(kind: Kind, statements: &Value) -> Result<Policy, String> {
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    Policy::parse("Owner", kind, &document)
}

fn problem(kind: Kind, statement: &Value) -> String {
    policy(kind, &json!([statement])).unwrap_err()
}

fn iam(statements: &Value) -> Iam {
    let trust = json!([{
        "Effect": "Allow",
        "Principal": { "Service": "lambda.amazonaws.com" },
        "Action": "sts:AssumeRole",
    }]);
    let role = Role {
        name: "worker".to_owned(),
        trust: policy(Kind::Trust, &trust).unwrap(),
        policies: vec![policy(Kind::Identity, statements).unwrap()],
    };
    Iam {
        roles: BTreeMap::from([(ROLE.to_owned(), role)]),
        ..Iam::default()
    }
}

fn worker() -> Principal {
    Principal::session(&Settings::default(), ROLE, "function")
}

fn group(name: &str) -> String {
    format!(
        "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:u-1:autoScalingGroupName/{name}"
    )
}

fn request(action: &str, resource: &str, keys: &[(&str, &[&str])]) -> Request {
    Request {
        action: action.to_owned(),
        resource: resource.to_owned(),
        context: keys
            .iter()
            .map(|(key, values)| {
                let values = values.iter().map(|value| (*value).to_owned()).collect();
                (key.to_lowercase(), values)
            })
            .collect(),
    }
}

#[test]
fn tags_and_tag_keys_decide() {
    let iam = iam(&json!([{
        "Sid": "Write",
        "Effect": "Allow",
        "Action": "autoscaling:CreateOrUpdateTags",
        "Resource": "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:*:autoScalingGroupName/*",
        "Condition": {
            "StringEquals": { "autoscaling:ResourceTag/of": "pool" },
            "ForAllValues:StringLike": { "aws:TagKeys": "order/*" },
        },
    }]));
    let allowed = |tag: &str, keys: &[&str]| {
        let action = "autoscaling:CreateOrUpdateTags";
        let keys: &[(&str, &[&str])] = &[
            ("autoscaling:ResourceTag/of", &[tag]),
            ("aws:TagKeys", keys),
        ];
        iam.decide(&worker(), &request(action, &group("target"), keys))
            .is_ok()
    };
    assert!(allowed("pool", &["order/1", "order/2"]));
    assert!(!allowed("other", &["order/1"]));
    assert!(
        !allowed("pool", &["order/1", "note/2"]),
        "all keys of the request"
    );
    let untagged = request("autoscaling:CreateOrUpdateTags", &group("target"), &[]);
    assert!(
        iam.decide(&worker(), &untagged).is_err(),
        "an absent tag is no tag"
    );
}

#[test]
fn an_action_without_resources_is_allowed_on_everything_or_not_at_all() {
    let describe = |resource: &str| {
        let iam = iam(&json!([{
            "Effect": "Allow",
            "Action": "autoscaling:Describe*",
            "Resource": resource,
        }]));
        let asked = request("autoscaling:DescribeAutoScalingGroups", "*", &[]);
        iam.decide(&worker(), &asked).is_ok()
    };
    assert!(describe("*"));
    assert!(!describe(&group("pool")));
}

#[test]
fn a_deny_wins_and_negated_conditions_hold_for_absent_keys() {
    let queue = "arn:aws:sqs:eu-west-1:123456789012:init.fifo";
    let mut iam = iam(&json!([
        { "Effect": "Allow", "Action": "sqs:*", "Resource": "*" },
    ]));
    let closed = json!([
        {
            "Sid": "Rule",
            "Effect": "Allow",
            "Principal": { "Service": "events.amazonaws.com" },
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": { "ArnEquals": { "aws:SourceArn": "arn:aws:events:r:1:rule/ours" } },
        },
        {
            "Sid": "NobodyElse",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {
                "Bool": { "aws:PrincipalIsAWSService": "false" },
                "ArnNotLike": { "aws:PrincipalArn": [ROLE, "arn:aws:iam::*:role/other"] },
            },
        },
    ]);
    let closed = policy(Kind::Resource, &closed).unwrap();
    iam.resource_policies.insert(queue.to_owned(), vec![closed]);
    let sends = |principal: &Principal, keys: &[(&str, &[&str])]| {
        iam.decide(principal, &request("sqs:SendMessage", queue, keys))
            .is_ok()
    };
    let by = |arn: &'static str| -> Vec<(&'static str, &'static [&'static str])> {
        let arn: &'static [&'static str] = match arn {
            ROLE => &[ROLE],
            _ => &["administrator"],
        };
        vec![
            ("aws:PrincipalIsAWSService", &["false"]),
            ("aws:PrincipalArn", arn),
        ]
    };
    assert!(sends(&worker(), &by(ROLE)));
    assert!(!sends(&Principal::Administrator, &by("administrator")));
    let events = Principal::service("events.amazonaws.com", None);
    let rule = |name: &'static str| -> Vec<(&'static str, &'static [&'static str])> {
        let source: &'static [&'static str] = match name {
            "ours" => &["arn:aws:events:r:1:rule/ours"],
            _ => &["arn:aws:events:r:1:rule/theirs"],
        };
        vec![
            ("aws:PrincipalIsAWSService", &["true"]),
            ("aws:SourceArn", source),
        ]
    };
    assert!(sends(&events, &rule("ours")));
    assert!(!sends(&events, &rule("theirs")));
    let sns = Principal::service("sns.amazonaws.com", None);
    assert!(!sends(&sns, &rule("ours")));
}

#[test]
fn what_is_not_known_is_an_error_and_never_passed_over() {
    let with = |condition: Value| {
        problem(
            Kind::Identity,
            &json!({
                "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*",
                "Condition": condition,
            }),
        )
    };
    for (condition, said) in [
        (
            json!({ "StringMatches": { "aws:SourceArn": "x" } }),
            "StringMatches",
        ),
        (
            json!({ "NumericEquals": { "aws:SourceAccount": "1" } }),
            "NumericEquals",
        ),
        (
            json!({ "StringEquals": { "aws:SourceVpc": "x" } }),
            "aws:SourceVpc",
        ),
        (
            json!({ "StringEquals": { "autoscaling:ResourceTag/a": "x" } }),
            "sqs:SendMessage",
        ),
        (
            json!({ "StringEquals": { "aws:SourceArn": "${aws:username}" } }),
            "policy variables",
        ),
        (
            json!({ "ForAllValues:StringLike": { "aws:SourceArn": "x" } }),
            "many values",
        ),
        (
            json!({ "Each:StringLike": { "aws:TagKeys": "x" } }),
            "Each:StringLike",
        ),
        (json!({ "StringLike": { "aws:SourceArn": [] } }), "empty"),
    ] {
        let problem = with(condition);
        assert!(problem.contains(said), "{problem}");
    }
    for (statement, said) in [
        (
            json!({ "Action": "sqs:SendMessage", "Resource": "*" }),
            "Effect",
        ),
        (
            json!({ "Effect": "Allow", "Action": "sqs:SendMesage", "Resource": "*" }),
            "SendMesage",
        ),
        (
            json!({ "Effect": "Allow", "NotAction": "sqs:A", "Resource": "*" }),
            "NotAction",
        ),
        (
            json!({ "Effect": "Allow", "Action": "sqs:SendMessage", "NotResource": "*" }),
            "NotResource",
        ),
        (
            json!({ "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*",
                    "Principal": "*" }),
            "Principal",
        ),
    ] {
        let problem = problem(Kind::Identity, &statement);
        assert!(problem.contains(said), "{problem}");
    }
    let account = json!({
        "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*",
        "Principal": { "AWS": "arn:aws:iam::123456789012:root" },
    });
    assert!(problem(Kind::Resource, &account).contains(":root"));
    let old = json!({ "Version": "2008-10-17", "Statement": [] });
    assert!(Policy::parse("Owner", Kind::Identity, &old).is_err());
}

fn world(statements: &Value) -> World {
    let mut world = World::new(Settings::default(), datetime!(2026-11-22 12:00 UTC));
    world.iam = iam(statements);
    let function = worker();
    world.iam.add_key("function", function);
    world
}

fn refusal(world: &mut World, service: Service, operation: &str, input: Value) -> CallError {
    let call = Call {
        service,
        operation: operation.to_owned(),
        input,
        caller: "function".to_owned(),
    };
    world.answer(&call).unwrap_err()
}

#[test]
fn each_service_refuses_in_its_own_words() {
    let mut world = world(&json!([]));
    let user = "User: arn:aws:sts::123456789012:assumed-role/worker/function is not authorized to \
                perform: ";
    for (service, operation, input, status, code, rest) in [
        (
            Service::AutoScaling,
            "DescribeAutoScalingGroups",
            json!({}),
            403,
            "AccessDenied",
            "autoscaling:DescribeAutoScalingGroups because no identity-based policy allows the \
             autoscaling:DescribeAutoScalingGroups action",
        ),
        (
            Service::AutoScaling,
            "SetDesiredCapacity",
            json!({ "AutoScalingGroupName": "gone", "DesiredCapacity": "1" }),
            403,
            "AccessDenied",
            "autoscaling:SetDesiredCapacity on resource: arn:aws:autoscaling:eu-west-1:\
             123456789012:autoScalingGroup:*:autoScalingGroupName/gone because no identity-based \
             policy allows the autoscaling:SetDesiredCapacity action",
        ),
        (
            Service::Ssm,
            "SendCommand",
            json!({ "DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-1"] }),
            400,
            "AccessDeniedException",
            "ssm:SendCommand on resource: arn:aws:ssm:eu-west-1::document/AWS-RunShellScript \
             because no identity-based policy allows the ssm:SendCommand action",
        ),
        (
            Service::Sqs,
            "SendMessageBatch",
            json!({ "QueueUrl": "http://region.invalid/123456789012/q" }),
            403,
            "AccessDeniedException",
            "sqs:sendmessage on resource: arn:aws:sqs:eu-west-1:123456789012:q because no \
             identity-based policy allows the sqs:sendmessage action",
        ),
    ] {
        let error = refusal(&mut world, service, operation, input);
        assert_eq!((error.status, error.code.as_str()), (status, code));
        assert_eq!(error.message, format!("{user}{rest}"));
    }
}

#[test]
fn send_command_asks_for_the_document_and_for_every_instance() {
    let mut world = world(&json!([{
        "Effect": "Allow",
        "Action": "ssm:SendCommand",
        "Resource": "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript",
    }]));
    let input = json!({ "DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-1"] });
    let error = refusal(&mut world, Service::Ssm, "SendCommand", input);
    assert!(
        error
            .message
            .contains("on resource: arn:aws:ec2:eu-west-1:123456789012:instance/i-1 because"),
        "{error}"
    );
}

#[test]
fn what_was_used_is_known() {
    let mut iam = iam(&json!([{
        "Sid": "Send",
        "Effect": "Allow",
        "Action": ["sqs:SendMessage", "sqs:ReceiveMessage"],
        "Resource": ["arn:aws:sqs:eu-west-1:123456789012:a", "arn:aws:sqs:eu-west-1:123456789012:b"],
    }]));
    let asked = request(
        "sqs:SendMessage",
        "arn:aws:sqs:eu-west-1:123456789012:b",
        &[],
    );
    iam.check(&worker(), &asked).unwrap();
    assert_eq!(
        iam.allowed().len(),
        4 + 1,
        "two by two, and the trust policy"
    );
    let used: Vec<_> = iam.uses().iter().collect();
    assert_eq!(used.len(), 1);
    assert_eq!(
        (used[0].sid.as_str(), used[0].action.as_str()),
        ("Send", "sqs:SendMessage")
    );
    assert!(used[0].resource.ends_with(":b"));
}

/// Whoever makes a group needs what its launches need.
#[test]
fn a_new_group_asks_for_its_template_its_tags_and_its_role() {
    const TENANT: &str = "arn:aws:iam::123456789012:role/tenant";
    let statement = |action: &str, resource: &str, condition: Value| json!({ "Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition });
    let template = crate::compute::known_template_id("lt");
    let arn = format!("arn:aws:ec2:eu-west-1:123456789012:launch-template/{template}");
    let all = [
        statement(
            "autoscaling:CreateAutoScalingGroup",
            "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:*:autoScalingGroupName/new-*",
            json!({
                "StringEquals": { "aws:RequestTag/of": "pool" },
                "Bool": { "autoscaling:LaunchTemplateVersionSpecified": "true" },
                "ForAllValues:StringEquals": { "autoscaling:VPCZoneIdentifiers": ["subnet-1a"] },
            }),
        ),
        statement(
            "ec2:RunInstances",
            "arn:aws:ec2:eu-west-1:*:*",
            json!({ "ArnEquals": { "ec2:LaunchTemplate": arn } }),
        ),
        statement(
            "ec2:CreateTags",
            "arn:aws:ec2:eu-west-1:123456789012:*",
            json!({ "StringEquals": { "ec2:CreateAction": "RunInstances" } }),
        ),
        statement(
            "iam:PassRole",
            TENANT,
            json!({ "StringEquals": { "iam:PassedToService": "ec2.amazonaws.com" } }),
        ),
    ];
    let good = json!({ "AutoScalingGroupName": "new-1", "MinSize": "0", "MaxSize": "1",
        "VPCZoneIdentifier": "subnet-1a",
        "LaunchTemplate": { "LaunchTemplateName": "lt", "Version": "1" },
        "Tags": [{ "Key": "of", "Value": "pool" }] });
    let makes = |statements: &[Value], pointer: &str, value: Value| {
        let mut world = world(&json!(statements));
        crate::compute::know_launch_template(&mut world, "lt");
        let known = world.compute.launch_templates.get_mut("lt").unwrap();
        known.role = Some(TENANT.to_owned());
        known.instance_tags.insert("org".into(), "1337".into());
        let mut input = good.clone();
        if let Some(part) = input.pointer_mut(pointer) {
            *part = value;
        }
        let call = Call {
            service: Service::AutoScaling,
            operation: "CreateAutoScalingGroup".to_owned(),
            input,
            caller: "function".to_owned(),
        };
        world.answer(&call).map_err(|error| error.code).err()
    };
    let denied = Some("AccessDenied".to_owned());
    assert_eq!(makes(&all, "/nothing", Value::Null), None);
    for (pointer, value) in [
        ("/AutoScalingGroupName", json!("other")),
        ("/Tags/0/Value", json!("other")),
        ("/LaunchTemplate/Version", json!("$Latest")),
        ("/LaunchTemplate/Version", Value::Null),
        ("/VPCZoneIdentifier", json!("subnet-1a,subnet-1b")),
    ] {
        assert_eq!(makes(&all, pointer, value), denied, "{pointer}");
    }
    for missing in 0..all.len() {
        let mut statements = all.to_vec();
        statements.remove(missing);
        let expected = if missing < 2 {
            "AccessDenied"
        } else {
            "ValidationError"
        };
        let said = makes(&statements, "/nothing", Value::Null);
        assert_eq!(said.as_deref(), Some(expected), "without {missing}");
    }
}
