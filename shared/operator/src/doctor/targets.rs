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
        findings.wrong("it is the pool itself", "remove its tag ready-pool:pool");
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
                "it has a maximum instance lifetime of {} days: a claimed instance is older than its claim",
                lifetime.as_secs() / 86_400
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
pub(super) mod tests {
    use super::*;
    use crate::doctor::examine::Pool;
    use crate::doctor::finding::Severity;
    use crate::pool::tests::{group, online};
    use crate::session::tests::place;
    use crate::stack::QueueKind;
    use crate::stack::tests::stack;
    use ready_pool_aws::auto_scaling::{GroupSettings, UnreadableTarget};
    use ready_pool_core::group::Lifecycle;
    use std::collections::BTreeMap;
    use time::macros::datetime;

    /// A stack as it was deployed, two instances in its pool, one target: all is well.
    pub(in crate::doctor) fn examined() -> Examined {
        let members = [
            ("i-00000001", Lifecycle::InService),
            ("i-00000002", Lifecycle::InService),
        ];
        let quiet = |mut group: Group| {
            let reason = "User suspended at …".to_owned();
            group.suspended.insert("AZRebalance".to_owned(), reason);
            group
        };
        Examined {
            now: datetime!(2026-11-29 13:00 UTC),
            place: place(),
            stack: stack(),
            queues: QueueKind::ALL.map(|queue| (queue, attributes())).into(),
            pool: Some(Pool {
                group: quiet(group("rp-pool", &members)),
                settings: GroupSettings::default(),
                agents: online(&["i-00000001", "i-00000002"]),
                has_hook: true,
                log: Vec::new(),
            }),
            retirement: Some(group("rp-retirement", &[])),
            targets: vec![Target {
                group: quiet(group("tenant", &[])),
                settings: GroupSettings::default(),
                is_refreshing: Some(false),
            }],
            unreadable: Vec::new(),
        }
    }

