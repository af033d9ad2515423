//! Which of several ready instances a claim with wishes gets.

use super::*;

/// Instances 1 to 4: small and large in zone a, small and large in zone b.
fn mixed() -> Scene {
    (Scene::empty().ready(1, "a").ready(2, "a"))
        .ready(3, "b")
        .ready(4, "b")
        .pool(|pool| {
            for (member, name) in (pool.members.iter_mut()).zip(["small", "large"].iter().cycle()) {
                member.instance_type = Some((*name).to_owned());
            }
        })
}

fn wishing(zones: &[&str], instance_types: &[&str]) -> Claim {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Claim {
        wishes: Wishes {
            zones: names(zones),
            instance_types: names(instance_types),
        },
        ..claim("a")
    }
}

#[test]
fn a_wish_for_a_zone_goes_before_balance() {
    let scene = mixed().target(|target| target.members = vec![member(90, "b")]);
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
    assert_eq!(scene.decide_on(wishing(&["b"], &[])), assign(3, 1));
}

#[test]
fn a_wish_for_a_type_is_fulfilled_where_it_can_be() {
    assert_eq!(mixed().decide_on(wishing(&[], &["large"])), assign(2, 1));
}

#[test]
fn both_wishes_together_choose_the_one_that_fulfils_both() {
    assert_eq!(mixed().decide_on(wishing(&["b"], &["large"])), assign(4, 1));
}

#[test]
fn a_list_is_in_order_of_preference() {
    let decision = mixed().decide_on(wishing(&["c", "b", "a"], &["huge", "large", "small"]));
    assert_eq!(decision, assign(4, 1));
}

#[test]
fn an_instance_that_fulfils_both_goes_before_one_that_fulfils_one_better() {
    // Of the first type and in no zone of the list, or of the second and in the last one.
    let scene = mixed().pool(|pool| pool.members.truncate(3));
    let decision = scene.decide_on(wishing(&["c", "b"], &["large", "small"]));
    assert_eq!(decision, assign(3, 1));
}

#[test]
fn where_one_of_two_wishes_can_be_fulfilled_the_type_is() {
    let scene = mixed().pool(|pool| pool.members.truncate(3));
    assert_eq!(scene.decide_on(wishing(&["b"], &["large"])), assign(2, 1));
}

#[test]
fn wishes_that_nothing_fulfils_are_no_demands() {
    let decision = mixed().decide_on(wishing(&["z"], &["x9.huge"]));
    assert_eq!(decision, assign(1, 1));
}

#[test]
fn among_those_that_fulfil_as_much_balance_decides() {
    let scene = mixed().target(|target| target.members = vec![member(90, "a")]);
    assert_eq!(scene.decide_on(wishing(&[], &["small"])), assign(3, 1));
}

#[test]
fn a_zone_that_the_target_lacks_is_not_chosen_however_wished_for() {
    let scene = mixed().target(|target| target.zones = zones(&["a"]));
    assert_eq!(scene.decide_on(wishing(&["b"], &[])), assign(1, 1));
}

#[test]
fn an_instance_of_unknown_type_fulfils_no_wish_for_one() {
    let scene = mixed().pool(|pool| pool.members[0].instance_type = None);
    assert_eq!(scene.decide_on(wishing(&[], &["small"])), assign(3, 1));
}

#[test]
fn an_earlier_claim_s_wish_leaves_the_rest_to_the_later_one() {
    let scene = mixed();
    let first = wishing(&["a"], &["large"]);
    let second = Claim {
        claim_id: ClaimId::try_from("b").unwrap(),
        ..first.clone()
    };
    let decisions = scene.decide(&sent(&[first, second]));
    // In zone b but of the type that was wished for.
    assert_eq!(decisions, [assign(2, 1), assign(4, 1)]);
}
