//! Leaked instances, the steps of a way out, and the retirement group.

use super::*;

const MINUTE: Duration = Duration::from_mins(1);
const LOOKS_APART: Duration = Duration::from_secs(50);
const TOO_CLOSE: Duration = Duration::from_secs(49);

// Candidates.

/// Instance 1 was detached from the pool so long ago.
fn detach(ago: Duration) -> Activity {
    activity(ActivityKind::Detach, 1, ago, Some(ago))
}

fn candidates(pool: &[Activity]) -> Vec<InstanceId> {
    leak_candidates(pool, &leak_window(NOW))
}

#[test]
fn instances_detached_five_to_twenty_nine_hours_ago_are_candidates() {
    let hour = Duration::from_hours(1);
    for ago in [hour * 5 + SECOND, hour * 12, hour * 29] {
        assert_eq!(candidates(&[detach(ago)]), [instance(1)], "{ago:?}");
    }
    for ago in [SECOND, hour * 4, hour * 5, hour * 29 + SECOND] {
        assert_eq!(candidates(&[detach(ago)]), [], "{ago:?}");
    }
}

#[test]
fn only_a_detach_that_worked_makes_a_candidate() {
    let ago = Duration::from_hours(6);
    let failed = Activity {
        failed: true,
        ..detach(ago)
    };
    let nobody = Activity {
        instance: None,
        ..detach(ago)
    };
    let mut others = vec![failed, nobody];
    for kind in [
        ActivityKind::Launch,
        ActivityKind::Attach,
        ActivityKind::Other,
    ] {
        others.push(activity(kind, 1, ago, Some(ago)));
    }
    assert_eq!(candidates(&others), []);
}

#[test]
fn candidates_are_those_of_the_window_alone() {
    let hour = Duration::from_hours(1);
    let activities: Vec<Activity> = (1..=40)
        .map(|hours| {
            activity(
                ActivityKind::Detach,
                hours,
                hour * hours,
                Some(hour * hours),
            )
        })
        .collect();
    let window = (NOW - hour * 12)..(NOW - hour * 10);
    let expected = [instance(11), instance(12)];
    assert_eq!(leak_candidates(&activities, &window), expected);
}

// Slices.

/// The minutes from `NOW` on at which passes find this detach in their slice, when passes are made
/// at these minutes.
fn found(detached_at: Timestamp, passes: impl Iterator<Item = u32>) -> Vec<u32> {
    passes
        .filter(|minute| leak_slice(NOW + MINUTE * *minute).contains(&detached_at))
        .collect()
}

#[test]
fn every_detach_comes_up_within_an_hour_and_every_hour_for_a_day() {
    for seconds in (0..3600).step_by(97) {
        let due_at = NOW + SECOND * seconds;
        let found = found(due_at - LEAK_CHECKED_FROM, 0..(26 * 60));
        assert!(found[0] * 60 <= seconds + 67 * 60, "{seconds}: {found:?}");
        // The minutes that two slices overlap by find a few of them twice.
        let hours: BTreeSet<u32> = found.iter().map(|minute| minute / 60).collect();
        assert!((23..=25).contains(&hours.len()), "{seconds}: {found:?}");
        let gaps = found.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.max() <= Some(67), "{seconds}: {found:?}");
    }
}

#[test]
fn passes_that_are_lost_for_hours_lose_no_leak() {
    for lost_from in (0..(29 * 60)).step_by(97) {
        let outage = lost_from..(lost_from + 22 * 60);
        let passes = (0..(29 * 60)).filter(|minute| !outage.contains(minute));
        for seconds in (0..3600).step_by(601) {
            let due_at = NOW + SECOND * seconds;
            let found = found(due_at - LEAK_CHECKED_FROM, passes.clone());
            assert!(!found.is_empty(), "lost from {lost_from}, due {seconds}");
        }
    }
}

#[test]
fn slices_stay_in_the_window_and_a_pass_that_is_late_misses_nothing() {
    for minute in 0..60 {
        let now = NOW + MINUTE * minute;
        let (slice, window) = (leak_slice(now), leak_window(now));
        assert!(slice.start >= window.start && slice.end <= window.end);
        let late = leak_slice(now + MINUTE * 5 + SECOND * 50);
        assert!(minute >= 54 || late.end >= slice.start, "{minute}");
    }
}

#[test]
fn a_slice_is_looked_at_once_in_five_minutes_and_longer_while_it_is_crowded() {
    assert!(leak_slice_is_due(None, false, NOW));
    for (minutes, crowded, due) in [
        (1, false, false),
        (4, false, false),
        (4, true, true),
        (5, false, true),
        (60, false, true),
    ] {
        let now = NOW + MINUTE * minutes;
        assert_eq!(leak_slice_is_due(Some(NOW), crowded, now), due, "{minutes}");
    }
    // A look that comes late within its five minutes does not put the next slice off.
    let (late, next) = (NOW + SECOND * 295, NOW + SECOND * 300);
    assert!(leak_slice_is_due(Some(late), false, next));
    assert_ne!(leak_slice(late), leak_slice(next));
}

