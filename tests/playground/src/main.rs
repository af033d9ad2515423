//! ready-pool on a simulated AWS region, to try, watch and break: `demo` and `serve` with their page.

mod build;
mod claims;
mod cli;
mod crowd;
mod demo;
mod environment_files;
mod failure;
mod family;
mod fill;
mod first_fill;
mod follow;
mod functions;
mod live;
mod messages;
mod moment;
mod names;
mod page;
mod patience;
mod print;
mod progress;
mod serve;
mod start;
mod story;
mod summary;
#[cfg(test)]
mod testing;
mod timing;

fn main() -> std::process::ExitCode {
    cli::main()
}
