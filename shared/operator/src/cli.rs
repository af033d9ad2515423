//! The command line: what can be asked for.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use ready_pool_planner::Arguments;
use std::path::PathBuf;
use std::time::Duration;

/// `ready-pool`.
#[derive(Debug, Parser)]
#[command(
    name = "ready-pool",
    version,
    propagate_version = true,
    about = "Operates a ready-pool stack: how the pool and its claims stand, a claim sent and followed, what is wrong",
    after_help = "Exit status: 0 done; 1 AWS could not be asked, or refused; 2 the command line or the claim is wrong, and \
                  nothing was sent; 3 a claim failed or was rejected, or doctor found something wrong; 4 how a claim ended \
                  is not known, or there is no trace of it.\n\n\
                  Account, region and credentials are those of the AWS CLI: its environment variables, or --profile and \
                  --region. AWS_ENDPOINT_URL or --endpoint-url for a simulated region (`cargo serve`)."
)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub options: Options,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Name of the stack
    #[arg(
        long,
        global = true,
        help_heading = "Account and output",
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new(),
        default_value = "ready-pool"
    )]
    pub stack: String,
    /// Name of a family: the stacks called `NAME-…`, each with a pool of its own
    #[arg(
        long,
        global = true,
        help_heading = "Account and output",
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new(),
        conflicts_with = "stack"
    )]
    pub family: Option<String>,
    /// A pool of the family: what follows the family's name in the stack's [default: all; the target's, for `send`]
    #[arg(
        long,
        global = true,
        help_heading = "Account and output",
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new(),
        requires = "family"
    )]
    pub pool: Option<String>,
    /// Profile of the AWS CLI's configuration [default: `AWS_PROFILE`]
    #[arg(
        long,
        global = true,
        help_heading = "Account and output",
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub profile: Option<String>,
    /// AWS region [default: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's]
    #[arg(
        long,
        global = true,
        help_heading = "Account and output",
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub region: Option<String>,
    /// Where the services are, if not at AWS [default: `AWS_ENDPOINT_URL`]
    #[arg(
        long,
        global = true,
        help_heading = "Account and output",
        value_name = "URL",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub endpoint_url: Option<String>,
    /// Print one line of JSON per answer
    #[arg(long, global = true, help_heading = "Account and output")]
    pub json: bool,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows the pool, the queues and the open claims
    Status(StatusOptions),
    /// Checks a claim and sends it; with --wait follows it to its end
    Send(Box<SendOptions>),
    /// Shows what happened to one claim, and what to do
    Claim(ClaimOptions),
    /// Lets a group get instances of this pool: claims may name it from then on
    OptIn {
        /// The Auto Scaling group
        #[arg(value_name = "GROUP")]
        group: String,
    },
    /// Takes that back: claims that name the group are rejected from then on
    OptOut {
        /// The Auto Scaling group
        #[arg(value_name = "GROUP")]
        group: String,
    },
    /// Stops handing out instances, filling the pool, or both, until `resume`
    Pause {
        /// What to stop
        #[arg(value_enum, default_value_t = Pausing::Claims)]
        what: Pausing,
    },
    /// Goes on after `pause`
    Resume,
    /// Finds what would go wrong: in the stack, in the pool, in each target
    Doctor,
    /// Says how large the pool must be, at what hit rate, and whether it pays off
    ///
    /// By the pool's own past: what AWS remembers of the live group (six weeks), or what `aws autoscaling
    /// describe-scaling-activities --auto-scaling-group-name POOL --output json` printed. Or by the times at which claims
    /// came. A file is read without an account.
    Plan(Box<PlanOptions>),
    /// Prints the script that completes this command line in a shell
    Completion {
        /// The shell
        shell: Shell,
    },
}

/// What `status` takes.
#[derive(Debug, Args)]
pub struct StatusOptions {
    /// Show it again and again, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
    /// How long between two looks of --watch, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub every: u64,
}

