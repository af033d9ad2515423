//! Leaves out one rule of the protocol at a time. Each time an invariant must break: a model that
//! would not notice proves nothing about the protocol that has the rule.
#![allow(clippy::panic, reason = "a test")]

use protocol_model::configuration::{Configuration, Rule};
use protocol_model::exploration::explore;
use protocol_model::protocol::Protocol;
use protocol_model::variants;

/// More states than any variant has.
const BOUND: usize = 500_000;

/// What breaks in a world, by the beginnings of the properties' names.
fn broken(config: Configuration) -> Vec<&'static str> {
    let explored = explore(&Protocol::new(config), BOUND)
        .unwrap_or_else(|too_large| panic!("{too_large:?}: what was seen proves nothing"));
    let stuck = (explored.stuck > 0).then_some(variants::END);
    let violated = explored.violated.into_iter().map(|(name, _)| name);
    violated.chain(stuck).collect()
}

#[test]
fn every_rule_is_needed() {
    let mut found = Vec::new();
    for variant in variants::all() {
        let broken = broken(variant.config);
        assert!(
            broken.iter().any(|name| name.starts_with(variant.breaks)),
            "without {:?}: {broken:?}",
            variant.rule
        );
        found.push(variant.rule);
    }
    assert_eq!(found, Rule::ALL);
}

/// The same worlds with all their rules: what was caught was the missing rule.
#[test]
fn with_the_rule_the_same_world_holds() {
    for variant in variants::all() {
        let mut config = variant.config;
        config.without = None;
        assert_eq!(broken(config), [""; 0], "with {:?}", variant.rule);
    }
}
