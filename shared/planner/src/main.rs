//! `cargo plan`

use clap::Parser;
use ready_pool_planner::Arguments;
use std::error::Error;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "plan")]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
}

fn main() -> ExitCode {
    match Command::parse().arguments.run() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprint!("plan: {error}");
            let mut source = error.source();
            while let Some(error) = source {
                eprint!(": {error}");
                source = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}
