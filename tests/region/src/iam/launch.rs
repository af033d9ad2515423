//! What a group's launches ask of whoever makes the group, or gives it another launch template.
//!
//! Source: Amazon EC2 Auto Scaling User Guide, "Control Amazon EC2 launch template usage in Auto Scaling groups": the
//! permissions of `ec2:RunInstances` "are checked when an Auto Scaling group is created or updated using a launch
//! template", with `ec2:CreateTags` where that template has tags, and `iam:PassRole` where it has an instance profile.

use super::Principal;
use super::condition::Context;
use super::document::Request;
use super::request::context;
use crate::api::{Call, CallError, Service};
use crate::world::World;
use serde_json::Value;

/// Calls that name a launch template.
const NAMING: [&str; 2] = ["CreateAutoScalingGroup", "UpdateAutoScalingGroup"];

/// The launch template that a call names.
fn named(call: &Call) -> Option<&Value> {
    if call.service != Service::AutoScaling || !NAMING.contains(&call.operation.as_str()) {
        return None;
    }
    let input = &call.input;
    let policy = &input["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"];
    [&input["LaunchTemplate"], policy]
        .into_iter()
        .find(|template| template.is_object())
}

fn id_or_name(template: &Value) -> Option<&str> {
    let id = template["LaunchTemplateId"].as_str();
    id.or_else(|| template["LaunchTemplateName"].as_str())
}

fn subnets(call: &Call) -> Vec<String> {
    let subnets = call.input["VPCZoneIdentifier"].as_str().unwrap_or_default();
    let subnets = subnets.split(',').filter(|subnet| !subnet.is_empty());
    subnets.map(str::to_owned).collect()
}

/// The condition keys of a call that makes a group (Service Authorization Reference, EC2 Auto Scaling).
pub(super) fn keys(call: &Call) -> Context {
    let mut keys = Context::new();
    if call.operation != "CreateAutoScalingGroup" {
        return keys;
    }
    // "Whether any version of a launch template is specified, not $Latest or $Default, …": the default is neither.
    let version = named(call).and_then(|template| template["Version"].as_str());
    let fixed = version.is_some_and(|version| !version.starts_with('$'));
    let key = "autoscaling:LaunchTemplateVersionSpecified";
    keys.insert(key.to_lowercase(), vec![fixed.to_string()]);
    let subnets = subnets(call);
    if !subnets.is_empty() {
        keys.insert("autoscaling:VPCZoneIdentifiers".to_lowercase(), subnets);
    }
    keys
}

/// What its launches would need. A launch template that is not known is refused for that.
pub(super) fn of_call(world: &World, principal: &Principal, call: &Call) -> Vec<Request> {
    let known = named(call)
        .and_then(id_or_name)
        .and_then(|template| world.compute.launch_template(template));
    let Some(template) = known else {
        return Vec::new();
    };
    let settings = &world.settings;
    let ec2 = |resource: &str| settings.arn("ec2", resource);
    let request = |action: &str, resource: String, key: &str, value: String| {
        let mut context = context(world, principal);
        context.insert(key.to_lowercase(), vec![value]);
        Request {
            action: action.to_owned(),
            resource,
            context,
        }
    };
    let arn = ec2(&format!("launch-template/{}", template.id));
    let subnets = subnets(call).into_iter();
    let mut requests: Vec<Request> = subnets
        .map(|subnet| ec2(&format!("subnet/{subnet}")))
        .chain([arn.clone(), ec2("instance/*")])
        .map(|resource| {
            request(
                "ec2:RunInstances",
                resource,
                "ec2:LaunchTemplate",
                arn.clone(),
            )
        })
        .collect();
    if !template.instance_tags.is_empty() {
        let (on, action) = (ec2("instance/*"), "RunInstances".to_owned());
        requests.push(request("ec2:CreateTags", on, "ec2:CreateAction", action));
    }
    if let Some(role) = &template.role {
        let service = "ec2.amazonaws.com".to_owned();
        let key = "iam:PassedToService";
        requests.push(request("iam:PassRole", role.clone(), key, service));
    }
    requests
}

/// Auto Scaling's own words for what its caller may not: of the launch template eksctl#834 and
/// community.aws#831 have them, of the rest they are EC2's own behind Auto Scaling (assumed).
pub(super) fn error(call: &Call, request: &Request) -> Option<CallError> {
    let template = named(call).and_then(id_or_name)?;
    match request.action.as_str() {
        "ec2:RunInstances" => Some(CallError {
            status: 403,
            code: "AccessDenied".to_owned(),
            message: format!("You are not authorized to use launch template: {template}"),
        }),
        "ec2:CreateTags" | "iam:PassRole" => Some(CallError::validation(
            "You must use a valid fully-formed launch template. You are not authorized to perform this operation.",
        )),
        _ => None,
    }
}
