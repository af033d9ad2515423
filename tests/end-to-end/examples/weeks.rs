//! `cargo weeks`: weeks of a pool that is sized by its hit rate, and what may happen to it.

use clap::Parser;
use end_to_end::Weeks;
use std::process::ExitCode;
use std::time::Instant;

/// Days and nights of a pool of about 60 claims a day that is sized by its hit rate, in virtual time: an outage every
/// other day, wiped tags, a kill between tag and capacity, more claims than the pool may have machines, a scheduled
/// minimum, a pause. Each minute is held to the bounds and to the pure functions.
#[derive(Parser)]
#[command(name = "cargo weeks", version)]
struct Arguments {
    /// The only source of chance: the same seed gives the same run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many days. Below 21 all troubles come on the first one.
    #[arg(long, default_value_t = 28)]
    days: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
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
    let lived = runtime.block_on(Weeks::of_days(arguments.days, arguments.seed).run());
    println!("seed {}\n{lived}", arguments.seed);
    println!("took {:.1?}", started.elapsed());
    if lived.is_good() {
        println!("PASS");
        ExitCode::SUCCESS
    } else {
        println!("FAIL: what is broken stands above");
        ExitCode::FAILURE
    }
}
