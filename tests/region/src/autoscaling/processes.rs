//! Processes of a group that can be suspended.

use super::{capacity, health, rebalance, refusal};
use crate::api::{Answer, CallError};
use crate::wire::timestamp::iso_seconds;
use crate::world::World;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// Every process there is. `Launch`, `Terminate`, `HealthCheck`, `ReplaceUnhealthy` and `AZRebalance` do
/// something here; the others never act in this region, suspended or not.
pub(super) const PROCESSES: [&str; 9] = [
    "AZRebalance",
    "AddToLoadBalancer",
    "AlarmNotification",
    "HealthCheck",
    "InstanceRefresh",
    "Launch",
    "ReplaceUnhealthy",
    "ScheduledActions",
    "Terminate",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ScalingProcesses {
    auto_scaling_group_name: String,
    /// None means all.
    #[serde(default)]
    scaling_processes: Vec<String>,
}

impl ScalingProcesses {
    fn names(self) -> Result<(String, Vec<String>), CallError> {
        let mut names = self.scaling_processes;
        if names.is_empty() {
            names = PROCESSES.map(str::to_owned).to_vec();
        }
        if let Some(unknown) = names
            .iter()
            .find(|name| !PROCESSES.contains(&name.as_str()))
        {
            return Err(refusal::constraint(
                unknown,
                "scalingProcesses",
                &format!("Member must be one of {}", PROCESSES.join(", ")),
            ));
        }
        Ok((self.auto_scaling_group_name, names))
    }
}

pub(super) fn suspend(world: &mut World, input: ScalingProcesses) -> Answer {
    let (name, processes) = input.names()?;
    let reason = format!("User suspended at {}", iso_seconds(world.now));
    let group = world.autoscaling.get_mut(&name)?;
    if group.deleting {
        return Err(CallError::validation(
            "Processes may not be suspended while the AutoScaling group is pending delete",
        ));
    }
    let processes = processes.into_iter();
    let suspended = processes.map(|process| (process, reason.clone()));
    group.suspended.extend(suspended);
    Ok(Value::Null)
}

/// For how long a group tries in vain to launch anything before AWS suspends `Launch` itself
/// ("administrative suspension": user guide, "Suspend and resume processes").
const TRIES_FOR: Duration = Duration::from_hours(24);
/// A group that has tried nothing for so long has begun anew when it fails again (assumed). That it wants fewer
/// machines between two tries changes nothing.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// A launch of the group failed: the last of a day in which none succeeded is followed by a suspension,
/// until somebody resumes the process. (The reason's text is assumed.)
pub(super) fn launch_failed(world: &mut World, name: &str) {
    let now = world.now;
    let Some(group) = world.autoscaling.groups.get_mut(name) else {
        return;
    };
    let row = group
        .failing
        .filter(|(_, last)| now - *last < FORGOTTEN_AFTER);
    let (since, _) = row.unwrap_or((now, now));
    group.failing = Some((since, now));
    if now - since >= TRIES_FOR {
        let reason = format!(
            "Administrative suspension at {}: the group failed to launch instances for over 24 hours",
            iso_seconds(now)
        );
        group.suspended.insert("Launch".to_owned(), reason);
    }
}

/// A launch of the group succeeded.
pub(super) fn launched(world: &mut World, name: &str) {
    if let Some(group) = world.autoscaling.groups.get_mut(name) {
        group.failing = None;
    }
}

pub(super) fn resume(world: &mut World, input: ScalingProcesses) -> Answer {
    let (name, processes) = input.names()?;
    let group = world.autoscaling.get_mut(&name)?;
    for process in processes {
        group.suspended.remove(&process);
    }
    group.failing = None;
    capacity::notice(world, &name);
    health::look_again(world, &name);
    rebalance::notice(world, &name);
    Ok(Value::Null)
}
