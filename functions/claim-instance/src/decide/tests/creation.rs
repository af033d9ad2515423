//! Targets that do not exist yet.

use super::*;
use ready_pool_core::create_target::CreateTarget;

/// A claim for a group that nobody has made, which may grow to two.
fn signup(claim_id: &str, target: &str) -> Claim {
    Claim {
        create_target: Some(CreateTarget {
            max_size: 2,
            tags: BTreeMap::from([("org".to_owned(), "1337".to_owned())]),
        }),
        ..claim_for(claim_id, target)
    }
}

fn making(count: u32) -> Scene {
    Scene {
        makes_targets: true,
        ..Scene::with_ready(count)
    }
}

impl Scene {
    fn tried(mut self, target: &str, ago: Duration, quota: bool) -> Self {
        let at = self.now - ago;
        self.memory.tried.insert(name(target), Tried { at, quota });
        self
    }
}

#[test]
fn a_target_that_does_not_exist_is_made_with_an_instance() {
    let Decision::Assign {
        instance: chosen,
        entered: false,
        makes: Some(target),
        ..
    } = making(1).decide_on(signup("a", "new-1"))
    else {
        panic!("not assigned");
    };
    assert_eq!(chosen, instance(1));
    assert_eq!(target.max_size, 2);
    assert_eq!(target.tags.len(), 1, "ours are no tags of the claim");
    assert_eq!(target.zones, zones(&["a", "b"]));
    assert_eq!(target.subnets, BTreeSet::from(["subnet-1".to_owned()]));
}

#[test]
fn an_empty_or_paused_pool_makes_none() {
    assert_eq!(making(0).decide_on(signup("a", "new-1")), EMPTY);
    let paused = making(1).pool(|pool| {
        pool.tags.insert("ready-pool:pause".into(), "claims".into());
    });
    assert_eq!(
        paused.decide_on(signup("a", "new-1")),
        Decision::Wait(Waiting::Paused)
    );
}

#[test]
fn a_stack_that_makes_none_names_the_parameters_to_set() {
    let decision = Scene::with_ready(1).decide_on(signup("a", "new-1"));
    for parameter in [
        "TargetLaunchTemplate,",
        "TargetLaunchTemplateVersion",
        "TargetNamePrefix",
        "TargetRoles",
    ] {
        assert_rejected(&decision, Reason::CreatingNotAllowed, parameter);
    }
}

#[test]
fn a_name_without_the_prefix_is_refused() {
    for target in ["other", "new", "a-new-1"] {
        let decision = making(1).decide_on(signup("a", target));
        assert_rejected(&decision, Reason::CreatingNotAllowed, "begin with new-");
    }
}

#[test]
fn a_claim_that_does_not_ask_gets_none() {
    let decision = making(1).decide_on(claim_for("a", "new-1"));
    assert_rejected(&decision, Reason::UnknownTarget, "create it");
}

#[test]
fn a_group_that_exists_is_taken_as_it_is() {
    // Whatever its name and size: what the claim asks for is for a new one.
    assert_eq!(
        making(1).decide_on(signup("a", "tenant")),
        assign(1, 1),
        "no prefix needed"
    );
    let not_ours = making(1).target(|target| {
        target.tags.clear();
    });
    assert_rejected(
        &not_ours.decide_on(signup("a", "tenant")),
        Reason::NotOptedIn,
        "give it the tag",
    );
    let deleted = making(1).target(|target| target.deleting = true);
    assert_rejected(
        &deleted.decide_on(signup("a", "tenant")),
        Reason::TargetDeleting,
        "being deleted",
    );
}

#[test]
fn one_claim_makes_the_target_and_the_others_wait_for_it() {
    let claims = [
        signup("a", "new-1"),
        signup("b", "new-1"),
        signup("c", "new-2"),
    ];
    let decisions = making(3).decide(&sent(&claims));
    let makes = |decision: &Decision| matches!(decision, Decision::Assign { makes: Some(_), .. });
    assert!(
        makes(&decisions[0]) && makes(&decisions[2]),
        "{decisions:?}"
    );
    assert_eq!(decisions[1], Decision::Wait(Waiting::TargetBeingMade));
}

#[test]
fn a_claim_that_lets_others_go_first_does_not_keep_its_target_from_them() {
    let deferred = Request {
        isolation: Isolation::Deferred,
        ..Request::of(signup("a", "new-1"))
    };
    let other = Request::of(signup("b", "new-1"));
    let decisions = making(2).decide(&[deferred, other]);
    assert_eq!(decisions[0], Decision::Wait(Waiting::Deferred));
    assert!(matches!(
        decisions[1],
        Decision::Assign { makes: Some(_), .. }
    ));
}

#[test]
fn after_a_call_its_name_is_left_alone_until_reads_have_caught_up() {
    let scene = |ago, quota| {
        making(1)
            .tried("new-1", Duration::seconds(ago), quota)
            .decide_on(signup("a", "new-1"))
    };
    assert_eq!(scene(9, false), Decision::Wait(Waiting::TargetUnseen));
    assert_eq!(scene(9, true), Decision::Wait(Waiting::GroupQuota));
    assert!(matches!(
        scene(10, true),
        Decision::Assign { makes: Some(_), .. }
    ));
}

#[test]
fn a_target_that_is_gone_since_its_claim_was_entered_is_not_made_again() {
    let claim = signup("a", "new-1");
    let given_up = entry(None, 2);
    let scene = making(1).remembers(&claim, given_up.clone());
    assert_closed(
        &scene.decide_on(claim),
        Reason::UnknownTarget,
        "there is no Auto Scaling group new-1",
        Some(given_up),
    );
}

#[test]
fn a_dry_run_says_that_the_target_would_be_made() {
    let dry_run = |target| Claim {
        dry_run: true,
        ..signup("a", target)
    };
    let Decision::Preview { reason, message } = making(1).decide_on(dry_run("new-1")) else {
        panic!("no preview");
    };
    assert_eq!(reason, Reason::WouldBeServed);
    assert!(
        message.contains("group new-1 does not exist, and would be made"),
        "{message}"
    );
    assert_rejected(
        &making(1).decide_on(dry_run("other")),
        Reason::CreatingNotAllowed,
        "begin with new-",
    );
}

#[test]
fn targets_of_zones_only_are_made_in_the_pool_s_zones() {
    let scene = making(1).pool(|pool| pool.subnets.clear());
    let Decision::Assign {
        makes: Some(target),
        ..
    } = scene.decide_on(signup("a", "new-1"))
    else {
        panic!("not made");
    };
    assert!(target.subnets.is_empty());
    assert_eq!(target.zones, zones(&["a", "b"]));
}