#[test]
fn many_suspects_take_turns_by_the_minute_and_then_by_the_hour() {
    let suspects: Vec<InstanceId> = (1..=45).map(instance).collect();
    let by_the_minute = |minutes: u32| leak_checks(&suspects, NOW + MINUTE * minutes);
    let all: BTreeSet<&InstanceId> = (0..3).flat_map(by_the_minute).collect();
    assert_eq!(all.len(), suspects.len());

    let at = |hours: u32| leak_checks(&suspects, NOW + MINUTE * 60 * hours).to_vec();
    let turns = [at(0), at(1), at(2)];
    assert!(turns.iter().all(|turn| turn.len() <= LEAK_CHECKS_PER_PASS));
    let all: BTreeSet<InstanceId> = turns.concat().into_iter().collect();
    assert_eq!(all, suspects.iter().cloned().collect());
    assert_eq!(at(3), at(0));
    assert_eq!(leak_checks(&suspects[..20], NOW), &suspects[..20]);
    assert_eq!(leak_checks(&[], NOW), &[]);
}

// Two looks.

/// A free instance 1 that nobody sent a command, noted at this stage so long ago.
fn noted(stage: Stage, ago: Duration) -> View {
    let mut view = at_rest();
    view.look_at_free(1);
    view.noted(1, stage, ago);
    view
}

#[test]
fn the_first_look_only_notes_a_leak() {
    let mut view = at_rest();
    view.look_at_free(1);
    let expected = Plan {
        note: vec![note(1, Stage::Suspect)],
        ..Plan::default()
    };
    assert_eq!(decide(&view), expected);
}

type Change = fn(&mut View);

#[test]
fn an_instance_that_is_not_free_or_was_sent_a_command_or_entered_or_gone_is_no_leak() {
    let reasons: [(&str, Change); 5] = [
        ("not free", |view| {
            view.look_at(1, "tenant", Lifecycle::InService);
        }),
        ("sent a command", |view| {
            view.send(1, "ready-pool a@00000000");
        }),
        ("entered", |view| view.enter(1)),
        ("gone", |view| {
            view.scan().listed.clear();
        }),
        ("history not read", |view| view.scan().histories.clear()),
    ];
    for (why, change) in reasons {
        let mut view = at_rest();
        view.look_at_free(1);
        change(&mut view);
        assert_eq!(decide(&view).note, [], "{why}");

        let mut view = noted(Stage::Suspect, MINUTE);
        change(&mut view);
        let plan = decide(&view);
        assert_eq!(plan.remove_tags, [forgotten(1)], "{why}");
        assert_eq!(
            (plan.note, plan.attach_to_retirement),
            (vec![], vec![]),
            "{why}"
        );
    }
}

#[test]
fn other_commands_than_a_claim_s_do_not_speak_for_an_instance() {
    let mut view = at_rest();
    view.look_at_free(1);
    view.send(1, "patching");
    assert_eq!(decide(&view).note, [note(1, Stage::Suspect)]);
}

#[test]
fn the_second_look_takes_a_leak_in_when_it_is_far_enough_from_the_first() {
    let expected = Plan {
        note: vec![note(1, Stage::Retiring)],
        attach_to_retirement: vec![instance(1)],
        ..Plan::default()
    };
    assert_eq!(decide(&noted(Stage::Suspect, LOOKS_APART)), expected);
    assert_eq!(decide(&noted(Stage::Suspect, MINUTE * 60)), expected);
    let too_soon = noted(Stage::Suspect, TOO_CLOSE);
    assert_eq!(decide(&too_soon), Plan::default());
}

#[test]
fn a_note_from_the_future_waits() {
    let mut view = noted(Stage::Suspect, Duration::ZERO);
    view.now -= MINUTE;
    assert_eq!(decide(&view), Plan::default());
}

// A way out.

/// Instance 1 is on its way out, and in this group.
fn retiring(group: &str, lifecycle: Lifecycle) -> View {
    let mut view = at_rest();
    view.look_at(1, group, lifecycle);
    view.noted(1, Stage::Retiring, MINUTE);
    if group == "pool" {
        view.pool.members.push(member(1, lifecycle));
        view.agents().insert(instance(1), agent(true));
    }
    view
}

#[test]
fn a_retiring_member_is_detached() {
    let expected = Plan {
        detach: vec![instance(1)],
        ..Plan::default()
    };
    assert_eq!(decide(&retiring("pool", Lifecycle::InService)), expected);
}

