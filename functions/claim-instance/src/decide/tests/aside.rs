//! Who steps aside, and who lacks an instance in which zone.

use super::*;

/// A target in zone b only; what is ready is in zone a.
fn only_elsewhere() -> Scene {
    Scene::with_ready(2).target(|target| target.zones = BTreeSet::from(["b".to_owned()]))
}

impl Scene {
    fn aside(&self, requests: &[Request]) -> Vec<bool> {
        let decisions = self.decide(requests);
        may_step_aside(&self.view(), requests, &decisions)
    }

    fn lacking(&self, requests: &[Request]) -> Vec<Option<String>> {
        let decisions = self.decide(requests);
        let zones = lacking(&self.view(), requests, &decisions);
        zones
            .into_iter()
            .map(|zone| zone.map(str::to_owned))
            .collect()
    }
}

#[test]
fn who_waits_for_a_zone_steps_aside_while_another_has_what_is_ready() {
    let requests = [new("a"), new("b")];
    assert_eq!(only_elsewhere().aside(&requests), [true, true]);
    let suspended = only_elsewhere().pool(|pool| {
        pool.suspended.insert("Launch".to_owned(), "x".to_owned());
    });
    assert_eq!(suspended.aside(&requests), [true, true]);
    assert_eq!(
        only_elsewhere().lacking(&requests),
        [Some("b".to_owned()), Some("b".to_owned())]
    );
}

#[test]
fn at_an_empty_pool_everybody_keeps_their_place() {
    let empty = Scene::empty().target(|target| target.zones = BTreeSet::from(["b".to_owned()]));
    assert_eq!(empty.aside(&[new("a")]), [false]);
    assert_eq!(empty.lacking(&[new("a")]), [Some("b".to_owned())]);
    assert_eq!(Scene::empty().aside(&[new("a")]), [false]);
    assert_eq!(
        Scene::empty().lacking(&[new("a")]),
        [None],
        "any zone will do"
    );
}

#[test]
fn what_goes_to_this_batch_is_for_nobody_behind_it() {
    let mut scene = only_elsewhere().with_another_target("other");
    scene.targets.get_mut(&name("other")).unwrap().zones = BTreeSet::from(["a".to_owned()]);
    let other = |claim_id: &str| {
        let mut request = new(claim_id);
        request.claim.target_group = name("other");
        request
    };
    assert_eq!(scene.aside(&[new("a"), other("b")]), [true, false]);
    assert_eq!(
        scene.aside(&[new("a"), other("b"), other("c")]),
        [false, false, false]
    );
    scene.online.clear();
    assert_eq!(scene.aside(&[new("a")]), [false], "its agent is away");
}

#[test]
fn who_waits_for_room_in_its_targets_ledger_steps_aside() {
    let full = Scene::empty().target(|target| {
        let entry = Entry {
            standing: Standing::Ready,
            ..entry(Some(9), 1)
        };
        for number in target.tags.len()..MAX_TAGS {
            let key = tag_key(&ClaimId::try_from(format!("old-{number}")).unwrap());
            target.tags.insert(key, entry.to_string());
        }
    });
    let requests = [new("a")];
    assert_eq!(
        full.decide(&requests),
        [Decision::Wait(Waiting::LedgerFull)]
    );
    assert_eq!(full.aside(&requests), [true]);
    assert_eq!(full.lacking(&requests), [None]);
}

#[test]
fn a_pause_is_everybody_s() {
    let paused = only_elsewhere().pool(|pool| {
        let claims = "claims".to_owned();
        pool.tags.insert("ready-pool:pause".to_owned(), claims);
    });
    assert_eq!(paused.aside(&[new("a")]), [false]);
    assert_eq!(paused.lacking(&[new("a")]), [None]);
}

#[test]
fn a_suspect_a_claim_behind_itself_and_one_that_this_delivery_began_stay() {
    let scene = only_elsewhere();
    for isolation in [Isolation::Isolated, Isolation::Deferred] {
        let suspect = Request {
            isolation,
            ..new("a")
        };
        assert_eq!(scene.aside(&[suspect]), [false]);
    }
    assert_eq!(scene.aside(&[new("a"), new("a")]), [true, false]);
    let begun = only_elsewhere().remembers(&new("a").claim, entry(None, 1));
    assert_eq!(begun.aside(&[new("a")]), [false]);
}

#[test]
fn a_claim_that_an_earlier_delivery_began_may_go_and_a_dry_run_never_waits() {
    assert_eq!(only_elsewhere().aside(&[retry("a", 2)]), [true]);
    let mut dry_run = new("a");
    dry_run.claim.dry_run = true;
    assert_eq!(only_elsewhere().aside(&[dry_run]), [false]);
}

#[test]
fn a_claim_steps_aside_once_in_twenty_seconds() {
    let went = |ago: Duration| Request {
        stepped_aside: Some(NOW - ago),
        ..new("a")
    };
    let scene = only_elsewhere();
    assert_eq!(scene.aside(&[went(Duration::seconds(19))]), [false]);
    assert_eq!(scene.aside(&[went(Duration::seconds(20))]), [true]);
}
