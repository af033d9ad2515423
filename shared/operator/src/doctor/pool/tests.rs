use super::*;
use crate::doctor::finding::Severity;
use crate::doctor::finding::tests::{is_one, problems};
use crate::doctor::targets::tests::examined;
use ready_pool_core::group::Lifecycle;

fn said(change: impl FnOnce(&mut Pool)) -> Vec<(Severity, String)> {
    let mut examined = examined();
    change(examined.pool.as_mut().unwrap());
    problems(findings(&examined))
}

#[test]
fn a_pool_as_it_was_deployed_is_well() {
    assert_eq!(said(|_| ()), []);
}

#[test]
fn each_setting_that_hurts_is_found() {
    use Severity::{Doubtful, Wrong};
    type Change = fn(&mut Pool);
    let cases: [(Change, Severity, &str); 11] = [
        (|it| it.has_hook = false, Wrong, "it has no launch hook"),
        (|it| it.group.min_size = 1, Wrong, "its minimum size is 1"),
        (
            |it| it.settings.load_balancers.push("lb".to_owned()),
            Wrong,
            "it has a load balancer",
        ),
        (
            |it| it.group.has_warm_pool = true,
            Wrong,
            "it has a warm pool",
        ),
        (
            |it| it.settings.has_mixed_instances = true,
            Doubtful,
            "it launches from a mixed instances policy",
        ),
        (
            |it| it.settings.max_lifetime = Some(std::time::Duration::from_hours(24 * 7)),
            Doubtful,
            "it has a maximum instance lifetime of 7 days",
        ),
        (
            |it| {
                it.group
                    .tags
                    .insert(PAUSE_TAG.to_owned(), "claims".to_owned());
            },
            Doubtful,
            "it is paused: claims",
        ),
        (
            |it| {
                it.group
                    .tags
                    .insert(PAUSE_TAG.to_owned(), "claim".to_owned());
            },
            Wrong,
            "it is paused: claims and replenishing, because the tag",
        ),
        (
            |it| {
                it.group
                    .suspended
                    .insert("Launch".to_owned(), "AWS".to_owned());
            },
            Wrong,
            "the Launch process of group rp-pool is suspended (AWS): nothing fills it",
        ),
        (
            |it| {
                it.group.suspended.remove("AZRebalance");
            },
            Wrong,
            "its process AZRebalance is not suspended",
        ),
        (
            |it| it.group.desired_capacity = 0,
            Doubtful,
            "it is empty, and wants no instance",
        ),
    ];
    for (change, severity, expected) in cases {
        is_one(&said(change), severity, expected);
    }
}

#[test]
fn agents_that_are_all_away_are_worse_than_one() {
    let all = said(|it| it.agents.clear());
    assert_eq!(all.len(), 2, "{all:?}");
    let one = said(|it| {
        let first = it.group.members[0].instance.clone();
        it.agents.remove(&first);
    });
    assert_eq!(one.len(), 1, "{one:?}");
    assert!(one[0].1.contains("i-00000001"), "{one:?}");
}

#[test]
fn the_last_launch_counts_while_it_is_recent() {
    let launch = |status: &str, minutes: i64| LoggedActivity {
        started_at: examined().now - Duration::minutes(minutes),
        ended_at: None,
        description: "Launching a new EC2 instance".to_owned(),
        cause: "a difference".to_owned(),
        status: status.to_owned(),
        problem: Some("no capacity".to_owned()),
    };
    let failed = said(|it| it.log = vec![launch("Failed", 5), launch("Successful", 10)]);
    assert!(
        failed[0].1.contains("failed 5 min ago: no capacity"),
        "{failed:?}"
    );
    let mended = said(|it| it.log = vec![launch("Successful", 5), launch("Failed", 10)]);
    assert_eq!(mended, []);
    let long_ago = said(|it| it.log = vec![launch("Failed", 90)]);
    assert_eq!(long_ago, []);
}

#[test]
fn a_launch_that_waits_long_for_its_agent_is_found() {
    let launch = |status: &str, minutes: i64| LoggedActivity {
        started_at: examined().now - Duration::minutes(minutes),
        ended_at: None,
        description: "Launching a new EC2 instance: i-00000003".to_owned(),
        cause: String::new(),
        status: status.to_owned(),
        problem: None,
    };
    let waits = said(|it| {
        it.log = vec![
            launch("MidLifecycleAction", 1),
            launch("MidLifecycleAction", 6),
        ];
    });
    assert_eq!(waits.len(), 1, "{waits:?}");
    assert!(waits[0].1.contains("launched 6 min ago"), "{waits:?}");
    assert_eq!(said(|it| it.log = vec![launch("Cancelled", 6)]), []);
}

#[test]
fn a_launch_whose_agent_is_online_waits_for_replenish_pool() {
    let after_a_pause = said(|it| {
        let member = it.group.members.last_mut().unwrap();
        member.lifecycle = Lifecycle::PendingWait;
        it.log = vec![LoggedActivity {
            started_at: examined().now - Duration::minutes(30),
            ended_at: None,
            description: format!("Launching a new EC2 instance: {}", member.instance),
            cause: String::new(),
            status: "MidLifecycleAction".to_owned(),
            problem: None,
        }];
    });
    assert_eq!(after_a_pause.len(), 1, "{after_a_pause:?}");
    let (severity, problem) = &after_a_pause[0];
    assert_eq!(*severity, Severity::Doubtful);
    assert!(problem.contains("its agent is online"), "{problem}");
}

#[test]
fn an_empty_pool_is_worse_where_nothing_boots() {
    let boots = |lifecycle: Lifecycle| {
        said(|it| {
            for member in &mut it.group.members {
                member.lifecycle = lifecycle;
            }
        })
    };
    assert_eq!(boots(Lifecycle::PendingWait)[0].0, Severity::Doubtful);
    assert_eq!(boots(Lifecycle::Detaching)[0].0, Severity::Wrong);
}

#[test]
fn a_pool_that_is_gone_is_one_finding() {
    let mut examined = examined();
    examined.pool = None;
    assert_eq!(findings(&examined).len(), 1);
}
