//! The command line: what can be asked for.

mod values;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use ready_pool_core::claim::MAX_EXECUTION_TIMEOUT_SECONDS;
use ready_pool_planner::Arguments;
use std::path::PathBuf;
use std::time::Duration;
use values::{duration, number, price, tag, variable};

/// The stack, where none is named.
const STACK: &str = "ready-pool";
/// So many claims are sent at once, at most.
pub(crate) const MOST_AT_ONCE: u16 = 100;

/// `ready-pool`.
#[derive(Debug, Parser)]
#[command(
    name = "ready-pool",
    version,
    propagate_version = true,
    about = "Operates a ready-pool stack: how the pool and its claims stand, a claim sent and followed, what is wrong",
    after_help = "Exit status: 0 done; 1 AWS could not be asked, or refused; 2 the command line or the claim is wrong, \
                  nothing was sent, and nothing was changed; 3 a claim failed or was rejected, or doctor found something wrong; 4 how a claim ended \
                  is not known, or there is no trace of it; 130 Ctrl-C while a claim was followed.\n\n\
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
        default_value = STACK
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
    /// A pool of the family: the stack is `<family>-<pool>`. One is needed by `pause`, `resume`, `opt-in` and `opt-out`;
    /// without it `send` takes the target's, and the others take all
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

impl Options {
    /// Those that say where to, as they were given: for a command line that shall go to the same place.
    pub(crate) fn repeated(&self) -> String {
        let stack = Some(&self.stack).filter(|stack| *stack != STACK);
        let given = [
            ("stack", stack),
            ("family", self.family.as_ref()),
            ("pool", self.pool.as_ref()),
            ("profile", self.profile.as_ref()),
            ("region", self.region.as_ref()),
            ("endpoint-url", self.endpoint_url.as_ref()),
        ];
        let given = given.into_iter();
        given
            .filter_map(|(name, value)| Some(format!(" --{name} {}", value?)))
            .collect()
    }
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
    /// Removes the tag that lets a group get instances: claims that name it are rejected from then on
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
    /// Ends a pause
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
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 5,
        value_parser = number::<u64>(1..=86_400),
        allow_hyphen_values = true,
        requires = "watch"
    )]
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
    /// The group that receives the instance; needed, unless --file names it
    #[arg(long, value_name = "GROUP")]
    pub target: Option<String>,
    /// The claim's id [default: one with the present time in it]
    #[arg(long, value_name = "CLAIM_ID")]
    pub id: Option<String>,
    /// A line of the init script (repeatable); needed, unless --script or --file has the script
    #[arg(long = "command", value_name = "LINE")]
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
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = number::<u32>(1..=u64::from(MAX_EXECUTION_TIMEOUT_SECONDS)),
        allow_hyphen_values = true
    )]
    pub execution_timeout: Option<u32>,
    /// How long the claim may wait for its instance: `90s`, `15m`, `2h`; at most 4 hours [default: 15m, or the file's]
    #[arg(long, value_name = "DURATION", value_parser = duration, allow_hyphen_values = true)]
    pub expires_in: Option<Duration>,
    /// What to do while no instance is ready [default: wait]
    #[arg(long, value_name = "WHAT", value_parser = ["wait", "reject"])]
    pub when_empty: Option<String>,
    /// What becomes of an instance whose script fails [default: retire]
    #[arg(long, value_name = "WHAT", value_parser = ["retire", "keep", "replace"])]
    pub on_init_failure: Option<String>,
    /// Whether scale-in of the target spares the instance [default: what the stack's parameter says]
    #[arg(long, value_name = "true|false")]
    pub protect: Option<bool>,
    /// Make the target where it does not exist, if the stack makes targets; --max-size says how large it may grow
    #[arg(long, requires = "max_size")]
    pub create_target: bool,
    /// The maximum size of a target that is made
    #[arg(
        long,
        value_name = "N",
        requires = "create_target",
        value_parser = number::<u16>(1..=1_000),
        allow_hyphen_values = true
    )]
    pub max_size: Option<u16>,
    /// A tag of a target that is made (repeatable)
    #[arg(long = "tag", value_name = "KEY=VALUE", requires = "create_target", value_parser = tag)]
    pub tags: Vec<(String, String)>,
    /// When the instance is attached: before its script runs, or once that has succeeded [default: `before_init`]
    #[arg(long, value_name = "WHEN", value_parser = ["before_init", "after_init"])]
    pub attach_when: Option<String>,
    /// A zone that the claim prefers (repeatable, the preferred one first)
    #[arg(long = "zone", value_name = "ZONE")]
    pub zones: Vec<String>,
    /// An instance type that the claim prefers (repeatable, the preferred one first)
    #[arg(long = "instance-type", value_name = "TYPE")]
    pub instance_types: Vec<String>,
    /// The claim as a JSON file, with the fields of docs/claims.md in ready-pool's repository; `-` for standard input.
    /// Other options override it
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Send N claims, one instance each, with `-1`, `-2`, … behind the id
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = number::<u16>(1..=u64::from(MOST_AT_ONCE)),
        allow_hyphen_values = true
    )]
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
    /// Send a claim that has an entry already: if it has ended, that only repeats its outcome
    #[arg(long)]
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

#[cfg(test)]
mod tests;
