//! What came of a run, as a table.

use super::slow::Slow;
use super::tenants::Tenants;
use crate::crash::describe;
use crate::harness::Harness;
use crate::history::Counts;
use crate::invariants::Violation;
use ready_pool_core::Timestamp;
use ready_pool_core::outcome::Ending;
use region::journal::{Entry, Happening};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Claims sent, each counted once.
    pub claims: usize,
    /// Their first outcomes, by ending and reason.
    pub outcomes: BTreeMap<String, usize>,
    /// Outcomes that repeat an earlier one.
    pub repeats: usize,
    /// How often another instance was asked for.
    pub retries: usize,
    /// Instances that the pool launched.
    pub made: usize,
    /// Instances that were attached to targets.
    pub attached: usize,
    /// Instances that were attached to the retirement group.
    pub retired: usize,
    /// Invariants that do not hold.
    pub violations: Vec<Violation>,
    /// Claims with two instances by a known limit: sent again after their entries were wiped.
    pub forgotten: usize,
    /// Instances in no group by a known limit: initialised, and their entries wiped before they were attached.
    pub unattached: usize,
    /// Claims without an outcome by a known limit: their entry was wiped and their event lost.
    pub unheard: usize,
    /// What the journal has of claims that have not just one instance, or no outcome.
    pub stories: Vec<String>,
    /// Calls that the functions made, by function and operation.
    pub calls: BTreeMap<String, usize>,
    /// What the functions say of themselves in figures, next to what the region saw.
    pub figures: Vec<Figure>,
    /// Messages on dead-letter queues.
    pub dead_letters: usize,
    /// What never came to rest, if anything.
    pub unrest: Option<String>,
    /// From sending a claim to hearing that it is ready, sorted.
    waits: Vec<Duration>,
    /// Those that waited longest.
    pub slow: Vec<Slow>,
}

/// A metric added up from the functions' lines, and the region's own count of the same.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The metric.
    pub metric: &'static str,
    /// By the lines.
    pub said: f64,
    /// By the region.
    pub seen: usize,
    /// How many the region may have missed: a call that was under way when its function died, or when the work beside
    /// the renewal of a lease was done, was made, and answered to nobody.
    pub unseen: usize,
}

impl Figure {
    /// Whether both agree.
    pub fn agrees(&self) -> bool {
        #[allow(clippy::cast_precision_loss, reason = "counts here are small")]
        let (seen, unseen) = (self.seen as f64, self.unseen as f64);
        self.said > seen - 0.5 && self.said < seen + unseen + 0.5
    }
}

impl Tally {
    pub(super) fn count(harness: &Harness, tenants: &Tenants, unrest: Option<String>) -> Self {
        let (forgotten, violations): (Vec<Violation>, Vec<Violation>) =
            harness.violations().into_iter().partition(|it| {
                matches!(it, Violation::NotOneInstance { claim, instances }
                    if instances.len() > 1 && tenants.forgot(harness, claim_id(claim)))
            });
        let (unattached, violations): (Vec<Violation>, Vec<Violation>) =
            violations.into_iter().partition(|it| {
                matches!(it, Violation::Leaked { instance }
                    if tenants.wiped_before_its_attach(harness, instance))
            });
        let unheard = tenants.unheard(harness);
        let strange = violations.iter().filter_map(|it| match it {
            Violation::NotOneInstance { claim, .. } => Some(claim_id(claim)),
            _ => None,
        });
        let stories = strange
            .chain(unheard.iter().map(String::as_str))
            .map(|claim| story(harness, claim))
            .chain(violations.iter().filter_map(|it| match it {
                Violation::Leaked { instance } => Some(way_of(harness, instance)),
                _ => None,
            }))
            .collect();
        let counts = harness.counts();
        let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
        let mut heard = std::collections::BTreeSet::new();
        let mut repeats = 0;
        for outcome in harness.outcomes() {
            if heard.insert(outcome.claim_id.clone()) {
                let ending = format!("{:?}", outcome.outcome).to_lowercase();
                let word = match outcome.outcome {
                    Ending::Ready => ending,
                    _ => format!("{ending}: {}", outcome.reason.code()),
                };
                *outcomes.entry(word).or_default() += 1;
            } else {
                repeats += 1;
            }
        }
        let mut waits: Vec<Duration> = tenants.waits().map(|(_, waited)| waited).collect();
        waits.sort();
        Self {
            claims: tenants.sent.len(),
            outcomes,
            repeats,
            retries: counts.retries,
            made: counts.made,
            attached: counts.attached,
            retired: counts.retired,
            violations,
            forgotten: forgotten.len(),
            unattached: unattached.len(),
            unheard: unheard.len(),
            stories,
            dead_letters: counts.dead_letters,
            figures: figures(harness, &counts),
            calls: counts.calls,
            unrest,
            waits,
            slow: Slow::of(harness, tenants),
        }
    }

    /// Whether everything is as it must be.
    pub fn is_good(&self) -> bool {
        let answered: usize = self.outcomes.values().sum();
        self.violations.is_empty()
            && self.unrest.is_none()
            && self.dead_letters == 0
            && self.figures.iter().all(Figure::agrees)
            && answered + self.unheard == self.claims
    }

