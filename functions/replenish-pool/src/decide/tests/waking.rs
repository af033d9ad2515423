//! How much a pass looks at, by what woke it up and what the last look left.

use super::*;

const AN_EVENT_AGO: Duration = Duration::from_secs(2);

/// Everything was looked at half a minute ago, and the pool's size with it.
fn calm() -> LastLooks {
    LastLooks {
        full_scan_at: Some(NOW - SECOND * 30),
        sized_at: Some(NOW - SECOND * 30),
        ..LastLooks::default()
    }
}

fn first(cause: &Cause, last: &LastLooks) -> Option<Extent> {
    first_look(cause, Some(NOW - AN_EVENT_AGO), last, NOW)
}

fn at_the_hook() -> Cause {
    Cause::Waits(Some(instance(1)))
}

#[test]
fn an_event_is_looked_into_as_far_as_something_can_follow_from_it() {
    for (detail_type, extent) in [
        ("EC2 Instance-launch Lifecycle Action", Some(Extent::Gate)),
        ("EC2 Instance Launch Successful", None),
        ("EC2 Instance Launch Unsuccessful", Some(Extent::Size)),
        ("EC2 Instance Detach Successful", Some(Extent::Queue)),
        ("EC2 Instance Detach Unsuccessful", Some(Extent::Queue)),
        ("EC2 Instance Terminate Successful", Some(Extent::Queue)),
        ("EC2 Instance Terminate Unsuccessful", Some(Extent::Queue)),
        ("something new", Some(Extent::Size)),
    ] {
        let cause = Cause::of(detail_type, Some(instance(1).as_str()));
        assert_eq!(first(&cause, &calm()), extent, "{detail_type}");
    }
    assert_eq!(first(&Cause::Timer, &calm()), Some(Extent::Full));
}

#[test]
fn while_the_pool_may_have_to_grow_every_event_is_about_its_size() {
    let last = LastLooks {
        may_grow: true,
        ..calm()
    };
    for cause in [
        at_the_hook(),
        Cause::Launched,
        Cause::Left,
        Cause::Other,
        Cause::Waits(None),
    ] {
        assert_eq!(first(&cause, &last), Some(Extent::Size), "{cause:?}");
    }
}

#[test]
fn whatever_woke_it_up_a_look_is_full_when_that_is_due() {
    let a_minute_ago = LastLooks {
        full_scan_at: Some(NOW - SECOND * 60),
        ..calm()
    };
    for last in [a_minute_ago, LastLooks::default()] {
        for cause in [at_the_hook(), Cause::Launched, Cause::Left] {
            assert_eq!(first(&cause, &last), Some(Extent::Full), "{cause:?}");
        }
    }
}

#[test]
fn an_event_of_a_machine_that_was_let_in_meanwhile_says_nothing() {
    let mut last = calm();
    last.completed.insert(instance(1));
    assert_eq!(first(&at_the_hook(), &last), None);
    assert_eq!(
        first(&Cause::Waits(Some(instance(2))), &last),
        Some(Extent::Gate)
    );
    assert_eq!(first(&Cause::Waits(None), &last), Some(Extent::Gate));
}

/// Events tell their time to the second, and one without a time may be of now.
#[test]
fn a_detach_before_the_last_look_at_the_size_says_nothing() {
    let event = Some(NOW - AN_EVENT_AGO);
    for (sized_at, happened_at, extent) in [
        (NOW - SECOND, event, None),
        (NOW - AN_EVENT_AGO, event, Some(Extent::Queue)),
        (NOW - SECOND * 3, event, Some(Extent::Queue)),
        (NOW, None, Some(Extent::Queue)),
    ] {
        let last = LastLooks {
            sized_at: Some(sized_at),
            ..calm()
        };
        assert_eq!(first_look(&Cause::Left, happened_at, &last, NOW), extent);
    }
}

/// Its own event may be retried for half a minute.
#[test]
fn who_was_left_in_the_hook_is_looked_at_with_the_next_event_of_any_kind() {
    let mut last = LastLooks {
        ready_while_one_waits: Some(4),
        ..calm()
    };
    last.completed.insert(instance(1));
    for cause in [at_the_hook(), Cause::Waits(None), Cause::Launched] {
        assert_eq!(first(&cause, &last), Some(Extent::Gate), "{cause:?}");
    }
    assert_eq!(first(&Cause::Left, &last), Some(Extent::Size));
}

// What is remembered.

/// The memory after a look of this extent.
fn after(extent: Extent, view: &View) -> LastLooks {
    let mut last = LastLooks::default();
    last.add(extent, view, &for_the_pool(view), Vec::new(), 0);
    last
}

