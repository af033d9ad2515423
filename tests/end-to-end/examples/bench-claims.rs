//! `cargo bench-claims`: what a claim takes and what it costs, beside its floor, in virtual time. The tables of
//! docs/performance.md.

use clap::Parser;
use end_to_end::Bench;
use std::process::ExitCode;
use std::time::Duration;

/// Claims at the latencies observed on AWS, on a paused clock.
#[derive(Parser)]
#[command(name = "cargo bench-claims", version)]
struct Arguments {
    /// The only source of chance: the same seed gives the same figures.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often ten claims are sent at once; a single one five times as often.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// How many claims are sent at one instant, to a pool with a fifth more.
    #[arg(long, default_value_t = 100)]
    burst: usize,
    /// How many minutes claims at a steady pace, and none at all, are watched.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let bench = Bench {
        seed: arguments.seed,
        rounds: arguments.rounds,
        burst: arguments.burst,
        watched: Duration::from_mins(arguments.minutes),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    match runtime {
        Ok(runtime) => {
            println!("{}", runtime.block_on(bench.run()));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}
