//! The simulated region's command line: `demo` and `serve`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
