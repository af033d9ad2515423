//! Claims that were begun or settled before.

use super::*;

// Claims that were settled before.

#[test]
fn a_settled_claim_hears_its_outcome_again() {
    for standing in [
        Standing::Ready,
        Standing::Failed(Reason::ScriptFailed),
        Standing::Failed(Reason::Expired),
    ] {
        let scene = Scene::with_ready(2).entry("a", &settled(1, standing));
        let expected = Decision::Repeat(settled(1, standing));
        assert_eq!(scene.decide_on(claim("a")), expected);
        assert_eq!(scene.decide_one(retry("a", 2)), expected);
    }
}

#[test]
fn a_settled_claim_hears_its_outcome_again_after_the_deadline_too() {
    let ready = settled(1, Standing::Ready);
    let scene = Scene::with_ready(1).entry("a", &ready).after_the_deadline();
    assert_eq!(scene.decide_on(claim("a")), Decision::Repeat(ready));
}

#[test]
fn a_settled_claim_hears_its_outcome_from_a_target_that_has_opted_out() {
    let ready = settled(1, Standing::Ready);
    let scene = Scene::empty().entry("a", &ready).target(|target| {
        target.tags.remove(OPT_IN_TAG);
    });
    assert_eq!(scene.decide_on(claim("a")), Decision::Repeat(ready));
}

#[test]
fn an_entry_of_another_claim_is_not_this_claim_s() {
    let scene = Scene::with_ready(2).entry("aa", &settled(1, Standing::Ready));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

// Claims that were begun before.

#[test]
fn an_instance_that_was_sent_its_command_is_left_to_init_wherever_it_seems_to_be() {
    for at in [
        None,
        Some(("pool", Lifecycle::InService)),
        Some(("tenant", Lifecycle::InService)),
        Some(("elsewhere", Lifecycle::InService)),
    ] {
        let scene = Scene::with_ready(2).begun(at).sent(1, &claim("a"));
        let expected = Decision::LeaveToInit(instance(1));
        assert_eq!(scene.decide_on(claim("a")), expected, "{at:?}");
    }
}

#[test]
fn an_instance_that_was_sent_another_claim_s_command_is_replaced() {
    let scene = Scene::empty()
        .ready(2, "a")
        .begun(Some(("tenant", Lifecycle::InService)))
        .sent(1, &claim("b"));
    assert_eq!(scene.decide_on(claim("a")), assign(2, 2));
}

#[test]
fn other_people_s_commands_say_nothing() {
    let mut scene = Scene::with_ready(2).begun(Some(("tenant", Lifecycle::InService)));
    let patching = Command {
        id: "p".into(),
        comment: "patching".to_owned(),
        status: CommandStatus::Succeeded,
        record: Record::default(),
    };
    scene.histories.insert(instance(1), vec![patching]);
    assert_eq!(scene.decide_on(claim("a")), hand_over(1));
}

#[test]
fn an_instance_that_was_never_sent_a_command_is_handed_over_again_wherever_it_left_for() {
    for at in [
        None,
        Some(("pool", Lifecycle::Detaching)),
        Some(("tenant", Lifecycle::Pending)),
        Some(("tenant", Lifecycle::InService)),
    ] {
        let decision = Scene::with_ready(2).begun(at).decide_on(claim("a"));
        assert_eq!(decision, hand_over(1), "{at:?}");
    }
}

#[test]
fn an_instance_that_is_still_in_the_pool_is_assigned_without_another_entry() {
    let scene = Scene::with_ready(2).begun(Some(("pool", Lifecycle::InService)));
    let expected = Decision::Assign {
        instance: instance(1),
        attempt: 1,
        entered: true,
        decrements: false,
        makes: None,
    };
    assert_eq!(scene.decide_on(claim("a")), expected);
}

#[test]
fn an_instance_that_is_lost_is_replaced_by_the_next_attempt() {
    for at in [
        ("pool", Lifecycle::Terminating),
        // Somebody has put it aside.
        ("pool", Lifecycle::EnteringStandby),
        ("pool", Lifecycle::Standby),
        ("pool", Lifecycle::Warmed),
        ("pool", Lifecycle::Other),
        ("pool", Lifecycle::Pending),
        ("elsewhere", Lifecycle::InService),
        ("retired", Lifecycle::InService),
    ] {
        let scene = Scene::empty().ready(2, "a").begun(Some(at));
        assert_eq!(scene.decide_on(claim("a")), assign(2, 2), "{at:?}");
    }
}

#[test]
fn a_claim_that_lost_its_instance_waits_for_another_like_any_other() {
    let scene = Scene::empty().begun(Some(("elsewhere", Lifecycle::InService)));
    assert_eq!(scene.decide_on(claim("a")), EMPTY);
}

#[test]
fn after_the_last_attempt_the_claim_is_closed_with_its_entry() {
    let last = entry(Some(1), MAX_ATTEMPTS);
    let scene = Scene::with_ready(2)
        .entry("a", &last)
        .place(1, "elsewhere", Lifecycle::InService);
    assert_closed(
        &scene.decide_on(claim("a")),
        Reason::AttemptsExhausted,
        "had to be given up",
        Some(last),
    );
}

#[test]
fn an_entry_without_an_instance_gets_one_under_its_attempt() {
    let scene = Scene::with_ready(1).entry("a", &entry(None, 2));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 2));
}

