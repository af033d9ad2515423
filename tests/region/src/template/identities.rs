//! Roles, policies and instance profiles; and who may invoke a function.

use super::functions::Connector;
use super::{Attributes, Declaration, Error, Loader};
use crate::api::Service;
use crate::iam::{self, Kind, Policy, Principal, Role};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RoleProperties {
    role_name: Option<String>,
    assume_role_policy_document: Value,
    #[serde(default)]
    policies: Vec<InlinePolicy>,
    #[serde(default)]
    managed_policy_arns: Vec<String>,
    #[serde(default, rename = "Description")]
    _description: Option<IgnoredAny>,
    #[serde(default, rename = "Tags")]
    _tags: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct InlinePolicy {
    #[serde(rename = "PolicyName")]
    _name: IgnoredAny,
    policy_document: Value,
}

/// Adds an `AWS::IAM::Role`.
pub(super) fn make_role(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
) -> Result<Attributes, Error> {
    let place = &declaration.place;
    let properties: RoleProperties = declaration.read()?;
    let name = properties
        .role_name
        .unwrap_or_else(|| loader.physical_name(declaration.name));
    let owner = declaration.name;
    let trust_place = format!("{place}.AssumeRolePolicyDocument");
    let trust = policy(
        owner,
        Kind::Trust,
        &properties.assume_role_policy_document,
        &trust_place,
    )?;
    let mut policies = Vec::new();
    for (index, inline) in properties.policies.iter().enumerate() {
        let place = format!("{place}.Policies[{index}]");
        policies.push(policy(
            owner,
            Kind::Identity,
            &inline.policy_document,
            &place,
        )?);
    }
    for arn in &properties.managed_policy_arns {
        policies.push(managed(loader, owner, arn, place)?);
    }
    let arn = add_role(loader, &name, trust, policies);
    Ok(Attributes {
        reference: name,
        attributes: BTreeMap::from([("Arn".to_owned(), arn)]),
    })
}

fn policy(owner: &str, kind: Kind, document: &Value, place: &str) -> Result<Policy, Error> {
    Policy::parse(owner, kind, document).map_err(|problem| Error::new(place, problem))
}

fn add_role(loader: &mut Loader<'_>, name: &str, trust: Policy, policies: Vec<Policy>) -> String {
    let resource = format!("role/{name}");
    let arn = loader.world.settings.global_arn("iam", &resource);
    let role = Role {
        name: name.to_owned(),
        trust,
        policies,
    };
    loader.world.iam.roles.insert(arn.clone(), role);
    arn
}

const LOGS: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];
const QUEUE: [&str; 3] = [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
];
const TRACES: [&str; 2] = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"];

/// A managed policy: of the template, or one of AWS's own that SAM attaches.
fn managed(loader: &Loader<'_>, owner: &str, arn: &str, place: &str) -> Result<Policy, Error> {
    if let Some(known) = loader.world.iam.managed_policies.get(arn) {
        return Ok(known.clone());
    }
    // As far as the region knows the actions (AWS Managed Policy Reference).
    let actions = match arn.rsplit('/').next().unwrap_or(arn) {
        "AWSLambdaBasicExecutionRole" => LOGS.to_vec(),
        "AWSLambdaSQSQueueExecutionRole" => [&QUEUE[..], &LOGS].concat(),
        "AWSXRayDaemonWriteAccess" => TRACES.to_vec(),
        _ => {
            return Err(Error::new(
                place,
                format!("the managed policy {arn} is not known to the simulated region"),
            ));
        }
    };
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }],
    });
    policy(owner, Kind::Identity, &document, place)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PolicyProperties {
    #[serde(alias = "ManagedPolicyName")]
    policy_name: Option<String>,
    policy_document: Value,
    /// Names of roles.
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default, rename = "Description")]
    _description: Option<IgnoredAny>,
}

