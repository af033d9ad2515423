//! Whether a target, and its ledger, have room for one more.

use super::*;

// Room.

#[test]
fn a_target_at_its_maximum_size_is_rejected() {
    let scene = Scene::with_ready(1).target(|target| {
        target.max_size = 4;
        target.desired_capacity = 4;
    });
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::TargetFull, "raise its maximum size");
}

#[test]
fn the_last_place_of_a_target_is_given() {
    let scene = Scene::with_ready(1).target(|target| {
        target.max_size = 4;
        target.desired_capacity = 3;
    });
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn a_full_target_is_rejected_even_while_the_pool_is_empty() {
    let scene = Scene::empty().target(|target| target.max_size = 0);
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::TargetFull, "maximum size 0");
}

#[test]
fn an_open_claim_whose_instance_is_on_its_way_holds_a_place() {
    for on_its_way in [entry(Some(90), 1), entry(None, 2)] {
        let scene = Scene::with_ready(1)
            .target(|target| target.max_size = 1)
            .entry("z", &on_its_way);
        let decision = scene.decide_on(claim("a"));
        assert_rejected(&decision, Reason::TargetFull, "1 on the way");
    }
}

#[test]
fn an_open_claim_whose_instance_has_arrived_is_not_counted_twice() {
    let scene = Scene::with_ready(1)
        .target(|target| {
            target.max_size = 2;
            target.desired_capacity = 1;
            target.members = vec![member(90, "a")];
        })
        .entry("z", &entry(Some(90), 1));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn a_settled_claim_holds_no_place() {
    let scene = Scene::with_ready(1)
        .target(|target| target.max_size = 1)
        .entry("y", &settled(90, Standing::Ready))
        .entry("z", &settled(91, Standing::Failed(Reason::Expired)));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn an_entry_that_reads_do_not_show_yet_holds_a_place() {
    let scene = Scene::with_ready(1)
        .target(|target| target.max_size = 1)
        .remembers(&claim("z"), entry(Some(90), 1));
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::TargetFull, "1 on the way");
}

#[test]
fn a_claim_that_init_instance_settled_meanwhile_holds_no_place() {
    let scene = Scene::with_ready(1)
        .target(|target| target.max_size = 1)
        .entry("z", &settled(90, Standing::Failed(Reason::TargetRefused)))
        .remembers(&claim("z"), entry(Some(90), 1));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn earlier_claims_of_the_batch_take_the_room_of_later_ones() {
    let scene = Scene::with_ready(3).target(|target| target.max_size = 2);
    let decisions = scene.decide(&sent(&[claim("a"), claim("b"), claim("c")]));
    assert_eq!(decisions[..2], [assign(1, 1), assign(2, 1)]);
    assert_rejected(&decisions[2], Reason::TargetFull, "2 on the way");
}

#[test]
fn a_claim_that_was_begun_has_its_place_in_a_full_target() {
    let scene = Scene::with_ready(1)
        .target(|target| target.max_size = 1)
        .entry("a", &entry(None, 2));
    assert_eq!(scene.decide_one(retry("a", 2)), assign(1, 2));
}

#[test]
fn a_retry_is_not_counted_again_beside_its_entry() {
    for begun in [entry(None, 2), entry(Some(90), 1)] {
        let scene = Scene::with_ready(2)
            .target(|target| target.max_size = 2)
            .entry("a", &begun);
        let decisions = scene.decide(&[retry("a", 2), new("b")]);
        assert_eq!(decisions, [assign(1, 2), assign(2, 1)], "{begun}");
    }
}

#[test]
fn a_retry_whose_entry_was_wiped_is_counted() {
    let scene = Scene::with_ready(2).target(|target| target.max_size = 1);
    let decisions = scene.decide(&[retry("a", 2), new("b")]);
    assert_eq!(decisions[0], assign(1, 2));
    assert_rejected(&decisions[1], Reason::TargetFull, "1 on the way");
}

#[test]
fn a_claim_that_goes_on_with_its_instance_is_not_counted_again_beside_its_entry() {
    let scene = Scene::with_ready(2)
        .target(|target| target.max_size = 2)
        .begun(Some(("pool", Lifecycle::InService)));
    let decisions = scene.decide(&sent(&[claim("a"), claim("b")]));
    assert_eq!(decisions[1], assign(2, 1));
}

// Room in the ledger.

/// A target with one tag less than AWS allows, made of its opt-in and these entries.
fn crowded(others: &Entry) -> Scene {
    tagged(MAX_TAGS - 1, others)
}

/// A target with so many tags, made of its opt-in and these entries.
fn tagged(tags: usize, others: &Entry) -> Scene {
    (0..tags - 1).fold(
        Scene::with_ready(2).target(|target| {
            target.max_size = 100;
        }),
        |scene, number| scene.entry(&format!("other-{number}"), others),
    )
}

#[test]
fn the_last_free_tag_is_used() {
    let scene = crowded(&entry(Some(90), 1));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn a_claim_waits_until_settled_entries_make_room_for_its_own() {
    let scene = crowded(&settled(90, Standing::Ready)).entry("one-more", &entry(Some(91), 1));
    assert_eq!(
        scene.decide_on(claim("a")),
        Decision::Wait(Waiting::LedgerFull)
    );
}

#[test]
fn a_target_whose_tags_are_full_of_open_claims_is_rejected() {
    let scene = crowded(&entry(Some(90), 1)).entry("one-more", &entry(Some(91), 1));
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::TooManyOpenClaims, "50 tags");
}

#[test]
fn a_target_whose_tags_are_full_of_its_owner_s_is_rejected() {
    let scene = Scene::with_ready(1).target(|target| {
        for number in 0..MAX_TAGS - 1 {
            target.tags.insert(format!("owner-{number}"), String::new());
        }
    });
    let decision = scene.decide_on(claim("a"));
    assert_rejected(
        &decision,
        Reason::TargetTagsFull,
        "50 tags (those of `aws:` not counted), none of them of an open claim",
    );
}

#[test]
fn a_target_whose_tags_are_full_of_both_hears_how_many_are_whose() {
    let scene = Scene::with_ready(1)
        .target(|target| {
            target.max_size = 100;
            for number in 0..MAX_TAGS - 3 {
                target.tags.insert(format!("owner-{number}"), String::new());
            }
        })
        .entry("y", &entry(Some(90), 1))
        .entry("z", &entry(Some(91), 1));
    let decision = scene.decide_on(claim("a"));
    assert_rejected(
        &decision,
        Reason::TooManyOpenClaims,
        "48 of its own and 2 of open claims",
    );
}

/// Groups that CloudFormation or EKS made.
#[test]
fn tags_of_aws_take_no_room() {
    let scene = Scene::with_ready(1).target(|target| {
        for number in 0..MAX_TAGS - 2 {
            target.tags.insert(format!("owner-{number}"), String::new());
        }
        for key in ["cloudformation:stack-name", "cloudformation:stack-id"] {
            target.tags.insert(format!("aws:{key}"), String::new());
        }
    });
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn earlier_claims_of_the_batch_take_the_tags_of_later_ones() {
    let decisions = crowded(&entry(Some(90), 1)).decide(&sent(&[claim("a"), claim("b")]));
    assert_eq!(decisions[0], assign(1, 1));
    assert_rejected(&decisions[1], Reason::TooManyOpenClaims, "50 tags");
}

#[test]
fn a_claim_that_was_begun_has_its_tag_already() {
    let scene = crowded(&entry(Some(90), 1)).entry("a", &entry(None, 2));
    assert_eq!(scene.decide_one(retry("a", 2)), assign(1, 2));
}

#[test]
fn a_retry_takes_no_tag_beside_its_entry_s() {
    let scene = tagged(MAX_TAGS - 2, &entry(Some(90), 1)).entry("a", &entry(None, 2));
    let decisions = scene.decide(&[retry("a", 2), new("b")]);
    assert_eq!(decisions, [assign(1, 2), assign(2, 1)]);
}

#[test]
fn a_tag_that_reads_do_not_show_yet_is_counted() {
    let begun = entry(Some(90), 1);
    let scene = crowded(&begun).remembers(&claim("z"), begun);
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::TooManyOpenClaims, "50 tags");
}

#[test]
fn a_tag_that_is_read_and_remembered_is_counted_once() {
    let begun = entry(Some(90), 1);
    let scene = crowded(&begun).remembers(&claim("other-0"), begun);
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn what_somebody_else_wrote_under_our_keys_takes_a_tag_and_no_place() {
    let scribble = |scene: Scene| {
        let key = tag_key(&ClaimId::try_from("scribble").unwrap());
        scene.target(|target| {
            target.tags.insert(key, "hello".to_owned());
        })
    };
    let decision = scribble(crowded(&entry(Some(90), 1))).decide_on(claim("a"));
    assert_rejected(&decision, Reason::TooManyOpenClaims, "50 tags");
    let scene = scribble(Scene::with_ready(1)).target(|target| target.max_size = 1);
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}
