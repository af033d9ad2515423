//! Whether a target may have an instance.

use super::*;

// New claims.

#[test]
fn an_unknown_target_is_rejected() {
    let decision = Scene::with_ready(1).decide_on(claim_for("a", "tennant"));
    assert_rejected(
        &decision,
        Reason::UnknownTarget,
        "no Auto Scaling group tennant",
    );
}

#[test]
fn a_target_that_has_not_opted_in_is_rejected() {
    let scene = Scene::with_ready(1).target(|target| target.tags.clear());
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::NotOptedIn, "ready-pool:pool = pool");
}

#[test]
fn opting_in_to_another_pool_is_not_opting_in() {
    let scene = Scene::with_ready(1).target(|target| {
        target
            .tags
            .insert(OPT_IN_TAG.to_owned(), "pool-2".to_owned());
    });
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::NotOptedIn, "ready-pool:pool = pool");
    assert_rejected(&decision, Reason::NotOptedIn, "the queue of pool-2");
    let Decision::Reject { opted_in_to, .. } = decision else {
        unreachable!("it is rejected");
    };
    assert_eq!(opted_in_to.as_deref(), Some("pool-2"));
}

#[test]
fn the_pool_itself_is_no_target() {
    let mut scene = Scene::with_ready(1);
    let mut pool = scene.pool.clone();
    pool.tags.insert(OPT_IN_TAG.to_owned(), "pool".to_owned());
    scene.targets.insert(name("pool"), pool);
    let decision = scene.decide_on(claim_for("a", "pool"));
    assert_rejected(&decision, Reason::TargetIsOurs, "name a tenant's group");
}

#[test]
fn the_retirement_group_is_no_target() {
    let decision = Scene::with_ready(1).decide_on(claim_for("a", "retired"));
    assert_rejected(&decision, Reason::TargetIsOurs, "name a tenant's group");
}

#[test]
fn a_target_whose_launches_are_suspended_is_rejected() {
    let scene = Scene::with_ready(1)
        .target(|target| target.suspended = suspended(&["AZRebalance", "Launch"]));
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::TargetSuspended, "resume it");
}

#[test]
fn other_suspended_processes_do_not_matter() {
    let scene = Scene::with_ready(1)
        .target(|target| target.suspended = suspended(&["Terminate", "Schedule"]));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn a_target_without_a_zone_in_common_with_the_pool_is_rejected() {
    let scene = Scene::with_ready(1).target(|target| target.zones = zones(&["c"]));
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::NoCommonZone, "no availability zone");
}

#[test]
fn a_target_without_a_subnet_in_common_with_the_pool_is_rejected() {
    for subnets in [zones(&["subnet-2"]), zones(&[])] {
        let scene = Scene::with_ready(1).target(|target| target.subnets = subnets.clone());
        let decision = scene.decide_on(claim("a"));
        assert_rejected(
            &decision,
            Reason::NoCommonSubnet,
            "one of the pool's subnets",
        );
    }
    let one_of_two = zones(&["subnet-1", "subnet-2"]);
    let scene = Scene::with_ready(1).target(|target| target.subnets = one_of_two.clone());
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn a_pool_that_names_no_subnets_asks_for_none() {
    let scene = Scene::with_ready(1)
        .pool(|pool| pool.subnets.clear())
        .target(|target| target.subnets = zones(&["subnet-2"]));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn what_is_rejected_takes_no_instance_from_the_next() {
    let decisions = Scene::with_ready(1).decide(&sent(&[claim_for("a", "nowhere"), claim("a")]));
    assert_rejected(&decisions[0], Reason::UnknownTarget, "nowhere");
    assert_eq!(decisions[1], assign(1, 1));
}

#[test]
fn a_target_that_is_being_deleted_is_rejected() {
    let scene = Scene::with_ready(1).target(|target| target.deleting = true);
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::TargetDeleting, "being deleted");
}

/// It waits for an instance that nobody launches: whatever it hears says so.
#[test]
fn a_claim_hears_of_a_pool_that_launches_nothing() {
    let words = "the Launch process of group pool is suspended (User suspended at ";
    let scene = Scene::empty().pool(|pool| pool.suspended = suspended(&["Launch"]));
    assert_eq!(
        scene.decide_on(claim("a")),
        Decision::Wait(Waiting::NothingLaunches)
    );
    assert_rejected(&scene.decide_on(impatient("a")), Reason::PoolEmpty, words);
    let mut expired = claim("a");
    expired.expires_at = NOW;
    assert_closed(&scene.decide_on(expired), Reason::Expired, words, None);
    let served = Scene::with_ready(1).pool(|pool| pool.suspended = suspended(&["Launch"]));
    assert_eq!(served.decide_on(claim("a")), assign(1, 1));
}

// What was begun is not rejected.

/// Something that may happen to a target while a claim waits for another instance.
type Mishap = fn(&mut Group);

/// Mishaps, each with the reason and the words in which the claim hears of it.
fn mishaps() -> [(Reason, &'static str, Mishap); 3] {
    [
        (Reason::TargetSuspended, "resume it", |target| {
            target.suspended = suspended(&["Launch"]);
        }),
        (Reason::NotOptedIn, "ready-pool:pool = pool", |target| {
            target.tags.remove(OPT_IN_TAG);
        }),
        (Reason::NoCommonZone, "no availability zone", |target| {
            target.zones = zones(&["c"]);
        }),
    ]
}

#[test]
fn a_begun_claim_whose_target_cannot_have_another_instance_ends_as_failed_with_its_entry() {
    for (reason, why, mishap) in mishaps() {
        let begun = entry(None, 2);
        let scene = Scene::with_ready(1).entry("a", &begun).target(mishap);
        for decision in [
            scene.decide_one(retry("a", 2)),
            scene.decide_on(impatient("a")),
        ] {
            assert_closed(&decision, reason, why, Some(begun.clone()));
        }
    }
}

#[test]
fn a_begun_claim_that_lost_its_instance_ends_as_failed_when_its_target_cannot_have_another() {
    for (reason, why, mishap) in mishaps() {
        let scene = Scene::with_ready(2)
            .begun(Some(("elsewhere", Lifecycle::InService)))
            .target(mishap);
        let decision = scene.decide_on(claim("a"));
        assert_closed(&decision, reason, why, Some(entry(Some(1), 1)));
    }
}

#[test]
fn a_begun_claim_whose_target_is_gone_ends_as_failed_with_the_entry_that_is_remembered() {
    let begun = entry(None, 1);
    let lost = claim_for("a", "gone");
    let scene = Scene::with_ready(1).remembers(&lost, begun.clone());
    let decision = scene.decide_on(lost);
    assert_closed(&decision, Reason::UnknownTarget, "gone", Some(begun));
}

#[test]
fn a_claim_that_still_has_its_instance_is_not_asked_about_its_target() {
    for (reason, _, mishap) in mishaps() {
        let scene = Scene::with_ready(2).begun(None).target(mishap);
        assert_eq!(scene.decide_on(claim("a")), hand_over(1), "{reason:?}");
    }
}
