//! Many claims in figures, from the journal.

use crate::claims;
use crate::print::seconds;
use crate::start::Names;
use ready_pool_core::outcome::{Ending, Outcome};
use region::journal::{Entry, Happening};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::OffsetDateTime;

/// What came of many claims.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// How many claims ended so, by outcome and reason.
    endings: BTreeMap<(&'static str, &'static str), usize>,
    /// Every claim's time for each step, shortest first.
    steps: Vec<(&'static str, Vec<Duration>)>,
    /// By operation.
    calls: BTreeMap<String, Calls>,
    /// The functions that called, without the stack's name.
    functions: BTreeSet<String>,
}

/// Calls of one operation.
#[derive(Debug, Default)]
struct Calls {
    by_function: BTreeMap<String, usize>,
    refused: usize,
}

/// When things happened to an instance on its way to a target.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    detaching: Option<OffsetDateTime>,
    detached: Option<OffsetDateTime>,
    attached: Option<OffsetDateTime>,
    told: Option<OffsetDateTime>,
    started: Option<OffsetDateTime>,
    ended: Option<OffsetDateTime>,
}

/// The last step: all of it, of the claims that ended ready.
const TOTAL: &str = "message to ready";

impl Summary {
    /// Sums the entries up. They begin before the first claim was sent.
    pub(crate) fn of(entries: &[Entry], names: &Names) -> Self {
        let mut summary = Self::default();
        let mut sent = BTreeMap::new();
        let mut ended: BTreeMap<String, (OffsetDateTime, Outcome)> = BTreeMap::new();
        let mut ways: BTreeMap<&str, Way> = BTreeMap::new();
        for entry in entries {
            if let Some(claim) = claims::sent(entry, names) {
                sent.entry(claim).or_insert(entry.at);
            } else if let Some(outcome) = claims::outcome(entry, names) {
                // Told again, it is the same outcome.
                if let Some(claim) = outcome.claim_id.clone() {
                    ended.entry(claim).or_insert((entry.at, outcome));
                }
            } else if let Happening::Called { .. } = entry.what {
                summary.count(&entry.what, names);
            } else {
                follow(&mut ways, entry, names);
            }
        }
        for (_, outcome) in ended.values() {
            let kind = (outcome.outcome.code(), outcome.reason.code());
            *summary.endings.entry(kind).or_default() += 1;
        }
        let claims = ended.iter().filter_map(|(claim, (at, outcome))| {
            let way = ways.get(outcome.instance_id.as_ref()?.as_str())?;
            let is_ready = outcome.outcome == Ending::Ready;
            Some((*sent.get(claim)?, *way, *at, is_ready))
        });
        summary.steps = steps(claims);
        summary
    }

    fn count(&mut self, what: &Happening, names: &Names) {
        let Happening::Called {
            caller,
            operation,
            error,
            ..
        } = what
        else {
            return;
        };
        let function = names.short(caller);
        // Only the stack's functions call under names of the stack.
        if function == caller {
            return;
        }
        let calls = self.calls.entry(operation.clone()).or_default();
        *calls.by_function.entry(function.to_owned()).or_default() += 1;
        calls.refused += usize::from(error.is_some());
        self.functions.insert(function.to_owned());
    }

    /// How many claims ended ready.
    pub(crate) fn ready(&self) -> usize {
        self.endings
            .iter()
            .filter(|((outcome, _), _)| *outcome == Ending::Ready.code())
            .map(|(_, count)| count)
            .sum()
    }

    /// The longest time from message to ready.
    pub(crate) fn last_ready(&self) -> Option<Duration> {
        let (_, times) = self.steps.iter().find(|(name, _)| *name == TOTAL)?;
        times.last().copied()
    }

