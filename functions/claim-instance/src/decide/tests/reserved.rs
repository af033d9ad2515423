//! No instance goes to two claims, and none comes back to a claim that gave it up.

use super::*;

/// Claims `a` and `b` both have an entry that names instance 1.
fn with_two_entries(at: Option<(&str, Lifecycle)>) -> Scene {
    Scene::with_ready(2)
        .begun(at)
        .entry("b", &entry(Some(1), 1))
}

#[test]
fn of_two_entries_that_name_one_instance_the_first_in_the_line_goes_on_with_it() {
    for at in [
        None,
        Some(("pool", Lifecycle::Detaching)),
        Some(("tenant", Lifecycle::InService)),
    ] {
        let scene = with_two_entries(at);
        for line in [["a", "b"], ["b", "a"]] {
            let decisions = scene.decide(&sent(&line.map(claim)));
            assert_eq!(decisions, [hand_over(1), assign(2, 2)], "{at:?} {line:?}");
        }
    }
}

#[test]
fn of_two_entries_that_name_an_instance_in_the_pool_the_first_in_the_line_goes_on_with_it() {
    let scene = with_two_entries(Some(("pool", Lifecycle::InService)));
    let decisions = scene.decide(&sent(&[claim("b"), claim("a")]));
    let first = Decision::Assign {
        instance: instance(1),
        attempt: 1,
        entered: true,
        decrements: false,
        makes: None,
    };
    assert_eq!(decisions, [first, assign(2, 2)]);
}

#[test]
fn of_two_entries_that_name_one_instance_the_one_whose_command_it_was_sent_has_it() {
    let scene = with_two_entries(Some(("tenant", Lifecycle::InService))).sent(1, &claim("b"));
    let decisions = scene.decide(&sent(&[claim("a"), claim("b")]));
    let served = Decision::LeaveToInit(instance(1));
    assert_eq!(decisions, [assign(2, 2), served]);
}

#[test]
fn two_targets_entries_may_name_one_instance_too() {
    let scene = Scene::with_ready(2)
        .begun(None)
        .with_another_target("other");
    let decisions = scene.decide(&sent(&[claim_for("a", "other"), claim("a")]));
    assert_eq!(decisions, [hand_over(1), assign(2, 2)]);
}

#[test]
fn three_entries_that_name_one_instance_end_with_three() {
    let scene = with_two_entries(None)
        .entry("c", &entry(Some(1), 1))
        .ready(3, "a");
    let decisions = scene.decide(&sent(&[claim("a"), claim("b"), claim("c")]));
    assert_eq!(decisions, [hand_over(1), assign(2, 2), assign(3, 2)]);
}

#[test]
fn an_instance_that_an_open_entry_names_is_not_given_to_a_new_claim() {
    let scene = Scene::with_ready(2).entry("z", &entry(Some(1), 1));
    assert_eq!(scene.decide_on(claim("a")), assign(2, 1));
    let scene = Scene::with_ready(1).entry("z", &entry(Some(1), 1));
    assert_eq!(scene.decide_on(claim("a")), EMPTY);
}

/// A tenant can write what it likes into its own target's tags.
#[test]
fn an_entry_in_another_target_keeps_no_instance_from_a_claim() {
    let scene = Scene::with_ready(2)
        .entry("z", &entry(Some(1), 1))
        .with_another_target("other")
        .target(|target| target.tags.retain(|key, _| key == OPT_IN_TAG));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn an_instance_that_an_entry_names_is_not_given_to_a_claim_further_up_either() {
    let scene = Scene::with_ready(2).begun(Some(("pool", Lifecycle::InService)));
    let decisions = scene.decide(&sent(&[claim("new"), claim("a")]));
    let resumed = Decision::Assign {
        instance: instance(1),
        attempt: 1,
        entered: true,
        decrements: false,
        makes: None,
    };
    assert_eq!(decisions, [assign(2, 1), resumed]);
}

#[test]
fn an_instance_of_a_remembered_entry_is_not_given_to_a_new_claim() {
    let scene = Scene::with_ready(2).remembers(&claim("z"), entry(Some(1), 1));
    assert_eq!(scene.decide_on(claim("a")), assign(2, 1));
}

#[test]
fn an_instance_in_the_pool_whose_claim_ended_is_free_for_another() {
    let ended = settled(1, Standing::Failed(Reason::Expired));
    let scene = Scene::with_ready(2).entry("z", &ended);
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn a_claim_does_not_get_the_instance_of_its_own_entry_again() {
    let begun = entry(Some(1), 1);
    let scene = Scene::with_ready(2).entry("a", &begun);
    assert_eq!(scene.decide_one(retry("a", 2)), assign(2, 2));
    let scene = Scene::with_ready(1).entry("a", &begun);
    assert_eq!(scene.decide_one(retry("a", 2)), EMPTY);
}

#[test]
fn a_claim_whose_instance_was_sent_another_s_command_does_not_get_it_again_wherever_it_seems_to_be()
{
    let scene = Scene::with_ready(2)
        .begun(Some(("pool", Lifecycle::InService)))
        .sent(1, &claim("b"));
    assert_eq!(scene.decide_on(claim("a")), assign(2, 2));
}
