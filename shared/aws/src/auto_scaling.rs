//! Auto Scaling: groups, their tags, and moving instances between them.

mod create;
mod inspect;

pub use create::NewGroup;
pub use inspect::{GroupSettings, LoggedActivity};

use crate::clients::{self, Clients};
use crate::error;
use aws_sdk_autoscaling::operation::describe_scaling_activities::builders::DescribeScalingActivitiesFluentBuilder;
use aws_sdk_autoscaling::primitives::{DateTime, DateTimeFormat as Format};
use aws_sdk_autoscaling::types::builders::TagBuilder;
use aws_sdk_autoscaling::types::{
    AutoScalingGroup, Filter, Instance, LaunchTemplateOverrides, LaunchTemplateSpecification,
    ScalingActivityStatusCode, Tag, WarmPoolStatus,
};
use ready_pool_core::Timestamp;
use ready_pool_core::activity::{self, Activity};
use ready_pool_core::call_error::CallError;
use ready_pool_core::group::{Group, Lifecycle, Member, OPT_IN_TAG, Placement};
use ready_pool_core::ids::{ClaimId, GroupName, InstanceId};
use ready_pool_core::ledger::{self, Entry};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Ids in one `DescribeAutoScalingInstances` (API model).
const MAX_IDS_PER_DESCRIBE: usize = 50;
/// Groups in one page of `DescribeAutoScalingGroups` (API model).
const MAX_GROUPS_PER_PAGE: i32 = 100;
/// Tags in one `CreateOrUpdateTags` or `DeleteTags` (API model).
const MAX_TAGS_PER_CALL: usize = 25;
/// Activities in one page of `DescribeScalingActivities` (API model).
const MAX_ACTIVITIES_PER_PAGE: i32 = 100;
/// The operations' names, for errors.
const GROUPS: &str = "DescribeAutoScalingGroups";
const ACTIVITIES: &str = "DescribeScalingActivities";

/// The adapter.
#[derive(Clone, Debug)]
pub struct AutoScaling {
    client: aws_sdk_autoscaling::Client,
}

/// An entry to write into a target's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryToWrite {
    /// The target.
    pub target: GroupName,
    /// The claim.
    pub claim_id: ClaimId,
    /// Its line.
    pub entry: Entry,
}

/// A tag to write on a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTag {
    /// The group.
    pub group: GroupName,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// The targets of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Those that could be read.
    pub groups: Vec<Group>,
    /// Those that could not.
    pub unreadable: Vec<UnreadableTarget>,
}

/// A group that opted in and that we cannot work with: its name is none that a claim can have, or AWS
/// left out what it always says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableTarget {
    /// Its name, as AWS has it.
    pub name: String,
    /// The entries among its tags.
    pub entries: Vec<Entry>,
}

/// Whether a group shrinks with the instance that leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// The desired capacity stays: Auto Scaling launches a replacement.
    Replace,
    /// The desired capacity goes down with the instance.
    Shrink,
}

/// How a launch hook ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaunchResult {
    /// The instance goes into service.
    Continue,
    /// The instance is terminated, and another launched.
    Abandon,
}

impl AutoScaling {
    /// The adapter on these clients.
    pub fn new(clients: &Clients) -> Self {
        Self {
            client: clients.auto_scaling.clone(),
        }
    }

    /// The groups of these names; a name that no group has is absent.
    pub async fn groups(
        &self,
        names: &BTreeSet<GroupName>,
    ) -> Result<BTreeMap<GroupName, Group>, CallError> {
        let read = |group| readable(group).map(|group| (group.name.clone(), group));
        self.named(names).await?.iter().map(read).collect()
    }

    /// The group of this name; `None` where there is none.
    pub async fn group(&self, name: &GroupName) -> Result<Option<Group>, CallError> {
        let groups = self.groups(&BTreeSet::from([name.clone()])).await?;
        Ok(groups.into_values().next())
    }

    /// The groups of these names, as AWS describes them.
    async fn named(&self, names: &BTreeSet<GroupName>) -> Result<Vec<AutoScalingGroup>, CallError> {
        let mut groups = Vec::new();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        for names in names.chunks(MAX_IDS_PER_DESCRIBE) {
            let request = self
                .client
                .describe_auto_scaling_groups()
                .set_auto_scaling_group_names(Some(names.to_vec()));
            groups.extend(Self::all_pages(request).await?);
        }
        Ok(groups)
    }

