//! Claims that ask for a later attempt.

use super::*;

#[test]
fn a_retry_asks_for_a_later_attempt_although_reads_still_show_the_earlier() {
    let scene = Scene::empty()
        .ready(2, "a")
        .begun(Some(("tenant", Lifecycle::InService)));
    assert_eq!(scene.decide_one(retry("a", 2)), assign(2, 2));
}

#[test]
fn a_retry_whose_attempt_is_entered_already_goes_on_with_its_instance() {
    let scene = Scene::with_ready(1).entry("a", &entry(Some(90), 2));
    let expected = Decision::HandOver {
        instance: instance(90),
        attempt: 2,
    };
    assert_eq!(scene.decide_one(retry("a", 2)), expected);
}

#[test]
fn a_late_retry_does_not_undo_a_later_attempt() {
    let scene = Scene::with_ready(1).entry("a", &entry(Some(90), 3));
    let expected = Decision::HandOver {
        instance: instance(90),
        attempt: 3,
    };
    assert_eq!(scene.decide_one(retry("a", 2)), expected);
    let scene = Scene::with_ready(1).entry("a", &entry(None, 3));
    assert_eq!(scene.decide_one(retry("a", 2)), assign(1, 3));
}

#[test]
fn a_retry_whose_entry_was_wiped_keeps_its_attempt() {
    let decision = Scene::with_ready(1).decide_one(retry("a", 2));
    assert_eq!(decision, assign(1, 2));
}

#[test]
fn a_retry_past_the_last_attempt_closes_the_claim() {
    let decision = Scene::with_ready(1).decide_one(retry("a", MAX_ATTEMPTS + 1));
    let why = "every instance that was tried";
    assert_closed(&decision, Reason::AttemptsExhausted, why, None);
}

#[test]
fn the_last_attempt_is_served() {
    let decision = Scene::with_ready(1).decide_one(retry("a", MAX_ATTEMPTS));
    assert_eq!(decision, assign(1, MAX_ATTEMPTS));
}

#[test]
fn the_greatest_attempt_that_can_be_written_does_not_overflow() {
    let greatest = entry(Some(1), Attempt::MAX);
    let why = "every instance that was tried";
    let lost =
        Scene::with_ready(2)
            .entry("a", &greatest)
            .place(1, "elsewhere", Lifecycle::InService);
    let decision = lost.decide_on(claim("a"));
    assert_closed(
        &decision,
        Reason::AttemptsExhausted,
        why,
        Some(greatest.clone()),
    );
    let sent_another = Scene::with_ready(2)
        .entry("a", &greatest)
        .sent(1, &claim("b"));
    let decision = sent_another.decide_on(claim("a"));
    assert_closed(&decision, Reason::AttemptsExhausted, why, Some(greatest));
}

#[test]
fn a_retry_that_asks_for_the_greatest_attempt_closes_the_claim() {
    let why = "every instance that was tried";
    for kept in [None, Some(entry(Some(1), 1)), Some(entry(None, 2))] {
        let scene = match &kept {
            Some(entry) => Scene::with_ready(2).entry("a", entry),
            None => Scene::with_ready(2),
        };
        let decision = scene.decide_one(retry("a", Attempt::MAX));
        assert_closed(&decision, Reason::AttemptsExhausted, why, kept);
    }
}
