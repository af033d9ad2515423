//! `cargo soak`: thousands of claims on dozens of targets while everything goes wrong at set rates.

use clap::Parser;
use end_to_end::Soak;
use std::process::ExitCode;
use std::time::Instant;

/// Claims on a simulated region in which everything goes wrong, in virtual time.
#[derive(Parser)]
#[command(name = "cargo soak")]
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
    /// Chance that a read is up to a second stale, 0 to 1.
    #[arg(long, default_value_t = 0.0)]
    stale: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut soak = Soak::new(arguments.seed, arguments.claims, arguments.targets);
    soak.troubles.stale = arguments.stale;
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
    let tally = runtime.block_on(soak.run());
    println!("seed {}\n{tally}", arguments.seed);
    println!("took {:.1?}", started.elapsed());
    if tally.is_good() {
        println!("PASS");
        ExitCode::SUCCESS
    } else {
        println!("FAIL: what is broken stands above");
        ExitCode::FAILURE
    }
}
