//! Auto Scaling: groups that launch, lose, give away, take in and terminate instances.
//!
//! Each file is one concern; they share the state below. Facts about AWS and their sources are
//! in the project's reference on AWS semantics; error texts are AWS's own (see [`refusal`]).

mod activity;
mod attach;
mod capacity;
mod describe;
mod describe_groups;
mod detach;
mod group_operations;
pub mod health;
mod hooks;
mod launch;
mod processes;
mod protection;
mod rebalance;
mod refusal;
mod standby;
mod tags;
pub mod termination;

pub use activity::{Activity, Status};
pub use group_operations::was_always_named;
pub use tags::write_tags_of_aws;

use crate::api::{Answer, Call, CallError, Service};
use crate::world::World;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// All groups.
#[derive(Clone, Debug, Default)]
pub struct AutoScaling {
    /// By name.
    pub groups: BTreeMap<String, Group>,
}

/// An Auto Scaling group.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Group {
    /// Unique name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// `MinSize`.
    pub min: u32,
    /// `MaxSize`.
    pub max: u32,
    /// `DesiredCapacity`.
    pub desired: u32,
    /// Zones, in the order given.
    pub zones: Vec<String>,
    /// Subnets with their zones, in the order given; empty for a group with zones only.
    pub subnets: Vec<(String, String)>,
    /// Where launches come from.
    pub launch_source: LaunchSource,
    /// `DefaultCooldown` in seconds (it only matters to scaling policies, which are not here).
    pub default_cooldown: u32,
    /// `EC2` or `ELB`.
    pub health_check_type: String,
    /// `HealthCheckGracePeriod` in seconds.
    pub health_check_grace: u32,
    /// Whether launched and attached instances start protected from scale-in.
    pub protects_new: bool,
    /// `CreatedTime`.
    pub created_at: OffsetDateTime,
    /// By key.
    pub tags: BTreeMap<String, Tag>,
    /// By name.
    pub hooks: BTreeMap<String, Hook>,
    /// The suspended processes, with the reason of each.
    pub suspended: BTreeMap<String, String>,
    /// Since when it has tried to launch and never could, and when it tried last.
    pub failing: Option<(OffsetDateTime, OffsetDateTime)>,
    /// By instance id. A member is gone only when its detach or termination is over.
    pub members: BTreeMap<String, Member>,
    /// Oldest first.
    pub activities: Vec<Activity>,
    /// Deleted by force: it ends with its last member.
    pub deleting: bool,
    /// `WarmPoolConfiguration`, as somebody set it. Only shown: nothing is ever in a warm pool here.
    pub warm_pool: Option<Value>,
    /// A look at the capacity is on the agenda.
    pub(crate) noticing: bool,
    /// A look at the zones is on the agenda.
    pub(crate) rebalancing: bool,
}

/// What a group launches from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchSource {
    /// A launch template, by id, name or both. It need not be known to the region, which has no
    /// EC2 API to create one.
    Template(TemplateVersion),
    /// A mixed instances policy: a launch template, and the instance types that are launched from it. On demand
    /// only; which type is next is AWS's choice, and here they take turns.
    Mixed(TemplateVersion, Vec<String>),
    /// A launch configuration, by name.
    Configuration(String),
}

/// A version of a launch template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateVersion {
    /// `lt-…`.
    pub id: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// A number, `$Latest` or `$Default`.
    pub version: String,
}

/// A group's tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Value.
    pub value: String,
    /// Whether it is written to instances at launch and attach.
    pub propagate_at_launch: bool,
}

/// A lifecycle hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Launching or terminating.
    pub transition: Transition,
    /// `HeartbeatTimeout` in seconds.
    pub heartbeat_timeout: u32,
    /// `DefaultResult`: what a time-out means.
    pub default_result: HookResult,
    /// `NotificationMetadata`.
    pub metadata: Option<String>,
}

/// What a hook hooks into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// `autoscaling:EC2_INSTANCE_LAUNCHING`.
    Launching,
    /// `autoscaling:EC2_INSTANCE_TERMINATING`.
    Terminating,
}

