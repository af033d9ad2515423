use super::*;
use crate::doctor::examine::Pool;
use crate::doctor::finding::Severity;
use crate::doctor::finding::tests::{is_one, problems};
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
        kept: Vec::new(),
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
    problems(findings(examined))
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
            "it has a maximum instance lifetime of 1 day:",
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
        is_one(&said(change), severity, expected);
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
    assert_eq!(
        all(&examined)[0].1,
        "it is a group of ready-pool itself: claims are rejected (target_is_ours)"
    );
}
