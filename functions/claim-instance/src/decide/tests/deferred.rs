//! What a claim may have that lets others go first.

use super::*;

fn deferred(request: Request) -> Request {
    Request {
        isolation: Isolation::Deferred,
        ..request
    }
}

#[test]
fn whatever_would_make_a_call_waits() {
    let dry_run = Request::of(Claim {
        dry_run: true,
        ..claim("a")
    });
    for (scene, request) in [
        (Scene::with_ready(1), new("a")),
        (Scene::with_ready(1), retry("a", 2)),
        (Scene::with_ready(1), dry_run),
        (Scene::empty().begun(None), new("a")),
        (Scene::empty().begun(None).after_the_deadline(), new("a")),
        (Scene::empty().after_the_deadline(), new("a")),
        (
            Scene::empty().entry("a", &settled(1, Standing::Ready)),
            new("a"),
        ),
        (Scene::empty(), Request::of(impatient("a"))),
    ] {
        let now = scene.decide_one(request.clone());
        assert!(now.makes_calls(), "{now:?}");
        let decision = scene.decide_one(deferred(request));
        assert_eq!(decision, Decision::Wait(Waiting::Deferred), "{now:?}");
    }
}

#[test]
fn what_makes_none_is_as_it_would_be() {
    let scene = Scene::empty().begun(None).sent(1, &claim("a"));
    let decision = scene.decide_one(deferred(new("a")));
    assert_eq!(decision, Decision::LeaveToInit(instance(1)));
    assert_eq!(Scene::empty().decide_one(deferred(new("a"))), EMPTY);
}

/// An instance that it waits for is not given away in the same pass: its place in the line is last.
#[test]
fn those_before_it_are_served() {
    let scene = Scene::with_ready(1);
    let decisions = scene.decide(&[new("b"), deferred(new("a"))]);
    assert_eq!(decisions, [assign(1, 1), EMPTY]);
}
