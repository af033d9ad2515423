//! The claims that waited longest, and what they waited for.

use super::tally::{lines_about, story};
use super::tenants::Tenants;
use crate::harness::Harness;
use ready_pool_core::outcome::Outcome;
use region::journal::{Entry, Happening};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Whoever waits longer is named, and whoever is among as many as the run asks for.
const LONG: Duration = Duration::from_secs(330);
/// So many of the calls that failed are named.
const MOST_FAILED: usize = 4;

/// A claim that waited long for `ready`.
#[derive(Clone, Debug)]
pub struct Slow {
    claim: String,
    waited: Duration,
    /// The steps of its last attempt, as its outcome has them, and how long each took.
    steps: Vec<(&'static str, Duration)>,
    attempt: Option<u8>,
    /// Calls about it or its instance that failed, and how often.
    failed: BTreeMap<String, usize>,
    /// What the journal has of it, if the steps do not explain the wait.
    story: Option<String>,
}

impl Slow {
    /// Those of a run.
    pub(super) fn of(harness: &Harness, tenants: &Tenants) -> Vec<Self> {
        let outcomes = harness.outcomes();
        let mut waits: Vec<_> = tenants.waits().collect();
        waits.sort_by_key(|(_, waited)| std::cmp::Reverse(*waited));
        let long = (waits.into_iter().enumerate())
            .take_while(|(place, (_, waited))| *waited > LONG || *place < tenants.soak.slowest);
        long.filter_map(|(_, (claim, waited))| {
            let outcome = outcomes
                .iter()
                .find(|it| it.claim_id.as_ref() == Some(claim))?;
            Some(Self::of_outcome(harness, claim, outcome, waited))
        })
        .collect()
    }

    fn of_outcome(harness: &Harness, claim: &str, outcome: &Outcome, waited: Duration) -> Self {
        let times = &outcome.details.times;
        let moments = [
            ("before it was in line", times.sent),
            ("in line", times.entered),
            ("detaching", times.detached),
            ("attaching", times.attached),
            ("sending the command", times.command_sent),
            ("for the script", times.ended),
            ("for the outcome", Some(outcome.at)),
        ];
        let known: Vec<_> = moments
            .into_iter()
            .filter_map(|(what, at)| Some((what, at?)))
            .collect();
        let steps: Vec<_> = known
            .windows(2)
            .filter_map(|pair| {
                let ((_, from), (what, to)) = (pair.first()?, pair.get(1)?);
                Some((*what, Duration::try_from(*to - *from).ok()?))
            })
            .collect();
        let known_for: Duration = steps.iter().map(|(_, took)| *took).sum();
        let mut failed = BTreeMap::new();
        for entry in lines_about(harness, claim) {
            if let Some(call) = failed_call(&entry) {
                *failed.entry(call).or_default() += 1;
            }
        }
        Self {
            claim: claim.to_owned(),
            waited,
            story: (known_for + LONG / 10 < waited).then(|| story(harness, claim)),
            steps,
            attempt: outcome.details.attempt,
            failed,
        }
    }
}

fn failed_call(entry: &Entry) -> Option<String> {
    match &entry.what {
        Happening::Called {
            caller,
            operation,
            error: Some(error),
            ..
        } => Some(format!("{caller} {operation} {error}")),
        _ => None,
    }
}

impl fmt::Display for Slow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} was ready after {:.0} s",
            self.claim,
            self.waited.as_secs_f64()
        )?;
        if let Some(attempt) = self.attempt.filter(|attempt| *attempt > 1) {
            write!(formatter, ", at attempt {attempt}")?;
        }
        let mut steps: Vec<_> = self.steps.iter().collect();
        steps.sort_by_key(|(_, took)| std::cmp::Reverse(*took));
        for (what, took) in steps.iter().filter(|(_, took)| took.as_secs() > 5) {
            write!(formatter, "; {:.0} s {what}", took.as_secs_f64())?;
        }
        let mut failed: Vec<_> = self.failed.iter().collect();
        failed.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (call, count) in failed.into_iter().take(MOST_FAILED) {
            write!(formatter, "; {call} ×{count}")?;
        }
        if let Some(story) = &self.story {
            write!(formatter, "\n{story}")?;
        }
        Ok(())
    }
}
