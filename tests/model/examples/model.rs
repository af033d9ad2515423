//! Explores one configuration, as large as wanted.
#![allow(clippy::panic, reason = "a model is a test")]

use clap::Parser;
use protocol_model::configuration::{Configuration, Fault, Rule};
use protocol_model::configurations;
use protocol_model::exploration::{self, Explored, TooLarge, explore};
use protocol_model::protocol::Protocol;
use protocol_model::step::Action;
use protocol_model::variants;
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::init_failure::OnInitFailure;
use std::time::{Duration, Instant};

/// Explores the claim protocol in a configuration of your own.
#[derive(Debug, Parser)]
#[command(name = "cargo model", version)]
#[allow(clippy::struct_excessive_bools, reason = "independent switches")]
struct Options {
    /// The configurations that the tests explore, one after the other.
    #[arg(long)]
    all: bool,
    /// The weakened protocols, one after the other.
    #[arg(long)]
    variants: bool,
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
    /// No target exists at first: the claims have theirs made.
    #[arg(long)]
    makes_targets: bool,
    /// What the claims want done when their init fails: `retire`, `keep`, `replace`.
    #[arg(long, default_value = "retire", value_parser = policy)]
    on_init_failure: OnInitFailure,
    /// Their instances are attached after their init.
    #[arg(long)]
    attach_after_init: bool,
    /// Faults, of any kind.
    #[arg(long, default_value_t = 1)]
    faults: u8,
    /// Kinds of faults by name; all when none is given.
    #[arg(long, value_delimiter = ',', value_parser = fault)]
    kinds: Vec<Fault>,
    /// Split claim-instance's look into its two halves.
    #[arg(long)]
    split_look: bool,
    /// Commands stay `InProgress` on machines that have died.
    #[arg(long)]
    dead_commands_stay: bool,
    /// Claims that wait may step aside.
    #[arg(long)]
    steps_aside: bool,
    /// A claim that ends every invocation that enters it.
    #[arg(long)]
    poison: Option<u8>,
    /// A rule of the protocol to leave out, by name.
    #[arg(long, value_parser = rule)]
    without: Option<Rule>,
    /// Give up at so many states.
    #[arg(long, default_value_t = 20_000_000)]
    bound: usize,
}

fn policy(word: &str) -> Result<OnInitFailure, String> {
    OnInitFailure::from_code(word).ok_or_else(|| "there are retire, keep and replace".to_owned())
}

fn rule(name: &str) -> Result<Rule, String> {
    named(name, Rule::ALL)
}

fn fault(name: &str) -> Result<Fault, String> {
    named(name, Fault::ALL)
}

/// What has this name; otherwise all names there are.
fn named<T: Copy + std::fmt::Debug>(name: &str, all: &[T]) -> Result<T, String> {
    let names = || all.iter().map(|one| format!("{one:?}"));
    let place = names().position(|known| known == name);
    let known = place.and_then(|place| all.get(place)).copied();
    known.ok_or_else(|| {
        let all: Vec<String> = names().collect();
        format!("there are {}", all.join(", "))
    })
}

fn main() {
    let options = Options::parse();
    if options.variants {
        for variant in variants::all() {
            println!("== without {:?}: breaks {}", variant.rule, variant.breaks);
            run(&Protocol::new(variant.config), options.bound);
        }
        return;
    }
    if options.all {
        for config in configurations::all() {
            let name = config.name;
            let config = options
                .without
                .map_or(config.clone(), |rule| config.weakened(rule));
            println!("== {name}");
            run(&Protocol::new(config), options.bound);
        }
        return;
    }
    let kinds: Vec<Fault> = Fault::ALL
        .iter()
        .copied()
        .filter(|fault| options.kinds.is_empty() || options.kinds.contains(fault))
        .collect();
    let config = Configuration {
        name: "command line",
        claims: options.claims,
        instances: options.instances,
        ready: options.ready.unwrap_or(options.instances),
        shared_target: options.shared_target,
        on_init_failure: options.on_init_failure,
        makes_targets: options.makes_targets,
        attach_when: if options.attach_after_init {
            AttachWhen::AfterInit
        } else {
            AttachWhen::BeforeInit
        },
        faults: options.faults,
        kinds: kinds.leak(),
        split_look: options.split_look,
        ledger_knows: false,
        dead_commands_stay: options.dead_commands_stay,
        steps_aside: options.steps_aside,
        poison: options.poison,
        without: options.without,
        unseen: &[],
        states: None,
    };
    run(&Protocol::new(config), options.bound);
}

fn run(model: &Protocol, bound: usize) {
    let started = Instant::now();
    match explore(model, bound) {
        Err(TooLarge) => println!("more than {bound} states"),
        Ok(explored) => print(model, &explored, started.elapsed()),
    }
}

fn print(model: &Protocol, explored: &Explored, took: Duration) {
    println!(
        "{} states, {} actions, {} good ends, {} stuck, {took:?}",
        explored.states, explored.actions, explored.good_ends, explored.stuck
    );
    for name in &explored.never_seen {
        println!("never: {name}");
    }
    for (name, trace) in &explored.violated {
        println!("VIOLATED: {name}");
        print_trace(model, trace);
    }
    if let Some(trace) = &explored.first_stuck {
        println!("STUCK:");
        print_trace(model, trace);
    }
}

fn print_trace(model: &Protocol, trace: &[Action]) {
    for action in trace {
        println!("   {action:?}");
    }
    println!("   {}", exploration::replay(model, trace));
}
