//! Which of several ready instances a claim with preferences gets.

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

fn preferring(zones: &[&str], instance_types: &[&str]) -> Claim {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Claim {
        preferences: Preferences {
            zones: names(zones),
            instance_types: names(instance_types),
        },
        ..claim("a")
    }
}

#[test]
fn a_preference_for_a_zone_goes_before_balance() {
    let scene = mixed().target(|target| target.members = vec![member(90, "b")]);
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
    assert_eq!(scene.decide_on(preferring(&["b"], &[])), assign(3, 1));
}

#[test]
fn a_preference_for_a_type_is_met_where_it_can_be() {
    assert_eq!(mixed().decide_on(preferring(&[], &["large"])), assign(2, 1));
}

#[test]
fn both_preferences_together_choose_the_one_that_meets_both() {
    assert_eq!(
        mixed().decide_on(preferring(&["b"], &["large"])),
        assign(4, 1)
    );
}

#[test]
fn a_list_is_in_order_of_preference() {
    let decision = mixed().decide_on(preferring(&["c", "b", "a"], &["huge", "large", "small"]));
    assert_eq!(decision, assign(4, 1));
}

#[test]
fn an_instance_that_meets_both_goes_before_one_that_meets_one_better() {
    // Of the first type and in no zone of the list, or of the second and in the last one.
    let scene = mixed().pool(|pool| pool.members.truncate(3));
    let decision = scene.decide_on(preferring(&["c", "b"], &["large", "small"]));
    assert_eq!(decision, assign(3, 1));
}

#[test]
fn where_one_of_two_preferences_can_be_met_the_type_is() {
    let scene = mixed().pool(|pool| pool.members.truncate(3));
    assert_eq!(
        scene.decide_on(preferring(&["b"], &["large"])),
        assign(2, 1)
    );
}

#[test]
fn preferences_that_nothing_meets_are_no_demands() {
    let decision = mixed().decide_on(preferring(&["z"], &["x9.huge"]));
    assert_eq!(decision, assign(1, 1));
}

#[test]
fn among_those_that_meet_as_much_balance_decides() {
    let scene = mixed().target(|target| target.members = vec![member(90, "a")]);
    assert_eq!(scene.decide_on(preferring(&[], &["small"])), assign(3, 1));
}

#[test]
fn a_zone_that_the_target_lacks_is_not_chosen_however_preferred() {
    let scene = mixed().target(|target| target.zones = zones(&["a"]));
    assert_eq!(scene.decide_on(preferring(&["b"], &[])), assign(1, 1));
}

#[test]
fn an_instance_of_unknown_type_meets_no_preference_for_one() {
    let scene = mixed().pool(|pool| pool.members[0].instance_type = None);
    assert_eq!(scene.decide_on(preferring(&[], &["small"])), assign(3, 1));
}

#[test]
fn an_earlier_claim_s_preference_leaves_the_rest_to_the_later_one() {
    let scene = mixed();
    let first = preferring(&["a"], &["large"]);
    let second = Claim {
        claim_id: ClaimId::try_from("b").unwrap(),
        ..first.clone()
    };
    let decisions = scene.decide(&sent(&[first, second]));
    // In zone b but of the type that was preferred.
    assert_eq!(decisions, [assign(2, 1), assign(4, 1)]);
}
