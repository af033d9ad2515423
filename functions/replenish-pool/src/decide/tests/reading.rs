//! How much history is read.

use super::*;

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

/// A launch that ended a second ago, well or not.
fn launch(number: u32, failed: bool) -> Activity {
    Activity {
        failed,
        ..activity(ActivityKind::Launch, number, MINUTE, Some(SECOND))
    }
}

fn suffices(activities: &[Activity]) -> bool {
    history_suffices(&group("pool"), activities, Duration::ZERO, NOW)
}

#[test]
fn a_look_reads_on_until_a_launch_ended_well() {
    assert!(!suffices(&[]));
    let detach = activity(ActivityKind::Detach, 1, MINUTE, Some(SECOND));
    let under_way = activity(ActivityKind::Launch, 1, MINUTE, None);
    assert!(!suffices(&[under_way.clone(), detach.clone()]));
    assert!(suffices(&[under_way, detach, launch(2, false)]));
}

#[test]
fn failures_are_read_to_the_first_of_them_while_they_count() {
    let failed = [launch(1, true), launch(2, true)];
    assert!(!suffices(&failed));
    let [one, other] = failed;
    assert!(suffices(&[one, other, launch(3, false)]));
    // Those that hold nothing back any more need not be counted.
    let old = Activity {
        failed: true,
        ..activity(ActivityKind::Launch, 1, HOUR * 2, Some(HOUR))
    };
    assert!(suffices(std::slice::from_ref(&old)));
    let young = Activity {
        ended_at: Some(NOW - HOUR + SECOND),
        ..old.clone()
    };
    assert!(!suffices(&[young]));
    // But while one is tried they do.
    assert!(!suffices(&[
        activity(ActivityKind::Launch, 2, MINUTE, None),
        old
    ]));
}

/// Longer than this no wait depends on.
#[test]
fn of_a_long_row_of_failures_half_an_hour_is_read() {
    let failed = |minutes: u32| Activity {
        failed: true,
        ..activity(
            ActivityKind::Launch,
            1,
            MINUTE * minutes,
            Some(MINUTE * minutes),
        )
    };
    let row = |minutes: [u32; 5]| minutes.map(failed);
    assert!(!suffices(&row([1, 2, 3, 4, 29])));
    assert!(suffices(&row([1, 2, 3, 4, 30])));
    assert!(!suffices(&row([1, 2, 3, 30, 31])[..4]));
}

#[test]
fn a_look_reads_on_until_it_knows_of_each_detach_of_the_last_minute() {
    let detach = |ago: Duration| activity(ActivityKind::Detach, 1, ago, Some(SECOND));
    let launched = Activity {
        started_at: NOW - SECOND * 2,
        ..launch(2, false)
    };
    assert!(!suffices(&[launched.clone(), detach(SECOND * 59)]));
    assert!(suffices(&[launched, detach(MINUTE)]));
}

#[test]
fn a_look_reads_on_until_it_knows_when_each_waiting_launch_began() {
    let mut pool = group("pool");
    pool.members = vec![
        member(1, Lifecycle::PendingWait),
        member(2, Lifecycle::InService),
        member(3, Lifecycle::Pending),
    ];
    let history_suffices =
        |activities: &[Activity]| history_suffices(&pool, activities, Duration::ZERO, NOW);
    let good = launch(9, false);
    assert!(!history_suffices(std::slice::from_ref(&good)));
    assert!(history_suffices(&[
        activity(ActivityKind::Launch, 1, HOUR, None),
        good.clone()
    ]));
    assert!(!history_suffices(&[
        activity(ActivityKind::Attach, 1, HOUR, None),
        good
    ]));
}

#[test]
fn a_look_at_ages_reads_on_until_it_knows_when_each_member_began() {
    let mut pool = group("pool");
    pool.members = vec![
        member(1, Lifecycle::InService),
        member(2, Lifecycle::InService),
        member(3, Lifecycle::Terminating),
    ];
    let history_suffices =
        |activities: &[Activity]| history_suffices(&pool, activities, HOUR * 24, NOW);
    let attached = activity(ActivityKind::Attach, 2, HOUR, Some(HOUR));
    assert!(!history_suffices(&[launch(1, false)]));
    assert!(!history_suffices(&[launch(9, false), attached.clone()]));
    assert!(history_suffices(&[launch(1, false), attached]));
}

#[test]
fn ages_are_looked_at_every_ten_minutes() {
    let looks = (0..60).filter(|minute| max_age_now(HOUR, NOW + MINUTE * *minute) == HOUR);
    assert_eq!(looks.collect::<Vec<_>>(), [0, 10, 20, 30, 40, 50]);
    assert_eq!(max_age_now(HOUR, NOW + MINUTE), Duration::ZERO);
    assert_eq!(max_age_now(Duration::ZERO, NOW), Duration::ZERO);
}

#[test]
fn a_full_scan_is_due_a_minute_after_the_last_and_where_none_is_remembered() {
    let minute = Duration::from_mins(1);
    assert!(full_scan_is_due(None, NOW));
    for (ago, due) in [
        (Duration::ZERO, false),
        (minute.checked_sub(SECOND).unwrap(), false),
        (minute, true),
        (minute * 60, true),
    ] {
        assert_eq!(full_scan_is_due(Some(NOW - ago), NOW), due, "{ago:?}");
    }
}