// Memory over reads.

#[test]
fn an_entry_that_reads_do_not_show_yet_is_remembered() {
    let scene = Scene::with_ready(2).remembers(&claim("a"), entry(Some(1), 1));
    assert_eq!(scene.decide_on(claim("a")), hand_over(1));
}

#[test]
fn what_was_written_beats_what_was_read() {
    let scene = Scene::with_ready(2)
        .begun(Some(("pool", Lifecycle::InService)))
        .remembers(&claim("a"), entry(Some(90), 2));
    let expected = Decision::HandOver {
        instance: instance(90),
        attempt: 2,
    };
    assert_eq!(scene.decide_on(claim("a")), expected);
}

#[test]
fn a_claim_that_this_delivery_closed_stays_closed() {
    let failed = settled(1, Standing::Failed(Reason::Expired));
    let scene = Scene::with_ready(2)
        .begun(Some(("pool", Lifecycle::InService)))
        .remembers(&claim("a"), failed.clone());
    assert_eq!(scene.decide_on(claim("a")), Decision::Repeat(failed));
}

#[test]
fn an_instance_that_left_the_pool_first_is_replaced_under_the_same_attempt() {
    let mut scene = Scene::with_ready(2)
        .begun(Some(("pool", Lifecycle::InService)))
        .remembers(&claim("a"), entry(None, 1));
    scene.memory.spent.insert(instance(1));
    assert_eq!(scene.decide_on(claim("a")), assign(2, 1));
}

#[test]
fn what_init_instance_wrote_since_outranks_what_this_delivery_wrote() {
    let written = |scene: Scene| scene.remembers(&claim("a"), entry(Some(1), 1));
    for standing in [Standing::Ready, Standing::Failed(Reason::TargetRefused)] {
        let since = settled(1, standing);
        let scene = written(Scene::with_ready(2)).entry("a", &since).place(
            1,
            "retired",
            Lifecycle::InService,
        );
        assert_eq!(scene.decide_on(claim("a")), Decision::Repeat(since));
    }
    let moved_on = written(Scene::with_ready(2)).entry("a", &entry(None, 2));
    assert_eq!(moved_on.decide_on(claim("a")), assign(2, 2));
}

#[test]
fn what_this_delivery_wrote_outranks_an_older_read() {
    let written = entry(Some(2), 2);
    for older in [
        entry(Some(1), 1),
        entry(None, 2),
        settled(1, Standing::Failed(Reason::Expired)),
    ] {
        let scene = Scene::with_ready(2)
            .entry("a", &older)
            .place(2, "pool", Lifecycle::Detaching)
            .remembers(&claim("a"), written.clone());
        let expected = Decision::HandOver {
            instance: instance(2),
            attempt: 2,
        };
        assert_eq!(scene.decide_on(claim("a")), expected, "{older}");
    }
}