/// Adds an `AWS::IAM::Policy` or `AWS::IAM::ManagedPolicy`.
pub(super) fn make_policy(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
    is_managed: bool,
) -> Result<Attributes, Error> {
    let place = &declaration.place;
    let properties: PolicyProperties = declaration.read()?;
    let document = &properties.policy_document;
    let policy = policy(declaration.name, Kind::Identity, document, place)?;
    let name = properties
        .policy_name
        .unwrap_or_else(|| loader.physical_name(declaration.name));
    for role in &properties.roles {
        let role = loader
            .world
            .iam
            .roles
            .values_mut()
            .find(|known| known.name == *role);
        let role = role.ok_or_else(|| Error::new(place, "there is no such role"))?;
        role.policies.push(policy.clone());
    }
    if !is_managed {
        return Ok(Attributes {
            reference: name,
            ..Attributes::default()
        });
    }
    let resource = format!("policy/{name}");
    let arn = loader.world.settings.global_arn("iam", &resource);
    let known = &mut loader.world.iam.managed_policies;
    known.insert(arn.clone(), policy);
    Ok(Attributes {
        reference: arn.clone(),
        attributes: BTreeMap::from([("PolicyArn".to_owned(), arn)]),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct QueuePolicyProperties {
    /// URLs.
    queues: Vec<String>,
    policy_document: Value,
}

/// Adds an `AWS::SQS::QueuePolicy` with `SetQueueAttributes`.
pub(super) fn make_queue_policy(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
) -> Result<Attributes, Error> {
    let place = &declaration.place;
    let properties: QueuePolicyProperties = declaration.read()?;
    let document = &properties.policy_document;
    // Read for its own sake: the API says no more than that it is invalid.
    let named = policy(declaration.name, Kind::Resource, document, place)?;
    for url in &properties.queues {
        let input = json!({ "QueueUrl": url, "Attributes": { "Policy": document.to_string() } });
        loader.call(Service::Sqs, "SetQueueAttributes", input, place)?;
        let arn = loader.world.sqs.by_url(url).map(|queue| queue.arn.clone());
        let arn = arn.ok_or_else(|| Error::new(place, "there is no such queue"))?;
        let policies = &mut loader.world.iam.resource_policies;
        policies.insert(arn, vec![named.clone()]);
    }
    Ok(Attributes {
        reference: loader.physical_name(declaration.name),
        ..Attributes::default()
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ProfileProperties {
    instance_profile_name: Option<String>,
    /// The name of one role.
    roles: [String; 1],
}

/// Adds an `AWS::IAM::InstanceProfile`, with the check that EC2 makes.
pub(super) fn make_instance_profile(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
) -> Result<Attributes, Error> {
    let place = &declaration.place;
    let properties: ProfileProperties = declaration.read()?;
    let [role] = &properties.roles;
    let role = loader
        .world
        .iam
        .role_named(role)
        .map(|(arn, _)| arn.clone());
    let role = role.ok_or_else(|| Error::new(place, "there is no such role"))?;
    must_be_assumable(loader, &role, "ec2.amazonaws.com", place)?;
    let name = properties
        .instance_profile_name
        .unwrap_or_else(|| loader.physical_name(declaration.name));
    let resource = format!("instance-profile/{name}");
    let arn = loader.world.settings.global_arn("iam", &resource);
    let profiles = &mut loader.world.iam.instance_profiles;
    profiles.insert(name.clone(), role);
    Ok(Attributes {
        reference: name,
        attributes: BTreeMap::from([("Arn".to_owned(), arn)]),
    })
}

/// Refuses a role that a service cannot assume, or that is not there.
pub(super) fn must_be_assumable(
    loader: &mut Loader<'_>,
    role: &str,
    service: &str,
    place: &str,
) -> Result<(), Error> {
    if iam::assumable(loader.world, role, service, None) {
        return Ok(());
    }
    // AWS's own words, where they are known.
    let problem = match service {
        "lambda.amazonaws.com" => {
            "The role defined for the function cannot be assumed by Lambda.".to_owned()
        }
        "scheduler.amazonaws.com" => "The execution role you provide must allow AWS EventBridge \
                                      Scheduler to assume the role."
            .to_owned(),
        other => format!("the role cannot be assumed by {other}"),
    };
    Err(Error::new(
        place,
        format!("{problem} ({role}, sts:AssumeRole)"),
    ))
}

/// The role of a function: the one it names, else the one that SAM makes for it.
pub(super) fn role_of_function(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
    named: Option<String>,
    policies: &Value,
    connectors: &[Connector],
) -> Result<String, Error> {
    let place = &declaration.place;
    let role = match named {
        Some(_) if !policies.is_null() => {
            return Err(Error::new(
                place,
                "Policies are without effect beside a Role",
            ));
        }
        Some(role) => role,
        None => implicit_role(loader, declaration, policies, connectors)?,
    };
    must_be_assumable(loader, &role, "lambda.amazonaws.com", place)?;
    Ok(role)
}

fn implicit_role(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
    policies: &Value,
    connectors: &[Connector],
) -> Result<String, Error> {
    let place = format!("{}.Policies", declaration.place);
    let owner = format!("{}Role", declaration.name);
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "lambda.amazonaws.com" },
            "Action": "sts:AssumeRole",
        }],
    });
    let trust = policy(&owner, Kind::Trust, &trust, &place)?;
    let mut attached = vec!["AWSLambdaBasicExecutionRole"];
    if connectors.contains(&Connector::Queue) {
        attached.push("AWSLambdaSQSQueueExecutionRole");
    }
    if connectors.contains(&Connector::Tracing) {
        attached.push("AWSXRayDaemonWriteAccess");
    }
    let mut all = Vec::new();
    for name in attached {
        all.push(managed(loader, &owner, name, &place)?);
    }
    for connector in connectors {
        if let Connector::Destination(queue) = connector {
            let document = json!({
                "Version": "2012-10-17",
                "Statement": [
                    { "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue },
                ],
            });
            all.push(policy(&owner, Kind::Identity, &document, &place)?);
        }
    }
    let given = match policies {
        Value::Null => Vec::new(),
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    for given in &given {
        all.push(match given {
            Value::String(arn) => managed(loader, &owner, arn, &place)?,
            document => {
                let mut document = document.clone();
                if let Value::Object(object) = &mut document {
                    object
                        .entry("Version")
                        .or_insert_with(|| "2012-10-17".into());
                }
                policy(&owner, Kind::Identity, &document, &place)?
            }
        });
    }
    let name = loader.physical_name(&owner);
    Ok(add_role(loader, &name, trust, all))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PermissionProperties {
    /// Name or ARN.
    function_name: String,
    action: String,
    principal: String,
    source_arn: Option<String>,
}

/// Adds an `AWS::Lambda::Permission`.
pub(super) fn make_permission(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
) -> Result<Attributes, Error> {
    let place = &declaration.place;
    let properties: PermissionProperties = declaration.read()?;
    if properties.action != "lambda:InvokeFunction" {
        return Err(Error::new(
            place,
            "only lambda:InvokeFunction can be allowed",
        ));
    }
    let named = properties.function_name.rsplit(':').next();
    let function = named.and_then(|name| loader.world.lambda.functions.get(name));
    let function = function.map(|function| function.arn.clone());
    let function = function.ok_or_else(|| Error::new(place, "there is no such function"))?;
    let source = properties.source_arn.as_deref();
    may_invoke(
        loader,
        declaration.name,
        &function,
        &properties.principal,
        source,
        place,
    )?;
    Ok(Attributes {
        reference: loader.physical_name(declaration.name),
        ..Attributes::default()
    })
}

/// Lets a service invoke a function on behalf of `source`.
pub(super) fn may_invoke(
    loader: &mut Loader<'_>,
    owner: &str,
    function: &str,
    service: &str,
    source: Option<&str>,
    place: &str,
) -> Result<(), Error> {
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": { "Service": service },
        "Action": "lambda:InvokeFunction",
        "Resource": function,
    });
    if let Some(source) = source {
        statement["Condition"] = json!({ "ArnLike": { "aws:SourceArn": source } });
    }
    let document = json!({ "Version": "2012-10-17", "Statement": [statement] });
    let policy = policy(owner, Kind::Resource, &document, place)?;
    let policies = &mut loader.world.iam.resource_policies;
    policies
        .entry(function.to_owned())
        .or_default()
        .push(policy);
    Ok(())
}

/// The role that SAM makes for a function's event of type `ScheduleV2`.
pub(super) fn role_of_schedule(
    loader: &mut Loader<'_>,
    logical_id: &str,
    function: &str,
    place: &str,
) -> Result<String, Error> {
    let owner = format!("{logical_id}Role");
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "scheduler.amazonaws.com" },
            "Action": "sts:AssumeRole",
        }],
    });
    let invokes = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": function,
        }],
    });
    let trust = policy(&owner, Kind::Trust, &trust, place)?;
    let invokes = policy(&owner, Kind::Identity, &invokes, place)?;
    let name = loader.physical_name(&owner);
    let role = add_role(loader, &name, trust, vec![invokes]);
    must_be_assumable(loader, &role, "scheduler.amazonaws.com", place)?;
    Ok(role)
}

/// What Lambda checks before it maps a queue to a function.
pub(super) fn may_poll(
    loader: &mut Loader<'_>,
    function: &str,
    queue: &str,
    place: &str,
) -> Result<(), Error> {
    let principal: Principal = loader.world.iam.principal(function);
    // Creating the mapping reads the queue's visibility; the others are used when it polls.
    for action in ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"] {
        let allowed = if action == "GetQueueAttributes" {
            iam::allow(loader.world, &principal, "sqs:GetQueueAttributes", queue).is_ok()
        } else {
            iam::would_allow(loader.world, &principal, &format!("sqs:{action}"), queue)
        };
        if !allowed {
            return Err(Error::new(
                place,
                format!(
                    "The provided execution role does not have permissions to call {action} on \
                     SQS (sqs:{action} on {queue} by {})",
                    principal.identity_arn()
                ),
            ));
        }
    }
    Ok(())
}