/// How a lifecycle action ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookResult {
    /// `CONTINUE`.
    Continue,
    /// `ABANDON`.
    Abandon,
}

/// An instance's membership in a group.
#[derive(Clone, Debug)]
pub struct Member {
    /// Where it stands.
    pub lifecycle: Lifecycle,
    /// `HealthStatus`.
    pub healthy: bool,
    /// `ProtectedFromScaleIn`.
    pub protected: bool,
    /// The launch template version it was launched from, if any; it stays when it moves.
    pub template: Option<TemplateVersion>,
    /// It was attached, not launched here.
    pub attached: bool,
    /// Since when it is `InService`.
    pub in_service_since: Option<OffsetDateTime>,
    /// The activity in progress, or the last one.
    pub activity: String,
    /// Tokens of the lifecycle actions it waits for, by hook name.
    pub waits_for: BTreeMap<String, String>,
    /// When each of those actions' present heartbeat time-out ends, by hook name.
    pub heartbeats_end: BTreeMap<String, OffsetDateTime>,
}

/// A member's `LifecycleState`, as far as this region has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Starting, or being attached.
    Pending,
    /// In its launch hooks.
    PendingWait,
    /// Past them.
    PendingProceed,
    /// In service.
    InService,
    /// Leaving service, the group's all the same.
    EnteringStandby,
    /// Out of service, the group's all the same.
    Standby,
    /// Leaving for good, running.
    Detaching,
    /// Being terminated.
    Terminating,
    /// In its termination hooks.
    TerminatingWait,
}

impl Lifecycle {
    /// AWS's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::PendingWait => "Pending:Wait",
            Self::PendingProceed => "Pending:Proceed",
            Self::InService => "InService",
            Self::EnteringStandby => "EnteringStandby",
            Self::Standby => "Standby",
            Self::Detaching => "Detaching",
            Self::Terminating => "Terminating",
            Self::TerminatingWait => "Terminating:Wait",
        }
    }

    /// Whether the member counts towards the desired capacity.
    pub fn counts(self) -> bool {
        matches!(
            self,
            Self::Pending | Self::PendingWait | Self::PendingProceed | Self::InService
        )
    }

    /// Whether the member is not on its way out.
    pub fn stays(self) -> bool {
        self.counts() || matches!(self, Self::EnteringStandby | Self::Standby)
    }
}

/// What happens to groups by itself.
#[derive(Debug)]
#[allow(missing_docs, reason = "each names a group, most a member")]
pub enum Due {
    /// Auto Scaling compares desired and actual capacity.
    Reconcile { group: String },
    /// Auto Scaling looks at the balance of the zones.
    Rebalance { group: String },
    /// A launched instance is up.
    Booted { group: String, instance: String },
    /// A lifecycle action's heartbeat timed out.
    HookExpired {
        group: String,
        instance: String,
        hook: String,
        token: String,
    },
    /// A launch that went past its hooks is in service.
    Proceeded { group: String, instance: String },
    /// Auto Scaling looks at a member's health.
    HealthCheck { group: String, instance: String },
    /// A detach is over.
    Detached { group: String, instance: String },
    /// An attach is over.
    Attached { group: String, instance: String },
    /// A member is in standby.
    StandbyEntered { group: String, instance: String },
    /// A member that left standby is in service.
    StandbyLeft {
        group: String,
        instance: String,
        activity: String,
    },
}

impl AutoScaling {
    /// The group that an instance is a member of, in whatever state.
    pub fn group_of(&self, instance: &str) -> Option<&Group> {
        self.groups
            .values()
            .find(|group| group.members.contains_key(instance))
    }

    fn get(&self, name: &str) -> Result<&Group, CallError> {
        self.groups
            .get(name)
            .ok_or_else(|| refusal::group_not_found(name))
    }

    fn get_mut(&mut self, name: &str) -> Result<&mut Group, CallError> {
        self.groups
            .get_mut(name)
            .ok_or_else(|| refusal::group_not_found(name))
    }

    fn member_mut(&mut self, group: &str, instance: &str) -> Option<&mut Member> {
        self.groups.get_mut(group)?.members.get_mut(instance)
    }
}