#[test]
fn the_pool_may_have_to_grow_while_claims_wait_or_nothing_is_ready_or_launches_fail() {
    let may_grow = |view: &View| after(Extent::Size, view).may_grow;
    assert!(!may_grow(&ready_pool(1)));
    assert!(may_grow(&at_rest()), "nothing is ready");

    let mut waited_for = ready_pool(1);
    waited_for.backlog = Some(1);
    assert!(may_grow(&waited_for));
    let served = activity(ActivityKind::Detach, 9, SECOND, Some(SECOND));
    waited_for.history().push(served);
    assert!(!may_grow(&waited_for), "its claim is served");
    waited_for.activities = None;
    assert!(may_grow(&waited_for), "nobody knows that it is");

    let mut silent = ready_pool(1);
    silent.lose_agent(1);
    assert!(may_grow(&silent));
    // Agents that were not asked about are no silent ones.
    silent.knows_all_agents = false;
    assert!(!may_grow(&silent));

    let mut failing = ready_pool(1);
    failing.size = 2;
    let failed = (1..=5).map(|seconds| Activity {
        failed: true,
        instance: None,
        ..activity(ActivityKind::Launch, 1, SECOND * seconds, Some(SECOND))
    });
    failing.history().extend(failed);
    assert!(may_grow(&failing));
}

#[test]
fn a_look_at_the_hook_is_none_at_the_size() {
    for (extent, sized_at) in [
        (Extent::Gate, None),
        (Extent::Size, Some(NOW)),
        (Extent::Full, Some(NOW)),
    ] {
        assert_eq!(after(extent, &ready_pool(1)).sized_at, sized_at);
    }
}

#[test]
fn who_waits_in_the_hook_is_remembered() {
    let mut view = ready_pool(1);
    let waits = |view: &View| after(Extent::Gate, view).ready_while_one_waits.is_some();
    assert!(!waits(&view));
    view.pool.members.push(member(2, Lifecycle::Pending));
    assert!(!waits(&view));
    view.pool.members.push(member(3, Lifecycle::PendingWait));
    assert!(waits(&view));
    let mut unended = LastLooks::default();
    unended.add(
        Extent::Gate,
        &ready_pool(1),
        &Plan::default(),
        Vec::new(),
        1,
    );
    assert_eq!(unended.ready_while_one_waits, Some(1));
}

/// Their events come once the pass has ended.
#[test]
fn who_leaves_while_somebody_waits_in_the_hook_makes_the_next_look_one_at_the_size() {
    let ready = |ready: u32| {
        let mut view = ready_pool(ready);
        view.pool.members.push(member(99, Lifecycle::PendingWait));
        view
    };
    let mut last = LastLooks::default();
    for (extent, members, may_grow) in [
        (Extent::Full, 4, false),
        (Extent::Gate, 4, false),
        (Extent::Gate, 3, true),
        (Extent::Size, 2, false),
        (Extent::Gate, 2, false),
        (Extent::Gate, 3, false),
    ] {
        let view = ready(members);
        last.add(extent, &view, &for_the_pool(&view), Vec::new(), 0);
        assert_eq!(last.may_grow, may_grow, "{extent:?} {members}");
    }
    // Between two passes their events are heard.
    let view = ready_pool(2);
    last.add(Extent::Gate, &view, &for_the_pool(&view), Vec::new(), 0);
    let view = ready_pool(1);
    last.add(Extent::Gate, &view, &for_the_pool(&view), Vec::new(), 0);
    assert!(!last.may_grow);
}

#[test]
fn completed_launches_are_remembered_as_long_as_the_pool_has_them() {
    let view = ready_pool(2);
    let mut last = LastLooks {
        completed: BTreeSet::from([instance(1), instance(9)]),
        ..calm()
    };
    let completed = vec![instance(2)];
    last.add(Extent::Gate, &view, &Plan::default(), completed, 0);
    assert_eq!(last.completed, BTreeSet::from([instance(1), instance(2)]));
}

// The next look.

#[test]
fn the_hook_is_looked_at_again_while_somebody_waits_in_it() {
    let waiting = Plan {
        booting: 1,
        waiting: 1,
        ..Plan::default()
    };
    let on_its_way = Plan {
        booting: 1,
        ..Plan::default()
    };
    let soon = |extent| Some((SECOND * 5, extent));
    for (plan, unended, may_grow, next) in [
        (&waiting, 0, false, soon(Extent::Gate)),
        (&on_its_way, 0, false, None),
        (&on_its_way, 1, false, soon(Extent::Gate)),
        (&on_its_way, 0, true, soon(Extent::Size)),
        (&Plan::default(), 0, true, None),
        (&Plan::default(), 1, true, soon(Extent::Size)),
    ] {
        assert_eq!(next_look(plan, unended, may_grow), next, "{plan:?}");
    }
}

#[test]
fn the_next_try_of_a_launch_is_waited_for_and_no_look_is_earlier_than_five_seconds() {
    for (probe_in, pause) in [(1, 5), (30, 30)] {
        let plan = Plan {
            probe_in: Some(SECOND * probe_in),
            failing_launches: 5,
            ..Plan::default()
        };
        assert_eq!(
            next_look(&plan, 0, true),
            Some((SECOND * pause, Extent::Size))
        );
    }
}

#[test]
fn what_becomes_of_a_launch_that_is_tried_is_looked_at_when_it_can_show() {
    for (tried_in, pause) in [(0, 5), (20, 20)] {
        let plan = Plan {
            tried_in: Some(SECOND * tried_in),
            ..Plan::default()
        };
        let next = next_look(&plan, 0, true);
        assert_eq!(next, Some((SECOND * pause, Extent::Size)));
    }
}
