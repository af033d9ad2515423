//! Leaves out one rule of the protocol at a time. Each time an invariant must break: a model that
//! would not notice proves nothing about the protocol that has the rule.

use protocol_model::configuration::Rule;
use protocol_model::protocol::Protocol;
use protocol_model::variants;
use stateright::{Checker, HasDiscoveries, Model};

const BOUND: usize = 2_000_000;

#[test]
fn every_rule_is_needed() {
    let mut found = Vec::new();
    for variant in variants::all() {
        let checker = Protocol::new(variant.config.clone())
            .checker()
            .finish_when(HasDiscoveries::AnyFailures)
            .target_state_count(BOUND)
            .spawn_bfs()
            .join();
        let broken: Vec<&str> = checker
            .discoveries()
            .into_keys()
            .filter(|name| checker.discovery_classification(name).to_string() == "counterexample")
            .collect();
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
        let checker = Protocol::new(config)
            .checker()
            .finish_when(HasDiscoveries::AnyFailures)
            .target_state_count(BOUND)
            .spawn_bfs()
            .join();
        let broken = checker
            .discoveries()
            .into_keys()
            .find(|name| checker.discovery_classification(name).to_string() == "counterexample");
        assert_eq!(broken, None, "with {:?}", variant.rule);
    }
}
