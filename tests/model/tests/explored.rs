//! Explores every configuration whole: no invariant is broken, every situation comes up, and from
//! everywhere a good end can be reached. The size of each state space is pinned, so that a change
//! of protocol or model is noticed.
#![allow(clippy::panic, reason = "a test")]

use protocol_model::configuration::Configuration;
use protocol_model::configurations;
use protocol_model::exploration::{Explored, TooLarge, explore};
use protocol_model::protocol::Protocol;
use stateright::{Checker, Expectation, Model};

/// More states than any configuration has: an exploration that is cut short proves nothing.
const BOUND: usize = 2_000_000;
/// Up to how many states `stateright` explores too.
const TWICE_UP_TO: usize = 50_000;

#[test]
fn every_configuration_holds() {
    let configurations = configurations::all();
    // The large ones are last: dealt out in turn, two threads have about the same to do.
    let problems: Vec<String> = std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            let mine = configurations.iter().skip(half).step_by(2);
            scope.spawn(move || mine.flat_map(problems_of).collect::<Vec<_>>())
        });
        halves
            .into_iter()
            .flat_map(|half| {
                half.join()
                    .unwrap_or_else(|_| panic!("an exploration panicked"))
            })
            .collect()
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn problems_of(config: &Configuration) -> Vec<String> {
    let name = config.name;
    match explore(&Protocol::new(config.clone()), BOUND) {
        Err(TooLarge) => vec![format!("{name}: more than {BOUND} states")],
        Ok(explored) => {
            let problems = problems_in(&explored, config);
            problems
                .map(|problem| format!("{name}: {problem}"))
                .collect()
        }
    }
}

fn problems_in(explored: &Explored, config: &Configuration) -> impl Iterator<Item = String> {
    let violated = explored
        .violated
        .iter()
        .map(|(name, trace)| format!("broken: {name}: {trace:?}"));
    let unseen: Vec<char> = explored
        .never_seen
        .iter()
        .filter_map(|name| name.chars().next())
        .collect();
    let never_seen = (unseen != config.unseen).then(|| {
        let (never, expected) = (&explored.never_seen, config.unseen);
        format!("never come up: {never:?}, expected {expected:?}")
    });
    let stuck = explored
        .first_stuck
        .iter()
        .map(|trace| format!("{} states without a good end: {trace:?}", explored.stuck));
    let resized = (config.states != Some(explored.states))
        .then(|| format!("{} states, pinned {:?}", explored.states, config.states));
    let problems: Vec<String> = violated
        .chain(never_seen)
        .chain(stuck)
        .chain(resized)
        .collect();
    problems.into_iter()
}

/// An `always` whose situation never comes up says nothing.
#[test]
fn every_always_is_paired_with_a_sometimes_that_comes_up() {
    let configurations = configurations::all();
    let properties = Protocol::new(configurations[0].clone()).properties();
    for always in &properties {
        let number = always.name.chars().next();
        let paired = properties.iter().any(|other| {
            other.expectation == Expectation::Sometimes && other.name.chars().next() == number
        });
        assert!(paired, "{}", always.name);
        let comes_up =
            |config: &Configuration| number.is_some_and(|number| !config.unseen.contains(&number));
        assert!(configurations.iter().any(comes_up), "{}", always.name);
    }
}

#[test]
fn an_exploration_that_hits_its_bound_fails() {
    let config = configurations::all().remove(0);
    let states = config.states.unwrap_or_default();
    let model = Protocol::new(config);
    assert!(matches!(explore(&model, states - 1), Err(TooLarge)));
    assert!(explore(&model, states).is_ok());
}

/// Our exploration keeps the graph, which `stateright`'s does not; both see the same states.
#[test]
fn stateright_comes_to_the_same() {
    for config in configurations::all() {
        let Some(states) = config.states.filter(|states| *states <= TWICE_UP_TO) else {
            continue;
        };
        let checker = Protocol::new(config.clone())
            .checker()
            .target_state_count(BOUND)
            .spawn_bfs()
            .join();
        assert!(checker.is_done());
        assert_eq!(checker.unique_state_count(), states, "{}", config.name);
        for name in checker.discoveries().into_keys() {
            let found = checker.discovery_classification(name).to_string();
            assert_eq!(found, "example", "{}: {name}", config.name);
        }
    }
}