    /// The summary as text.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![String::new(), "Outcomes".to_owned()];
        for ((outcome, reason), count) in &self.endings {
            lines.push(format!("  {count:>5}  {outcome} ({reason})"));
        }
        lines.push(String::new());
        lines.push(format!(
            "{:<30}{:>11}{:>11}{:>11}",
            "Steps", "p50", "p99", "max"
        ));
        for (name, times) in &self.steps {
            let column = |percent| match percentile(times, percent) {
                Some(time) => seconds(time),
                None => "-".to_owned(),
            };
            lines.push(format!(
                "  {name:<28}{:>11}{:>11}{:>11}",
                column(50),
                column(99),
                column(100)
            ));
        }
        lines.push(String::new());
        lines.extend(self.table_of_calls());
        lines
    }

    fn table_of_calls(&self) -> Vec<String> {
        let claims: usize = self.endings.values().sum();
        let row = |name: &str, by_function: &dyn Fn(&str) -> usize, refused: usize| {
            let counts: Vec<usize> = self
                .functions
                .iter()
                .map(|name| by_function(name))
                .collect();
            let total: usize = counts.iter().sum();
            let columns: Vec<String> = self
                .functions
                .iter()
                .zip(counts)
                .map(|(function, count)| format!("{count:>width$}", width = function.len()))
                .collect();
            let columns = columns.join("  ");
            #[expect(clippy::cast_precision_loss, reason = "counts are small")]
            let per_claim = total as f64 / claims.max(1) as f64;
            format!("  {name:<30}{columns}{total:>8}{per_claim:>11.1}{refused:>9}")
        };
        let heads: Vec<&str> = self.functions.iter().map(String::as_str).collect();
        let heads = heads.join("  ");
        let mut lines = vec![format!(
            "{:<32}{heads}{:>8}{:>11}{:>9}",
            "AWS calls", "total", "per claim", "refused"
        )];
        for (operation, calls) in &self.calls {
            let by = |function: &str| calls.by_function.get(function).copied().unwrap_or(0);
            lines.push(row(operation, &by, calls.refused));
        }
        let all = |function: &str| {
            self.calls
                .values()
                .filter_map(|calls| calls.by_function.get(function))
                .sum()
        };
        let refused = self.calls.values().map(|calls| calls.refused).sum();
        lines.push(row("all", &all, refused));
        lines
    }
}

fn follow<'e>(ways: &mut BTreeMap<&'e str, Way>, entry: &'e Entry, names: &Names) {
    let at = Some(entry.at);
    match &entry.what {
        Happening::Detaching { group, instance } if *group == names.pool => {
            ways.entry(instance).or_default().detaching = at;
        }
        Happening::Detached { group, instance } if *group == names.pool => {
            ways.entry(instance).or_default().detached = at;
        }
        Happening::Attached { group, instance } if *group != names.retirement => {
            ways.entry(instance).or_default().attached = at;
        }
        Happening::CommandSent { instance, .. } => {
            ways.entry(instance).or_default().told = at;
        }
        Happening::CommandStarted { instance, .. } => {
            ways.entry(instance).or_default().started = at;
        }
        Happening::CommandFinished { instance, .. } => {
            ways.entry(instance).or_default().ended = at;
        }
        _ => {}
    }
}

/// The times of each step, for claims given as: sent, its instance's way, ended, ready.
fn steps(
    claims: impl Iterator<Item = (OffsetDateTime, Way, OffsetDateTime, bool)>,
) -> Vec<(&'static str, Vec<Duration>)> {
    let mut steps = [
        "message to detaching",
        "detach",
        "detached to in service",
        "command sent to script start",
        "script",
        "script end to outcome",
        TOTAL,
    ]
    .map(|name| (name, Vec::new()));
    for (sent, way, ended, ready) in claims {
        let (sent, ended) = (Some(sent), Some(ended));
        let spans = [
            (sent, way.detaching),
            (way.detaching, way.detached),
            (way.detached, way.attached),
            (way.told, way.started),
            (way.started, way.ended),
            (way.ended, ended),
            (sent, ended.filter(|_| ready)),
        ];
        for ((_, times), (from, to)) in steps.iter_mut().zip(spans) {
            if let (Some(from), Some(to)) = (from, to) {
                times.extend(Duration::try_from(to - from));
            }
        }
    }
    for (_, times) in &mut steps {
        times.sort_unstable();
    }
    steps.into()
}

/// The smallest value that `percent` of all do not exceed (nearest rank). Wants them sorted.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests;
