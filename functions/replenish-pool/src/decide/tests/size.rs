//! The pool's desired capacity, and when launching is held back.

use super::*;
use crate::decide::size::QUIET;

/// The capacity that is set in a pool of these bounds when `size` is wanted.
fn capacity_for(size: i32, (min, desired, max): (i32, i32, i32)) -> Option<i32> {
    let mut view = at_rest();
    view.size = size;
    view.pool.min_size = min;
    view.pool.desired_capacity = desired;
    view.pool.max_size = max;
    decide(&view).desired_capacity
}

#[test]
fn a_pool_of_the_right_size_is_left_alone() {
    assert_eq!(capacity_for(3, (0, 3, 10)), None);
}

#[test]
fn a_pool_of_another_size_is_set_right_in_both_directions() {
    assert_eq!(capacity_for(3, (0, 1, 10)), Some(3));
    assert_eq!(capacity_for(3, (0, 5, 10)), Some(3));
}

#[test]
fn the_size_stays_within_the_pool_s_bounds() {
    assert_eq!(capacity_for(20, (0, 5, 10)), Some(10));
    assert_eq!(capacity_for(1, (2, 5, 10)), Some(2));
}

#[test]
fn a_pool_at_its_bound_is_not_set_again_and_again() {
    assert_eq!(capacity_for(20, (0, 10, 10)), None);
    assert_eq!(capacity_for(0, (2, 2, 10)), None);
}

#[test]
fn crossed_bounds_do_not_panic() {
    assert_eq!(capacity_for(3, (5, 4, 2)), Some(5));
}

#[test]
fn extreme_sizes_do_not_panic() {
    assert_eq!(capacity_for(i32::MAX, (0, 3, 10)), Some(10));
    assert_eq!(capacity_for(i32::MIN, (0, 3, 10)), Some(0));
}

// Claims that wait.

/// A pool of three with so many ready members and messages on the queue.
fn crowded(ready: u32, backlog: usize) -> View {
    let mut view = ready_pool(ready);
    view.size = 3;
    view.pool.desired_capacity = 3;
    view.backlog = backlog;
    view
}

fn detached(ago: Duration) -> Activity {
    activity(ActivityKind::Detach, 9, ago, Some(ago))
}

#[test]
fn claims_that_what_is_ready_will_serve_raise_nothing() {
    for backlog in [0, 1, 3] {
        assert_eq!(decide(&crowded(3, backlog)).desired_capacity, None);
    }
}

#[test]
fn each_claim_beyond_is_one_instance_more() {
    assert_eq!(decide(&crowded(3, 5)).desired_capacity, Some(5));
    assert_eq!(decide(&crowded(0, 5)).desired_capacity, Some(8));
}

#[test]
fn a_claim_that_was_just_served_raises_nothing() {
    let mut view = crowded(0, 4);
    let ago = |seconds| detached(Duration::from_secs(seconds));
    view.activities = vec![ago(1), ago(20), ago(59)];
    assert_eq!(decide(&view).desired_capacity, Some(4));
    // This one's message is off the queue by now: the claim on it is another.
    view.activities.push(ago(60));
    assert_eq!(decide(&view).desired_capacity, Some(4));
    view.activities.truncate(2);
    view.activities[0].failed = true;
    assert_eq!(decide(&view).desired_capacity, Some(6));
}

#[test]
fn the_maximum_bounds_what_waiting_claims_cost() {
    let mut view = crowded(0, 500);
    view.pool.max_size = 10;
    assert_eq!(decide(&view).desired_capacity, Some(10));
    view.backlog = usize::MAX;
    view.size = i32::MAX;
    assert_eq!(decide(&view).desired_capacity, Some(10));
}

#[test]
fn an_instance_that_nobody_can_get_counts_for_nobody() {
    let mut view = crowded(3, 3);
    view.pool.members[0].healthy = false;
    view.pool.members[1].lifecycle = Lifecycle::Detaching;
    assert_eq!(decide(&view).desired_capacity, Some(5));
}

#[test]
fn paused_claims_raise_nothing() {
    let mut view = crowded(0, 5);
    let tag = (
        ready_pool_core::pause::PAUSE_TAG.to_owned(),
        "claims".to_owned(),
    );
    view.pool.tags.extend([tag]);
    assert_eq!(decide(&view).desired_capacity, None);
}

/// A pool of three that was raised to eight, of which five are ready.
fn raised() -> View {
    let mut view = crowded(5, 0);
    view.pool.desired_capacity = 8;
    view
}

#[test]
fn a_raised_capacity_is_lowered_when_nobody_has_a_use_for_it() {
    assert_eq!(decide(&raised()).desired_capacity, Some(3));
    let mut view = raised();
    view.activities = vec![
        activity(ActivityKind::Detach, 8, QUIET, Some(QUIET)),
        activity(ActivityKind::Launch, 9, QUIET * 2, Some(QUIET)),
    ];
    assert_eq!(decide(&view).desired_capacity, Some(3));
}

#[test]
fn it_is_not_lowered_while_a_claim_waits() {
    let mut view = raised();
    view.backlog = 1;
    assert_eq!(decide(&view).desired_capacity, None);
}

