//! Launches that keep failing: one at a time is tried, and how soon.

use super::*;

const RETRIED_AFTER: Duration = Duration::from_secs(30);
const MINUTE: Duration = Duration::from_mins(1);

/// A launch that EC2 refused so long ago.
fn refused(ago: Duration) -> Activity {
    Activity {
        instance: None,
        ..not_ready(9, ago)
    }
}

/// A launch whose instance was given up so long ago, after the boot limit.
fn not_ready(number: u32, ago: Duration) -> Activity {
    Activity {
        failed: true,
        ..activity(ActivityKind::Launch, number, ago + BOOT_LIMIT, Some(ago))
    }
}

fn success(ago: Duration) -> Activity {
    activity(ActivityKind::Launch, 9, ago + BOOT_LIMIT, Some(ago))
}

/// A pool of ten of which three are there, with this history.
fn failing(activities: Vec<Activity>) -> View {
    let mut view = ready_pool(3);
    view.size = 10;
    view.pool.desired_capacity = 10;
    *view.history() = activities;
    view
}

/// So many refused launches in a row, half a minute apart, the last one so long ago.
fn refused_in_a_row(failures: u32, last: Duration) -> View {
    failing(
        (0..failures)
            .map(|n| refused(last + RETRIED_AFTER * n))
            .collect(),
    )
}

/// So many instances in a row that did not get ready, all given up at once, so long ago.
fn not_ready_in_a_row(failures: u32, last: Duration) -> View {
    failing((1..=failures).map(|n| not_ready(n, last)).collect())
}

/// An instance that was launched so long ago and waits for its agent.
fn with_booting(mut view: View, number: u32, launched: Duration) -> View {
    let under_way = activity(ActivityKind::Launch, number, launched, None);
    view.history().insert(0, under_way);
    view.pool
        .members
        .push(member(number, Lifecycle::PendingWait));
    view
}

/// What is set, what is said to fail, and in how long one is tried.
fn held(view: &View) -> (Option<i32>, usize, Option<Failure>, Option<Duration>) {
    let plan = decide(view);
    (
        plan.desired_capacity,
        plan.failing_launches,
        plan.failure,
        plan.probe_in,
    )
}

#[test]
fn four_failed_launches_change_nothing() {
    assert_eq!(decide(&refused_in_a_row(4, SECOND)), Plan::default());
    assert_eq!(decide(&not_ready_in_a_row(4, SECOND)), Plan::default());
}

#[test]
fn after_five_refusals_one_launch_at_a_time_is_tried_at_once() {
    let expected = Plan {
        desired_capacity: Some(4),
        failing_launches: 5,
        failure: Some(Failure::Refused),
        ..Plan::default()
    };
    assert_eq!(decide(&refused_in_a_row(5, SECOND)), expected);
    // Auto Scaling goes on with that by itself.
    let mut view = refused_in_a_row(6, SECOND);
    view.pool.desired_capacity = 4;
    assert_eq!(decide(&view).desired_capacity, None);
}

#[test]
fn an_outage_of_more_than_five_minutes_is_tried_less_and_less_often() {
    for (refusals, wait) in [(11, 30), (21, 60), (41, 120), (61, 180), (200, 180)] {
        let wait = Duration::from_secs(wait);
        // The first one of the row was refused so long ago.
        let mut view = refused_in_a_row(refusals, Duration::ZERO);
        let (desired, _, failure, probe_in) = held(&view);
        assert_eq!((desired, failure), (Some(3), Some(Failure::Refused)));
        assert_eq!(probe_in, Some(wait), "after {refusals} refusals");
        view.now += wait + SECOND * 18;
        assert_eq!(held(&view).0, Some(4), "after {refusals} refusals");
    }
}

#[test]
fn capacity_is_back_as_soon_as_an_instance_is_launched() {
    let view = with_booting(refused_in_a_row(12, MINUTE), 4, SECOND * 30);
    assert_eq!(held(&view), (None, 12, Some(Failure::Refused), None));
    // One that was launched before the last refusal says nothing.
    let view = with_booting(refused_in_a_row(5, MINUTE), 4, SECOND * 61);
    assert_eq!(held(&view), (Some(5), 5, Some(Failure::Refused), None));
}

#[test]
fn five_machines_that_did_not_get_ready_hold_the_pool_at_its_members() {
    let view = not_ready_in_a_row(5, SECOND * 10);
    let wait = Some(SECOND * 20);
    assert_eq!(held(&view), (Some(3), 5, Some(Failure::NotReady), wait));
}

#[test]
fn then_one_machine_is_tried_and_the_next_one_not_before_it_has_ended() {
    let view = not_ready_in_a_row(5, SECOND * 30);
    assert_eq!(held(&view), (Some(4), 5, Some(Failure::NotReady), None));
    let view = with_booting(not_ready_in_a_row(5, MINUTE * 9), 4, MINUTE * 8);
    assert_eq!(held(&view), (Some(4), 5, Some(Failure::NotReady), None));
    // However long its boot limit is.
    let view = with_booting(not_ready_in_a_row(5, MINUTE * 90), 4, MINUTE * 89);
    let (desired, failures, ..) = held(&view);
    assert_eq!((desired, failures), (Some(4), 5));
}

