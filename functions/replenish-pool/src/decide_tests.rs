//! Plans, each from a small view of the world.

use super::*;
use ready_pool_core::group::Member;
use ready_pool_core::ids::Attempt;
use ready_pool_core::ledger::{Standing, tag_key};
use ready_pool_core::outcome::Reason;
use time::macros::datetime;

const NOW: Timestamp = datetime!(2026-11-22 20:00 UTC);
const BOOT_LIMIT: Duration = Duration::from_mins(10);

fn name(text: &str) -> GroupName {
    GroupName::try_from(text).unwrap()
}

fn instance(number: u32) -> InstanceId {
    InstanceId::try_from(format!("i-{number:08x}")).unwrap()
}

fn group(text: &str) -> Group {
    Group {
        name: name(text),
        min_size: 0,
        max_size: 10,
        desired_capacity: 0,
        zones: BTreeSet::from(["a".to_owned()]),
        suspended: BTreeSet::new(),
        tags: BTreeMap::new(),
        members: Vec::new(),
    }
}

/// A pool of nothing, and that is what is wanted.
fn at_rest() -> View {
    View {
        now: NOW,
        pool: group("pool"),
        size: 0,
        online: BTreeSet::new(),
        launched_at: BTreeMap::new(),
        boot_limit: BOOT_LIMIT,
        targets: Vec::new(),
    }
}

/// A pool whose only member, instance 1, is in this state.
fn with_member(lifecycle: Lifecycle) -> View {
    let mut view = at_rest();
    view.pool.members.push(Member {
        instance: instance(1),
        zone: "a".to_owned(),
        lifecycle,
        healthy: true,
    });
    view
}

/// A pool whose only member waits at the hook, launched so long ago.
fn held_for(held: Duration) -> View {
    let mut view = with_member(Lifecycle::PendingWait);
    view.launched_at.insert(instance(1), NOW - held);
    view
}

fn with_target(target: Group) -> View {
    View {
        targets: vec![target],
        ..at_rest()
    }
}

/// An open entry whose deadline is so far ahead.
fn open(number: Option<u32>, attempt: Attempt) -> Entry {
    Entry {
        instance: number.map(instance),
        attempt,
        standing: Standing::Assigned,
        expires_at: NOW + Duration::from_mins(5),
    }
}

/// A settled entry whose deadline was so long ago.
fn settled(standing: Standing, ago: Duration) -> Entry {
    Entry {
        instance: Some(instance(1)),
        attempt: 1,
        standing,
        expires_at: NOW - ago,
    }
}

/// A target with this ledger.
fn target(entries: &[(&str, Entry)]) -> Group {
    let mut target = group("tenant");
    for (claim_id, entry) in entries {
        target
            .tags
            .insert(tag_key(&claim(claim_id)), entry.to_string());
    }
    target
}

/// The target with tags of its owner's, up to `count` in all.
fn padded(mut target: Group, count: usize) -> Group {
    for number in 0..count - target.tags.len() {
        target.tags.insert(format!("owner-{number}"), String::new());
    }
    target
}

fn claim(claim_id: &str) -> ClaimId {
    ClaimId::try_from(claim_id).unwrap()
}

fn removal(claim_id: &str) -> (GroupName, ClaimId) {
    (name("tenant"), claim(claim_id))
}

