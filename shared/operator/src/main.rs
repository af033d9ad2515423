//! `ready-pool`: see the crate's description.

use clap::Parser;
use ready_pool_operator::{Cli, Screen};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let (mut out, mut errors) = (std::io::stdout(), std::io::stderr());
    let mut screen = Screen::of_process(&mut out, &mut errors);
    ready_pool_operator::run(cli, &mut screen).await.into()
}
