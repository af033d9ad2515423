//! Explores one configuration, as large as wanted.

use clap::Parser;
use protocol_model::configuration::{Configuration, Fault};
use protocol_model::liveness;
use protocol_model::protocol::Protocol;
use stateright::{Checker, Model};
use std::time::Instant;

/// Explores the claim protocol in a configuration of your own.
#[derive(Debug, Parser)]
struct Options {
    /// Claims.
    #[arg(long, default_value_t = 1)]
    claims: u8,
    /// Instances.
    #[arg(long, default_value_t = 2)]
    instances: u8,
    /// Instances that are in the pool at first; the others are launched later.
    #[arg(long)]
    ready: Option<u8>,
    /// All claims are for the same target.
    #[arg(long)]
    shared_target: bool,
    /// Faults, of any kind.
    #[arg(long, default_value_t = 1)]
    faults: u8,
    /// Kinds of faults by name; all when none is given.
    #[arg(long, value_delimiter = ',')]
    kinds: Vec<String>,
    /// Split claim-instance's look into its two halves.
    #[arg(long)]
    split_look: bool,
    /// Give up at so many states.
    #[arg(long, default_value_t = 20_000_000)]
    bound: usize,
}

fn main() {
    let options = Options::parse();
    let kinds: Vec<Fault> = Fault::ALL
        .iter()
        .copied()
        .filter(|fault| {
            options.kinds.is_empty() || options.kinds.contains(&format!("{fault:?}"))
        })
        .collect();
    let config = Configuration {
        name: "command line",
        claims: options.claims,
        instances: options.instances,
        ready: options.ready.unwrap_or(options.instances),
        shared_target: options.shared_target,
        faults: options.faults,
        kinds: kinds.leak(),
        split_look: options.split_look,
        without: None,
        states: None,
    };
    let started = Instant::now();
    let checker = Protocol::new(config.clone())
        .checker()
        .threads(2)
        .target_state_count(options.bound)
        .spawn_bfs()
        .join();
    println!("{} states, {} generated, {:?}", checker.unique_state_count(), checker.state_count(), started.elapsed());
    for (name, path) in checker.discoveries() {
        if matches!(checker.discovery_classification(name), stateright::DiscoveryClassification::Counterexample) {
            println!("VIOLATED: {name}");
            for action in path.into_actions() {
                println!("   {action:?}");
            }
        } else {
            println!("seen: {name}");
        }
    }
    let started = Instant::now();
    match liveness::check(&Protocol::new(config), options.bound) {
        None => println!("more than {} states", options.bound),
        Some(found) => {
            println!("{} states, {} actions, {} good ends, {} stuck, {:?}", found.states, found.actions, found.good_ends, found.stuck_states, started.elapsed());
            if let Some((path, state)) = found.stuck {
                for action in path {
                    println!("   {action:?}");
                }
                println!("{state:#?}");
            }
        }
    }
}