/// What `plan` takes.
#[derive(Debug, Args)]
pub struct PlanOptions {
    /// What is asked of which history.
    #[command(flatten)]
    pub arguments: Arguments,
    /// Price of the instances of one pool of the family, in dollars an hour (repeatable) [default: --instance-hour]
    #[arg(long, value_name = "POOL=DOLLARS", value_parser = price)]
    pub instance_hour_of: Vec<(String, f64)>,
}

impl PlanOptions {
    /// The price of this pool's instances, in dollars an hour.
    pub(crate) fn price_of(&self, pool: &str) -> f64 {
        let mut named = self.instance_hour_of.iter();
        let named = named.find(|(name, _)| name == pool);
        named.map_or(self.arguments.instance_hour(), |(_, dollars)| *dollars)
    }
}

/// What `claim` takes.
#[derive(Debug, Args)]
pub struct ClaimOptions {
    /// The claim's id. Where several targets have such a claim, each is described
    #[arg(value_name = "CLAIM_ID")]
    pub id: String,
}

/// What `send` takes.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct SendOptions {
    /// The group that receives the instance
    #[arg(long, value_name = "GROUP", required_unless_present = "file")]
    pub target: Option<String>,
    /// The claim's id [default: one with the present time in it]
    #[arg(long, value_name = "CLAIM_ID")]
    pub id: Option<String>,
    /// A line of the init script (repeatable)
    #[arg(long = "command", value_name = "LINE", required_unless_present_any = ["file", "script"])]
    pub commands: Vec<String>,
    /// The init script as a file; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "commands")]
    pub script: Option<PathBuf>,
    /// A variable of the script's environment (repeatable)
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    pub environment: Vec<(String, String)>,
    /// Where the script starts
    #[arg(long, value_name = "DIR")]
    pub working_directory: Option<String>,
    /// How long the script may run, seconds [default: 600]
    #[arg(long, value_name = "SECONDS")]
    pub execution_timeout: Option<u32>,
    /// How long the claim may wait for its instance: `90s`, `15m`, `2h`; at most 4 hours [default: 15m, or the file's]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub expires_in: Option<Duration>,
    /// What to do while no instance is ready [default: wait]
    #[arg(long, value_name = "WHAT", value_parser = ["wait", "reject"])]
    pub when_empty: Option<String>,
    /// What becomes of an instance whose script fails [default: retire]
    #[arg(long, value_name = "WHAT", value_parser = ["retire", "keep", "replace"])]
    pub on_init_failure: Option<String>,
    /// Whether scale-in of the target spares the instance [default: as the stack is set]
    #[arg(long, value_name = "true|false")]
    pub protect: Option<bool>,
    /// Make the target where it does not exist, if the stack makes targets; --max-size says how large it may grow
    #[arg(long, requires = "max_size")]
    pub create_target: bool,
    /// The maximum size of a target that is made
    #[arg(long, value_name = "N", requires = "create_target")]
    pub max_size: Option<u16>,
    /// A tag of a target that is made (repeatable)
    #[arg(long = "tag", value_name = "KEY=VALUE", requires = "create_target", value_parser = tag)]
    pub tags: Vec<(String, String)>,
    /// When the instance is attached: before its script runs (the default), or once that has succeeded
    #[arg(long, value_name = "WHEN", value_parser = ["before_init", "after_init"])]
    pub attach_when: Option<String>,
    /// A zone that the claim prefers (repeatable, the preferred one first)
    #[arg(long = "zone", value_name = "ZONE")]
    pub zones: Vec<String>,
    /// An instance type that the claim prefers (repeatable, the preferred one first)
    #[arg(long = "instance-type", value_name = "TYPE")]
    pub instance_types: Vec<String>,
    /// The claim as a JSON file, as in the README; `-` for standard input. Other options override it
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Send so many claims, with `-1`, `-2`, … behind the id
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub instances: u16,
    /// Only ask what would become of the claim: the answer goes to the outcome queue, and nothing is changed
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    /// Print the claim, and send nothing
    #[arg(long, conflicts_with_all = ["wait", "dry_run"])]
    pub print: bool,
    /// Follow the claim to its end by its entry in the target's tags. Ctrl-C stops following; the claim goes on
    #[arg(long)]
    pub wait: bool,
    /// Send and follow a claim that has an entry already: if it has ended, sending it again only repeats its outcome
    #[arg(long, requires = "wait")]
    pub again: bool,
}