    /// All targets of a pool. One that cannot be read does not hide the others.
    pub async fn targets_of(&self, pool: &GroupName) -> Result<Targets, CallError> {
        let filter = format!("tag:{OPT_IN_TAG}");
        let mut targets = Targets::default();
        for group in self.filtered(&filter, pool.as_str()).await? {
            match read_group(&group) {
                Some(group) => targets.groups.push(group),
                None => targets.unreadable.push(UnreadableTarget {
                    name: group.auto_scaling_group_name().unwrap_or("?").to_owned(),
                    entries: ledger::entries_in(&read_tags(&group))
                        .map(|(_, entry)| entry)
                        .collect(),
                }),
            }
        }
        Ok(targets)
    }

    /// All groups that opted in, to whichever pool. For an operator's tool: some cannot be read, and are left out.
    pub async fn targets_of_any_pool(&self) -> Result<Vec<Group>, CallError> {
        let groups = self.filtered("tag-key", OPT_IN_TAG).await?;
        Ok(groups.iter().filter_map(read_group).collect())
    }

    /// Whether a group has this lifecycle hook.
    pub async fn has_hook(&self, group: &GroupName, hook: &str) -> Result<bool, CallError> {
        let answer = self
            .client
            .describe_lifecycle_hooks()
            .auto_scaling_group_name(group.as_str())
            .lifecycle_hook_names(hook)
            .send()
            .await
            .map_err(|error| error::from_sdk("DescribeLifecycleHooks", &error))?;
        Ok(!answer.lifecycle_hooks().is_empty())
    }

    /// All groups whose ledger has an entry of this claim id (several targets may share one).
    pub async fn groups_with_entry(&self, claim_id: &ClaimId) -> Result<Vec<Group>, CallError> {
        let groups = self.filtered("tag-key", &ledger::tag_key(claim_id)).await?;
        groups.iter().map(readable).collect()
    }

    async fn filtered(&self, name: &str, value: &str) -> Result<Vec<AutoScalingGroup>, CallError> {
        let filter = Filter::builder().name(name).values(value).build();
        Self::all_pages(self.client.describe_auto_scaling_groups().filters(filter)).await
    }

    async fn all_pages(
        request: aws_sdk_autoscaling::operation::describe_auto_scaling_groups::builders::DescribeAutoScalingGroupsFluentBuilder,
    ) -> Result<Vec<AutoScalingGroup>, CallError> {
        let mut pages = request
            .max_records(MAX_GROUPS_PER_PAGE)
            .into_paginator()
            .items()
            .send();
        let mut groups = Vec::new();
        while let Some(group) = pages.next().await {
            groups.push(group.map_err(|error| error::from_sdk(GROUPS, &error))?);
        }
        Ok(groups)
    }