// Size.

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
fn a_pool_at_rest_needs_nothing() {
    assert_eq!(decide(&at_rest()), Plan::default());
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

// The gate.

#[test]
fn a_launch_goes_through_when_its_agent_is_online() {
    let mut view = held_for(Duration::from_mins(1));
    view.online.insert(instance(1));
    let expected = Plan {
        complete: vec![instance(1)],
        ..Plan::default()
    };
    assert_eq!(decide(&view), expected);
}

#[test]
fn a_late_agent_is_better_than_none() {
    let mut view = held_for(BOOT_LIMIT * 2);
    view.online.insert(instance(1));
    let plan = decide(&view);
    assert_eq!(plan.complete, [instance(1)]);
    assert_eq!(plan.abandon, []);
}

#[test]
fn a_launch_without_an_agent_is_waited_for_up_to_the_limit() {
    for held in [Duration::ZERO, BOOT_LIMIT] {
        let expected = Plan {
            booting: 1,
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
        ..Plan::default()
    };
    assert_eq!(decide(&with_member(Lifecycle::PendingWait)), expected);
}

#[test]
fn a_launch_on_its_way_to_the_hook_counts_as_booting_and_nothing_else() {
    let mut view = with_member(Lifecycle::Pending);
    view.online.insert(instance(1));
    view.launched_at.insert(instance(1), NOW - BOOT_LIMIT * 2);
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
        Lifecycle::Standby,
        Lifecycle::Detaching,
        Lifecycle::Terminating,
        Lifecycle::Other,
    ] {
        let mut view = with_member(lifecycle);
        view.launched_at.insert(instance(1), NOW - BOOT_LIMIT * 2);
        assert_eq!(decide(&view), Plan::default(), "{lifecycle:?}");
    }
}

#[test]
fn each_launch_is_decided_on_alone() {
    let mut view = held_for(BOOT_LIMIT * 2);
    for number in [2, 3] {
        let another = Member {
            instance: instance(number),
            ..view.pool.members[0].clone()
        };
        view.pool.members.push(another);
    }
    view.online.insert(instance(2));
    let plan = decide(&view);
    assert_eq!(plan.complete, [instance(2)]);
    assert_eq!(plan.abandon, [instance(1)]);
    assert_eq!(plan.booting, 1);
}

// Open claims.

#[test]
fn an_open_claim_with_an_instance_is_looked_at() {
    let plan = decide(&with_target(target(&[("a", open(Some(1), 2))])));
    let expected = LookAgain {
        version: VERSION,
        claim_id: claim("a"),
        target_group: name("tenant"),
        instance_id: instance(1),
        attempt: 2,
        expires_at: NOW + Duration::from_mins(5),
    };
    assert_eq!(plan.look_again, [expected]);
    assert_eq!(plan.remove, []);
}

#[test]
fn an_open_claim_without_an_instance_is_left_to_its_retry() {
    let plan = decide(&with_target(target(&[("a", open(None, 2))])));
    assert_eq!(plan, Plan::default());
}

#[test]
fn a_settled_claim_is_not_looked_at() {
    let entries = [
        ("a", settled(Standing::Ready, Duration::ZERO)),
        (
            "b",
            settled(Standing::Failed(Reason::Expired), Duration::ZERO),
        ),
    ];
    assert_eq!(decide(&with_target(target(&entries))), Plan::default());
}

#[test]
fn what_somebody_else_wrote_under_our_keys_is_left_alone() {
    let mut target = target(&[]);
    target.tags.insert(tag_key(&claim("a")), "hello".to_owned());
    assert_eq!(decide(&with_target(target)), Plan::default());
}

#[test]
fn every_target_is_looked_after() {
    let mut other = target(&[("b", open(Some(2), 1))]);
    other.name = name("other");
    let mut view = with_target(target(&[("a", open(Some(1), 1))]));
    view.targets.push(other);
    let looks: Vec<_> = decide(&view)
        .look_again
        .into_iter()
        .map(|look| (look.target_group, look.claim_id))
        .collect();
    assert_eq!(looks, [removal("a"), (name("other"), claim("b"))]);
}

// Settled entries.

#[test]
fn a_settled_entry_is_removed_an_hour_after_its_deadline() {
    for standing in [Standing::Ready, Standing::Failed(Reason::Expired)] {
        let old = settled(standing, KEPT_AFTER_DEADLINE + Duration::from_secs(1));
        let plan = decide(&with_target(target(&[("a", old)])));
        let expected = Plan {
            remove: vec![removal("a")],
            ..Plan::default()
        };
        assert_eq!(plan, expected);
    }
}

#[test]
fn a_settled_entry_is_kept_for_late_repeats_until_then() {
    let young = settled(Standing::Ready, KEPT_AFTER_DEADLINE);
    let plan = decide(&with_target(target(&[("a", young)])));
    assert_eq!(plan.remove, []);
}

#[test]
fn an_open_entry_is_never_removed_however_old_or_crowded() {
    let old = Entry {
        expires_at: NOW - KEPT_AFTER_DEADLINE * 24,
        ..open(Some(1), 1)
    };
    let crowded = padded(target(&[("a", old)]), 50);
    let plan = decide(&with_target(crowded));
    assert_eq!(plan.remove, []);
    assert_eq!(plan.look_again.len(), 1);
}

#[test]
fn the_latest_deadline_that_can_be_written_does_not_overflow() {
    for deadline in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59"] {
        let mut target = target(&[]);
        for (claim_id, standing) in [("a", "assigned"), ("b", "ready"), ("c", "failed")] {
            let value = format!("v1 {} 1 {standing} {deadline}", instance(1));
            target.tags.insert(tag_key(&claim(claim_id)), value);
        }
        assert_eq!(target.entries().count(), 3, "{deadline}");
        let plan = decide(&with_target(target.clone()));
        assert_eq!(plan.look_again.len(), 1);
        assert_eq!(plan.remove, []);
        let plan = decide(&with_target(padded(target, 50)));
        assert_eq!(plan.remove, [removal("b"), removal("c")]);
    }
}

