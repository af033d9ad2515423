//! The pool's desired capacity, and when launching is held back.

use super::*;

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
