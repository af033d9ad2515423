//! `cargo model`: explores one configuration, as large as wanted, or all that the tests explore.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test"))]

mod options;
#[cfg(test)]
mod tests;

use clap::Parser;
use options::Options;
use protocol_model::configuration::Configuration;
use protocol_model::exploration::{Explored, SoFar, TooLarge, explore_and_say};
use protocol_model::protocol::Protocol;
use protocol_model::{configurations, variants, words};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// So often a long exploration says how far it is.
const SAYS_EVERY: Duration = Duration::from_secs(5);
/// The clock is read after so many states.
const STATES_A_GLANCE: usize = 1_024;

fn main() -> ExitCode {
    let options = Options::parse()
        .check()
        .unwrap_or_else(|error| error.exit());
    match run(&options, &mut io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Nobody reads on: `cargo model --all | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot print: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything is as it should be.
fn run(options: &Options, out: &mut impl Write) -> io::Result<bool> {
    if options.variants {
        return weakened(options.bound, out);
    }
    if !options.all {
        let found = explored(options.world(), options.bound, out)?;
        return Ok(found.is_some_and(|found| holds(&found)));
    }
    let mut failed = Vec::new();
    for config in configurations::all() {
        let name = config.name;
        writeln!(out, "== {name}")?;
        let config = match options.without {
            Some(rule) => config.weakened(rule),
            None => config,
        };
        let found = explored(config, options.bound, out)?;
        if !found.is_some_and(|found| holds(&found)) {
            failed.push(name);
        }
    }
    summary(&failed, out)
}

fn weakened(bound: usize, out: &mut impl Write) -> io::Result<bool> {
    let mut failed = Vec::new();
    for variant in variants::all() {
        let name = format!("without {:?}", variant.rule);
        writeln!(out, "== {name}: breaks {}", variant.breaks)?;
        let found = explored(variant.config, bound, out)?;
        if !found.is_some_and(|found| breaks(&found, variant.breaks)) {
            writeln!(out, "NOT BROKEN: {}", variant.breaks)?;
            failed.push(name);
        }
    }
    summary(&failed, out)
}

fn summary(failed: &[impl AsRef<str>], out: &mut impl Write) -> io::Result<bool> {
    for name in failed {
        writeln!(out, "FAIL: {}", name.as_ref())?;
    }
    Ok(failed.is_empty())
}

fn holds(explored: &Explored) -> bool {
    explored.violated.is_empty() && explored.stuck == 0
}

fn breaks(explored: &Explored, what: &str) -> bool {
    let mut violated = explored.violated.iter();
    violated.any(|(name, _)| name.starts_with(what))
        || (what == variants::END && explored.stuck > 0)
}

/// Explores a world, and prints what is found. None if it is too large.
fn explored(
    config: Configuration,
    bound: usize,
    out: &mut impl Write,
) -> io::Result<Option<Explored>> {
    let model = Protocol::new(config);
    let mut progress = Progress::new();
    let explored = explore_and_say(&model, bound, |so_far| progress.say(so_far));
    let Ok(explored) = explored.map_err(|TooLarge| ()) else {
        writeln!(
            out,
            "TOO LARGE: more than {bound} states; what was seen until then proves nothing (--bound)"
        )?;
        return Ok(None);
    };
    writeln!(
        out,
        "{} states, {} actions, {} good ends, {} stuck, {:.1?}",
        explored.states,
        explored.actions,
        explored.good_ends,
        explored.stuck,
        progress.began.elapsed()
    )?;
    for name in &explored.never_seen {
        writeln!(out, "never: {name}")?;
    }
    for (name, trace) in &explored.violated {
        writeln!(out, "VIOLATED: {name}\n{}", words::trace(&model, trace))?;
    }
    if let Some(trace) = &explored.first_stuck {
        writeln!(
            out,
            "STUCK: from {} states no good end can be reached; the first:\n{}",
            explored.stuck,
            words::trace(&model, trace)
        )?;
    }
    Ok(Some(explored))
}

/// Says on stderr how far a long exploration is.
struct Progress {
    began: Instant,
    said: Instant,
}

impl Progress {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            said: now,
        }
    }

    fn say(&mut self, so_far: SoFar) {
        if !so_far.states.is_multiple_of(STATES_A_GLANCE) || self.said.elapsed() < SAYS_EVERY {
            return;
        }
        self.said = Instant::now();
        let seconds = self.began.elapsed().as_secs();
        let SoFar { states, open } = so_far;
        eprintln!("{states} states so far, {open} of them still to be explored, {seconds} s");
    }
}
