//! Playing a case, to the end.

use super::site::Operation;
use super::{Case, Scenario};
use crate::harness::Harness;
use crate::history::outcome_in;
use crate::invariants::Violation;
use crate::quiet::Quiet;
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use region::journal::{Entry, Happening};
use std::fmt::Write;
use std::time::Duration;

/// Something that must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// An invariant does not hold.
    Broken(Violation),
    /// A claim has no outcome.
    NoOutcome(String),
    /// A claim has another outcome than the scenario's, although only one thing went wrong.
    WrongOutcome {
        /// The claim.
        claim: String,
        /// How it ended.
        ending: Ending,
        /// Why.
        reason: Reason,
    },
    /// Something is still under way when it should long be over.
    Unrest(String),
    /// A message went to a dead-letter queue.
    DeadLettered(String),
}

/// What came of a case.
#[derive(Debug)]
pub struct Report {
    /// What must not have happened.
    pub findings: Vec<Finding>,
    /// Whether the call that was to go wrong was made at all.
    pub struck: bool,
    /// Instances that nobody knew of any more for hours, until the leak sweep found them (or, among
    /// the findings, did not).
    pub leaked_for_hours: bool,
    /// What happened from the moment on from which things went wrong.
    pub journal: Vec<Entry>,
}

/// How long the leak sweep may take: it begins an hour after a claim must have expired (at most
/// four hours after its instance left the pool), and comes round once an hour.
const SWEEP: Duration = Duration::from_hours(7);

/// Plays a scenario in which nothing goes wrong.
pub async fn reference(scenario: Scenario) -> Report {
    run_all(scenario, &[]).await
}

/// The journal of a scenario in which nothing goes wrong, from its very beginning.
pub async fn whole(scenario: Scenario) -> Vec<Entry> {
    let harness = scenario.builder().start();
    scenario.prepare(&harness).await;
    scenario.play(&harness).await;
    let quiet = quiet(&harness, scenario);
    rest(&harness, &quiet, scenario).await;
    let journal = harness.journal();
    harness.stop().await;
    journal
}

/// Plays a case.
pub async fn run(case: &Case) -> Report {
    run_all(case.scenario, std::slice::from_ref(case)).await
}

/// Plays a scenario in which all this goes wrong.
pub async fn run_all(scenario: Scenario, cases: &[Case]) -> Report {
    let harness = scenario.builder().start();
    scenario.prepare(&harness).await;
    let begin = harness.region.with(|world| {
        for case in cases {
            case.way.arm(world, &case.site);
        }
        world.journal.end()
    });
    let armed = |harness: &Harness| {
        harness
            .region
            .read(|world| world.faults.waiting() + world.events.unreliability.next.len())
    };
    let waiting = armed(&harness);
    let mut findings = Vec::new();
    if tokio::time::timeout(scenario.patience(), scenario.play(&harness))
        .await
        .is_err()
    {
        findings.push(Finding::Unrest("the scenario itself".to_owned()));
    }
    let quiet = quiet(&harness, scenario);
    if let Some(unrest) = rest(&harness, &quiet, scenario).await {
        findings.push(Finding::Unrest(unrest));
    }
    let leaked_for_hours = sweep(&harness).await;
    findings.extend(
        harness
            .violations()
            .into_iter()
            .filter(|violation| {
                // Known as unrest already.
                !matches!(violation, Violation::OpenEntry { .. })
            })
            .map(Finding::Broken),
    );
    let (journal, _) = harness.region.with(|world| world.journal.since(begin));
    findings.extend(dead_letters(&journal));
    findings.extend(outcomes(scenario, &journal));
    let struck = armed(&harness) < waiting;
    harness.stop().await;
    Report {
        findings,
        struck,
        leaked_for_hours,
        journal,
    }
}

fn quiet(harness: &Harness, scenario: Scenario) -> Quiet {
    Quiet {
        pool: harness.pool.clone(),
        pool_size: scenario.pool_size(),
        retirement: harness.retirement.clone(),
    }
}

/// Waits for rest; what is still under way when patience ends.
async fn rest(harness: &Harness, quiet: &Quiet, scenario: Scenario) -> Option<String> {
    let deadline = tokio::time::Instant::now() + scenario.patience();
    loop {
        let unrest = harness
            .region
            .with(|world| quiet.unrest(world))
            .or_else(|| missing_outcome(harness, scenario));
        if unrest.is_none() || tokio::time::Instant::now() > deadline {
            return unrest;
        }
        harness.pass(Duration::from_secs(2)).await;
    }
}

fn missing_outcome(harness: &Harness, scenario: Scenario) -> Option<String> {
    let outcomes = harness.outcomes();
    scenario
        .claims()
        .into_iter()
        .find(|claim| {
            !outcomes
                .iter()
                .any(|outcome| outcome.claim_id.as_ref() == Some(claim))
        })
        .map(|claim| format!("{claim} has no outcome"))
}

/// Gives the leak sweep its time, where there is something for it to do.
async fn sweep(harness: &Harness) -> bool {
    let leaks = || {
        harness
            .violations()
            .iter()
            .any(|violation| matches!(violation, Violation::Leaked { .. }))
    };
    if !leaks() {
        return false;
    }
    let deadline = tokio::time::Instant::now() + SWEEP;
    while leaks() && tokio::time::Instant::now() < deadline {
        harness.pass(Duration::from_mins(1)).await;
    }
    true
}

fn dead_letters(journal: &[Entry]) -> impl Iterator<Item = Finding> {
    journal.iter().filter_map(|entry| match &entry.what {
        Happening::DeadLettered { queue, body, .. } => {
            Some(Finding::DeadLettered(format!("{queue}: {body}")))
        }
        _ => None,
    })
}

fn outcomes(scenario: Scenario, journal: &[Entry]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for claim in scenario.claims() {
        let mut heard = journal
            .iter()
            .filter_map(outcome_in)
            .filter(|outcome| outcome.claim_id.as_ref() == Some(&claim))
            .peekable();
        if heard.peek().is_none() {
            findings.push(Finding::NoOutcome(claim.clone()));
        }
        for outcome in heard.filter(|outcome| !scenario.accepts(outcome)) {
            findings.push(Finding::WrongOutcome {
                claim: claim.clone(),
                ending: outcome.outcome,
                reason: outcome.reason,
            });
        }
    }
    findings
}

/// A journal as lines for people: calls of functions with their errors, and what happened.
pub fn describe(journal: &[Entry]) -> String {
    let mut text = String::new();
    let start = journal.first().map(|entry| entry.at);
    for entry in journal {
        let Some(line) = line(entry) else { continue };
        let seconds = start.map_or(0.0, |start| (entry.at - start).as_seconds_f64());
        let _ = writeln!(text, "{seconds:9.3} {line}");
    }
    text
}

fn line(entry: &Entry) -> Option<String> {
    if let Some(operation) = Operation::of(entry) {
        if let Happening::Called { input, error, .. } = &entry.what {
            let error = error.as_deref().unwrap_or("ok");
            let mut input = input.to_string();
            let end = input.char_indices().nth(300).map(|(end, _)| end);
            input.truncate(end.unwrap_or(input.len()));
            return Some(format!("  {operation} -> {error}  {input}"));
        }
        return None;
    }
    match &entry.what {
        Happening::Event { .. } | Happening::Called { .. } | Happening::Logged { .. } => None,
        Happening::MessageSent { queue, body, .. } => {
            let body: String = body.chars().take(200).collect();
            Some(format!("{queue} <- {body}"))
        }
        other => Some(format!("{other:?}")),
    }
}
