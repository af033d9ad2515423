//! What was measured of claims.

use crate::harness::Harness;
use region::journal::{Entry, Happening};
use std::collections::BTreeMap;
use std::time::Duration;
use time::OffsetDateTime;

/// How messages are leased, and released.
const LEASE: &str = "ChangeMessageVisibilityBatch";

/// A claim's way, counted from its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Systems Manager took the init command.
    CommandSent,
    /// The instance is in service in the target.
    Attached,
    /// The outcome is on its queue.
    Ready,
}

/// What was measured of some claims.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// How many claims.
    pub claims: usize,
    /// From a claim's message to each step.
    pub steps: BTreeMap<Step, Vec<Duration>>,
    /// From the first message to the last outcome.
    pub took: Duration,
    /// The functions' calls, by function and operation.
    pub calls: BTreeMap<String, usize>,
}

impl Measured {
    /// The time within which so large a share of the claims took the step, 0 to 1.
    pub fn quantile(&self, step: Step, share: f64) -> Duration {
        let mut times = self.steps.get(&step).cloned().unwrap_or_default();
        times.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "an index into a few thousand"
        )]
        let index = (times.len() as f64 * share).ceil() as usize;
        times
            .get(index.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }

    /// Calls a claim of one function.
    pub fn calls_of(&self, function: &str) -> f64 {
        let calls = self
            .calls
            .iter()
            .filter(|(call, _)| call.starts_with(function))
            .map(|(_, count)| count)
            .sum();
        self.a_claim(calls)
    }

    /// Calls a claim of one function, but for the leases on its messages: they are as many as its
    /// invocations, and one more for each ten seconds.
    pub fn calls_but_leases_of(&self, function: &str) -> f64 {
        self.calls_of(function) - self.calls_of(&format!("{function} {LEASE}"))
    }

    /// Calls a claim of the two functions that a claim goes through, but for leases.
    pub fn calls_of_both(&self) -> f64 {
        self.calls_but_leases_of("claim-instance") + self.calls_but_leases_of("init-instance")
    }

    /// So many, by claim.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    pub fn a_claim(&self, count: usize) -> f64 {
        ratio(count, self.claims as f64)
    }

    /// Claims a second.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    pub fn a_second(&self) -> f64 {
        self.claims as f64 / self.took.as_secs_f64()
    }
}

/// So many, in so much.
#[expect(clippy::cast_precision_loss, reason = "counts of calls")]
pub(super) fn ratio(count: usize, of: f64) -> f64 {
    count as f64 / of
}

/// Where a measurement begins.
pub(super) struct Since {
    at: OffsetDateTime,
    calls: BTreeMap<String, usize>,
}

impl Since {
    pub(super) fn now(harness: &Harness) -> Self {
        Self {
            at: harness.now(),
            calls: harness.counts().calls,
        }
    }

    /// The calls since.
    pub(super) fn calls(&self, harness: &Harness) -> BTreeMap<String, usize> {
        let mut calls = harness.counts().calls;
        for (call, count) in &mut calls {
            *count -= self.calls.get(call).copied().unwrap_or_default();
        }
        calls.retain(|_, count| *count > 0);
        calls
    }

    /// Adds what these claims took and cost.
    pub(super) fn measure(&self, harness: &Harness, ids: &[String], measured: &mut Measured) {
        measured.claims += ids.len();
        for (call, count) in self.calls(harness) {
            *measured.calls.entry(call).or_default() += count;
        }
        let mut sent: BTreeMap<String, OffsetDateTime> = BTreeMap::new();
        let mut last = self.at;
        for entry in harness.journal() {
            if entry.at < self.at {
                continue;
            }
            let Some((id, step)) = of_a_claim(&entry, ids) else {
                continue;
            };
            match (step, sent.get(id)) {
                (None, None) => {
                    sent.insert(id.clone(), entry.at);
                }
                (Some(step), Some(began)) => {
                    let times = measured.steps.entry(step).or_default();
                    times.push((entry.at - *began).unsigned_abs());
                    last = last.max(entry.at);
                }
                _ => {}
            }
        }
        measured.took += (last - self.at).unsigned_abs();
    }
}

/// Which claim the line is about, and which step it was; no step for its message.
fn of_a_claim<'a>(entry: &Entry, ids: &'a [String]) -> Option<(&'a String, Option<Step>)> {
    let (text, step) = match &entry.what {
        Happening::MessageSent { queue, body, .. } if queue.ends_with("-provision.fifo") => {
            (body, None)
        }
        Happening::MessageSent { queue, body, .. } if queue.ends_with("-outcome") => {
            (body, Some(Step::Ready))
        }
        Happening::CommandSent { comment, .. } => (comment, Some(Step::CommandSent)),
        Happening::Attached { group, .. } => (group, Some(Step::Attached)),
        _ => return None,
    };
    // `claim-1` is not `claim-10`: what follows an id is none of its characters.
    let is_named = |id: &&String| {
        text.match_indices(id.as_str()).any(|(at, found)| {
            let next = text.as_bytes().get(at + found.len());
            next.is_none_or(|next| !next.is_ascii_alphanumeric())
        })
    };
    Some((ids.iter().find(is_named)?, step))
}
