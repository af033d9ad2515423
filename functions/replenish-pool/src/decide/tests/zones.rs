//! Claims that wait for a zone, while what is ready is elsewhere.

use super::*;
use ready_pool_core::lacking::{lacking_key, lacking_value};

/// A pool of `size` in zones a, b and c, of at most fifty; these are ready, and so many claims wait for zone a.
fn lacking(size: i32, ready: &[&str], claims: usize) -> View {
    let mut view = at_rest();
    view.size = size;
    view.pool.max_size = 50;
    view.pool.zones = ["a", "b", "c"].map(str::to_owned).into();
    for zone in ready {
        add(&mut view, zone, Lifecycle::InService);
    }
    view.pool.desired_capacity = i32::try_from(ready.len()).unwrap();
    waiting(&mut view, claims);
    view
}

fn add(view: &mut View, zone: &str, lifecycle: Lifecycle) {
    let number = u32::try_from(view.pool.members.len() + 1).unwrap();
    let member = Member {
        zone: zone.to_owned(),
        ..member(number, lifecycle)
    };
    view.agents().insert(member.instance.clone(), agent(true));
    view.pool.members.push(member);
}

fn waiting(view: &mut View, claims: usize) {
    view.backlog = Some(claims);
    let value = lacking_value(claims, view.now + Duration::from_mins(2));
    view.pool.tags.insert(lacking_key("a"), value);
}

#[test]
fn what_is_ready_in_another_zone_serves_none_of_them() {
    // One for each claim, and as many as even the zones out.
    assert_eq!(
        decide(&lacking(2, &["b", "c"], 1)).desired_capacity,
        Some(3)
    );
    assert_eq!(
        decide(&lacking(2, &["b", "c"], 12)).desired_capacity,
        Some(36)
    );
    // Nine in other zones, three claims: the next ones go where there are fewest.
    let elsewhere = ["b", "b", "b", "b", "b", "c", "c", "c", "c"];
    assert_eq!(
        decide(&lacking(9, &elsewhere, 3)).desired_capacity,
        Some(12)
    );
}

#[test]
fn what_boots_there_and_what_is_asked_for_already_is_not_asked_for_again() {
    let mut view = lacking(2, &["b", "c"], 3);
    let wanted = decide(&view).desired_capacity.unwrap();
    assert_eq!(wanted, 9);
    view.pool.desired_capacity = wanted;
    assert_eq!(
        decide(&view).desired_capacity,
        None,
        "nothing is launched yet"
    );
    for zone in ["a", "b", "c", "a", "b", "c", "a"] {
        add(&mut view, zone, Lifecycle::PendingWait);
    }
    assert_eq!(decide(&view).desired_capacity, None);
}

#[test]
fn the_capacity_is_raised_once_in_a_boot_time() {
    let mut view = lacking(2, &["b", "c", "b", "c", "b", "c"], 2);
    view.growth = Growth {
        raised_at: Some(NOW - 60 * SECOND),
        most: 2,
    };
    let boot = activity(ActivityKind::Launch, 9, 200 * SECOND, Some(110 * SECOND));
    *view.history() = vec![boot];
    assert_eq!(
        decide(&view).desired_capacity,
        None,
        "it takes ninety seconds"
    );
    view.growth.raised_at = Some(NOW - 90 * SECOND);
    assert_eq!(decide(&view).desired_capacity, Some(8));
    // Nobody knows how long it takes.
    view.history().clear();
    assert_eq!(decide(&view).desired_capacity, None);
}

#[test]
fn a_zone_without_capacity_costs_no_more_than_the_zones_times_what_lacks() {
    let mut view = lacking(2, &["b", "c"], 3);
    let mut most = 0;
    for round in 1..20 {
        let plan = decide(&view);
        view.growth = Growth {
            raised_at: None,
            ..plan.growth
        };
        let Some(capacity) = plan.desired_capacity else {
            assert!(round > 1);
            break;
        };
        most = capacity;
        view.pool.desired_capacity = capacity;
        while view.pool.members.len() < usize::try_from(capacity).unwrap() {
            add(&mut view, "b", Lifecycle::InService);
        }
    }
    assert_eq!(most, 2 + 3 * 3);
}

#[test]
fn a_launch_that_failed_stops_it() {
    let mut view = lacking(2, &["b", "c"], 3);
    let mut failed = activity(ActivityKind::Launch, 9, 30 * SECOND, Some(20 * SECOND));
    failed.failed = true;
    *view.history() = vec![failed.clone()];
    // One for each claim, as for any that wait.
    assert_eq!(decide(&view).desired_capacity, Some(5));
    failed.cancelled = true;
    *view.history() = vec![failed];
    assert_eq!(decide(&view).desired_capacity, Some(9));
}

#[test]
fn the_maximum_bounds_it_too() {
    let mut view = lacking(2, &["b", "c"], 500);
    assert_eq!(decide(&view).desired_capacity, Some(50));
    view.pool.max_size = i32::MAX;
    view.size = i32::MAX;
    decide(&view);
}

#[test]
fn who_has_been_served_since_lacks_nothing() {
    let mut view = lacking(2, &["b", "c"], 12);
    view.backlog = Some(1);
    assert_eq!(decide(&view).desired_capacity, Some(3));
    view.backlog = Some(0);
    assert_eq!(decide(&view).desired_capacity, None);
    // What was said is no more true.
    let mut old = lacking(2, &["b", "c"], 12);
    old.backlog = Some(1);
    old.now += Duration::from_mins(2);
    assert_eq!(decide(&old).desired_capacity, None);
}

#[test]
fn the_others_are_served_anywhere() {
    let mut view = lacking(2, &["b", "c"], 1);
    view.backlog = Some(3);
    assert_eq!(decide(&view).desired_capacity, Some(3));
    view.backlog = Some(4);
    assert_eq!(decide(&view).desired_capacity, Some(4));
}

#[test]
fn a_zone_that_the_pool_does_not_have_is_none() {
    let mut view = lacking(2, &["b", "c"], 0);
    let value = lacking_value(5, view.now + Duration::from_mins(2));
    view.pool.tags.insert(lacking_key("z"), value);
    view.backlog = Some(2);
    assert_eq!(decide(&view).desired_capacity, None);
}

#[test]
fn the_tag_goes_when_it_is_over() {
    let mut view = lacking(2, &["b", "c"], 1);
    assert_eq!(decide(&view).remove_tags, []);
    view.now += Duration::from_mins(2);
    let key = lacking_key("a");
    assert_eq!(decide(&view).remove_tags, [(name("pool"), key)]);
}

#[test]
fn paused_claims_and_a_paused_pool_grow_nothing() {
    for pause in ["claims", "replenishing", "all"] {
        let mut view = lacking(2, &["b", "c"], 12);
        let tags = &mut view.pool.tags;
        tags.insert("ready-pool:pause".to_owned(), pause.to_owned());
        assert_eq!(decide(&view).desired_capacity, None, "{pause}");
    }
}
