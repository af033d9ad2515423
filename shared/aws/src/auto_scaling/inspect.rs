//! Reads of Auto Scaling that only an operator's tool makes: a group's settings beyond what decisions need, and
//! its activities in AWS's words.

use super::{ACTIVITIES, AutoScaling, GROUPS, MAX_ACTIVITIES_PER_PAGE};
use crate::error;
use aws_sdk_autoscaling::primitives::DateTime;
use aws_sdk_autoscaling::types::{AutoScalingGroup, InstanceRefreshStatus};
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::CallError;
use ready_pool_core::ids::{GroupName, InstanceId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a group is set to, as far as it can hurt a claimed instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupSettings {
    /// Load balancers, target groups and other traffic sources.
    pub load_balancers: Vec<String>,
    /// Whether a load balancer's health check can terminate its instances.
    pub has_elb_health_checks: bool,
    /// For how long after it came into service no health check counts.
    pub grace_period: Duration,
    /// After which age its instances are replaced.
    pub max_lifetime: Option<Duration>,
    /// Whether it launches from a mixed instances policy.
    pub has_mixed_instances: bool,
}

/// A line of a group's activity history, in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedActivity {
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; none while it is under way.
    pub ended_at: Option<Timestamp>,
    /// What it did.
    pub description: String,
    /// Why.
    pub cause: String,
    /// `Successful`, `Failed`, `InProgress`, ….
    pub status: String,
    /// Why it failed, where it did.
    pub problem: Option<String>,
}

impl LoggedActivity {
    /// Whether it is under way no more.
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "Successful" | "Failed" | "Cancelled")
    }

    /// Whether it is about this instance.
    pub fn is_about(&self, instance: &InstanceId) -> bool {
        self.description.contains(instance.as_str())
    }
}

impl AutoScaling {
    /// The settings of these groups; a name that no group has is absent.
    pub async fn settings(
        &self,
        names: &BTreeSet<GroupName>,
    ) -> Result<BTreeMap<GroupName, GroupSettings>, CallError> {
        let mut settings = BTreeMap::new();
        for group in self.named(names).await? {
            let name = group.auto_scaling_group_name().map(GroupName::try_from);
            let Some(Ok(name)) = name else {
                return Err(CallError::incomplete(GROUPS, "readable group name"));
            };
            settings.insert(name, read_settings(&group));
        }
        Ok(settings)
    }

    /// Whether an instance refresh of the group is under way.
    pub async fn is_refreshing(&self, group: &GroupName) -> Result<bool, CallError> {
        const OPERATION: &str = "DescribeInstanceRefreshes";
        let request = self.client.describe_instance_refreshes();
        let answer = request
            .auto_scaling_group_name(group.as_str())
            .max_records(1)
            .send()
            .await
            .map_err(|error| error::from_sdk(OPERATION, &error))?;
        // The newest comes first (API reference).
        Ok(answer.instance_refreshes().iter().any(|refresh| {
            matches!(
                refresh.status(),
                Some(
                    InstanceRefreshStatus::Pending
                        | InstanceRefreshStatus::InProgress
                        | InstanceRefreshStatus::Baking
                )
            )
        }))
    }

    /// The newest activities of a group, at most a hundred.
    pub async fn log(&self, group: &GroupName) -> Result<Vec<LoggedActivity>, CallError> {
        Ok(self.log_page(group, None).await?.0)
    }

    /// A page of a group's activities, at most a hundred: those under way, then the newest first; and the next page's
    /// token, if there is one. AWS keeps six weeks (API reference of `DescribeScalingActivities`).
    pub async fn log_page(
        &self,
        group: &GroupName,
        page: Option<String>,
    ) -> Result<(Vec<LoggedActivity>, Option<String>), CallError> {
        let request = self.client.describe_scaling_activities();
        let answer = request
            .auto_scaling_group_name(group.as_str())
            .max_records(MAX_ACTIVITIES_PER_PAGE)
            .set_next_token(page)
            .send()
            .await
            .map_err(|error| error::from_sdk(ACTIVITIES, &error))?;
        let lines = answer.activities().iter().filter_map(read_line).collect();
        Ok((lines, answer.next_token))
    }
}

fn read_settings(group: &AutoScalingGroup) -> GroupSettings {
    let seconds = |seconds: i32| Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let sources = group.traffic_sources().iter();
    let sources = sources.filter_map(|source| source.identifier().map(str::to_owned));
    let load_balancers: BTreeSet<String> = group
        .load_balancer_names()
        .iter()
        .chain(group.target_group_arns())
        .cloned()
        .chain(sources)
        .collect();
    GroupSettings {
        load_balancers: load_balancers.into_iter().collect(),
        // `EC2,ELB` since several kinds can be named.
        has_elb_health_checks: group
            .health_check_type()
            .is_some_and(|kinds| kinds.split(',').any(|kind| kind.trim() != "EC2")),
        grace_period: seconds(group.health_check_grace_period().unwrap_or_default()),
        max_lifetime: group
            .max_instance_lifetime()
            .filter(|lifetime| *lifetime > 0)
            .map(seconds),
        has_mixed_instances: group.mixed_instances_policy().is_some(),
    }
}

fn read_line(activity: &aws_sdk_autoscaling::types::Activity) -> Option<LoggedActivity> {
    let time = |time: &DateTime| Timestamp::from_unix_timestamp(time.secs()).ok();
    let started_at = time(activity.start_time()?)?;
    let status = activity.status_code().map_or("", |status| status.as_str());
    Some(LoggedActivity {
        started_at,
        ended_at: activity.end_time().and_then(time),
        description: activity.description().unwrap_or_default().to_owned(),
        cause: activity.cause().unwrap_or_default().to_owned(),
        status: status.to_owned(),
        problem: (status == "Failed")
            .then(|| activity.status_message().map(str::to_owned))
            .flatten(),
    })
}