impl LaunchSource {
    /// The launch template, by itself or in a policy.
    pub(crate) fn template(&self) -> Option<&TemplateVersion> {
        match self {
            Self::Template(template) | Self::Mixed(template, _) => Some(template),
            Self::Configuration(_) => None,
        }
    }
}

impl Group {
    /// How many members count towards the desired capacity.
    pub fn capacity(&self) -> u32 {
        let counting = self
            .members
            .values()
            .filter(|member| member.lifecycle.counts());
        counting.map(|_| 1).sum()
    }

    fn is_suspended(&self, process: &str) -> bool {
        self.suspended.contains_key(process)
    }
}

/// Answers a call.
pub fn answer(world: &mut World, call: &Call) -> Answer {
    let input = &call.input;
    match call.operation.as_str() {
        "AttachInstances" => attach::attach_instances(world, read(input)?),
        "CompleteLifecycleAction" => hooks::complete_lifecycle_action(world, &read(input)?),
        "CreateAutoScalingGroup" => group_operations::create(world, read(input)?),
        "CreateOrUpdateTags" => tags::create_or_update(world, read(input)?),
        "DeleteAutoScalingGroup" => group_operations::delete(world, read(input)?),
        "DeleteLifecycleHook" => hooks::delete_lifecycle_hook(world, &read(input)?),
        "DeleteTags" => tags::delete(world, read(input)?),
        "DescribeAutoScalingGroups" => describe_groups::groups(world, &read(input)?),
        "DescribeAutoScalingInstances" => describe::instances(world, read(input)?),
        "DescribeInstanceRefreshes" => describe::instance_refreshes(world, &read(input)?),
        "DescribeLifecycleHooks" => hooks::describe_lifecycle_hooks(world, &read(input)?),
        "DescribeScalingActivities" => describe::activities(world, &read(input)?),
        "DescribeTags" => tags::describe(world, &read(input)?),
        "DetachInstances" => detach::detach_instances(world, read(input)?),
        "EnterStandby" => standby::enter(world, &read(input)?),
        "ExitStandby" => standby::exit(world, &read(input)?),
        "PutLifecycleHook" => hooks::put_lifecycle_hook(world, read(input)?),
        "RecordLifecycleActionHeartbeat" => hooks::record_heartbeat(world, &read(input)?),
        "ResumeProcesses" => processes::resume(world, read(input)?),
        "SetDesiredCapacity" => capacity::set_desired_capacity(world, &read(input)?),
        "SetInstanceHealth" => health::set_instance_health(world, read(input)?),
        "SetInstanceProtection" => protection::set(world, &read(input)?),
        "SuspendProcesses" => processes::suspend(world, read(input)?),
        "TerminateInstanceInAutoScalingGroup" => {
            termination::terminate_instance(world, &read(input)?)
        }
        "UpdateAutoScalingGroup" => group_operations::update(world, read(input)?),
        unknown => Err(CallError::unknown_operation(Service::AutoScaling, unknown)),
    }
}

fn read<T: DeserializeOwned>(input: &Value) -> Result<T, CallError> {
    crate::wire::input::read(input, "ValidationError")
}

/// Takes a step that is due.
pub fn happen(world: &mut World, due: Due) {
    match due {
        Due::Reconcile { group } => capacity::reconcile(world, &group),
        Due::Rebalance { group } => rebalance::rebalance(world, &group),
        Due::Booted { group, instance } => launch::booted(world, &group, &instance),
        Due::HookExpired {
            group,
            instance,
            hook,
            token,
        } => hooks::expired(world, &group, &instance, &hook, &token),
        Due::Proceeded { group, instance } => launch::in_service(world, &group, &instance),
        Due::HealthCheck { group, instance } => health::check(world, &group, &instance),
        Due::Detached { group, instance } => detach::detached(world, &group, &instance),
        Due::Attached { group, instance } => attach::attached(world, &group, &instance),
        Due::StandbyEntered { group, instance } => standby::entered(world, &group, &instance),
        Due::StandbyLeft {
            group,
            instance,
            activity,
        } => standby::left(world, &group, &instance, &activity),
    }
}

#[cfg(test)]
mod tests;