    fn attributes() -> BTreeMap<String, String> {
        [
            ("ApproximateNumberOfMessages", "0"),
            ("ContentBasedDeduplication", "true"),
            ("MessageRetentionPeriod", "345600"),
            (
                "Policy",
                r#"{"Statement": [{"Effect": "Allow"}, {"Effect": "Deny"}]}"#,
            ),
            ("RedrivePolicy", r#"{"maxReceiveCount": 1000}"#),
            ("VisibilityTimeout", "70"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn said(change: impl FnOnce(&mut Target)) -> Vec<(Severity, String)> {
        let mut examined = examined();
        change(&mut examined.targets[0]);
        all(&examined)
    }

    fn all(examined: &Examined) -> Vec<(Severity, String)> {
        findings(examined)
            .into_iter()
            .map(|finding| (finding.severity, finding.problem))
            .collect()
    }

    #[test]
    fn a_target_as_the_docs_want_it_is_well() {
        assert_eq!(said(|_| ()), []);
    }

    #[test]
    fn each_danger_is_found() {
        use Severity::{Doubtful, Wrong};
        type Change = fn(&mut Target);
        let cases: [(Change, Severity, &str); 12] = [
            (
                |it| {
                    it.group
                        .suspended
                        .insert("Launch".to_owned(), "me".to_owned());
                },
                Wrong,
                "the Launch process of group tenant is suspended",
            ),
            (
                |it| it.group.deleting = true,
                Wrong,
                "group tenant is being deleted",
            ),
            (|it| it.group.desired_capacity = 10, Doubtful, "it is full"),
            (
                |it| it.group.zones = ["z".to_owned()].into(),
                Wrong,
                "it shares no zone",
            ),
            (
                |it| it.group.subnets = ["subnet-z".to_owned()].into(),
                Doubtful,
                "it shares no subnet",
            ),
            (
                |it| it.settings.has_elb_health_checks = true,
                Doubtful,
                "its load balancer's health check counts 0 s after an attach",
            ),
            (
                |it| it.settings.load_balancers.push("lb".to_owned()),
                Doubtful,
                "it is behind a load balancer",
            ),
            (
                |it| it.is_refreshing = Some(true),
                Wrong,
                "an instance refresh is under way",
            ),
            (
                |it| it.settings.max_lifetime = Some(Duration::from_hours(24)),
                Doubtful,
                "it has a maximum instance lifetime of 1 days",
            ),
            (
                |it| {
                    it.group.suspended.remove("AZRebalance");
                },
                Doubtful,
                "its process AZRebalance is not suspended",
            ),
            (
                |it| it.settings.has_mixed_instances = true,
                Doubtful,
                "it has a mixed instances policy",
            ),
            (
                |it| {
                    it.group
                        .tags
                        .insert(CLOUDFORMATION_TAG.to_owned(), "web".to_owned());
                },
                Doubtful,
                "it belongs to the CloudFormation stack web",
            ),
        ];
        for (change, severity, expected) in cases {
            let said = said(change);
            assert_eq!(said.len(), 1, "{expected}: {said:?}");
            assert_eq!(said[0].0, severity, "{expected}");
            assert!(said[0].1.starts_with(expected), "{expected}: {said:?}");
        }
    }

    #[test]
    fn lines_to_paste_go_to_the_region_that_was_examined() {
        let mut examined = examined();
        let endpoint = "http://127.0.0.1:4566";
        examined.place.endpoint = Some(endpoint.to_owned());
        let target = &mut examined.targets[0];
        target.group.suspended = BTreeMap::from([("Launch".to_owned(), "me".to_owned())]);
        target.is_refreshing = Some(true);
        let pool = examined.pool.as_mut().unwrap();
        pool.group.suspended = BTreeMap::from([("Terminate".to_owned(), "me".to_owned())]);
        pool.group.has_warm_pool = true;
        let retirement = examined.retirement.as_mut().unwrap();
        retirement
            .suspended
            .insert("Launch".to_owned(), "me".to_owned());
        let advice = crate::doctor::findings(&examined);
        let advice = advice.into_iter().map(|it| it.advice);
        let lines: Vec<String> = advice.filter(|text| text.contains("aws ")).collect();
        assert_eq!(lines.len(), 7, "{lines:?}");
        for line in lines {
            let option = format!(" --endpoint-url {endpoint}");
            assert!(line.contains(&option), "{line}");
        }
    }

    #[test]
    fn tags_that_run_out_are_counted_without_aws_s_and_without_settled_entries() {
        let with = |own: usize, value: Option<&str>| {
            said(|it| {
                for number in 0..own {
                    it.group.tags.insert(format!("own-{number}"), String::new());
                }
                it.group.tags.insert("aws:x".to_owned(), String::new());
                if let Some(value) = value {
                    it.group
                        .tags
                        .insert("ready-pool:claim/c".to_owned(), value.to_owned());
                }
            })
        };
        assert_eq!(with(45, None), []);
        assert!(with(46, None)[0].1.contains("only 4 tags left"));
        assert_eq!(with(50, None)[0].0, Severity::Wrong);
        let settled = Some("v1 i-00000001 1 ready 2026-11-29T13:15:00Z");
        assert!(with(49, settled)[0].1.contains("only 1 tag left"));
    }

    #[test]
    fn no_target_and_targets_that_cannot_be_read_are_said() {
        let mut examined = examined();
        examined.targets[0].is_refreshing = None;
        examined.unreadable.push(UnreadableTarget {
            name: "a\nb".to_owned(),
            entries: Vec::new(),
        });
        let said = all(&examined);
        assert_eq!(said.len(), 2, "{said:?}");
        examined.targets.clear();
        examined.unreadable.clear();
        assert_eq!(all(&examined)[0].1, "no group has opted in");
    }

    #[test]
    fn the_pool_must_not_be_its_own_target() {
        let mut examined = examined();
        examined.targets[0].group.name = examined.stack.pool.clone();
        assert_eq!(all(&examined)[0].1, "it is the pool itself");
    }
}
