//! Why Auto Scaling refuses, in its own words. Almost all of it is `ValidationError`; clients
//! can only tell reasons apart by these texts. Where no text is on record, the doc comment says
//! that it is assumed.

use super::{Group, Lifecycle, TemplateVersion};
use crate::api::CallError;

pub(super) fn group_not_found(group: &str) -> CallError {
    CallError::validation(format!(
        "AutoScalingGroup name not found - AutoScalingGroup: {group} not found"
    ))
}

pub(super) fn group_exists(group: &Group) -> CallError {
    let name = &group.name;
    let pending = if group.deleting {
        " and is pending delete"
    } else {
        ""
    };
    CallError::sender(
        "AlreadyExists",
        format!(
            "AutoScalingGroup by this name already exists - A group with the name {name} already \
             exists{pending}"
        ),
    )
}

/// EC2's words behind Auto Scaling's; those of the version are assumed.
pub(super) fn unknown_template(asked: &TemplateVersion) -> CallError {
    let which = match (&asked.id, &asked.name) {
        (Some(id), _) => format!("with template ID {id}"),
        (None, name) => format!("with template name {}", name.as_deref().unwrap_or_default()),
    };
    CallError::validation(format!(
        "You must use a valid fully-formed launch template. The specified launch template, {which}, does not exist."
    ))
}

/// The text is assumed.
pub(super) fn unknown_template_version(asked: &TemplateVersion) -> CallError {
    CallError::validation(format!(
        "You must use a valid fully-formed launch template. Could not find the specified version {} of the launch \
         template",
        asked.version
    ))
}

/// "You have already reached a limit for your Amazon EC2 Auto Scaling resources" (API reference,
/// `LimitExceededFault`); the text of this case is assumed.
pub(super) fn too_many_groups(limit: usize) -> CallError {
    CallError::sender(
        "LimitExceeded",
        format!("You have reached the limit of {limit} Auto Scaling groups."),
    )
}

pub(super) fn group_has_instances() -> CallError {
    CallError::sender(
        "ResourceInUse",
        "You cannot delete an AutoScalingGroup while there are instances or pending Spot \
         instance request(s) still in the group.",
    )
}

pub(super) fn group_pending_delete() -> CallError {
    CallError::validation("You cannot update an AutoScalingGroup while it is pending delete.")
}

pub(super) fn bad_sizes(desired: u32, min: u32, max: u32) -> CallError {
    CallError::validation(format!(
        "Desired capacity:{desired} must be between the specified min size:{min} and max \
         size:{max}"
    ))
}

pub(super) fn min_above_max(min: u32, max: u32) -> CallError {
    CallError::validation(format!(
        "Max bound, {max}, must be greater than or equal to min bound, {min}"
    ))
}

pub(super) fn too_many_instances(verb: &str) -> CallError {
    CallError::validation(format!(
        "List exceeds the maximum number of instances to {verb}. Please retry your request with \
         fewer instances."
    ))
}

pub(super) fn not_part_of(instance: &str, group: &str) -> CallError {
    CallError::validation(format!(
        "The instance {instance} is not part of Auto Scaling group {group}."
    ))
}

pub(super) fn not_in_service(instance: &str) -> CallError {
    CallError::validation(format!(
        "The instance {instance} is not in InService or Standby."
    ))
}

/// For `EnterStandby` and `ExitStandby`.
pub(super) fn not_in(instance: &str, wanted: Lifecycle) -> CallError {
    CallError::validation(format!(
        "The instance {instance} is not in {}.",
        wanted.name()
    ))
}

/// infrahouse-toolkit#223, riff-raff#510.
pub(super) fn cannot_be_protected(instance: &str) -> CallError {
    CallError::validation(format!(
        "The instance {instance} is not in InService or EnteringStandby or Standby."
    ))
}

pub(super) fn already_part_of(instance: &str, group: &str) -> CallError {
    CallError::validation(format!(
        "The Instance: {instance} is already part of AutoScalingGroup:{group}"
    ))
}

/// `verb` is what is to be done; the text is on record for `attach` and `place into standby`, and assumed
/// for the others.
pub(super) fn sizes_forbid(group: &Group, verb: &str, count: usize) -> CallError {
    let Group {
        name,
        min,
        max,
        desired,
        ..
    } = group;
    let instances = if count == 1 { "instance" } else { "instances" };
    CallError::validation(format!(
        "AutoScalingGroup {name} has min-size={min}, max-size={max}, and desired-size={desired}. \
         To {verb} {count} {instances}, please update the AutoScalingGroup sizes appropriately."
    ))
}

pub(super) fn not_running(instance: &str, state: &str) -> CallError {
    CallError::validation(format!(
        "Instance {instance} [{state}] is not in correct state. Instance(s) must be in 'running' \
         state."
    ))
}

pub(super) fn invalid_instances(instances: &[&str]) -> CallError {
    CallError::validation(format!(
        "Invalid Instance ID(s): [{}] specified",
        instances.join(", ")
    ))
}

/// The text is assumed.
pub(super) fn zone_not_in_group(instance: &str, zone: &str, group: &str) -> CallError {
    CallError::validation(format!(
        "The instance {instance} is in Availability Zone {zone}, which is not enabled for \
         AutoScalingGroup {group}."
    ))
}

/// The text is assumed.
pub(super) fn launch_suspended(group: &str) -> CallError {
    CallError::validation(format!(
        "The Launch process of AutoScalingGroup {group} is suspended."
    ))
}

pub(super) fn not_managed(instance: &str) -> CallError {
    CallError::validation(format!(
        "Instance Id not found - No managed instance found for instance ID {instance}"
    ))
}

pub(super) fn activity_in_progress(activity: &str) -> CallError {
    CallError::sender(
        "ScalingActivityInProgress",
        format!("Scaling activity {activity} is in progress and blocks this action"),
    )
}

pub(super) fn below_min_without_replacement(min: u32) -> CallError {
    CallError::validation(format!(
        "Terminating instance without replacement will violate group's min size constraint of \
         {min}"
    ))
}

pub(super) fn no_lifecycle_action(by: &str) -> CallError {
    CallError::validation(format!("No active Lifecycle Action found with {by}"))
}

pub(super) fn invalid_token(token: &str) -> CallError {
    CallError::sender(
        "InvalidNextToken",
        format!("The token '{token}' is invalid."),
    )
}

/// AWS's form for a parameter that breaks its model's constraint.
pub(super) fn constraint(value: &str, parameter: &str, rule: &str) -> CallError {
    CallError::validation(format!(
        "1 validation error detected: Value '{value}' at '{parameter}' failed to satisfy \
         constraint: {rule}"
    ))
}

pub(super) fn tag_of_aws() -> CallError {
    CallError::validation("aws: prefixed tag key names are not allowed for external use.")
}

/// The text is assumed.
pub(super) fn too_many_tags(group: &str) -> CallError {
    CallError::sender(
        "LimitExceeded",
        format!("AutoScalingGroup {group} would have more than 50 tags."),
    )
}