/// An instance costs its boot limit each time.
#[test]
fn machines_are_tried_less_often_than_refused_launches_and_every_ten_minutes_at_last() {
    for (first, wait) in [(1, 30), (3, 60), (15, 300), (30, 600), (300, 600)] {
        let mut view = not_ready_in_a_row(1, Duration::ZERO);
        let older = (2..=5).map(|n| not_ready(n, MINUTE * first));
        view.history().extend(older);
        let wait = Duration::from_secs(wait);
        assert_eq!(held(&view).3, Some(wait), "{first} minutes");
    }
}

#[test]
fn one_machine_that_did_not_get_ready_does_not_make_a_bad_image_of_an_outage() {
    let mut view = refused_in_a_row(5, SECOND);
    view.history().push(not_ready(7, MINUTE * 20));
    assert_eq!(held(&view), (Some(4), 6, Some(Failure::Refused), None));
    // Nor do refusals make a bad image good.
    let mut view = refused_in_a_row(2, SECOND);
    view.history().extend((4..8).map(|n| not_ready(n, MINUTE)));
    let (desired, _, failure, _) = held(&view);
    assert_eq!((desired, failure), (Some(3), Some(Failure::NotReady)));
}

#[test]
fn a_crowd_that_waits_is_held_back_too() {
    let mut view = refused_in_a_row(5, SECOND);
    view.backlog = Some(30);
    assert_eq!(held(&view).0, Some(4));
}

/// No event tells that a launch has begun.
#[test]
fn while_claims_wait_it_is_looked_whether_ec2_launches_the_one_that_is_tried() {
    let tried_in = |view: &View| decide(view).tried_in;
    let mut view = refused_in_a_row(5, SECOND * 4);
    assert_eq!(tried_in(&view), None, "nobody waits");
    view.backlog = Some(30);
    view.pool.desired_capacity = 3;
    assert_eq!(tried_in(&view), Some(SECOND * 20), "it is raised now");
    view.pool.desired_capacity = 4;
    assert_eq!(tried_in(&view), Some(SECOND * 16));
    view.now += SECOND * 60;
    assert_eq!(tried_in(&view), Some(Duration::ZERO));
    // Of these an event tells when they are ready, and nothing before says that they will be.
    let mut view = not_ready_in_a_row(5, MINUTE);
    view.backlog = Some(30);
    assert_eq!(tried_in(&view), None);
    let mut view = with_booting(refused_in_a_row(12, MINUTE), 4, SECOND * 30);
    view.backlog = Some(30);
    assert_eq!(tried_in(&view), None, "EC2 has capacity again");
}

#[test]
fn nothing_is_tried_that_nobody_wants() {
    for mut view in [
        refused_in_a_row(5, SECOND),
        not_ready_in_a_row(5, MINUTE),
        not_ready_in_a_row(5, SECOND),
    ] {
        view.size = 2;
        let (desired, _, _, probe_in) = held(&view);
        assert_eq!((desired, probe_in), (Some(2), None));
    }
}

#[test]
fn the_pool_s_minimum_is_respected() {
    let mut view = not_ready_in_a_row(5, SECOND);
    view.pool.min_size = 5;
    assert_eq!(held(&view).0, Some(5));
}

#[test]
fn a_row_of_an_hour_ago_is_forgotten() {
    let hour = Duration::from_hours(1);
    assert_eq!(decide(&not_ready_in_a_row(7, hour)), Plan::default());
    let just_not = hour.checked_sub(SECOND).unwrap();
    assert_eq!(decide(&not_ready_in_a_row(7, just_not)).failing_launches, 7);
}

#[test]
fn a_success_resets_the_count() {
    let mut view = refused_in_a_row(5, RETRIED_AFTER);
    view.history().insert(0, success(SECOND));
    assert_eq!(decide(&view), Plan::default());
    let mut view = refused_in_a_row(5, SECOND);
    view.history().insert(3, success(RETRIED_AFTER * 2));
    assert_eq!(decide(&view), Plan::default());
}

#[test]
fn launches_under_way_are_neither_good_nor_bad() {
    let mut view = refused_in_a_row(5, SECOND);
    let under_way = activity(ActivityKind::Launch, 9, MINUTE, None);
    view.history().insert(0, under_way);
    assert_eq!(decide(&view).failing_launches, 5);
}

#[test]
fn other_activities_are_no_launches() {
    let mut view = refused_in_a_row(5, SECOND);
    for kind in [
        ActivityKind::Detach,
        ActivityKind::Attach,
        ActivityKind::Other,
    ] {
        view.history()
            .insert(2, activity(kind, 9, SECOND, Some(SECOND)));
    }
    assert_eq!(decide(&view).failing_launches, 5);
}

#[test]
fn only_members_that_stay_count_while_launching_is_held() {
    for (lifecycle, held_at) in [
        (Lifecycle::InService, 4),
        (Lifecycle::Pending, 4),
        (Lifecycle::PendingWait, 4),
        (Lifecycle::EnteringStandby, 3),
        (Lifecycle::Standby, 3),
        (Lifecycle::Warmed, 3),
        (Lifecycle::Detaching, 3),
        (Lifecycle::Terminating, 3),
    ] {
        let mut view = not_ready_in_a_row(5, SECOND);
        view.pool.members.push(member(4, lifecycle));
        view.agents().insert(instance(4), agent(true));
        assert_eq!(held(&view).0, Some(held_at), "{lifecycle:?}");
    }
}
