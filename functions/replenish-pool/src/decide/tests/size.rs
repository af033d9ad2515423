//! The pool's desired capacity.

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
    view.backlog = Some(backlog);
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
    *view.history() = vec![ago(1), ago(20), ago(59)];
    assert_eq!(decide(&view).desired_capacity, Some(4));
    // This one's message is off the queue by now: the claim on it is another.
    view.history().push(ago(60));
    assert_eq!(decide(&view).desired_capacity, Some(4));
    view.history().truncate(2);
    view.history()[0].failed = true;
    assert_eq!(decide(&view).desired_capacity, Some(6));
}

#[test]
fn the_maximum_bounds_what_waiting_claims_cost() {
    let mut view = crowded(0, 500);
    view.pool.max_size = 10;
    assert_eq!(decide(&view).desired_capacity, Some(10));
    view.backlog = Some(usize::MAX);
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

/// claim-instance asks for the agents, so growth does, too.
#[test]
fn an_instance_whose_agent_is_away_counts_for_nobody() {
    let mut view = crowded(3, 3);
    view.lose_agent(1);
    assert_eq!(decide(&view).desired_capacity, Some(4));
    view.lose_agent(2);
    view.agents().remove(&instance(3));
    let plan = decide(&view);
    assert_eq!((plan.desired_capacity, plan.silent), (Some(6), 3));
    // Nobody waits: nothing is launched for it, and what is done about it is another matter.
    view.backlog = Some(0);
    let plan = decide(&view);
    assert_eq!((plan.desired_capacity, plan.silent), (None, 0));
}

/// Each pass comes to the same number: what is launched for a claim is not launched twice.
#[test]
fn dead_agents_raise_the_capacity_once() {
    let mut view = crowded(4, 4);
    view.size = 4;
    (1..=4).for_each(|number| view.lose_agent(number));
    assert_eq!(decide(&view).desired_capacity, Some(8));
    view.pool.desired_capacity = 8;
    for number in 5..=8 {
        view.pool.members.push(member(number, Lifecycle::Pending));
        assert_eq!(decide(&view).desired_capacity, None);
    }
    // In service, they are for those who wait.
    for number in 4..8 {
        view.pool.members[number].lifecycle = Lifecycle::InService;
        view.agents()
            .insert(instance(u32::try_from(number).unwrap() + 1), agent(true));
        assert_eq!(decide(&view).desired_capacity, None);
    }
}

#[test]
fn where_agents_are_not_known_what_is_in_service_is_ready() {
    let mut view = crowded(3, 4);
    view.agents = None;
    assert_eq!(decide(&view).desired_capacity, Some(4));
}

#[test]
fn all_agents_are_asked_for_while_somebody_waits() {
    let served = [detached(SECOND)];
    for (backlog, activities, asked) in [
        (Some(1), Some(&[][..]), true),
        (Some(0), Some(&[]), false),
        (Some(1), Some(&served), false),
        (Some(2), Some(&served), true),
        (None, Some(&[]), false),
        // Without the history the size stays.
        (Some(1), None, false),
    ] {
        assert_eq!(claims_wait(backlog, activities, NOW), asked, "{backlog:?}");
    }
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
    *view.history() = vec![
        activity(ActivityKind::Detach, 8, QUIET, Some(QUIET)),
        activity(ActivityKind::Launch, 9, QUIET * 2, Some(QUIET)),
    ];
    assert_eq!(decide(&view).desired_capacity, Some(3));
}

#[test]
fn it_is_not_lowered_while_a_claim_waits() {
    let mut view = raised();
    view.backlog = Some(1);
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
        *view.history() = vec![recent];
        assert_eq!(decide(&view).desired_capacity, None, "{view:?}");
    }
}

#[test]
fn what_failed_and_what_is_neither_keeps_no_surplus() {
    let mut view = raised();
    *view.history() = vec![
        Activity {
            failed: true,
            ..activity(ActivityKind::Launch, 1, SECOND, Some(SECOND))
        },
        activity(ActivityKind::Other, 9, SECOND, None),
    ];
    assert_eq!(decide(&view).desired_capacity, Some(3));
}

#[test]
fn a_capacity_that_is_too_small_for_those_who_wait_is_raised_however_busy_it_is() {
    let mut view = raised();
    view.backlog = Some(12);
    *view.history() = vec![detached(SECOND)];
    assert_eq!(decide(&view).desired_capacity, Some(9));
}

// A pool that launches nothing.

#[test]
fn a_pool_that_lacks_instances_and_launches_none_is_for_a_person() {
    let reason = "Administrative suspension".to_owned();
    let mut view = at_rest();
    view.size = 2;
    view.pool.desired_capacity = 2;
    view.pool.members.clear();
    assert_eq!(decide(&view).launches_nothing, None);
    view.pool.suspended = BTreeMap::from([("Launch".to_owned(), reason.clone())]);
    let problem = decide(&view).launches_nothing.unwrap();
    assert!(problem.contains(&reason), "{problem}");
    // Whoever has paused replenishing may well have suspended it, too.
    view.pool
        .tags
        .insert("ready-pool:pause".to_owned(), "replenishing".to_owned());
    assert_eq!(decide(&view).launches_nothing, None);
}
