//! What passes with a claim's deadline.

use super::*;

const TOO_LATE: &str = "the claim expired at 2026-11-22T20:15:00Z before its command was sent";
const NO_INSTANCE: &str = "the claim got no instance before its deadline, 2026-11-22T20:15:00Z";

#[test]
fn an_expired_claim_without_an_entry_gets_no_instance() {
    let decision = Scene::with_ready(1)
        .after_the_deadline()
        .decide_on(claim("a"));
    assert_closed(&decision, Reason::Expired, NO_INSTANCE, None);
}

#[test]
fn a_claim_that_was_sent_after_its_deadline_hears_so() {
    let scene = Scene::with_ready(1).after_the_deadline();
    for (sent, message) in [
        (DEADLINE - Duration::nanoseconds(1), NO_INSTANCE),
        (DEADLINE, "sent after its deadline, 2026-11-22T20:15:00Z"),
    ] {
        let request = Request {
            sent: Some(sent),
            ..Request::of(claim("a"))
        };
        let decision = scene.decide_one(request);
        assert_closed(&decision, Reason::Expired, message, None);
    }
}

#[test]
fn an_expired_claim_for_a_target_that_is_gone_ends_as_expired() {
    let decision = Scene::with_ready(1)
        .after_the_deadline()
        .decide_on(claim_for("a", "gone"));
    assert_closed(&decision, Reason::Expired, NO_INSTANCE, None);
}

#[test]
fn a_claim_is_served_until_the_last_moment() {
    let mut scene = Scene::with_ready(1);
    scene.now = DEADLINE - Duration::nanoseconds(1);
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn an_expired_claim_that_waits_for_another_instance_is_closed_with_its_entry() {
    let begun = entry(None, 2);
    let scene = Scene::with_ready(1).entry("a", &begun).after_the_deadline();
    let decision = scene.decide_one(retry("a", 2));
    assert_closed(&decision, Reason::Expired, TOO_LATE, Some(begun));
}

#[test]
fn an_expired_claim_whose_command_was_not_sent_is_left_to_a_look_wherever_it_seems_to_be() {
    for at in [
        None,
        Some(("pool", Lifecycle::InService)),
        Some(("pool", Lifecycle::Standby)),
        Some(("pool", Lifecycle::Detaching)),
        Some(("tenant", Lifecycle::Pending)),
        Some(("tenant", Lifecycle::InService)),
        Some(("elsewhere", Lifecycle::InService)),
    ] {
        let scene = Scene::with_ready(2).begun(at).after_the_deadline();
        let expected = Decision::LookAgain {
            instance: instance(1),
            attempt: 1,
        };
        assert_eq!(scene.decide_on(claim("a")), expected, "{at:?}");
    }
}

#[test]
fn a_claim_whose_command_was_sent_is_decided_by_it_after_the_deadline() {
    let scene = Scene::with_ready(1)
        .begun(Some(("tenant", Lifecycle::InService)))
        .sent(1, &claim("a"))
        .after_the_deadline();
    let expected = Decision::LeaveToInit(instance(1));
    assert_eq!(scene.decide_on(claim("a")), expected);
}

#[test]
fn an_expired_claim_does_not_try_another_instance() {
    let scene = Scene::with_ready(2)
        .begun(Some(("tenant", Lifecycle::InService)))
        .sent(1, &claim("b"))
        .after_the_deadline();
    let begun = Some(entry(Some(1), 1));
    let decision = scene.decide_on(claim("a"));
    assert_closed(&decision, Reason::Expired, TOO_LATE, begun);
}

#[test]
fn an_expired_claim_s_instance_goes_to_nobody_else_until_it_is_looked_at() {
    let mut expired = claim("a");
    expired.expires_at = NOW;
    let decisions = Scene::with_ready(2)
        .begun(Some(("pool", Lifecycle::InService)))
        .decide(&sent(&[expired, claim("b")]));
    let look = Decision::LookAgain {
        instance: instance(1),
        attempt: 1,
    };
    assert_eq!(decisions, [look, assign(2, 1)]);
}
