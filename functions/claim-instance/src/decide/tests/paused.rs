//! A paused pool: nothing new is assigned, and what was begun goes on.

use super::*;
use ready_pool_core::pause::PAUSE_TAG;

impl Scene {
    fn paused(self, value: &str) -> Self {
        self.pool(|pool| {
            pool.tags.insert(PAUSE_TAG.to_owned(), value.to_owned());
        })
    }
}

const PAUSED: Decision = Decision::Wait(Waiting::Paused);

#[test]
fn a_claim_waits_although_instances_are_ready() {
    for value in ["claims", "all", "clams"] {
        let scene = Scene::with_ready(2).paused(value);
        assert_eq!(scene.decide_on(claim("a")), PAUSED, "{value}");
    }
}

#[test]
fn a_pause_of_replenishing_keeps_nobody_waiting() {
    let scene = Scene::with_ready(1).paused("replenishing");
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn a_claim_that_would_not_wait_hears_of_the_pause() {
    let scene = Scene::with_ready(1).paused("claims");
    let decision = scene.decide_on(impatient("a"));
    assert_rejected(&decision, Reason::PoolPaused, "`when_empty`: `wait`");
}

#[test]
fn a_claim_that_cannot_be_served_is_rejected_at_once_all_the_same() {
    let scene = Scene::with_ready(1).paused("claims");
    let decision = scene.decide_on(claim_for("a", "nobody"));
    assert_rejected(&decision, Reason::UnknownTarget, "nobody");
}

#[test]
fn the_deadline_passes_in_a_paused_pool_too() {
    let scene = Scene::with_ready(1).paused("all").after_the_deadline();
    assert_closed(
        &scene.decide_on(claim("a")),
        Reason::Expired,
        "got no instance before its deadline",
        None,
    );
}

#[test]
fn what_was_begun_goes_on_to_its_end() {
    let entered = Decision::Assign {
        instance: instance(1),
        attempt: 1,
        entered: true,
        decrements: false,
        makes: None,
    };
    for (at, expected) in [
        (Some(("pool", Lifecycle::InService)), entered),
        (Some(("pool", Lifecycle::Detaching)), hand_over(1)),
        (Some(("tenant", Lifecycle::InService)), hand_over(1)),
        (None, hand_over(1)),
    ] {
        let scene = Scene::with_ready(2).begun(at).paused("claims");
        assert_eq!(scene.decide_on(claim("a")), expected, "{at:?}");
    }
    let sent = Scene::with_ready(2).begun(None).sent(1, &claim("a"));
    let decision = sent.paused("claims").decide_on(claim("a"));
    assert_eq!(decision, Decision::LeaveToInit(instance(1)));
}

#[test]
fn what_has_ended_is_published_again() {
    let entry = settled(1, Standing::Ready);
    let scene = Scene::with_ready(1).entry("a", &entry).paused("claims");
    assert_eq!(scene.decide_on(claim("a")), Decision::Repeat(entry));
}

#[test]
fn a_claim_that_was_begun_and_needs_another_instance_waits_for_it() {
    let scene = Scene::with_ready(2).entry("a", &entry(None, 2));
    assert_eq!(scene.paused("claims").decide_one(retry("a", 2)), PAUSED);
}
