//! `SetInstanceProtection`: whether scale-in may take a member.

use super::{Lifecycle, refusal};
use crate::api::Answer;
use crate::world::World;
use serde::Deserialize;
use serde_json::json;

/// Instances in one call (API reference, `SetInstanceProtection`).
const MAX_INSTANCES: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SetInstanceProtection {
    #[serde(default)]
    instance_ids: Vec<String>,
    auto_scaling_group_name: String,
    protected_from_scale_in: bool,
}

/// Nothing is changed if one of them is refused (assumed).
pub(super) fn set(world: &mut World, input: &SetInstanceProtection) -> Answer {
    let name = &input.auto_scaling_group_name;
    let ids = &input.instance_ids;
    let group = world.autoscaling.get(name)?;
    if ids.len() > MAX_INSTANCES {
        return Err(refusal::too_many_instances("update"));
    }
    for id in ids {
        let Some(member) = group.members.get(id) else {
            return Err(refusal::not_part_of(id, name));
        };
        if !matches!(
            member.lifecycle,
            Lifecycle::InService | Lifecycle::EnteringStandby | Lifecycle::Standby
        ) {
            return Err(refusal::cannot_be_protected(id));
        }
    }
    for id in ids {
        if let Some(member) = world.autoscaling.member_mut(name, id) {
            member.protected = input.protected_from_scale_in;
        }
    }
    Ok(json!({}))
}
