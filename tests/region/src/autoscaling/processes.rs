//! Processes of a group that can be suspended.

use super::{capacity, health, refusal};
use crate::api::{Answer, CallError};
use crate::world::World;
use serde::Deserialize;
use serde_json::Value;

/// Every process there is. `Launch`, `Terminate`, `HealthCheck` and `ReplaceUnhealthy` do
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
    let group = world.autoscaling.get_mut(&name)?;
    if group.deleting {
        return Err(CallError::validation(
            "Processes may not be suspended while the AutoScaling group is pending delete",
        ));
    }
    group.suspended.extend(processes);
    Ok(Value::Null)
}

pub(super) fn resume(world: &mut World, input: ScalingProcesses) -> Answer {
    let (name, processes) = input.names()?;
    let group = world.autoscaling.get_mut(&name)?;
    for process in processes {
        group.suspended.remove(&process);
    }
    capacity::notice(world, &name);
    health::look_again(world, &name);
    Ok(Value::Null)
}
