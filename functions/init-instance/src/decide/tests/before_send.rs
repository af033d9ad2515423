//! Whether a command may be sent to an instance that is not in its target yet.

use super::*;
use ready_pool_core::group::{OPT_IN_TAG, Placement};

const EARLIER: Timestamp = datetime!(2026-11-22 19:59:58 UTC);

fn opted_in() -> Group {
    Group {
        tags: BTreeMap::from([(OPT_IN_TAG.to_owned(), "pool".to_owned())]),
        ..target(None)
    }
}

fn at(group: &str, lifecycle: Lifecycle) -> Placement {
    Placement {
        group: name(group),
        lifecycle,
    }
}

fn asked(place: Option<&Placement>, detached: bool, target: &Group) -> BeforeSend {
    let mut hand_over = hand_over(1);
    hand_over.times.detached = detached.then_some(EARLIER);
    let pool = name("pool");
    before_send(&hand_over, place, Some(target), &pool, NOW)
}

fn given_up(cause: Cause, detached: bool) -> BeforeSend {
    let mut hand_over = hand_over(1);
    hand_over.times.detached = detached.then_some(EARLIER);
    BeforeSend::Conclude(give_up(&hand_over, cause, NOW))
}

#[test]
fn where_it_is_shows_in_a_group_that_lists_it() {
    let mut pool = target(Some(Lifecycle::Detaching));
    pool.name = name("pool");
    let empty = target(None);
    let place = |groups: &[&Group]| place_in(groups.iter().copied(), &instance(1));
    let expected = Some(at("pool", Lifecycle::Detaching));
    assert_eq!(place(&[&empty, &pool]), expected);
    assert_eq!(place(&[&empty]), None, "it is asked where it is");
}

#[test]
fn a_free_instance_and_one_in_our_own_detach_may_be_sent_it() {
    let detaching = Some(at("pool", Lifecycle::Detaching));
    for (place, detached) in [(None, true), (None, false), (detaching, true)] {
        let asked = asked(place.as_ref(), detached, &opted_in());
        assert_eq!(asked, BeforeSend::Send);
    }
}

#[test]
fn another_s_detach_is_waited_for_and_so_is_one_that_is_the_pool_s() {
    for (lifecycle, detached) in [
        (Lifecycle::Detaching, false),
        (Lifecycle::InService, false),
        (Lifecycle::InService, true),
        (Lifecycle::Standby, true),
    ] {
        let place = Some(at("pool", lifecycle));
        let asked = asked(place.as_ref(), detached, &opted_in());
        assert_eq!(asked, BeforeSend::Wait);
    }
}

#[test]
fn one_that_goes_or_is_somebody_else_s_is_lost_and_not_touched() {
    for place in [
        at("pool", Lifecycle::Terminating),
        at("elsewhere", Lifecycle::InService),
        at("retired", Lifecycle::InService),
        at("tenant", Lifecycle::Detaching),
    ] {
        let lost = given_up(Cause::Lost, true);
        assert_eq!(asked(Some(&place), true, &opted_in()), lost);
    }
}

#[test]
fn one_that_an_older_version_attached_already_is_sent_its_command() {
    let place = Some(at("tenant", Lifecycle::InService));
    let full = Group {
        max_size: 1,
        ..opted_in()
    };
    assert_eq!(asked(place.as_ref(), true, &full), BeforeSend::Send);
}

#[test]
fn a_target_without_room_is_asked_before_and_not_after_its_init() {
    let full = Group {
        max_size: 1,
        ..opted_in()
    };
    let deleting = Group {
        deleting: true,
        ..opted_in()
    };
    let suspended = Group {
        suspended: BTreeMap::from([("Launch".to_owned(), "by hand".to_owned())]),
        ..opted_in()
    };
    for refuses in [full, deleting, suspended, target(None)] {
        let refused = given_up(Cause::TargetRefused, true);
        assert_eq!(asked(None, true, &refuses), refused);
    }
    let gone = before_send(&hand_over(1), None, None, &name("pool"), NOW);
    assert_eq!(gone, given_up(Cause::TargetRefused, false));
}
