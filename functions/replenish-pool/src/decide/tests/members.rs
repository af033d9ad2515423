//! Members that nobody should get: their agent is away, or they are outdated.

use super::*;

const AWAY_FOR: Duration = Duration::from_mins(5);
const NOT_LONG_ENOUGH: Duration = Duration::from_secs(299);
const HOUR: Duration = Duration::from_hours(1);

/// A member of the pool is noted at this stage since so long ago.
fn note_member(view: &mut View, number: u32, stage: Stage, ago: Duration) {
    view.look_at(number, "pool", Lifecycle::InService);
    view.noted(number, stage, ago);
}

// Away.

#[test]
fn a_member_whose_agent_is_away_is_suspected() {
    let expected = Plan {
        note: vec![note(3, Stage::Suspect)],
        ..Plan::default()
    };
    let mut away = ready_pool(10);
    away.lose_agent(3);
    assert_eq!(decide(&away), expected);
    let mut unlisted = ready_pool(10);
    unlisted.agents().remove(&instance(3));
    assert_eq!(decide(&unlisted), expected);
}

#[test]
fn an_agent_that_stays_away_for_five_minutes_costs_its_member_the_place() {
    let mut view = ready_pool(10);
    view.lose_agent(3);
    note_member(&mut view, 3, Stage::Suspect, NOT_LONG_ENOUGH);
    assert_eq!(decide(&view), Plan::default());
    view.noted(3, Stage::Suspect, AWAY_FOR);
    let expected = Plan {
        note: vec![note(3, Stage::Retiring)],
        detach: vec![instance(3)],
        ..Plan::default()
    };
    assert_eq!(decide(&view), expected);
}

#[test]
fn an_agent_that_comes_back_is_forgiven() {
    let mut view = ready_pool(10);
    note_member(&mut view, 3, Stage::Suspect, AWAY_FOR * 2);
    let expected = Plan {
        remove_tags: vec![forgotten(3)],
        ..Plan::default()
    };
    assert_eq!(decide(&view), expected);
}

#[test]
fn a_suspect_that_left_the_pool_for_another_group_is_forgotten() {
    let mut view = ready_pool(10);
    view.look_at(11, "tenant", Lifecycle::InService);
    view.noted(11, Stage::Suspect, AWAY_FOR * 2);
    assert_eq!(decide(&view).remove_tags, [forgotten(11)]);
}

#[test]
fn a_member_that_is_on_its_way_in_or_out_is_nobody_s_suspect() {
    for lifecycle in [
        Lifecycle::Pending,
        Lifecycle::PendingWait,
        Lifecycle::EnteringStandby,
        Lifecycle::Standby,
        Lifecycle::Warmed,
        Lifecycle::Detaching,
        Lifecycle::Terminating,
        Lifecycle::Other,
    ] {
        let mut view = ready_pool(9);
        view.pool.members.push(member(10, lifecycle));
        view.lose_agent(10);
        assert_eq!(decide(&view).note, [], "{lifecycle:?}");
    }
}

// The observer.

/// A pool of so many, whose first `away` agents are away.
fn with_agents_away(size: u32, away: u32) -> View {
    let mut view = ready_pool(size);
    (1..=away).for_each(|number| view.lose_agent(number));
    view
}

#[test]
fn nobody_is_touched_when_more_than_a_third_is_away() {
    for (size, away) in [(10, 4), (10, 10), (3, 2), (2, 2), (100, 34)] {
        let expected = Plan {
            held_back: usize::try_from(away).unwrap(),
            ..Plan::default()
        };
        let view = with_agents_away(size, away);
        assert_eq!(decide(&view), expected, "{away} of {size}");
    }
}

#[test]
fn a_third_or_a_single_member_is_believed_to_be_away() {
    for (size, away) in [(9, 3), (100, 33), (2, 1), (1, 1)] {
        let plan = decide(&with_agents_away(size, away));
        assert_eq!(plan.held_back, 0, "{away} of {size}");
        assert!(!plan.note.is_empty(), "{away} of {size}");
    }
}