/// What `pause` stops: the values of the pause tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pausing {
    /// No claim gets an instance; claims wait in line
    Claims,
    /// The pool is neither filled nor renewed
    Replenishing,
    /// Both
    All,
}

impl Pausing {
    /// The tag's value.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::Replenishing => "replenishing",
            Self::All => "all",
        }
    }
}

/// Prints the completion script.
pub(crate) fn complete(shell: Shell, screen: &mut Screen<'_>) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "ready-pool", &mut script);
    // clap_complete 4.6 spells a hyphen in a program's name in two ways: of a subcommand nothing would be completed.
    let script = String::from_utf8_lossy(&script).replace("ready__subcmd__pool", "ready__pool");
    screen.bytes(script.as_bytes())?;
    Ok(Exit::Done)
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "NAME=VALUE is expected".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

fn tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| "KEY=VALUE is expected".to_owned())?;
    Ok((key.to_owned(), value.to_owned()))
}

fn price(text: &str) -> Result<(String, f64), String> {
    let (pool, price) = text
        .split_once('=')
        .ok_or_else(|| "POOL=DOLLARS is expected".to_owned())?;
    Ok((pool.to_owned(), ready_pool_planner::price(price)?))
}

fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "a duration is a number and its unit: 90s, 15m or 2h".to_owned();
    let (number, unit) = text
        .find(|letter: char| !letter.is_ascii_digit())
        .and_then(|at| text.split_at_checked(at))
        .ok_or_else(expected)?;
    let number: u64 = number.parse().map_err(|_| expected())?;
    let seconds = match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        _ => None,
    };
    seconds
        .and_then(|seconds| number.checked_mul(seconds))
        .map(Duration::from_secs)
        .ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("15m"), Ok(Duration::from_mins(15)));
        assert_eq!(duration("2h"), Ok(Duration::from_hours(2)));
        for wrong in ["", "15", "m", "-1s", "1d", "99999999999999999999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn options_may_stand_before_and_behind_the_command() {
        for line in [
            ["ready-pool", "--stack", "other", "status"],
            ["ready-pool", "status", "--stack", "other"],
        ] {
            assert_eq!(Cli::parse_from(line).options.stack, "other");
        }
    }

    #[test]
    fn what_cannot_be_asked_for_together_is_refused() {
        for line in [
            "send",
            "send --target t",
            "send --target t --command c --dry-run --wait",
            "send --target t --command c --again",
            "send --target t --command c --script f",
            "pause everything",
            "status --stack s --family f",
            "status --pool large",
            "status --stack ",
            "status --family ",
            "status --region ",
        ] {
            // A name that is empty is none: `--stack "$STACK"`, where nothing has set it.
            let line = std::iter::once("ready-pool").chain(line.split(' '));
            assert!(Cli::try_parse_from(line.clone()).is_err(), "{line:?}");
        }
    }

    #[test]
    fn every_shell_has_a_completion_that_knows_the_commands() {
        for shell in Shell::value_variants() {
            let (mut out, mut errors) = (Vec::new(), Vec::new());
            let mut screen = Screen::plain(&mut out, &mut errors);
            complete(*shell, &mut screen).unwrap();
            assert!(
                String::from_utf8(out).unwrap().contains("doctor"),
                "{shell}"
            );
        }
    }
}
