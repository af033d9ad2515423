//! Making a group: the only call that does.

use super::{AutoScaling, sdk_tag};
use crate::error;
use aws_sdk_autoscaling::types::LaunchTemplateSpecification;
use ready_pool_core::call_error::CallError;
use ready_pool_core::ids::GroupName;
use std::collections::BTreeSet;

/// An empty group to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGroup<'a> {
    /// Its name.
    pub name: &'a GroupName,
    /// The id of its launch template.
    pub launch_template: &'a str,
    /// The version of that: a number.
    pub version: &'a str,
    /// Its subnets; none where EC2's default subnets of its zones are to be used.
    pub subnets: &'a BTreeSet<String>,
    /// Its zones; subnets bring theirs.
    pub zones: &'a BTreeSet<String>,
    /// Most instances.
    pub max_size: u16,
    /// Its tags, none of them propagated.
    pub tags: &'a [(String, String)],
}

impl AutoScaling {
    /// Makes a group that holds nothing and launches nothing, whose members are protected from scale-in, with its
    /// tags in the same call. Repeatable: a second call says that it exists.
    pub async fn create(&self, group: &NewGroup<'_>) -> Result<(), CallError> {
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>();
        let template = LaunchTemplateSpecification::builder()
            .launch_template_id(group.launch_template)
            .version(group.version)
            .build();
        let tags = group.tags.iter();
        let tags = tags.map(|(key, value)| sdk_tag(group.name, key).value(value).build());
        let request = self
            .client
            .create_auto_scaling_group()
            .auto_scaling_group_name(group.name.as_str())
            .launch_template(template)
            .min_size(0)
            .max_size(i32::from(group.max_size))
            .desired_capacity(0)
            .new_instances_protected_from_scale_in(true)
            .set_tags(Some(tags.collect()));
        let request = if group.subnets.is_empty() {
            request.set_availability_zones(Some(list(group.zones)))
        } else {
            request.vpc_zone_identifier(list(group.subnets).join(","))
        };
        request
            .send()
            .await
            .map_err(|error| error::from_sdk("CreateAutoScalingGroup", &error))?;
        Ok(())
    }
}