#[test]
fn a_clock_that_was_set_back_does_not_put_the_full_scan_off() {
    assert!(full_scan_is_due(Some(NOW + SECOND), NOW));
}

#[test]
fn history_reaches_back_by_what_has_ended() {
    let since = NOW - MINUTE * 47;
    let old = activity(ActivityKind::Detach, 1, HOUR, Some(HOUR));
    let young = activity(ActivityKind::Detach, 2, MINUTE, Some(SECOND));
    // Those under way come first, however old they are.
    let under_way = activity(ActivityKind::Launch, 3, HOUR, None);
    assert!(!reaches_back_to(&[], since));
    assert!(!reaches_back_to(std::slice::from_ref(&under_way), since));
    assert!(!reaches_back_to(&[under_way.clone(), young.clone()], since));
    assert!(reaches_back_to(&[under_way, young, old], since));
}

#[test]
fn a_warm_pool_is_spoken_of_once_an_hour() {
    let mut pool = group("pool");
    assert!(!says_warm_pool(&pool, None, NOW));
    pool.has_warm_pool = true;
    assert!(says_warm_pool(&pool, None, NOW));
    assert!(!says_warm_pool(&pool, Some(NOW - HOUR + SECOND), NOW));
    assert!(says_warm_pool(&pool, Some(NOW - HOUR), NOW));
}

#[test]
fn all_agents_are_asked_for_every_other_minute() {
    assert!(agents_are_due(None, NOW));
    for (ago, due) in [(0, false), (61, false), (119, true), (3600, true)] {
        assert_eq!(agents_are_due(Some(NOW - SECOND * ago), NOW), due, "{ago}");
    }
    assert!(
        agents_are_due(Some(NOW + SECOND), NOW),
        "the clock was set back"
    );
}

#[test]
fn all_are_online_where_each_in_service_is_known_to_be() {
    assert!(all_are_online(&at_rest()));
    let mut view = ready_pool(2);
    view.pool.members.push(member(3, Lifecycle::PendingWait));
    assert!(all_are_online(&view));
    view.lose_agent(2);
    assert!(!all_are_online(&view));
    let unasked = View {
        knows_all_agents: false,
        ..ready_pool(2)
    };
    assert!(!all_are_online(&unasked));
    let unread = View {
        agents: None,
        ..ready_pool(2)
    };
    assert!(!all_are_online(&unread));
}

/// A look at a pool of two, before its history is read.
fn unread() -> View {
    View {
        activities: None,
        ..ready_pool(2)
    }
}

#[test]
fn a_pool_that_is_as_it_shall_be_needs_no_history() {
    let mut view = unread();
    assert!(!needs_history(&view));
    view.pool.members.push(member(3, Lifecycle::Pending));
    view.pool.members.push(member(4, Lifecycle::Detaching));
    assert!(!needs_history(&view));
    // The group's bounds allow no more.
    view.size = 5;
    view.pool.max_size = 2;
    assert!(!needs_history(&view));
}

#[test]
fn history_is_needed_where_something_follows_from_it() {
    let needs = |change: fn(&mut View)| {
        let mut view = unread();
        change(&mut view);
        needs_history(&view)
    };
    // Who waits may be served already; and not everything could be counted.
    assert!(needs(|view| view.backlog = Some(1)));
    assert!(needs(|view| view.backlog = None));
    // The size is another one, or somebody is lacking: launches may fail.
    assert!(needs(|view| view.size = 3));
    assert!(needs(|view| view.size = 1));
    assert!(needs(|view| {
        view.pool.members.pop();
    }));
    // When it was launched, and how old it is.
    let hold = |view: &mut View| view.pool.members.push(member(3, Lifecycle::PendingWait));
    assert!(needs(hold));
    assert!(needs(|view| view.max_age = HOUR));
}

#[test]
fn a_launch_that_an_earlier_look_found_needs_no_history() {
    let mut view = unread();
    view.pool.members.push(member(3, Lifecycle::PendingWait));
    view.launched.insert(instance(3), NOW - MINUTE);
    assert!(!needs_history(&view));
}

/// Whether one has waited too long the full look sees; whether it may reboot is asked before it is let in.
#[test]
fn a_look_at_the_hook_needs_the_launch_of_what_awaits_an_association() {
    let mut view = unread();
    view.pool.members.push(member(3, Lifecycle::PendingWait));
    assert!(!needs_launches(&view));
    view.agents().insert(instance(3), agent(true));
    assert!(!needs_launches(&view));
    let awaits = Agent {
        online: true,
        awaits_association: true,
    };
    view.agents().insert(instance(3), awaits);
    assert!(needs_launches(&view));
    view.launched.insert(instance(3), NOW - MINUTE);
    assert!(!needs_launches(&view));
}

#[test]
fn of_the_launches_in_the_history_those_that_wait_are_kept() {
    let mut pool = group("pool");
    pool.members = vec![
        member(1, Lifecycle::PendingWait),
        member(2, Lifecycle::InService),
        member(3, Lifecycle::PendingWait),
    ];
    let launch = |number, minutes| activity(ActivityKind::Launch, number, MINUTE * minutes, None);
    let found = launches_of_waiting(&pool, &[launch(1, 2), launch(2, 3), launch(4, 5)]);
    assert_eq!(found, BTreeMap::from([(instance(1), NOW - MINUTE * 2)]));
}