    /// Where these instances are; one in no group is absent.
    pub async fn placements(
        &self,
        instances: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, Placement>, CallError> {
        const OPERATION: &str = "DescribeAutoScalingInstances";
        let mut places = BTreeMap::new();
        for instances in instances.chunks(MAX_IDS_PER_DESCRIBE) {
            let answer = self
                .client
                .describe_auto_scaling_instances()
                .set_instance_ids(Some(instances.iter().map(ToString::to_string).collect()))
                .send()
                .await
                .map_err(|error| error::from_sdk(OPERATION, &error))?;
            for line in answer.auto_scaling_instances() {
                let read = || {
                    let instance = InstanceId::try_from(line.instance_id()?).ok()?;
                    let group = GroupName::try_from(line.auto_scaling_group_name()?).ok()?;
                    let lifecycle = Lifecycle::from_aws(line.lifecycle_state()?);
                    Some((instance, Placement { group, lifecycle }))
                };
                let (instance, place) =
                    read().ok_or_else(|| CallError::incomplete(OPERATION, "group or state"))?;
                places.insert(instance, place);
            }
        }
        Ok(places)
    }

    /// A group's activities: those under way, then the newest first, back to `since`, or until
    /// `is_enough` says so of those read so far. It is asked after each page.
    pub async fn activities(
        &self,
        group: &GroupName,
        since: Timestamp,
        is_enough: impl Fn(&[Activity]) -> bool,
    ) -> Result<Vec<Activity>, CallError> {
        let request = self
            .client
            .describe_scaling_activities()
            .auto_scaling_group_name(group.as_str());
        let all = Self::activity_pages(request, since, None, is_enough).await?;
        Ok(all.unwrap_or_default())
    }

    /// A group's activities that started within these times (both ends to the second). None where they are
    /// more than so many pages, as far as a number is given.
    pub async fn activities_within(
        &self,
        group: &GroupName,
        times: &Range<Timestamp>,
        most_pages: Option<usize>,
    ) -> Result<Option<Vec<Activity>>, CallError> {
        let bound = |name: &str, seconds: i64| {
            let time = DateTime::from_secs(seconds).fmt(Format::DateTime);
            let time = time.map_err(|_| CallError::incomplete(ACTIVITIES, "writable time"))?;
            Ok::<_, CallError>(Filter::builder().name(name).values(time).build())
        };
        let request = self
            .client
            .describe_scaling_activities()
            .auto_scaling_group_name(group.as_str())
            .filters(bound("StartTimeLowerBound", times.start.unix_timestamp())?)
            .filters(bound(
                "StartTimeUpperBound",
                times.end.unix_timestamp() + 1,
            )?);
        Self::activity_pages(request, Timestamp::UNIX_EPOCH, most_pages, |_| false).await
    }

    async fn activity_pages(
        request: DescribeScalingActivitiesFluentBuilder,
        since: Timestamp,
        most_pages: Option<usize>,
        is_enough: impl Fn(&[Activity]) -> bool,
    ) -> Result<Option<Vec<Activity>>, CallError> {
        let mut pages = request
            .max_records(MAX_ACTIVITIES_PER_PAGE)
            .into_paginator()
            .send();
        let mut activities = Vec::new();
        let mut read = 0;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| error::from_sdk(ACTIVITIES, &error))?;
            read += 1;
            for activity in page.activities() {
                let Some(activity) = read_activity(activity)? else {
                    continue;
                };
                if activity.started_at >= since {
                    activities.push(activity);
                } else if activity.ended_at.is_some() {
                    // Those under way come first, then the newest: older ones do not matter.
                    return Ok(Some(activities));
                }
            }
            if is_enough(&activities) {
                break;
            }
            if most_pages == Some(read) && page.next_token().is_some() {
                return Ok(None);
            }
        }
        Ok(Some(activities))
    }

    /// Writes entries, all in as few calls as AWS allows. Nothing is written partly per call,
    /// as far as AWS says; each failed entry comes back with its error.
    pub async fn enter(&self, entries: &[EntryToWrite]) -> Vec<(EntryToWrite, CallError)> {
        let mut failed = Vec::new();
        for batch in entries.chunks(MAX_TAGS_PER_CALL) {
            if let Err(error) = self.write_entries(batch).await {
                if batch.len() == 1 {
                    failed.extend(batch.iter().map(|entry| (entry.clone(), error.clone())));
                    continue;
                }
                // One group that refuses must not hold up the others: each is asked alone.
                for entry in batch {
                    if let Err(error) = self.write_entries(std::slice::from_ref(entry)).await {
                        failed.push((entry.clone(), error));
                    }
                }
            }
        }
        failed
    }

    async fn write_entries(&self, entries: &[EntryToWrite]) -> Result<(), CallError> {
        let tags: Vec<GroupTag> = entries
            .iter()
            .map(|write| GroupTag {
                group: write.target.clone(),
                key: ledger::tag_key(&write.claim_id),
                value: write.entry.to_string(),
            })
            .collect();
        self.write_tags(&tags).await
    }

    /// Writes tags that stay on their group, over what was there.
    pub async fn write_tags(&self, tags: &[GroupTag]) -> Result<(), CallError> {
        for batch in tags.chunks(MAX_TAGS_PER_CALL) {
            let tags = batch
                .iter()
                .map(|tag| sdk_tag(&tag.group, &tag.key).value(&tag.value).build())
                .collect();
            self.client
                .create_or_update_tags()
                .set_tags(Some(tags))
                .send()
                .await
                .map_err(|error| error::from_sdk("CreateOrUpdateTags", &error))?;
        }
        Ok(())
    }

    /// Removes tags, by group and key.
    pub async fn remove_tags(&self, tags: &[(GroupName, String)]) -> Result<(), CallError> {
        for batch in tags.chunks(MAX_TAGS_PER_CALL) {
            let tags = batch
                .iter()
                .map(|(group, key)| sdk_tag(group, key).build())
                .collect();
            self.client
                .delete_tags()
                .set_tags(Some(tags))
                .send()
                .await
                .map_err(|error| error::from_sdk("DeleteTags", &error))?;
        }
        Ok(())
    }

    /// Detaches instances (at most 20) from a group. Never repeated by the SDK: a second call's
    /// refusal would look like somebody else's success.
    pub async fn detach(
        &self,
        group: &GroupName,
        instances: &[InstanceId],
        capacity: Capacity,
    ) -> Result<(), CallError> {
        self.client
            .detach_instances()
            .auto_scaling_group_name(group.as_str())
            .set_instance_ids(Some(instances.iter().map(ToString::to_string).collect()))
            .should_decrement_desired_capacity(capacity == Capacity::Shrink)
            .customize()
            .config_override(
                aws_sdk_autoscaling::config::Builder::new().retry_config(clients::single_attempt()),
            )
            .send()
            .await
            .map_err(|error| error::from_sdk("DetachInstances", &error))?;
        Ok(())
    }

    /// Attaches an instance to a group. Repeatable: a second call says where the instance is.
    pub async fn attach(&self, group: &GroupName, instance: &InstanceId) -> Result<(), CallError> {
        self.client
            .attach_instances()
            .auto_scaling_group_name(group.as_str())
            .instance_ids(instance.as_str())
            .send()
            .await
            .map_err(|error| error::from_sdk("AttachInstances", &error))?;
        Ok(())
    }

    /// Protects an instance from scale-in of its group. Repeatable. Lost with its next detach (Auto Scaling
    /// User Guide, "Use instance scale-in protection").
    pub async fn protect(&self, group: &GroupName, instance: &InstanceId) -> Result<(), CallError> {
        self.client
            .set_instance_protection()
            .auto_scaling_group_name(group.as_str())
            .instance_ids(instance.as_str())
            .protected_from_scale_in(true)
            .send()
            .await
            .map_err(|error| error::from_sdk("SetInstanceProtection", &error))?;
        Ok(())
    }

    /// Terminates an instance of whatever group it is in, and shrinks that group. Only for the
    /// retirement group's instances: the call names no group.
    pub async fn terminate(&self, instance: &InstanceId) -> Result<(), CallError> {
        self.client
            .terminate_instance_in_auto_scaling_group()
            .instance_id(instance.as_str())
            .should_decrement_desired_capacity(true)
            .send()
            .await
            .map_err(|error| error::from_sdk("TerminateInstanceInAutoScalingGroup", &error))?;
        Ok(())
    }

    /// Sets a group's desired capacity.
    pub async fn set_desired_capacity(
        &self,
        group: &GroupName,
        capacity: i32,
    ) -> Result<(), CallError> {
        self.client
            .set_desired_capacity()
            .auto_scaling_group_name(group.as_str())
            .desired_capacity(capacity)
            .honor_cooldown(false)
            .send()
            .await
            .map_err(|error| error::from_sdk("SetDesiredCapacity", &error))?;
        Ok(())
    }

    /// Ends an instance's wait in its launch hook.
    pub async fn complete_launch(
        &self,
        group: &GroupName,
        hook: &str,
        instance: &InstanceId,
        result: LaunchResult,
    ) -> Result<(), CallError> {
        self.client
            .complete_lifecycle_action()
            .auto_scaling_group_name(group.as_str())
            .lifecycle_hook_name(hook)
            .instance_id(instance.as_str())
            .lifecycle_action_result(match result {
                LaunchResult::Continue => "CONTINUE",
                LaunchResult::Abandon => "ABANDON",
            })
            .send()
            .await
            .map_err(|error| error::from_sdk("CompleteLifecycleAction", &error))?;
        Ok(())
    }
}

