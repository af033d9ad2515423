//! What dry runs answer, and that they take nothing from anybody.

use super::*;
use ready_pool_core::pause::PAUSE_TAG;

fn dry(claim: Claim) -> Claim {
    Claim {
        dry_run: true,
        ..claim
    }
}

/// A dry run that came in the message group of dry runs.
fn beside(claim: Claim) -> Request {
    Request {
        group: MessageGroup::DryRuns,
        ..Request::of(dry(claim))
    }
}

#[track_caller]
fn assert_previewed(decision: &Decision, expected: Reason, why: &str) {
    let Decision::Preview { reason, message } = decision else {
        panic!("no preview: {decision:?}");
    };
    assert_eq!(*reason, expected);
    assert!(message.contains(why), "{message}");
}

#[test]
fn a_claim_that_can_be_served_would_be() {
    let scene = Scene::with_ready(1)
        .pool(|pool| pool.members[0].instance_type = Some("m5.large".to_owned()));
    let decision = scene.decide_on(dry(claim("a")));
    assert_previewed(
        &decision,
        Reason::WouldBeServed,
        "of type m5.large in zone a",
    );
}

#[test]
fn at_an_empty_pool_it_would_wait() {
    let decision = Scene::empty().decide_on(dry(claim("a")));
    assert_previewed(&decision, Reason::WouldWait, "no instance is ready");
}

#[test]
fn at_a_paused_pool_it_would_wait_and_hears_of_the_pause() {
    let scene = Scene::with_ready(1).pool(|pool| {
        pool.tags.insert(PAUSE_TAG.to_owned(), "claims".to_owned());
    });
    let decision = scene.decide_on(dry(claim("a")));
    assert_previewed(&decision, Reason::WouldWait, "ready-pool:pause");
    assert_rejected(
        &scene.decide_on(dry(impatient("a"))),
        Reason::PoolPaused,
        "is paused",
    );
}

#[test]
fn it_is_rejected_in_the_words_of_the_real_claim() {
    let scenes = [
        Scene::with_ready(1).target(|target| target.max_size = 0),
        Scene::with_ready(1).target(|target| target.tags.clear()),
        Scene::with_ready(1).target(|target| target.zones = zones(&["c"])),
        Scene::empty(),
    ];
    for scene in scenes {
        let real = scene.decide_on(impatient("a"));
        assert!(matches!(real, Decision::Reject { .. }), "{real:?}");
        assert_eq!(scene.decide_on(dry(impatient("a"))), real);
    }
}

#[test]
fn past_its_deadline_it_would_fail() {
    let scene = Scene::with_ready(1).after_the_deadline();
    let decision = scene.decide_on(dry(claim("a")));
    assert_previewed(&decision, Reason::WouldFail, "`expired`");
}

#[test]
fn a_claim_that_is_in_the_ledger_would_get_nothing_new() {
    for (entry, why) in [
        (entry(Some(1), 1), "under way"),
        (entry(None, 2), "under way"),
        (settled(1, Standing::Ready), "served before"),
        (
            settled(1, Standing::Failed(Reason::ScriptFailed)),
            "`script_failed`",
        ),
    ] {
        let scene = Scene::with_ready(2).entry("a", &entry);
        let decision = scene.decide_on(dry(claim("a")));
        assert_previewed(&decision, Reason::WouldRepeat, why);
    }
}

#[test]
fn a_claim_that_is_queued_already_would_get_nothing_new() {
    let decisions = Scene::with_ready(2).decide(&sent(&[claim("a"), dry(claim("a"))]));
    assert_eq!(decisions[0], assign(1, 1));
    assert_previewed(&decisions[1], Reason::WouldRepeat, "queued already");
}

#[test]
fn a_dry_run_takes_nothing_from_those_behind_it() {
    let scene = Scene::with_ready(1).target(|target| target.max_size = 1);
    let claims = [dry(claim("a")), dry(claim("b")), claim("a"), claim("c")];
    let decisions = scene.decide(&sent(&claims));
    assert_previewed(&decisions[0], Reason::WouldBeServed, "ready");
    assert_previewed(&decisions[1], Reason::WouldBeServed, "ready");
    assert_eq!(decisions[2], assign(1, 1));
    assert_rejected(&decisions[3], Reason::TargetFull, "no room");
}

#[test]
fn a_dry_run_does_not_reserve_the_instance_in_its_entry() {
    let scene = Scene::with_ready(1)
        .with_another_target("other")
        .entry("a", &entry(Some(1), 1));
    let decisions = scene.decide(&sent(&[dry(claim("a")), claim_for("b", "other")]));
    assert_previewed(&decisions[0], Reason::WouldRepeat, "under way");
    assert_eq!(decisions[1], assign(1, 1));
}

#[test]
fn in_the_pool_s_message_group_it_hears_what_those_before_it_leave() {
    let decisions = Scene::with_ready(1).decide(&sent(&[claim("a"), dry(claim("b"))]));
    assert_previewed(&decisions[1], Reason::WouldWait, "no instance is ready");
}

#[test]
fn in_a_message_group_of_its_own_it_hears_whether_queued_claims_leave_an_instance() {
    let mut scene = Scene::with_ready(3);
    for (queued, expected, why) in [
        (0, Reason::WouldBeServed, "ready"),
        (2, Reason::WouldBeServed, "ready"),
        (3, Reason::WouldWait, "about 3 queued claims"),
        (99, Reason::WouldWait, "about 99 queued claims"),
    ] {
        scene.queued = queued;
        assert_previewed(&scene.decide_one(beside(claim("a"))), expected, why);
    }
    let hasty = scene.decide_one(beside(impatient("a")));
    assert_rejected(&hasty, Reason::PoolEmpty, "queued ahead of it");
}

#[test]
fn there_the_rest_of_the_batch_goes_first_too() {
    let decisions = Scene::with_ready(1).decide(&[beside(claim("a")), new("b")]);
    assert_previewed(&decisions[0], Reason::WouldWait, "no instance is ready");
    assert_eq!(decisions[1], assign(1, 1));
}
