//! Launches in the pool's hook.

use super::*;

/// A pool whose only member, instance 1, is in this state.
fn with_member(lifecycle: Lifecycle) -> View {
    let mut view = at_rest();
    view.pool.members.push(member(1, lifecycle));
    view
}

/// Instance 1 was launched so long ago.
fn launched(view: &mut View, ago: Duration) {
    let launch = activity(ActivityKind::Launch, 1, ago, None);
    view.history().push(launch);
}

/// A pool whose only member waits at the hook, launched so long ago.
fn held_for(held: Duration) -> View {
    let mut view = with_member(Lifecycle::PendingWait);
    launched(&mut view, held);
    view
}

#[test]
fn a_launch_goes_through_when_its_agent_is_online() {
    let mut view = held_for(Duration::from_mins(1));
    view.agents().insert(instance(1), agent(true));
    let expected = Plan {
        complete: vec![instance(1)],
        ..Plan::default()
    };
    assert_eq!(decide(&view), expected);
}

#[test]
fn a_launch_waits_for_what_state_manager_has_for_it_for_three_minutes() {
    let awaits = Agent {
        online: true,
        awaits_association: true,
    };
    for (held, waits) in [(60, true), (179, true), (180, false), (900, false)] {
        let mut view = held_for(Duration::from_secs(held));
        view.agents().insert(instance(1), awaits);
        let plan = decide(&view);
        assert_eq!(plan.complete.is_empty(), waits, "{held}");
        assert_eq!(
            (plan.booting == 1, plan.abandon.len()),
            (waits, 0),
            "{held}"
        );
        // Nobody is kept out for want of the history.
        view.activities = None;
        assert_eq!(decide(&view).complete, [instance(1)]);
    }
}

#[test]
fn a_late_agent_is_better_than_none() {
    let mut view = held_for(BOOT_LIMIT * 2);
    view.agents().insert(instance(1), agent(true));
    let plan = decide(&view);
    assert_eq!(plan.complete, [instance(1)]);
    assert_eq!(plan.abandon, []);
}

#[test]
fn a_launch_without_an_agent_is_waited_for_up_to_the_limit() {
    for held in [Duration::ZERO, BOOT_LIMIT] {
        let expected = Plan {
            booting: 1,
            waiting: 1,
            ..Plan::default()
        };
        assert_eq!(decide(&held_for(held)), expected);
    }
}

#[test]
fn a_launch_without_an_agent_is_abandoned_after_the_limit() {
    let expected = Plan {
        abandon: vec![instance(1)],
        ..Plan::default()
    };
    let plan = decide(&held_for(BOOT_LIMIT + Duration::from_secs(1)));
    assert_eq!(plan, expected);
}

#[test]
fn a_launch_of_unknown_age_is_left_alone() {
    let expected = Plan {
        booting: 1,
        waiting: 1,
        ..Plan::default()
    };
    assert_eq!(decide(&with_member(Lifecycle::PendingWait)), expected);
}

#[test]
fn a_launch_on_its_way_to_the_hook_counts_as_booting_and_nothing_else() {
    let mut view = with_member(Lifecycle::Pending);
    view.agents().insert(instance(1), agent(true));
    launched(&mut view, BOOT_LIMIT * 2);
    let expected = Plan {
        booting: 1,
        ..Plan::default()
    };
    assert_eq!(decide(&view), expected);
}

#[test]
fn members_that_are_through_the_gate_are_left_alone() {
    for lifecycle in [
        Lifecycle::InService,
        Lifecycle::EnteringStandby,
        Lifecycle::Standby,
        Lifecycle::Warmed,
        Lifecycle::Detaching,
        Lifecycle::Terminating,
        Lifecycle::Other,
    ] {
        let mut view = with_member(lifecycle);
        view.agents().insert(instance(1), agent(true));
        launched(&mut view, BOOT_LIMIT * 2);
        assert_eq!(decide(&view), Plan::default(), "{lifecycle:?}");
    }
}

#[test]
fn each_launch_is_decided_on_alone() {
    let mut view = held_for(BOOT_LIMIT * 2);
    for number in [2, 3] {
        view.pool
            .members
            .push(member(number, Lifecycle::PendingWait));
    }
    view.agents().insert(instance(2), agent(true));
    let plan = decide(&view);
    assert_eq!(plan.complete, [instance(2)]);
    assert_eq!(plan.abandon, [instance(1)]);
    assert_eq!(plan.booting, 1);
}

#[test]
fn an_agent_that_is_known_but_away_is_not_online() {
    let mut view = held_for(Duration::from_mins(1));
    view.lose_agent(1);
    assert_eq!(decide(&view).booting, 1);
    let mut view = held_for(BOOT_LIMIT * 2);
    view.lose_agent(1);
    assert_eq!(decide(&view).abandon, [instance(1)]);
}

#[test]
fn only_its_own_launch_tells_an_instance_s_age() {
    let mut view = with_member(Lifecycle::PendingWait);
    let old = BOOT_LIMIT * 2;
    *view.history() = vec![
        activity(ActivityKind::Launch, 2, old, None),
        activity(ActivityKind::Attach, 1, old, None),
    ];
    assert_eq!(decide(&view).booting, 1);
}

#[test]
fn a_short_look_keeps_the_gate() {
    let mut view = held_for(Duration::from_mins(1));
    view.agents().insert(instance(1), agent(true));
    view.scan = None;
    assert_eq!(decide(&view).complete, [instance(1)]);
}