/// `None` for one that has not started.
fn read_activity(
    activity: &aws_sdk_autoscaling::types::Activity,
) -> Result<Option<Activity>, CallError> {
    let Some(started_at) = activity.start_time() else {
        return Ok(None);
    };
    let started_at = Timestamp::from_unix_timestamp(started_at.secs())
        .map_err(|_| CallError::incomplete(ACTIVITIES, "readable start time"))?;
    let status = activity.status_code();
    let cancelled = status == Some(&ScalingActivityStatusCode::Cancelled);
    let failed = cancelled || status == Some(&ScalingActivityStatusCode::Failed);
    let ended_at = activity
        .end_time()
        .and_then(|end| Timestamp::from_unix_timestamp(end.secs()).ok());
    let (kind, instance) = activity::read_description(activity.description().unwrap_or_default());
    Ok(Some(Activity {
        kind,
        instance,
        started_at,
        ended_at,
        failed,
        cancelled,
    }))
}

fn sdk_tag(group: &GroupName, key: &str) -> TagBuilder {
    Tag::builder()
        .resource_type("auto-scaling-group")
        .resource_id(group.as_str())
        .key(key)
        .propagate_at_launch(false)
}

fn readable(group: &AutoScalingGroup) -> Result<Group, CallError> {
    read_group(group).ok_or_else(|| CallError::incomplete(GROUPS, "readable group name"))
}