#[test]
fn a_suspect_is_safe_while_too_many_are_away_and_its_time_begins_anew() {
    let mut view = with_agents_away(10, 4);
    note_member(&mut view, 1, Stage::Suspect, AWAY_FOR * 2);
    let expected = Plan {
        note: vec![note(1, Stage::Suspect)],
        held_back: 4,
        ..Plan::default()
    };
    assert_eq!(decide(&view), expected);
}

#[test]
fn outdated_members_stay_while_too_many_are_away() {
    let mut view = with_agents_away(10, 4);
    view.pool.members[9].launch_template = Some("lt-1:1".to_owned());
    assert_eq!(decide(&view).note, []);
}

// How many.

#[test]
fn a_tenth_of_the_pool_leaves_at_a_time() {
    for (size, away, suspected) in [(9, 3, 1), (10, 3, 1), (11, 3, 2), (100, 33, 10)] {
        let plan = decide(&with_agents_away(size, away));
        assert_eq!(plan.note.len(), suspected, "{away} of {size}");
    }
}

#[test]
fn those_that_are_leaving_already_count() {
    let mut view = with_agents_away(20, 4);
    note_member(&mut view, 1, Stage::Suspect, SECOND);
    assert_eq!(decide(&view).note, [note(2, Stage::Suspect)]);
    note_member(&mut view, 2, Stage::Suspect, SECOND);
    assert_eq!(decide(&view).note, []);
}

#[test]
fn at_most_twenty_are_noted_whatever_the_size() {
    assert_eq!(decide(&with_agents_away(500, 100)).note.len(), 20);
    let mut outdated = ready_pool(500);
    outdated.pool.launch_template = Some("lt-1:3".to_owned());
    assert_eq!(decide(&outdated).note.len(), 20);
}

// Outdated.

/// A full pool whose members were launched from an older version.
fn outdated(size: u32) -> View {
    let mut view = ready_pool(size);
    view.pool.launch_template = Some("lt-1:3".to_owned());
    view
}

#[test]
fn a_member_from_an_older_launch_template_is_retired_without_a_second_look() {
    let mut view = ready_pool(10);
    view.pool.members[4].launch_template = Some("lt-1:1".to_owned());
    let expected = Plan {
        note: vec![note(5, Stage::Retiring)],
        ..Plan::default()
    };
    assert_eq!(decide(&view), expected);
}

#[test]
fn a_template_that_is_not_known_outdates_nobody() {
    let mut view = ready_pool(10);
    view.pool.members[4].launch_template = None;
    assert_eq!(decide(&view), Plan::default());
    let mut view = ready_pool(10);
    view.pool.launch_template = None;
    assert_eq!(decide(&view), Plan::default());
}

#[test]
fn outdated_members_go_a_tenth_at_a_time_and_only_from_a_full_pool() {
    assert_eq!(decide(&outdated(10)).note.len(), 1);
    assert_eq!(decide(&outdated(30)).note.len(), 3);

    let mut lacking = outdated(10);
    lacking.size = 11;
    lacking.pool.desired_capacity = 11;
    assert_eq!(decide(&lacking).note, []);
    let mut lacking = outdated(30);
    lacking.size = 32;
    lacking.pool.desired_capacity = 32;
    assert_eq!(decide(&lacking).note.len(), 1);
}

#[test]
fn an_outdated_member_on_its_way_out_keeps_the_next_one_waiting() {
    let mut view = outdated(10);
    note_member(&mut view, 1, Stage::Retiring, SECOND);
    let plan = decide(&view);
    assert_eq!((plan.note, plan.detach), (vec![], vec![instance(1)]));
}

#[test]
fn members_away_go_before_outdated_ones() {
    let mut view = outdated(10);
    view.lose_agent(7);
    assert_eq!(decide(&view).note, [note(7, Stage::Suspect)]);
}