#[test]
fn it_is_not_lowered_soon_after_a_launch_or_a_detach() {
    let almost = QUIET.checked_sub(SECOND).unwrap();
    for recent in [
        detached(SECOND),
        detached(almost),
        activity(ActivityKind::Detach, 9, QUIET, None),
        activity(ActivityKind::Launch, 9, QUIET * 2, Some(almost)),
        activity(ActivityKind::Launch, 9, QUIET * 3, None),
    ] {
        let mut view = raised();
        view.activities = vec![recent];
        assert_eq!(decide(&view).desired_capacity, None, "{view:?}");
    }
}

#[test]
fn what_failed_and_what_is_neither_keeps_no_surplus() {
    let mut view = raised();
    view.activities = vec![
        failure(SECOND, SECOND),
        activity(ActivityKind::Other, 9, SECOND, None),
    ];
    assert_eq!(decide(&view).desired_capacity, Some(3));
}

#[test]
fn a_capacity_that_is_too_small_for_those_who_wait_is_raised_however_busy_it_is() {
    let mut view = raised();
    view.backlog = 12;
    view.activities = vec![detached(SECOND)];
    assert_eq!(decide(&view).desired_capacity, Some(9));
}

#[test]
fn failing_launches_hold_a_crowd_back_too() {
    let mut view = failing(5, SECOND);
    view.backlog = 30;
    let plan = decide(&view);
    assert_eq!((plan.failing_launches, plan.desired_capacity), (5, Some(3)));
}

// Failing launches.

const CAPACITY_REFUSED: Duration = Duration::from_secs(30);

/// A launch that failed, started and ended so long ago.
fn failure(started: Duration, ended: Duration) -> Activity {
    Activity {
        instance: None,
        failed: true,
        ..activity(ActivityKind::Launch, 1, started, Some(ended))
    }
}

fn success(ago: Duration) -> Activity {
    activity(ActivityKind::Launch, 9, ago + BOOT_LIMIT, Some(ago))
}

/// A pool of ten of which three are there, whose launches failed so often, the last one so long
/// ago.
fn failing(failures: u32, last: Duration) -> View {
    let mut view = ready_pool(3);
    view.size = 10;
    view.pool.desired_capacity = 10;
    view.activities = (0..failures)
        .map(|n| last + CAPACITY_REFUSED * n)
        .map(|ago| failure(ago, ago))
        .collect();
    view
}

#[test]
fn five_failed_launches_in_a_row_hold_the_pool_at_its_members() {
    let expected = Plan {
        desired_capacity: Some(3),
        failing_launches: 5,
        ..Plan::default()
    };
    assert_eq!(decide(&failing(5, SECOND)), expected);
}

#[test]
fn a_pool_that_is_held_is_not_set_again_and_again() {
    let mut view = failing(5, SECOND);
    view.pool.desired_capacity = 3;
    assert_eq!(decide(&view).desired_capacity, None);
}

#[test]
fn four_failed_launches_hold_nothing() {
    assert_eq!(decide(&failing(4, SECOND)), Plan::default());
}

#[test]
fn launching_is_held_for_ten_minutes_after_the_last_failure() {
    let plan = decide(&failing(7, Duration::from_secs(599)));
    assert_eq!((plan.failing_launches, plan.desired_capacity), (7, Some(3)));
    let mut view = failing(7, HOLD);
    view.pool.desired_capacity = 3;
    let plan = decide(&view);
    assert_eq!(
        (plan.failing_launches, plan.desired_capacity),
        (0, Some(10))
    );
}

#[test]
fn the_hold_begins_when_a_launch_ended_however_long_it_took() {
    let mut view = failing(0, SECOND);
    view.activities = vec![failure(BOOT_LIMIT * 2, SECOND); 5];
    assert_eq!(decide(&view).failing_launches, 5);
}

#[test]
fn a_success_resets_the_count() {
    let mut view = failing(5, CAPACITY_REFUSED);
    view.activities.insert(0, success(SECOND));
    assert_eq!(decide(&view), Plan::default());
    let mut view = failing(5, SECOND);
    view.activities.insert(3, success(CAPACITY_REFUSED * 2));
    assert_eq!(decide(&view), Plan::default());
}

#[test]
fn launches_under_way_are_neither_good_nor_bad() {
    let mut view = failing(5, SECOND);
    let under_way = activity(ActivityKind::Launch, 9, Duration::from_mins(1), None);
    view.activities.insert(0, under_way);
    assert_eq!(decide(&view).failing_launches, 5);
}

#[test]
fn other_activities_are_no_launches() {
    let mut view = failing(5, SECOND);
    for kind in [
        ActivityKind::Detach,
        ActivityKind::Attach,
        ActivityKind::Other,
    ] {
        let another = activity(kind, 9, SECOND, Some(SECOND));
        view.activities.insert(2, another);
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
        let mut view = failing(5, SECOND);
        view.pool.members.push(member(4, lifecycle));
        view.agents.insert(instance(4), agent(true, SECOND));
        assert_eq!(
            decide(&view).desired_capacity,
            Some(held_at),
            "{lifecycle:?}"
        );
    }
}

#[test]
fn a_hold_never_grows_the_pool_and_respects_its_minimum() {
    let mut view = failing(5, SECOND);
    view.size = 2;
    assert_eq!(decide(&view).desired_capacity, Some(2));
    let mut view = failing(5, SECOND);
    view.pool.min_size = 5;
    assert_eq!(decide(&view).desired_capacity, Some(5));
}
