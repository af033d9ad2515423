//! Snapshots of Auto Scaling groups, as far as decisions need them.

use crate::ids::{ClaimId, GroupName, InstanceId};
use crate::ledger::{self, Entry};
use std::collections::{BTreeMap, BTreeSet};

/// The tag with which a target opts in to a pool; its value is the pool's name.
pub const OPT_IN_TAG: &str = "ready-pool:pool";

/// How many tags a group may have (Auto Scaling quota). AWS's own are not counted.
pub const MAX_TAGS: usize = 50;

/// What the keys of AWS's own tags begin with: CloudFormation and EKS write them, nobody else can.
pub(crate) const AWS_PREFIX: &str = "aws:";

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
    /// Whether it has a warm pool (Auto Scaling's), whose members are not among these.
    pub has_warm_pool: bool,
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
    /// Whether scale-in spares it.
    pub protected: bool,
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
    /// `EnteringStandby`: still the group's, and not to be detached yet.
    EnteringStandby,
    /// `Standby`: out of service, and still the group's.
    Standby,
    /// `Detaching`, `Detached`.
    Detaching,
    /// Any `Terminating…` or `Terminated`.
    Terminating,
    /// Any `Warmed:…`: back in its group's warm pool, where a group that reuses its instances puts what it
    /// scales in.
    Warmed,
    /// Anything else (`Quarantined`, `ReplacingRootVolume…`); AWS treats the list as open.
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
            "EnteringStandby" => Self::EnteringStandby,
            "Standby" => Self::Standby,
            "Detaching" | "Detached" => Self::Detaching,
            state if state.starts_with("Terminat") => Self::Terminating,
            state if state.starts_with("Warmed:") => Self::Warmed,
            _ => Self::Other,
        }
    }

    /// Whether the instance is on its way out of its group, or out. Standby is no way out: its
    /// group has it all the same.
    pub fn leaves(self) -> bool {
        match self {
            Self::Detaching | Self::Terminating | Self::Warmed => true,
            Self::Pending
            | Self::PendingWait
            | Self::InService
            | Self::EnteringStandby
            | Self::Standby
            | Self::Other => false,
        }
    }

    /// Whether it is in standby, or on its way there: then it does not count towards its group's
    /// desired capacity.
    pub fn is_standby(self) -> bool {
        matches!(self, Self::EnteringStandby | Self::Standby)
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
        self.opted_in_to() == Some(pool.as_str())
    }

    /// The pool whose target the group is, as its tag says: perhaps there is none of that name.
    pub fn opted_in_to(&self) -> Option<&str> {
        self.tags.get(OPT_IN_TAG).map(String::as_str)
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

    /// Whether an instance is a member that does not leave, whatever state somebody put it in.
    pub fn has(&self, instance: &InstanceId) -> bool {
        self.member(instance)
            .is_some_and(|member| !member.lifecycle.leaves())
    }
}

#[cfg(test)]
impl Group {
    /// An empty pool with these tags.
    pub(crate) fn tagged(tags: &[(&str, &str)]) -> Self {
        let tags = tags.iter();
        Self {
            name: GroupName::try_from("pool").unwrap(),
            min_size: 0,
            max_size: 10,
            desired_capacity: 0,
            zones: BTreeSet::new(),
            subnets: BTreeSet::new(),
            suspended: BTreeMap::new(),
            deleting: false,
            has_warm_pool: false,
            tags: tags
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            launch_template: None,
            members: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of them, as the SDK of November 2026 has them.
    #[test]
    fn each_of_aws_s_states_says_whether_the_instance_is_still_its_group_s() {
        use Lifecycle::*;
        for (state, expected, leaves) in [
            ("Pending", Pending, false),
            ("Pending:Wait", PendingWait, false),
            ("Pending:Proceed", Pending, false),
            ("InService", InService, false),
            ("EnteringStandby", EnteringStandby, false),
            ("Standby", Standby, false),
            ("Quarantined", Other, false),
            ("ReplacingRootVolume", Other, false),
            ("ReplacingRootVolume:Wait", Other, false),
            ("ReplacingRootVolume:Proceed", Other, false),
            ("RootVolumeReplaced", Other, false),
            ("Detaching", Detaching, true),
            ("Detached", Detaching, true),
            ("Terminating", Terminating, true),
            ("Terminating:Wait", Terminating, true),
            ("Terminating:Proceed", Terminating, true),
            ("Terminating:Retained", Terminating, true),
            ("Terminated", Terminating, true),
            ("Warmed:Pending", Warmed, true),
            ("Warmed:Pending:Wait", Warmed, true),
            ("Warmed:Pending:Proceed", Warmed, true),
            ("Warmed:Pending:Retained", Warmed, true),
            ("Warmed:Stopped", Warmed, true),
            ("Warmed:Running", Warmed, true),
            ("Warmed:Hibernated", Warmed, true),
            ("Warmed:Terminating", Warmed, true),
            ("Warmed:Terminating:Wait", Warmed, true),
            ("Warmed:Terminating:Proceed", Warmed, true),
            ("Warmed:Terminating:Retained", Warmed, true),
            ("Warmed:Terminated", Warmed, true),
            ("Dancing", Other, false),
        ] {
            let lifecycle = Lifecycle::from_aws(state);
            assert_eq!(
                (lifecycle, lifecycle.leaves()),
                (expected, leaves),
                "{state}"
            );
        }
    }
}