#[test]
fn the_earliest_deadline_that_can_be_written_is_long_past() {
    let mut target = target(&[]);
    let value = "v1 - 1 ready 0000-01-01T00:00:00+23:59".to_owned();
    target.tags.insert(tag_key(&claim("a")), value);
    let plan = decide(&with_target(target));
    assert_eq!(plan.remove, [removal("a")]);
}

/// A target with so many tags; claims `oldest` and `newest` are settled, `open` is open.
fn crowded(tags: usize) -> View {
    let entries = [
        ("newest", settled(Standing::Ready, Duration::from_mins(1))),
        ("oldest", settled(Standing::Ready, Duration::from_mins(30))),
        ("open", open(Some(2), 1)),
    ];
    with_target(padded(target(&entries), tags))
}

#[test]
fn a_group_with_tags_to_spare_keeps_its_settled_entries() {
    assert_eq!(decide(&crowded(CROWDED_TAGS)).remove, []);
}

#[test]
fn a_crowded_group_loses_its_oldest_settled_entry_first() {
    let plan = decide(&crowded(CROWDED_TAGS + 1));
    assert_eq!(plan.remove, [removal("oldest")]);
}

#[test]
fn a_crowded_group_loses_as_many_settled_entries_as_crowd_it() {
    let expected = [removal("oldest"), removal("newest")];
    assert_eq!(decide(&crowded(CROWDED_TAGS + 2)).remove, expected);
    assert_eq!(decide(&crowded(50)).remove, expected);
}

#[test]
fn a_crowd_and_age_together_remove_no_entry_twice() {
    let old = KEPT_AFTER_DEADLINE * 2;
    let entries = [
        ("a", settled(Standing::Ready, old)),
        ("b", settled(Standing::Ready, old)),
        ("c", settled(Standing::Ready, Duration::ZERO)),
    ];
    let crowded = padded(target(&entries), CROWDED_TAGS + 1);
    let plan = decide(&with_target(crowded));
    assert_eq!(plan.remove, [removal("a"), removal("b")]);
}

#[test]
fn one_group_s_crowd_is_not_another_s() {
    let mut view = crowded(CROWDED_TAGS + 1);
    let mut quiet = target(&[("quiet", settled(Standing::Ready, Duration::ZERO))]);
    quiet.name = name("quiet");
    view.targets.push(quiet);
    assert_eq!(decide(&view).remove, [removal("oldest")]);
}
