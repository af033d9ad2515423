//! Which instances leave the pool without a replacement.

use super::*;
use ready_pool_core::pause::PAUSE_TAG;

/// Three ready instances in a pool of this size and desired capacity.
fn pool_of(size: i32, desired: i32) -> Scene {
    let mut scene = Scene::with_ready(3).pool(|pool| pool.desired_capacity = desired);
    scene.size = size;
    scene
}

/// Which of three claims' instances take their place along.
fn decrementing(scene: &Scene) -> Vec<bool> {
    let decisions = scene.decide(&sent(&[claim("a"), claim("b"), claim("c")]));
    let decrements = |decision: &Decision| match decision {
        Decision::Assign { decrements, .. } => *decrements,
        other => panic!("nothing was assigned: {other:?}"),
    };
    decisions.iter().map(decrements).collect()
}

#[test]
fn a_pool_of_its_size_replaces_what_it_gives() {
    assert_eq!(decrementing(&pool_of(3, 3)), [false, false, false]);
    assert_eq!(decrementing(&pool_of(9, 3)), [false, false, false]);
}

#[test]
fn what_it_has_beyond_its_size_leaves_without_a_replacement() {
    assert_eq!(decrementing(&pool_of(3, 5)), [true, true, false]);
    assert_eq!(decrementing(&pool_of(0, 3)), [true, true, true]);
    assert_eq!(
        decrementing(&pool_of(i32::MIN, i32::MAX)),
        [true, true, true]
    );
}

#[test]
fn a_pool_never_decrements_below_its_minimum() {
    let scene = pool_of(0, 3).pool(|pool| pool.min_size = 2);
    assert_eq!(decrementing(&scene), [true, false, false]);
}

#[test]
fn while_replenishing_is_paused_nothing_is_replaced() {
    for (value, expected) in [
        ("replenishing", [true, true, true]),
        ("claims", [false, false, false]),
    ] {
        let paused = |pool: &mut Group| {
            pool.tags.insert(PAUSE_TAG.to_owned(), value.to_owned());
        };
        let mut scene = pool_of(3, 3).pool(paused);
        if value == "claims" {
            scene.pool.tags.clear();
        }
        assert_eq!(decrementing(&scene), expected);
    }
}

#[test]
fn a_claim_that_goes_on_takes_its_place_along_too() {
    let mut scene = pool_of(3, 4).begun(Some(("pool", Lifecycle::InService)));
    scene.pool.members.remove(0);
    let decisions = scene.decide(&sent(&[claim("a"), claim("b")]));
    let expected = |number, entered, decrements| Decision::Assign {
        instance: instance(number),
        attempt: 1,
        entered,
        decrements,
        makes: None,
    };
    assert_eq!(
        decisions,
        [expected(1, true, true), expected(2, false, false)]
    );
}

#[test]
fn a_dry_run_uses_nothing_up() {
    let dry = Claim {
        dry_run: true,
        ..claim("dry")
    };
    let decisions = pool_of(2, 3).decide(&sent(&[dry, claim("a")]));
    assert!(matches!(
        decisions[1],
        Decision::Assign {
            decrements: true,
            ..
        }
    ));
}
