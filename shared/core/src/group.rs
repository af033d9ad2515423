//! Snapshots of Auto Scaling groups, as far as decisions need them.

use crate::ids::{ClaimId, GroupName, InstanceId};
use crate::ledger::{self, Entry};
use std::collections::{BTreeMap, BTreeSet};

/// The tag with which a target opts in to a pool; its value is the pool's name.
pub const OPT_IN_TAG: &str = "ready-pool:pool";

/// How many tags a group may have (Auto Scaling quota). AWS's own are not counted.
pub const MAX_TAGS: usize = 50;

/// What the keys of AWS's own tags begin with: CloudFormation and EKS write them, nobody else can.
const AWS_PREFIX: &str = "aws:";

/// A group at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// Its name.
    pub name: GroupName,
    /// Least instances.
    pub min_size: i32,
    /// Most instances.
    pub max_size: i32,
    /// Wanted instances.
    pub desired_capacity: i32,
    /// Availability zones.
    pub zones: BTreeSet<String>,
    /// Subnets; none where the group names zones only, and EC2's default subnets are used.
    pub subnets: BTreeSet<String>,
    /// Suspended processes, each with the reason that AWS gives.
    pub suspended: BTreeMap<String, String>,
    /// Whether somebody is deleting it: it ends with its last instance.
    pub deleting: bool,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
    /// Launch template and version that new instances get, where the group names a fixed one.
    pub launch_template: Option<String>,
    /// Its instances.
    pub members: Vec<Member>,
}

/// An instance of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// Which.
    pub instance: InstanceId,
    /// Where.
    pub zone: String,
    /// How far along.
    pub lifecycle: Lifecycle,
    /// `Healthy` in Auto Scaling's eyes.
    pub healthy: bool,
    /// EC2 instance type, where known.
    pub instance_type: Option<String>,
    /// Launch template and version it was launched from, where known.
    pub launch_template: Option<String>,
}

/// An instance's lifecycle state within its group, as far as decisions tell states apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifecycle {
    /// `Pending`, `Pending:Proceed`: on its way in.
    Pending,
    /// `Pending:Wait`: held by a launch hook.
    PendingWait,
    /// `InService`.
    InService,
    /// `Standby`, `EnteringStandby`.
    Standby,
    /// `Detaching`, `Detached`.
    Detaching,
    /// Any `Terminating…` or `Terminated`.
    Terminating,
    /// Anything else; AWS treats the list as open.
    Other,
}

impl Member {
    /// In service and healthy: ready, where its agent is online as well.
    pub fn is_fit(&self) -> bool {
        self.lifecycle == Lifecycle::InService && self.healthy
    }
}

impl Lifecycle {
    /// Reads AWS's word.
    pub fn from_aws(state: &str) -> Self {
        match state {
            "Pending" | "Pending:Proceed" => Self::Pending,
            "Pending:Wait" => Self::PendingWait,
            "InService" => Self::InService,
            "Standby" | "EnteringStandby" => Self::Standby,
            "Detaching" | "Detached" => Self::Detaching,
            state if state.starts_with("Terminat") => Self::Terminating,
            _ => Self::Other,
        }
    }
}

/// Where an instance is: in which group and how far along there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Placement {
    /// The group.
    pub group: GroupName,
    /// Its state there.
    pub lifecycle: Lifecycle,
}

impl Group {
    /// Whether the group is a target of `pool`.
    pub fn is_opted_in_to(&self, pool: &GroupName) -> bool {
        self.tags
            .get(OPT_IN_TAG)
            .is_some_and(|value| value == pool.as_str())
    }

    /// Why it launches nothing, whatever its desired capacity is: for people, with AWS's words.
    pub fn launches_nothing(&self) -> Option<String> {
        let name = &self.name;
        if self.deleting {
            return Some(format!("group {name} is being deleted"));
        }
        let reason = self.suspended.get("Launch")?;
        Some(format!(
            "the Launch process of group {name} is suspended ({reason})"
        ))
    }

    /// How many of its tags count towards [`MAX_TAGS`].
    pub fn counted_tags(&self) -> usize {
        let counted = self.tags.keys().filter(|key| !key.starts_with(AWS_PREFIX));
        counted.count()
    }

    /// The claim's entry in this target's ledger.
    pub fn entry(&self, claim_id: &ClaimId) -> Option<Entry> {
        self.tags.get(&ledger::tag_key(claim_id))?.parse().ok()
    }

    /// All entries of this target's ledger.
    pub fn entries(&self) -> impl Iterator<Item = (ClaimId, Entry)> + '_ {
        ledger::entries_in(&self.tags)
    }

    /// An instance's line, if it is a member.
    pub fn member(&self, instance: &InstanceId) -> Option<&Member> {
        self.members
            .iter()
            .find(|member| member.instance == *instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stopped members of a native warm pool are not ours to hand over, gate or remove.
    #[test]
    fn members_of_a_warm_pool_are_in_no_state_that_anything_is_done_in() {
        for state in [
            "Warmed:Pending",
            "Warmed:Pending:Wait",
            "Warmed:Pending:Proceed",
            "Warmed:Stopped",
            "Warmed:Running",
            "Warmed:Hibernated",
            "Warmed:Terminating:Wait",
        ] {
            assert_eq!(Lifecycle::from_aws(state), Lifecycle::Other, "{state}");
        }
    }
}