    /// How long this part (0 to 1) of the ready claims waited at most, seconds.
    pub fn percentile(&self, part: f64) -> f64 {
        let last = self.waits.len().saturating_sub(1);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a position in a list"
        )]
        let position = (last as f64 * part).round() as usize;
        self.waits.get(position).map_or(0.0, Duration::as_secs_f64)
    }

    fn breaches(&self, is_it: impl Fn(&Violation) -> bool) -> usize {
        self.violations.iter().filter(|it| is_it(it)).count()
    }
}

fn figures(harness: &Harness, counts: &Counts) -> Vec<Figure> {
    let figure = |metric, seen, unseen| Figure {
        metric,
        said: harness.figures.sum(metric, &[]),
        seen,
        unseen,
    };
    let calls = counts.calls.values().sum();
    vec![
        figure("Outcomes", counts.outcomes_published, 0),
        figure("Retirements", counts.terminated, 0),
        figure("AwsCalls", calls, calls / 500),
        figure("ThrottledCalls", counts.throttled, 0),
    ]
}

/// The sender's name of the claim with this key.
fn claim_id(key: &str) -> &str {
    key.split('@').next().unwrap_or_default()
}

/// The lines of the journal that name a claim, to read.
pub(super) fn story(harness: &Harness, claim_id: &str) -> String {
    let about = lines_about(harness, claim_id);
    format!("{claim_id}:\n{}", describe(&about))
}

/// The lines of the journal that name a claim.
pub(super) fn lines_about(harness: &Harness, claim_id: &str) -> Vec<Entry> {
    let (quoted, key) = (format!("\"{claim_id}\""), format!("{claim_id}@"));
    let tag = format!("claim/{claim_id}\"");
    let is_about = |entry: &Entry| {
        let what = format!("{:?}", entry.what).replace("\\\"", "\"");
        [&quoted, &key, &tag]
            .iter()
            .any(|word| what.contains(*word))
    };
    harness.journal().into_iter().filter(is_about).collect()
}

/// When each hand-over of a claim was sent.
pub(super) fn handed_over(harness: &Harness, claim_id: &str) -> Vec<Timestamp> {
    let named = format!(r#""claim_id":"{claim_id}""#);
    let hand_over = |entry: &Entry| {
        matches!(&entry.what, Happening::MessageSent { body, .. }
            if body.contains(r#""ready_pool":"hand-over""#) && body.contains(&named))
    };
    let journal = harness.journal().into_iter();
    journal.filter(hand_over).map(|entry| entry.at).collect()
}

/// The lines of the journal that name an instance.
fn way_of(harness: &Harness, instance: &str) -> String {
    let is_about = |entry: &Entry| format!("{:?}", entry.what).contains(instance);
    let about: Vec<Entry> = harness.journal().into_iter().filter(is_about).collect();
    format!("{instance}:\n{}", describe(&about))
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line =
            |name: &str, value: &dyn fmt::Display| writeln!(formatter, "{name:<50}{value:>10}");
        line("claims", &self.claims)?;
        for (outcome, count) in &self.outcomes {
            line(&format!("  {outcome}"), count)?;
        }
        line(
            "  never heard, wiped and event lost (known limit)",
            &self.unheard,
        )?;
        line("outcomes published again", &self.repeats)?;
        line("retries", &self.retries)?;
        line("instances made", &self.made)?;
        line("instances attached", &self.attached)?;
        line("instances retired", &self.retired)?;
        let leaked = self.breaches(|it| matches!(it, Violation::Leaked { .. }));
        line("instances leaked", &leaked)?;
        line(
            "  the same, wiped before their attach (known limit)",
            &self.unattached,
        )?;
        let sent = self.breaches(|it| matches!(it, Violation::SentMoreThanOnce { .. }));
        line("double inits, or two claims on one", &sent)?;
        let several = self.breaches(|it| matches!(it, Violation::NotOneInstance { .. }));
        line("claims without just one instance", &several)?;
        line(
            "  the same, wiped and sent again (known limit)",
            &self.forgotten,
        )?;
        line(
            "other violations",
            &(self.violations.len() - leaked - sent - several),
        )?;
        line("dead letters", &self.dead_letters)?;
        for (name, part) in [("p50", 0.5), ("p99", 0.99), ("longest", 1.0)] {
            let seconds = format!("{:.0} s", self.percentile(part));
            line(&format!("to ready, {name}"), &seconds)?;
        }
        let leases = |call: &str| call.ends_with("ChangeMessageVisibilityBatch");
        let calls = self.calls.iter().filter(|(call, _)| !leases(call));
        let calls: usize = calls.map(|(_, count)| count).sum();
        #[allow(clippy::cast_precision_loss, reason = "counts here are small")]
        let a_claim = calls as f64 / self.claims.max(1) as f64;
        line("calls a claim, leases apart", &format!("{a_claim:.1}"))?;
        for (call, count) in &self.calls {
            line(&format!("  {call}"), count)?;
        }
        for figure in &self.figures {
            let both = format!("{} / {}", figure.said, figure.seen);
            line(&format!("metric {}: said / seen", figure.metric), &both)?;
        }
        for slow in &self.slow {
            writeln!(formatter, "{slow}")?;
        }
        for violation in &self.violations {
            writeln!(formatter, "{violation:#?}")?;
        }
        for story in &self.stories {
            writeln!(formatter, "{story}")?;
        }
        if let Some(unrest) = &self.unrest {
            writeln!(formatter, "never came to rest: {unrest}")?;
        }
        Ok(())
    }
}
