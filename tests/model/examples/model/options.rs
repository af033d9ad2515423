//! What is explored, as the command line says it.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use protocol_model::configuration::{Configuration, Fault, Rule};
use protocol_model::state::{CLAIMS, INSTANCES};
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::init_failure::OnInitFailure;

#[expect(clippy::cast_possible_wrap, reason = "a few")]
const MOST_CLAIMS: i64 = CLAIMS as i64;
#[expect(clippy::cast_possible_wrap, reason = "a few")]
const MOST_INSTANCES: i64 = INSTANCES as i64;

/// Explores the claim protocol: every order of events in a small world. Without options: one claim, two instances, and
/// any one fault.
///
/// For each world it prints how many states there are and what was found. Ends with 0 if everything holds, with 1 if a
/// property is violated, if no good end can be reached from some state (`stuck`), or if there are more states than
/// `--bound`; with 2 if the options are wrong. docs/protocol.md has the properties.
#[derive(Debug, Parser)]
#[command(name = "cargo model", bin_name = "cargo model", version)]
#[allow(clippy::struct_excessive_bools, reason = "independent switches")]
pub(crate) struct Options {
    /// Explores the configurations that the tests explore, one after the other
    #[arg(long, conflicts_with_all = WORLD, conflicts_with = "variants")]
    pub(crate) all: bool,
    /// Explores the weakened protocols, one after the other: each lacks one rule, and must break what it says
    #[arg(long, conflicts_with_all = WORLD, conflicts_with = "without")]
    pub(crate) variants: bool,
    /// How many claims are sent (1 or 2), each for a target of its own
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=MOST_CLAIMS))]
    claims: u8,
    /// How many instances there can ever be (1 to 3)
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=MOST_INSTANCES))]
    instances: u8,
    /// How many of them are in the pool at first; the others are launched later [default: all]
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=MOST_INSTANCES))]
    ready: Option<u8>,
    /// All claims are for the same target (of two claims)
    #[arg(long)]
    shared_target: bool,
    /// No target exists at first: the claims create theirs
    #[arg(long)]
    makes_targets: bool,
    /// What happens to an instance whose init fails
    #[arg(long, default_value = "retire", value_parser = policies())]
    on_init_failure: OnInitFailure,
    /// Instances are attached after their init (`attach_when`: `after_init`)
    #[arg(long)]
    attach_after_init: bool,
    /// How many faults happen at most, one after the other
    #[arg(long, default_value_t = 1)]
    faults: u8,
    /// Which kinds of faults may happen, separated by commas [default: all]
    ///
    /// `enum Fault` in `tests/model/src/configuration.rs` says what each is.
    #[arg(long, value_delimiter = ',', value_parser = names(Fault::ALL))]
    kinds: Vec<Fault>,
    /// claim-instance's look has two halves, and anything may happen between them
    #[arg(long)]
    split_look: bool,
    /// Commands stay `InProgress` on instances that have died
    #[arg(long)]
    dead_commands_stay: bool,
    /// Claims that wait may step aside
    #[arg(long)]
    steps_aside: bool,
    /// The number of a claim (0 is the first) that crashes every invocation that enters it
    ///
    /// No deadline passes then, and in a good end all other claims are served: so name `--kinds` that leave that
    /// possible.
    #[arg(long, value_name = "CLAIM")]
    poison: Option<u8>,
    /// A rule of the protocol to leave out
    ///
    /// `enum Rule` in `tests/model/src/configuration.rs` says what each is.
    #[arg(long, value_name = "RULE", value_parser = names(Rule::ALL))]
    pub(crate) without: Option<Rule>,
    /// Give up at more states than that: what was seen until then proves nothing
    #[arg(long, value_name = "STATES", default_value_t = 20_000_000)]
    pub(crate) bound: usize,
}

/// Options of a world of one's own.
const WORLD: [&str; 13] = [
    "claims",
    "instances",
    "ready",
    "shared_target",
    "makes_targets",
    "on_init_failure",
    "attach_after_init",
    "faults",
    "kinds",
    "split_look",
    "dead_commands_stay",
    "steps_aside",
    "poison",
];

fn policies() -> impl TypedValueParser<Value = OnInitFailure> {
    let codes = ["retire", "keep", "replace"];
    PossibleValuesParser::new(codes)
        .try_map(|code| OnInitFailure::from_code(&code).ok_or("no such policy"))
}

/// One of these, by its name.
fn names<T>(all: &'static [T]) -> impl TypedValueParser<Value = T>
where
    T: Copy + std::fmt::Debug + Send + Sync + 'static,
{
    // clap wants names that live as long as the program.
    let known = all.iter().map(|one| &*format!("{one:?}").leak());
    PossibleValuesParser::new(known).try_map(|name| {
        let mut all = all.iter().copied();
        all.find(|one| format!("{one:?}") == name)
            .ok_or("no such name")
    })
}

impl Options {
    /// What one option alone does not show.
    pub(crate) fn check(self) -> Result<Self, clap::Error> {
        let wrong = |what: String| Self::command().error(ErrorKind::ValueValidation, what);
        let Self {
            claims, instances, ..
        } = self;
        if let Some(ready) = self.ready.filter(|ready| *ready > instances) {
            return Err(wrong(format!(
                "--ready {ready}: there are only {}",
                many(instances, "instance")
            )));
        }
        if let Some(poison) = self.poison.filter(|poison| *poison >= claims) {
            let most = claims.saturating_sub(1);
            return Err(wrong(format!(
                "--poison {poison}: of {} the number is 0 to {most}",
                many(claims, "claim")
            )));
        }
        if self.shared_target && claims < 2 {
            return Err(wrong(
                "--shared-target wants two claims: --claims 2".to_owned(),
            ));
        }
        if self.faults == 0 && !self.kinds.is_empty() {
            return Err(wrong(
                "--kinds names faults, and --faults 0 allows none".to_owned(),
            ));
        }
        Ok(self)
    }

    /// The world that they describe.
    pub(crate) fn world(&self) -> Configuration {
        let is_wanted = |fault: &Fault| self.kinds.is_empty() || self.kinds.contains(fault);
        let kinds: Vec<Fault> = Fault::ALL.iter().copied().filter(is_wanted).collect();
        Configuration {
            name: "command line",
            claims: self.claims,
            instances: self.instances,
            ready: self.ready.unwrap_or(self.instances),
            shared_target: self.shared_target,
            on_init_failure: self.on_init_failure,
            makes_targets: self.makes_targets,
            attach_when: if self.attach_after_init {
                AttachWhen::AfterInit
            } else {
                AttachWhen::BeforeInit
            },
            faults: self.faults,
            kinds: kinds.leak(),
            split_look: self.split_look,
            ledger_knows: false,
            dead_commands_stay: self.dead_commands_stay,
            steps_aside: self.steps_aside,
            poison: self.poison,
            without: self.without,
            unseen: &[],
            states: None,
        }
    }
}

fn many(count: u8, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
