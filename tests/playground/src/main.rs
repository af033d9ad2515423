//! The simulated region's command line: `demo`, `serve` and `claim`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