#[test]
fn an_unfinished_detach_or_attach_is_waited_for() {
    for (group, lifecycle) in [
        ("pool", Lifecycle::Detaching),
        ("pool", Lifecycle::EnteringStandby),
        ("retirement", Lifecycle::Pending),
    ] {
        assert_eq!(
            decide(&retiring(group, lifecycle)),
            Plan::default(),
            "{group}"
        );
    }
}

#[test]
fn a_retiring_instance_that_is_free_is_taken_in() {
    let expected = Plan {
        attach_to_retirement: vec![instance(1)],
        ..Plan::default()
    };
    assert_eq!(decide(&noted(Stage::Retiring, SECOND)), expected);
}

#[test]
fn a_retiring_instance_is_forgotten_when_there_is_nothing_left_to_do() {
    let expected = Plan {
        remove_tags: vec![forgotten(1)],
        ..Plan::default()
    };
    for (group, lifecycle) in [
        ("pool", Lifecycle::Terminating),
        // Somebody has put it aside since.
        ("pool", Lifecycle::Standby),
        ("pool", Lifecycle::Warmed),
        ("retirement", Lifecycle::InService),
        ("retirement", Lifecycle::Terminating),
        ("tenant", Lifecycle::InService),
        ("tenant", Lifecycle::Pending),
    ] {
        let plan = decide(&retiring(group, lifecycle));
        assert_eq!(plan, expected, "{group} {lifecycle:?}");
    }
    // Gone or stopped: an attach says which, and whether the note stays.
    let mut gone = noted(Stage::Retiring, MINUTE);
    gone.scan().listed.clear();
    let tried = Plan {
        unlisted: vec![instance(1)],
        ..expected
    };
    assert_eq!(decide(&gone), tried);
}

#[test]
fn a_retiring_instance_that_was_sent_a_command_or_entered_meanwhile_is_let_go() {
    for place in [Some("pool"), None] {
        let scene = || match place {
            Some(group) => retiring(group, Lifecycle::InService),
            None => noted(Stage::Retiring, MINUTE),
        };
        let mut sent = scene();
        sent.send(1, "ready-pool a@00000000");
        let mut entered = scene();
        entered.enter(1);
        let mut not_read = scene();
        not_read.scan().histories.clear();
        for view in [sent, entered, not_read] {
            let plan = decide(&view);
            assert_eq!(plan.remove_tags, [forgotten(1)]);
            assert_eq!((plan.detach, plan.attach_to_retirement), (vec![], vec![]));
        }
    }
}

#[test]
fn a_settled_entry_does_not_speak_for_an_instance() {
    let mut view = noted(Stage::Retiring, MINUTE);
    let mut target = group("tenant");
    target.tags.insert(
        tag_key(&ClaimId::try_from("a").unwrap()),
        format!("v1 {} 1 failed 2026-11-22T20:05:00Z expired", instance(1)),
    );
    view.scan().targets().push(target);
    assert_eq!(decide(&view).attach_to_retirement, [instance(1)]);
}

#[test]
fn a_tag_that_is_no_note_of_ours_moves_nothing() {
    let mut view = at_rest();
    view.look_at_free(1);
    let tags = &mut view.scan().retirement().tags;
    tags.insert(notes::tag_key(&instance(2)), "hello".to_owned());
    tags.insert(
        format!("{}nobody", notes::KEY_PREFIX),
        "retiring".to_owned(),
    );
    tags.insert("ready-pool:stack".to_owned(), "ready-pool".to_owned());
    assert_eq!(decide(&view).note, [note(1, Stage::Suspect)]);
}

// How many.

#[test]
fn no_more_than_twenty_are_noted_at_once() {
    let mut view = at_rest();
    for number in 1..=30 {
        view.look_at_free(number);
    }
    assert_eq!(decide(&view).note.len(), 20);
    for number in 101..=115 {
        view.look_at(number, "pool", Lifecycle::Detaching);
        view.noted(number, Stage::Retiring, SECOND);
    }
    assert_eq!(decide(&view).note.len(), 5);
}

#[test]
fn those_noted_already_are_followed_however_many_there_are() {
    let mut view = at_rest();
    for number in 1..=30 {
        view.look_at_free(number);
        view.noted(number, Stage::Suspect, MINUTE);
    }
    assert_eq!(decide(&view).attach_to_retirement.len(), 30);
}

// The retirement group.

#[test]
fn whatever_is_in_service_in_the_retirement_group_is_terminated() {
    let mut view = at_rest();
    view.scan().retirement().members = vec![
        member(1, Lifecycle::InService),
        member(2, Lifecycle::Pending),
        member(3, Lifecycle::Terminating),
        member(4, Lifecycle::InService),
    ];
    // Even one that was sent a command: whoever put it there wants it gone.
    view.send(4, "ready-pool a@00000000");
    let expected = Plan {
        terminate: vec![instance(1), instance(4)],
        ..Plan::default()
    };
    assert_eq!(decide(&view), expected);
}