fn read_tags(group: &AutoScalingGroup) -> BTreeMap<String, String> {
    let tags = group.tags().iter();
    tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
        .collect()
}

fn read_group(group: &AutoScalingGroup) -> Option<Group> {
    Some(Group {
        name: GroupName::try_from(group.auto_scaling_group_name()?).ok()?,
        min_size: group.min_size()?,
        max_size: group.max_size()?,
        desired_capacity: group.desired_capacity()?,
        zones: group.availability_zones().iter().cloned().collect(),
        subnets: group
            .vpc_zone_identifier()
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|subnet| !subnet.is_empty())
            .map(str::to_owned)
            .collect(),
        suspended: group
            .suspended_processes()
            .iter()
            .filter_map(|process| {
                let reason = process.suspension_reason().unwrap_or("no reason is given");
                Some((process.process_name()?.to_owned(), reason.to_owned()))
            })
            .collect(),
        // "The current state of the group when the DeleteAutoScalingGroup operation is in progress".
        deleting: group.status().is_some(),
        // "The status is set to PendingDelete when a delete is in progress" (API reference, `WarmPoolConfiguration`).
        has_warm_pool: group
            .warm_pool_configuration()
            .is_some_and(|configuration| {
                configuration.status() != Some(&WarmPoolStatus::PendingDelete)
            }),
        tags: read_tags(group),
        launch_template: group
            .launch_template()
            .or_else(|| template_in_policy(group))
            .and_then(read_version),
        members: group.instances().iter().filter_map(read_member).collect(),
    })
}

/// A group with a mixed instances policy names its launch template there. Where types have launch templates of
/// their own, members differ as they should.
fn template_in_policy(group: &AutoScalingGroup) -> Option<&LaunchTemplateSpecification> {
    let template = group.mixed_instances_policy()?.launch_template()?;
    let has_its_own = |one: &LaunchTemplateOverrides| one.launch_template_specification().is_some();
    let is_the_only_one = !template.overrides().iter().any(has_its_own);
    template
        .launch_template_specification()
        .filter(|_| is_the_only_one)
}

fn read_member(instance: &Instance) -> Option<Member> {
    Some(Member {
        instance: InstanceId::try_from(instance.instance_id()?).ok()?,
        zone: instance.availability_zone()?.to_owned(),
        lifecycle: Lifecycle::from_aws(instance.lifecycle_state()?.as_str()),
        // `Healthy` here, `HEALTHY` in DescribeAutoScalingInstances.
        healthy: instance.health_status()?.eq_ignore_ascii_case("healthy"),
        protected: instance.protected_from_scale_in().unwrap_or_default(),
        instance_type: instance.instance_type().map(str::to_owned),
        launch_template: instance.launch_template().and_then(read_version),
    })
}

/// Template and version as one word; `None` where the group names no fixed version.
fn read_version(template: &LaunchTemplateSpecification) -> Option<String> {
    let version = template.version()?;
    let id = template.launch_template_id()?;
    (!version.starts_with('$')).then(|| format!("{id}:{version}"))
}