#[test]
fn a_pool_that_may_not_grow_to_its_size_still_renews_itself() {
    let mut view = outdated(10);
    view.size = 20;
    view.pool.max_size = 10;
    assert_eq!(decide(&view).note.len(), 1);
}

// Age.

/// A pool of one whose member was launched so long ago.
fn aged(max_age: Duration, age: Duration) -> View {
    let mut view = ready_pool(1);
    view.max_age = max_age;
    *view.history() = vec![launch_of(1, age)];
    view
}

fn launch_of(number: u32, age: Duration) -> Activity {
    activity(ActivityKind::Launch, number, age, Some(age))
}

#[test]
fn a_member_beyond_its_age_is_retired() {
    let plan = decide(&aged(HOUR * 24, HOUR * 24 + SECOND));
    assert_eq!(plan.note, [note(1, Stage::Retiring)]);
    assert_eq!(decide(&aged(HOUR * 24, HOUR * 21)), Plan::default());
}

#[test]
fn a_member_that_was_attached_is_as_old_as_that() {
    let mut view = aged(HOUR * 24, HOUR);
    view.history()[0].kind = ActivityKind::Attach;
    assert_eq!(decide(&view), Plan::default());
}

#[test]
fn a_member_from_before_the_history_is_too_old() {
    for other in [
        launch_of(2, HOUR),
        activity(ActivityKind::Other, 1, HOUR, Some(HOUR)),
    ] {
        let mut view = aged(HOUR * 24, HOUR);
        *view.history() = vec![other];
        assert_eq!(decide(&view).note, [note(1, Stage::Retiring)]);
    }
}

#[test]
fn no_age_is_too_old_where_none_is_set() {
    let plan = decide(&aged(Duration::ZERO, HOUR * 24 * 365 * 50));
    assert_eq!(plan, Plan::default());
}

#[test]
fn ages_are_spread_over_a_tenth_by_the_id() {
    let max_age = HOUR * 160;
    let oldest_kept = |number: u32| {
        (140..=170).rev().find(|hours| {
            let mut view = aged(max_age, HOUR);
            *view.history() = vec![launch_of(number, HOUR * *hours)];
            view.pool.members = vec![member(number, Lifecycle::InService)];
            *view.agents() = BTreeMap::from([(instance(number), agent(true))]);
            decide(&view).note.is_empty()
        })
    };
    let limits: BTreeSet<_> = (0..16).map(oldest_kept).collect();
    assert_eq!(limits.len(), 16, "each id has an age of its own");
    assert_eq!(limits.first(), Some(&Some(145)));
    assert_eq!(limits.last(), Some(&Some(160)));
}

// Entered.

#[test]
fn members_that_are_entered_for_a_claim_are_never_noted() {
    let mut away = with_agents_away(10, 1);
    away.enter(1);
    assert_eq!(decide(&away).note, []);
    let mut outdated = ready_pool(10);
    outdated.pool.members[0].launch_template = Some("lt-1:1".to_owned());
    outdated.enter(1);
    assert_eq!(decide(&outdated).note, []);
}

#[test]
fn a_member_that_is_entered_meanwhile_is_let_go() {
    for stage in [Stage::Suspect, Stage::Retiring] {
        let mut view = with_agents_away(10, 1);
        note_member(&mut view, 1, stage, AWAY_FOR);
        view.enter(1);
        let plan = decide(&view);
        assert_eq!(plan.remove_tags, [forgotten(1)]);
        assert_eq!((plan.note, plan.detach), (vec![], vec![]));
    }
}

/// A full look that asked for the agents on their way in alone: what it did not ask for is not away.
#[test]
fn members_whose_agents_were_not_asked_for_are_not_judged() {
    let mut view = ready_pool(10);
    view.pool.members[9].launch_template = Some("lt-1:1".to_owned());
    view.noted(1, Stage::Suspect, Duration::from_hours(1));
    view.look_at(1, "pool", Lifecycle::InService);
    view.agents().clear();
    view.knows_all_agents = false;
    assert_eq!(decide(&view), Plan::default());
}
