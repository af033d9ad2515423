//! `cargo soak`: thousands of claims on dozens of targets while everything goes wrong at set rates.

use clap::Parser;
use end_to_end::Soak;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How often it is said how far it is.
const SAY_EVERY: Duration = Duration::from_secs(3);

/// Claims on a simulated region in which everything goes wrong, in virtual time.
#[derive(Parser)]
#[command(name = "cargo soak", version)]
struct Arguments {
    /// The only source of chance: the same seed gives the same run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many claims are sent.
    #[arg(long, default_value_t = 2000)]
    claims: usize,
    /// For how many targets.
    #[arg(long, default_value_t = 36)]
    targets: usize,
    /// So many of the slowest claims are named with what they waited for, however short that was.
    #[arg(long, default_value_t = 0)]
    slowest: usize,
    /// Chance that a read is up to a second stale, 0 to 1.
    #[arg(long, default_value_t = 0.0)]
    stale: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut soak = Soak::new(arguments.seed, arguments.claims, arguments.targets);
    soak.troubles.stale = arguments.stale;
    soak.slowest = arguments.slowest;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let started = Instant::now();
    println!(
        "seed {}: {} claims for {} targets, while",
        arguments.seed, arguments.claims, arguments.targets
    );
    for trouble in soak.troubles.words() {
        println!("  {trouble}");
    }
    let mut said = started;
    let tally = runtime.block_on(soak.run_watched(|so_far| {
        if said.elapsed() > SAY_EVERY {
            said = Instant::now();
            eprintln!(
                "{:>4.0} s: {} of {} claims sent, {} answered, {} h {:02} min of the region's time",
                started.elapsed().as_secs_f64(),
                so_far.sent,
                arguments.claims,
                so_far.answered,
                so_far.passed.as_secs() / 3600,
                so_far.passed.as_secs() / 60 % 60,
            );
        }
    }));
    println!("\n{tally}");
    println!("took {:.1?}", started.elapsed());
    if tally.is_good() {
        println!("PASS");
        ExitCode::SUCCESS
    } else {
        println!("FAIL: what is broken stands above");
        ExitCode::FAILURE
    }
}
