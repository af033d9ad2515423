//! Targets that do not exist yet: which are made, with an instance that is chosen for them.

use super::allocation::Allocation;
use super::{Decision, Waiting, reject};
use ready_pool_core::Timestamp;
use ready_pool_core::claim::Claim;
use ready_pool_core::group::{Group, OPT_IN_TAG};
use ready_pool_core::ids::GroupName;
use ready_pool_core::reason::Reason;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long after a call to make a group its name is left alone, where reads show no such group: they have caught
/// up by then.
pub const READ_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// What the stack says of the targets that it makes.
#[derive(Clone, Copy, Debug)]
pub struct Creation<'a> {
    /// What their names begin with.
    pub name_prefix: &'a str,
    /// The pool's subnets, which will be theirs.
    pub subnets: &'a BTreeSet<String>,
}

/// A target to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTarget {
    /// Most instances.
    pub max_size: u16,
    /// Its tags, as the claim has them.
    pub tags: BTreeMap<String, String>,
    /// Its subnets; none where the pool has none.
    pub subnets: BTreeSet<String>,
    /// Its zones.
    pub zones: BTreeSet<String>,
}

/// A call to make a group, whatever came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// When.
    pub at: Timestamp,
    /// Whether the account may have no more groups.
    pub quota: bool,
}

impl Allocation<'_> {
    /// The target as it will be, if it may be made for this claim now.
    pub(super) fn to_be_made(&self, claim: &Claim, has_entry: bool) -> Result<Group, Decision> {
        let name = &claim.target_group;
        let Some(asked) = &claim.create_target else {
            return Err(unknown(name));
        };
        let tried = self.view.memory.tried.get(name);
        if let Some(tried) = tried.filter(|tried| self.view.now < tried.at + READ_AGAIN_AFTER) {
            return Err(Decision::Wait(if tried.quota {
                Waiting::GroupQuota
            } else {
                Waiting::TargetUnseen
            }));
        }
        if has_entry {
            // It was there when the entry was written: somebody deleted it since.
            return Err(unknown(name));
        }
        let Some(creation) = self.view.creation else {
            return Err(reject(
                Reason::CreatingNotAllowed,
                format!(
                    "there is no Auto Scaling group {name}, and the stack makes none: set its parameters \
                     TargetLaunchTemplate, TargetLaunchTemplateVersion and TargetNamePrefix (and TargetRoles, if \
                     the launch template has an instance profile), or create the group"
                ),
            ));
        };
        let prefix = creation.name_prefix;
        if !name.as_str().starts_with(prefix) {
            return Err(reject(
                Reason::CreatingNotAllowed,
                format!(
                    "there is no Auto Scaling group {name}, and the stack makes only groups whose names begin with \
                     {prefix} (its parameter TargetNamePrefix): name the target so, or create the group"
                ),
            ));
        }
        if self.begun.contains_key(name) {
            return Err(Decision::Wait(Waiting::TargetBeingMade));
        }
        let pool = self.view.pool;
        let mut tags = asked.tags.clone();
        tags.insert(OPT_IN_TAG.to_owned(), pool.name.to_string());
        Ok(Group {
            name: name.clone(),
            min_size: 0,
            max_size: asked.max_size.into(),
            desired_capacity: 0,
            zones: pool.zones.clone(),
            subnets: creation.subnets.clone(),
            suspended: BTreeMap::new(),
            deleting: false,
            has_warm_pool: false,
            tags,
            launch_template: None,
            members: Vec::new(),
        })
    }

    /// What is needed to make this target for this claim.
    pub(super) fn new_target(claim: &Claim, target: Group) -> Option<NewTarget> {
        let asked = claim.create_target.as_ref()?;
        Some(NewTarget {
            max_size: asked.max_size,
            tags: asked.tags.clone(),
            subnets: target.subnets,
            zones: target.zones,
        })
    }
}

fn unknown(name: &GroupName) -> Decision {
    reject(
        Reason::UnknownTarget,
        format!("there is no Auto Scaling group {name}; create it, or correct target_group"),
    )
}
