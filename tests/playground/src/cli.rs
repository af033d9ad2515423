//! The command line: what can be asked for.

use crate::failure::Failure;
use crate::functions::{self, Named};
use crate::timing::Override;
use crate::{demo, serve};
use clap::{Args, Parser, Subcommand};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    version,
    // By the aliases in `.cargo/config.toml`.
    bin_name = "cargo",
    propagate_version = true,
    about = "A simulated AWS region, with the stack of a template in it: queues, groups, machines, \
             commands, events, and functions that are real programs."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fills the pool, sends claims, and tells what happens until they have ended; on a terminal
    /// it then stays up, with a page to see it in a browser
    Demo(DemoOptions),
    /// Stays up for the AWS CLI, boto3, any SDK and a browser, and tells what happens, until Ctrl-C
    Serve(ServeOptions),
}

/// What `demo` is asked for.
#[derive(Args)]
pub(crate) struct DemoOptions {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Factor on everything that the region simulates; 1 is as observed on AWS
    #[arg(long, value_name = "FACTOR", default_value_t = 0.2, value_parser = factor)]
    pub(crate) time_scale: f64,
    /// Send so many claims at once, each for a target of its own, and summarise
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) claims: Option<u32>,
    /// Let the claim make its target, as a signup in one message; then send the same message again
    #[arg(long, conflicts_with = "claims")]
    pub(crate) create_target: bool,
    /// When the claim's instance is attached to its target: before its script runs (the default), or after it
    #[arg(long, value_name = "WHEN", value_parser = ["before_init", "after_init"], conflicts_with = "claims")]
    pub(crate) attach_when: Option<String>,
    /// Stay up for the page afterwards, as it does on a terminal
    #[arg(long, conflicts_with = "exit")]
    pub(crate) stay: bool,
    /// End afterwards, as it does where standard output is no terminal
    #[arg(long)]
    pub(crate) exit: bool,
}

/// What `serve` is asked for.
#[derive(Args)]
pub(crate) struct ServeOptions {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Load the template twice, for two pools: stacks NAME-small and NAME-large, where NAME is the stack's
    /// name, with one queue for the outcomes of both
    #[arg(long, conflicts_with_all = ["environment", "external"])]
    pub(crate) family: bool,
    /// Factor on everything that the region simulates; 1 is as observed on AWS
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor)]
    pub(crate) time_scale: f64,
    /// Address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) host: IpAddr,
    /// Print where everything is as one line of JSON, and nothing else on standard output; what
    /// happens is printed on standard error
    #[arg(long)]
    pub(crate) json: bool,
    /// Write each function's environment into this directory: `sam.json` for `sam local invoke
    /// --env-vars`, and `<package>.env` for shells and `cargo lambda watch --env-file`
    #[arg(long, value_name = "DIR")]
    pub(crate) environment: Option<PathBuf>,
}

/// What `demo` and `serve` take.
#[derive(Args)]
pub(crate) struct Common {
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// How many ready instances the pool holds (the template's parameter `PoolSize`)
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) pool_size: u32,
    /// Seed of everything that the region draws
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// A duration of the region, before it is scaled: NAME=5s, NAME=300ms, or drawn from a range,
    /// NAME=2s..4s (repeatable; a wrong name lists the known ones)
    #[arg(long = "timing", value_name = "NAME=DURATION")]
    pub(crate) timings: Vec<Override>,
    /// Name of the stack, or of the family: the first part of the names in it
    #[arg(long, value_name = "NAME", default_value = "ready-pool")]
    pub(crate) stack_name: String,
    /// A SAM or CloudFormation template [default: template.yaml of this workspace]
    #[arg(long, value_name = "FILE")]
    pub(crate) template: Option<PathBuf>,
    /// A parameter of the template (repeatable)
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    pub(crate) parameters: Vec<(String, String)>,
    /// Take the functions' programs from here instead of building them; each has the name that
    /// its `CodeUri` ends with
    #[arg(long, value_name = "DIR")]
    pub(crate) function_dir: Option<PathBuf>,
    /// Let another program do a function's work: anything that speaks the Lambda Runtime API. NAME
    /// is the function's logical id or its package (`claim-instance`); COMMAND is run by `sh`, with
    /// your environment and the function's. An address instead (http://…) is one that answers
    /// Lambda's Invoke, as `cargo lambda watch` and `sam local start-lambda` do (repeatable)
    #[arg(long = "function", value_name = "NAME=COMMAND", value_parser = functions::command)]
    pub(crate) functions: Vec<Named<String>>,
    /// Leave a function to a program that you start yourself, on this port or a free one. `serve`
    /// prints the environment that it needs (repeatable)
    #[arg(long, value_name = "NAME[=PORT]", value_parser = functions::external)]
    pub(crate) external: Vec<Named<u16>>,
    /// Keep a function from running by itself: its messages stay in their queue, its events are
    /// dropped (repeatable)
    #[arg(long = "pause", value_name = "NAME")]
    pub(crate) paused: Vec<String>,
}

fn factor(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|factor: &f64| factor.is_finite() && *factor > 0.0)
        .ok_or_else(|| "a number above 0 is expected, such as 0.2".to_owned())
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "NAME=VALUE is expected".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the command that was asked for.
pub(crate) fn main() -> ExitCode {
    let command = Cli::parse().command;
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            return Failure::System {
                what: "cannot start",
                error,
            }
            .report();
        }
    };
    let result = runtime.block_on(async {
        match command {
            Command::Demo(options) => demo::run(options).await,
            Command::Serve(options) => serve::run(options).await,
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_names_the_command_as_one_types_it() {
        for (name, usage) in [
            ("demo", "Usage: cargo demo "),
            ("serve", "Usage: cargo serve "),
        ] {
            let help = Cli::try_parse_from(["playground", name, "--help"]);
            let help = help.err().expect("help is no command").to_string();
            assert!(help.contains(usage), "{help}");
        }
    }

    #[test]
    fn a_factor_is_a_positive_number() {
        assert_eq!(factor("0.2"), Ok(0.2));
        for wrong in ["0", "-1", "inf", "NaN", "fast"] {
            assert!(factor(wrong).is_err(), "{wrong}");
        }
    }
}
