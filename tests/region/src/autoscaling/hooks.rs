//! Lifecycle hooks and the actions that wait in them.

use super::activity::group_arn;
use super::{Due, Hook, HookResult, Lifecycle, Transition, launch, refusal, termination};
use crate::api::{Answer, CallError};
use crate::world::{Due as Agenda, World};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

impl Transition {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Launching => "autoscaling:EC2_INSTANCE_LAUNCHING",
            Self::Terminating => "autoscaling:EC2_INSTANCE_TERMINATING",
        }
    }

    fn parse(text: &str) -> Result<Self, CallError> {
        [Self::Launching, Self::Terminating]
            .into_iter()
            .find(|transition| transition.name() == text)
            .ok_or_else(|| {
                refusal::constraint(
                    text,
                    "lifecycleTransition",
                    "Member must be one of autoscaling:EC2_INSTANCE_LAUNCHING, \
                     autoscaling:EC2_INSTANCE_TERMINATING",
                )
            })
    }
}

impl HookResult {
    fn name(self) -> &'static str {
        match self {
            Self::Continue => "CONTINUE",
            Self::Abandon => "ABANDON",
        }
    }

    fn parse(text: &str, parameter: &str) -> Result<Self, CallError> {
        match text {
            "CONTINUE" => Ok(Self::Continue),
            "ABANDON" => Ok(Self::Abandon),
            _ => Err(refusal::constraint(
                text,
                parameter,
                "Member must be one of CONTINUE, ABANDON",
            )),
        }
    }
}

/// `LifecycleHookSpecification`, also the body of `PutLifecycleHook`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct HookSpecification {
    lifecycle_hook_name: String,
    lifecycle_transition: String,
    heartbeat_timeout: Option<u32>,
    default_result: Option<String>,
    notification_metadata: Option<String>,
}

