//! Which instance a claim gets, and what it does when there is none.

use super::*;

// Which instance.

#[test]
fn a_claim_gets_a_ready_instance() {
    let decision = Scene::with_ready(1).decide_on(claim("a"));
    assert_eq!(decision, assign(1, 1));
}

#[test]
fn no_claims_no_decisions() {
    assert_eq!(Scene::with_ready(1).decide(&[]), []);
}

#[test]
fn a_claim_waits_for_an_empty_pool() {
    assert_eq!(Scene::empty().decide_on(claim("a")), EMPTY);
}

#[test]
fn an_unhealthy_instance_is_not_ready() {
    let scene = Scene::with_ready(1).pool(|pool| pool.members[0].healthy = false);
    assert_eq!(scene.decide_on(claim("a")), EMPTY);
}

#[test]
fn only_an_instance_in_service_is_ready() {
    for lifecycle in [
        Lifecycle::Pending,
        Lifecycle::PendingWait,
        Lifecycle::EnteringStandby,
        Lifecycle::Standby,
        Lifecycle::Warmed,
        Lifecycle::Detaching,
        Lifecycle::Terminating,
        Lifecycle::Other,
    ] {
        let scene = Scene::with_ready(1).pool(|pool| pool.members[0].lifecycle = lifecycle);
        assert_eq!(scene.decide_on(claim("a")), EMPTY, "{lifecycle:?}");
    }
}

#[test]
fn an_instance_whose_agent_is_not_online_is_not_ready() {
    let mut scene = Scene::with_ready(2);
    scene.online.remove(&instance(1));
    assert_eq!(scene.decide_on(claim("a")), assign(2, 1));
    scene.online.clear();
    assert_eq!(scene.decide_on(claim("a")), EMPTY);
}

#[test]
fn an_online_agent_outside_the_pool_is_nobody_s_instance() {
    let mut scene = Scene::empty();
    scene.online.insert(instance(1));
    assert_eq!(scene.decide_on(claim("a")), EMPTY);
}

#[test]
fn an_instance_in_a_zone_that_the_target_lacks_is_passed_over() {
    let scene = Scene::with_ready(1)
        .ready(2, "b")
        .target(|target| target.zones = zones(&["b"]));
    assert_eq!(scene.decide_on(claim("a")), assign(2, 1));
}

#[test]
fn a_claim_waits_while_all_ready_instances_are_in_other_zones() {
    let scene = Scene::with_ready(3).target(|target| target.zones = zones(&["b"]));
    assert_eq!(scene.decide_on(claim("a")), EMPTY);
}

#[test]
fn the_zone_least_represented_in_the_target_comes_first() {
    let scene = Scene::with_ready(1)
        .ready(2, "b")
        .target(|target| target.members = vec![member(90, "a")]);
    assert_eq!(scene.decide_on(claim("a")), assign(2, 1));
}

#[test]
fn zones_stay_balanced_within_a_batch() {
    let scene = Scene::with_ready(2).ready(3, "b");
    let decisions = scene.decide(&sent(&[claim("a"), claim("b"), claim("c")]));
    assert_eq!(decisions, [assign(1, 1), assign(3, 1), assign(2, 1)]);
}

#[test]
fn each_target_has_its_own_balance() {
    let scene = Scene::with_ready(2)
        .ready(3, "b")
        .with_another_target("other");
    let decisions = scene.decide(&sent(&[claim("a"), claim_for("a", "other")]));
    assert_eq!(decisions, [assign(1, 1), assign(2, 1)]);
}

/// Systems Manager does not say when the agent of an EC2 instance registered.
#[test]
fn within_a_zone_they_are_taken_in_the_order_of_their_ids() {
    let scene = Scene::empty().ready(3, "a").ready(1, "a").ready(2, "a");
    let decisions = scene.decide(&sent(&[claim("a"), claim("b"), claim("c")]));
    assert_eq!(decisions, [assign(1, 1), assign(2, 1), assign(3, 1)]);
}

#[test]
fn the_first_claim_in_the_line_is_served_first_and_the_rest_waits() {
    let decisions = Scene::with_ready(1).decide(&sent(&[claim("z"), claim("a")]));
    assert_eq!(decisions, [assign(1, 1), EMPTY]);
}

#[test]
fn two_new_claims_never_get_one_instance() {
    let claims: Vec<Claim> = (0..5)
        .map(|number| claim(&format!("claim-{number}")))
        .collect();
    let decisions = Scene::with_ready(3).decide(&sent(&claims));
    assert_eq!(decisions[..3], [assign(1, 1), assign(2, 1), assign(3, 1)]);
    assert_eq!(decisions[3..], [EMPTY, EMPTY]);
}

#[test]
fn a_claim_that_waits_for_a_zone_is_passed_over() {
    let scene = Scene::with_ready(1)
        .target(|target| target.zones = zones(&["b"]))
        .with_another_target("only-b")
        .target(|target| target.zones = zones(&["a", "b"]));
    let decisions = scene.decide(&sent(&[claim_for("a", "only-b"), claim("b")]));
    assert_eq!(decisions, [EMPTY, assign(1, 1)]);
}

#[test]
fn an_instance_that_this_delivery_spent_is_not_chosen_again() {
    let mut scene = Scene::with_ready(2);
    scene.memory.spent.insert(instance(1));
    assert_eq!(scene.decide_on(claim("a")), assign(2, 1));
    scene.memory.spent.insert(instance(2));
    assert_eq!(scene.decide_on(claim("a")), EMPTY);
}

// The same claim twice.

#[test]
fn the_same_claim_twice_in_a_batch_gets_one_instance() {
    let decisions = Scene::with_ready(2).decide(&sent(&[claim("a"), claim("a")]));
    assert_eq!(
        decisions,
        [assign(1, 1), Decision::Wait(Waiting::BehindItself)]
    );
}

#[test]
fn a_retry_behind_its_own_claim_waits() {
    let [claim] = sent(&[claim("a")]).try_into().unwrap();
    let decisions = Scene::with_ready(2).decide(&[claim, retry("a", 2)]);
    assert_eq!(
        decisions,
        [assign(1, 1), Decision::Wait(Waiting::BehindItself)]
    );
}

#[test]
fn one_claim_id_in_two_targets_is_two_claims() {
    let scene = Scene::with_ready(2).with_another_target("other");
    let decisions = scene.decide(&sent(&[claim("a"), claim_for("a", "other")]));
    assert_eq!(decisions, [assign(1, 1), assign(2, 1)]);
}

// The pool is empty.

#[test]
fn a_claim_that_would_not_wait_is_rejected_by_an_empty_pool() {
    let decision = Scene::empty().decide_on(impatient("a"));
    assert_rejected(&decision, Reason::PoolEmpty, "`when_empty`: `wait`");
}

#[test]
fn a_claim_that_would_not_wait_is_served_when_it_can_be() {
    let decision = Scene::with_ready(1).decide_on(impatient("a"));
    assert_eq!(decision, assign(1, 1));
}

#[test]
fn a_claim_that_would_not_wait_but_was_begun_is_closed_and_not_rejected() {
    let begun = entry(None, 2);
    let scene = Scene::empty().entry("a", &begun);
    assert_closed(
        &scene.decide_on(impatient("a")),
        Reason::PoolEmpty,
        "no ready instance",
        Some(begun),
    );
}
