//! Findings on each target: whether a claim would be admitted, and what could terminate its instance.

use super::examine::{Examined, Target};
use super::finding::{Finding, Findings};
use super::stack::{resume, suspend_rebalancing};
use crate::session::Place;
use crate::words;
use ready_pool_core::claim::DEFAULT_EXECUTION_TIMEOUT_SECONDS;
use ready_pool_core::group::{Group, MAX_TAGS};
use std::time::Duration;

/// Fewer free tags than this are few: each claim takes one until it is settled, and for hours afterwards.
const FEW_TAGS: usize = 5;
/// The tag that CloudFormation gives to what it makes (CloudFormation User Guide, "Resource tag").
const CLOUDFORMATION_TAG: &str = "aws:cloudformation:stack-name";

/// All of them.
pub(super) fn findings(examined: &Examined) -> Vec<Finding> {
    let mut all = Vec::new();
    let mut findings = Findings::about("targets");
    let unread = examined
        .targets
        .iter()
        .filter(|target| target.is_refreshing.is_none())
        .count();
    if examined.targets.is_empty() {
        findings.doubtful(
            "no group has opted in",
            format!(
                "give a tenant's group the tag ready-pool:pool = {}",
                examined.stack.pool
            ),
        );
    } else if unread > 0 {
        findings.doubtful(
            format!(
                "whether an instance refresh is under way could not be read of {}",
                words::count(unread, "target", "targets")
            ),
            "allow autoscaling:DescribeInstanceRefreshes (docs/permissions.md), or try again in a minute",
        );
    }
    for target in &examined.unreadable {
        findings.wrong(
            format!(
                "the group {:?} has opted in, and no claim can name it",
                target.name
            ),
            "rename it: a name has at most 255 characters, none of them a control character",
        );
    }
    all.extend(findings.into_all());
    let pool = examined.pool.as_ref().map(|pool| &pool.group);
    for target in &examined.targets {
        let mut findings = Findings::about(target.group.name.as_str());
        admission(&target.group, pool, &examined.place, &mut findings);
        tags(&target.group, &mut findings);
        dangers(target, &examined.place, &mut findings);
        all.extend(findings.into_all());
    }
    all
}

/// What claims for it would be rejected for.
fn admission(target: &Group, pool: Option<&Group>, place: &Place, findings: &mut Findings) {
    let name = target.name.as_str();
    if let Some(problem) = target.launches_nothing() {
        let advice = if target.deleting {
            "name another group in claims".to_owned()
        } else {
            resume(place, name, "Launch")
        };
        findings.wrong(format!("{problem}: claims are rejected"), advice);
    }
    if target.desired_capacity >= target.max_size {
        findings.doubtful(
            format!(
                "it is full: desired capacity {}, maximum size {}; further claims are rejected (target_full)",
                target.desired_capacity, target.max_size
            ),
            "raise its maximum size if it should get more",
        );
    }
    let Some(pool) = pool else {
        return;
    };
    if target.name == pool.name {
        findings.wrong(
            "it is a group of ready-pool itself: claims are rejected (target_is_ours)",
            "remove its tag ready-pool:pool",
        );
        return;
    }
    if target.zones.is_disjoint(&pool.zones) {
        findings.wrong(
            "it shares no zone with the pool: claims are rejected (no_common_zone)",
            "compare the subnets of both groups",
        );
    } else if !pool.subnets.is_empty() && target.subnets.is_disjoint(&pool.subnets) {
        findings.doubtful(
            "it shares no subnet with the pool: claims are rejected (no_common_subnet), unless RequireCommonSubnet is false",
            "give it a subnet of the pool's",
        );
    }
}

fn tags(target: &Group, findings: &mut Findings) {
    let free = MAX_TAGS.saturating_sub(target.counted_tags());
    // Settled entries go early where tags are few.
    let settled = target
        .entries()
        .filter(|(_, entry)| !entry.is_open())
        .count();
    let advice = "remove some of its own: each open claim takes one";
    match free + settled {
        0 => findings.wrong("it has no tag left: claims are rejected or wait", advice),
        few if few < FEW_TAGS => {
            let left = words::count(few, "tag", "tags");
            findings.doubtful(format!("it has only {left} left for claims"), advice);
        }
        _ => {}
    }
}

/// What may take a claimed instance away (docs/operations.md, targets).
fn dangers(target: &Target, place: &Place, findings: &mut Findings) {
    let Target {
        group,
        settings,
        is_refreshing,
    } = target;
    let limit = Duration::from_secs(DEFAULT_EXECUTION_TIMEOUT_SECONDS.into());
    if settings.has_elb_health_checks && settings.grace_period < limit {
        findings.doubtful(
            format!(
                "its load balancer's health check counts {} s after an attach, and a script may run for {} s: the instance \
                 may be terminated in the middle of it",
                settings.grace_period.as_secs(),
                limit.as_secs()
            ),
            "raise its health check grace period above the script's time limit",
        );
    } else if !settings.load_balancers.is_empty() {
        findings.doubtful(
            "it is behind a load balancer: a claimed instance is registered before its script has run",
            "use health checks that fail until the script is done",
        );
    }
    if is_refreshing == &Some(true) {
        findings.wrong(
            "an instance refresh is under way: it replaces claimed instances, too",
            place.aws(&format!(
                "autoscaling cancel-instance-refresh --auto-scaling-group-name {}",
                group.name
            )),
        );
    }
    if let Some(lifetime) = settings.max_lifetime {
        findings.doubtful(
            format!(
                "it has a maximum instance lifetime of {}: a claimed instance is older than its claim",
                words::days(lifetime)
            ),
            "set none, or one well above the age that MaxAgeHours allows in the pool",
        );
    }
    if group.zones.len() > 1 && !group.suspended.contains_key("AZRebalance") {
        findings.doubtful(
            "its process AZRebalance is not suspended: after a claim its zones may be uneven, and AWS may terminate an \
             instance to balance them",
            suspend_rebalancing(place, group.name.as_str()),
        );
    }
    if settings.has_mixed_instances {
        findings.doubtful(
            "it has a mixed instances policy: a claimed instance is on demand and of the pool's type, whatever that says",
            "prefer a target without",
        );
    }
    if let Some(stack) = group.tags.get(CLOUDFORMATION_TAG) {
        findings.doubtful(
            format!("it belongs to the CloudFormation stack {stack}: where the template has a DesiredCapacity, an update undoes claims"),
            "leave DesiredCapacity out of the template",
        );
    }
}

#[cfg(test)]
pub(super) mod tests;