impl HookSpecification {
    /// The hook's name and definition, with AWS's defaults: one hour, then `ABANDON`.
    pub(super) fn into_hook(self) -> Result<(String, Hook), CallError> {
        let heartbeat_timeout = self.heartbeat_timeout.unwrap_or(3600);
        if !(30..=7200).contains(&heartbeat_timeout) {
            return Err(refusal::constraint(
                &heartbeat_timeout.to_string(),
                "heartbeatTimeout",
                "Member must be between 30 and 7200",
            ));
        }
        let hook = Hook {
            transition: Transition::parse(&self.lifecycle_transition)?,
            heartbeat_timeout,
            default_result: match self.default_result {
                Some(result) => HookResult::parse(&result, "defaultResult")?,
                None => HookResult::Abandon,
            },
            metadata: self.notification_metadata,
        };
        Ok((self.lifecycle_hook_name, hook))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PutLifecycleHook {
    auto_scaling_group_name: String,
    lifecycle_hook_name: String,
    lifecycle_transition: Option<String>,
    heartbeat_timeout: Option<u32>,
    default_result: Option<String>,
    notification_metadata: Option<String>,
}

pub(super) fn put_lifecycle_hook(world: &mut World, input: PutLifecycleHook) -> Answer {
    let group = world.autoscaling.get_mut(&input.auto_scaling_group_name)?;
    // An update may leave out what it does not change.
    let known = group.hooks.get(&input.lifecycle_hook_name);
    let transition = input
        .lifecycle_transition
        .or_else(|| known.map(|hook| hook.transition.name().to_owned()))
        .ok_or_else(|| {
            CallError::validation("LifecycleTransition is required when creating a lifecycle hook")
        })?;
    let (name, hook) = HookSpecification {
        lifecycle_hook_name: input.lifecycle_hook_name,
        lifecycle_transition: transition,
        heartbeat_timeout: input
            .heartbeat_timeout
            .or_else(|| known.map(|hook| hook.heartbeat_timeout)),
        default_result: input
            .default_result
            .or_else(|| known.map(|hook| hook.default_result.name().to_owned())),
        notification_metadata: input
            .notification_metadata
            .or_else(|| known.and_then(|hook| hook.metadata.clone())),
    }
    .into_hook()?;
    group.hooks.insert(name, hook);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteLifecycleHook {
    auto_scaling_group_name: String,
    lifecycle_hook_name: String,
}

/// Deletes a hook. Actions that wait in it go on (`CONTINUE` for terminations, `ABANDON` for
/// launches, as AWS documents).
pub(super) fn delete_lifecycle_hook(world: &mut World, input: &DeleteLifecycleHook) -> Answer {
    let name = &input.auto_scaling_group_name;
    let group = world.autoscaling.get_mut(name)?;
    let hook = group
        .hooks
        .remove(&input.lifecycle_hook_name)
        .ok_or_else(|| {
            CallError::validation(format!(
                "No Lifecycle Hook found with name {} for AutoScalingGroup {name}",
                input.lifecycle_hook_name
            ))
        })?;
    let waiting: Vec<String> = group
        .members
        .iter()
        .filter(|(_, member)| member.waits_for.contains_key(&input.lifecycle_hook_name))
        .map(|(id, _)| id.clone())
        .collect();
    let result = match hook.transition {
        Transition::Launching => HookResult::Abandon,
        Transition::Terminating => HookResult::Continue,
    };
    for instance in waiting {
        end(
            world,
            name,
            &instance,
            &input.lifecycle_hook_name,
            result,
            "Lifecycle Hook deleted",
        );
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DescribeLifecycleHooks {
    auto_scaling_group_name: String,
    #[serde(default)]
    lifecycle_hook_names: Vec<String>,
}

pub(super) fn describe_lifecycle_hooks(world: &World, input: &DescribeLifecycleHooks) -> Answer {
    let group = world.autoscaling.get(&input.auto_scaling_group_name)?;
    let wanted = &input.lifecycle_hook_names;
    let hooks: Vec<Value> = group
        .hooks
        .iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.contains(name))
        .map(|(name, hook)| {
            json!({
                "LifecycleHookName": name,
                "AutoScalingGroupName": group.name,
                "LifecycleTransition": hook.transition.name(),
                "HeartbeatTimeout": hook.heartbeat_timeout,
                "GlobalTimeout": u64::from(hook.heartbeat_timeout).saturating_mul(100).min(172_800),
                "DefaultResult": hook.default_result.name(),
                "NotificationMetadata": hook.metadata,
            })
        })
        .collect();
    Ok(json!({ "LifecycleHooks": hooks }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CompleteLifecycleAction {
    auto_scaling_group_name: String,
    lifecycle_hook_name: String,
    lifecycle_action_token: Option<String>,
    lifecycle_action_result: String,
    instance_id: Option<String>,
}

pub(super) fn complete_lifecycle_action(
    world: &mut World,
    input: &CompleteLifecycleAction,
) -> Answer {
    let result = HookResult::parse(&input.lifecycle_action_result, "lifecycleActionResult")?;
    let name = &input.auto_scaling_group_name;
    let hook = &input.lifecycle_hook_name;
    let token = input.lifecycle_action_token.as_deref();
    let (instance, _) = waiting(world, name, hook, token, input.instance_id.as_deref())?;
    end(
        world,
        name,
        &instance,
        hook,
        result,
        "Lifecycle Action Completed with ABANDON Result",
    );
    Ok(json!({}))
}

/// The instance whose action waits in a hook, named by token, id or both; and the token.
fn waiting(
    world: &World,
    group: &str,
    hook: &str,
    token: Option<&str>,
    instance: Option<&str>,
) -> Result<(String, String), CallError> {
    let members = &world.autoscaling.get(group)?.members;
    let found = members.iter().find_map(|(id, member)| {
        let waits = member.waits_for.get(hook)?;
        let meant = match (token, instance) {
            (Some(token), Some(instance)) => token == waits && instance == id,
            (Some(token), None) => token == waits,
            (None, Some(instance)) => instance == id,
            (None, None) => false,
        };
        meant.then(|| (id.clone(), waits.clone()))
    });
    found.ok_or_else(|| {
        let by = match (token, instance) {
            (Some(token), _) => format!("token {token}"),
            (None, Some(instance)) => format!("instance ID {instance}"),
            (None, None) => "token null".to_owned(),
        };
        refusal::no_lifecycle_action(&by)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RecordLifecycleActionHeartbeat {
    auto_scaling_group_name: String,
    lifecycle_hook_name: String,
    lifecycle_action_token: Option<String>,
    instance_id: Option<String>,
}

/// The action waits for one more heartbeat time-out, from now on. (AWS ends it for good after 48
/// hours or one hundred time-outs; the region does not.)
pub(super) fn record_heartbeat(
    world: &mut World,
    input: &RecordLifecycleActionHeartbeat,
) -> Answer {
    let name = &input.auto_scaling_group_name;
    let hook = &input.lifecycle_hook_name;
    let token = input.lifecycle_action_token.as_deref();
    let (instance, token) = waiting(world, name, hook, token, input.instance_id.as_deref())?;
    let definition = world.autoscaling.get(name)?.hooks.get(hook);
    let timeout = definition.map_or(3600, |hook| hook.heartbeat_timeout);
    expire_after(world, name, &instance, hook, &token, timeout);
    Ok(json!({}))
}

/// Puts the end of an action's patience on the agenda; an earlier one no longer counts. A
/// deadline of the user's, so not scaled.
fn expire_after(
    world: &mut World,
    group: &str,
    instance: &str,
    hook: &str,
    token: &str,
    seconds: u32,
) {
    let timeout = Duration::from_secs(seconds.into());
    let until = world.now + timeout;
    if let Some(member) = world.autoscaling.member_mut(group, instance) {
        member.heartbeats_end.insert(hook.to_owned(), until);
    }
    let due = Due::HookExpired {
        group: group.to_owned(),
        instance: instance.to_owned(),
        hook: hook.to_owned(),
        token: token.to_owned(),
    };
    world.after(timeout, Agenda::AutoScaling(due));
}

/// Starts the lifecycle actions of a transition. Returns whether there are any.
pub(super) fn begin(
    world: &mut World,
    group: &str,
    instance: &str,
    transition: Transition,
) -> bool {
    let hooks: Vec<(String, Hook)> = world.autoscaling.groups[group]
        .hooks
        .iter()
        .filter(|(_, hook)| hook.transition == transition)
        .map(|(name, hook)| (name.clone(), hook.clone()))
        .collect();
    for (name, hook) in &hooks {
        let token = world.uuid();
        if let Some(member) = world.autoscaling.member_mut(group, instance) {
            member.waits_for.insert(name.clone(), token.clone());
        }
        emit(world, group, instance, name, hook, &token);
        expire_after(world, group, instance, name, &token, hook.heartbeat_timeout);
    }
    !hooks.is_empty()
}

fn emit(world: &mut World, group: &str, instance: &str, name: &str, hook: &Hook, token: &str) {
    let (detail_type, origin, destination) = match hook.transition {
        Transition::Launching => (
            "EC2 Instance-launch Lifecycle Action",
            "EC2",
            "AutoScalingGroup",
        ),
        Transition::Terminating => (
            "EC2 Instance-terminate Lifecycle Action",
            "AutoScalingGroup",
            "EC2",
        ),
    };
    let mut detail = json!({
        "LifecycleActionToken": token,
        "AutoScalingGroupName": group,
        "LifecycleHookName": name,
        "EC2InstanceId": instance,
        "LifecycleTransition": hook.transition.name(),
        "Origin": origin,
        "Destination": destination,
    });
    if let Some(metadata) = &hook.metadata {
        detail["NotificationMetadata"] = json!(metadata);
    }
    let resources = vec![group_arn(world, group)];
    world.emit("aws.autoscaling", detail_type, resources, detail);
}

/// A heartbeat timed out: the default result holds, if the action still waits.
pub(super) fn expired(world: &mut World, group: &str, instance: &str, hook: &str, token: &str) {
    let now = world.now;
    let Some(member) = world.autoscaling.member_mut(group, instance) else {
        return;
    };
    if member
        .waits_for
        .get(hook)
        .is_none_or(|waits| waits != token)
    {
        return;
    }
    let patience = member.heartbeats_end.get(hook);
    if patience.is_some_and(|until| *until > now) {
        return;
    }
    let default = world.autoscaling.groups[group]
        .hooks
        .get(hook)
        .map_or(HookResult::Abandon, |hook| hook.default_result);
    end(world, group, instance, hook, default, "Heartbeat Timeout");
}

/// Ends one action. A launch goes on when it waits for no other; a termination always does in
/// the end.
fn end(
    world: &mut World,
    group: &str,
    instance: &str,
    hook: &str,
    result: HookResult,
    abandoned_because: &str,
) {
    let Some(member) = world.autoscaling.member_mut(group, instance) else {
        return;
    };
    let token = member.waits_for.remove(hook).unwrap_or_default();
    let waits_on = !member.waits_for.is_empty();
    match (member.lifecycle, result) {
        (Lifecycle::PendingWait, HookResult::Abandon) => {
            let reason = format!(
                "Instance failed to complete user's Lifecycle Action: Lifecycle Action with \
                 token {token} was abandoned: {abandoned_because}"
            );
            launch::abandon(world, group, instance, &reason);
        }
        (Lifecycle::PendingWait, HookResult::Continue) if !waits_on => {
            launch::proceed(world, group, instance);
        }
        // `ABANDON` stops the remaining hooks of a termination; it does not stop the termination.
        (Lifecycle::TerminatingWait, HookResult::Abandon) => {
            member.waits_for.clear();
            termination::shut_down(world, group, instance);
        }
        (Lifecycle::TerminatingWait, HookResult::Continue) if !waits_on => {
            termination::shut_down(world, group, instance);
        }
        _ => {}
    }
}
