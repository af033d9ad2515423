//! Auto Scaling groups, their hooks, and launch templates.

use super::queues::tags_of;
use super::{Attributes, Declaration, Error, Loader, read, texts};
use crate::api::Service;
use crate::autoscaling::write_tags_of_aws;
use crate::compute::{self, DEFAULT_INSTANCE_TYPE};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Makes a group with `CreateAutoScalingGroup`, whose parameters are nearly the properties.
pub(super) fn make_group(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
) -> Result<Attributes, Error> {
    let Value::Object(mut input) = texts(&declaration.properties) else {
        return Err(Error::new(&declaration.place, "an object is expected"));
    };
    let name = input
        .entry("AutoScalingGroupName")
        .or_insert_with(|| loader.physical_name(declaration.name).into())
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if let Some(cooldown) = input.remove("Cooldown") {
        input.insert("DefaultCooldown".to_owned(), cooldown);
    }
    if let Some(Value::Array(subnets)) = input.get("VPCZoneIdentifier") {
        let subnets: Vec<&str> = subnets.iter().filter_map(Value::as_str).collect();
        let joined = subnets.join(",");
        input.insert("VPCZoneIdentifier".to_owned(), joined.into());
    }
    // Metrics of groups: the region has none.
    input.remove("MetricsCollection");
    let input = Value::Object(input);
    loader.call(
        Service::AutoScaling,
        "CreateAutoScalingGroup",
        input,
        &declaration.place,
    )?;
    // On a real group they are there from the first moment; nobody looks in between here.
    let (stack_name, stack_id) = loader.scope.stack();
    write_tags_of_aws(
        loader.world,
        &name,
        &[
            ("cloudformation:stack-name", stack_name),
            ("cloudformation:stack-id", stack_id),
            ("cloudformation:logical-id", declaration.name),
        ],
    );
    let arn = loader.world.autoscaling.groups[&name].arn.clone();
    Ok(Attributes {
        reference: name,
        attributes: BTreeMap::from([("AutoScalingGroupARN".to_owned(), arn)]),
    })
}

/// Makes a hook with `PutLifecycleHook`.
pub(super) fn make_hook(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
) -> Result<Attributes, Error> {
    let Value::Object(mut input) = texts(&declaration.properties) else {
        return Err(Error::new(&declaration.place, "an object is expected"));
    };
    let name = input
        .entry("LifecycleHookName")
        .or_insert_with(|| loader.physical_name(declaration.name).into())
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let input = Value::Object(input);
    loader.call(
        Service::AutoScaling,
        "PutLifecycleHook",
        input,
        &declaration.place,
    )?;
    Ok(Attributes {
        reference: name,
        ..Attributes::default()
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TemplateProperties {
    launch_template_name: Option<String>,
    launch_template_data: Map<String, Value>,
    #[serde(default, rename = "TagSpecifications")]
    _tag_specifications: Option<IgnoredAny>,
    #[serde(default, rename = "VersionDescription")]
    _version_description: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagSpecification {
    resource_type: String,
    #[serde(default)]
    tags: Value,
}

/// The role that an `IamInstanceProfile` gives, by its name or ARN.
fn role_of(loader: &Loader<'_>, profile: &Value, place: &str) -> Result<String, Error> {
    let named = profile["Name"].as_str().or_else(|| profile["Arn"].as_str());
    let name = named.and_then(|name| name.rsplit('/').next());
    let role = name.and_then(|name| loader.world.iam.instance_profiles.get(name));
    role.cloned().ok_or_else(|| {
        Error::new(
            format!("{place}.LaunchTemplateData.IamInstanceProfile"),
            "there is no such instance profile in the template",
        )
    })
}

/// Makes a launch template: of its data only the instance type, the role and the tags of instances show.
pub(super) fn make_launch_template(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
) -> Result<Attributes, Error> {
    let properties: TemplateProperties = declaration.read()?;
    let name = properties
        .launch_template_name
        .unwrap_or_else(|| loader.physical_name(declaration.name));
    let data = &properties.launch_template_data;
    let instance_type = data
        .get("InstanceType")
        .and_then(Value::as_str)
        .unwrap_or(DEFAULT_INSTANCE_TYPE);
    let specifications: Vec<TagSpecification> = match data.get("TagSpecifications") {
        None => Vec::new(),
        Some(list) => {
            let place = format!("{}.LaunchTemplateData.TagSpecifications", declaration.place);
            read(list, &place)?
        }
    };
    let mut tags = BTreeMap::new();
    for specification in specifications {
        if specification.resource_type == "instance"
            && let Value::Object(given) = tags_of(&specification.tags)
        {
            tags.extend(
                given
                    .into_iter()
                    .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))),
            );
        }
    }
    let role = data
        .get("IamInstanceProfile")
        .map(|profile| role_of(loader, profile, &declaration.place))
        .transpose()?;
    let id = compute::register_launch_template(loader.world, &name, instance_type, tags);
    let template = loader.world.compute.launch_templates.get_mut(&name);
    template.expect("registered just now").role = role;
    let version = loader.world.compute.launch_templates[&name]
        .version
        .to_string();
    Ok(Attributes {
        reference: id.clone(),
        attributes: [
            ("LaunchTemplateId", id),
            ("LaunchTemplateName", name),
            ("LatestVersionNumber", version.clone()),
            ("DefaultVersionNumber", version),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
    })
}
