//! Many claims in figures, from the journal.

use crate::claims;
use crate::print::seconds;
use crate::start::Names;
use crate::story::words::is_poll;
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
    /// Of the claims that ended ready: how long it took, and whether their instance was still to be booted
    /// when they came. The fastest first.
    ready: Vec<(Duration, bool)>,
}

/// Calls of one operation.
#[derive(Debug, Default)]
struct Calls {
    by_function: BTreeMap<String, usize>,
    /// By error.
    refused: BTreeMap<String, usize>,
    /// Refused as a matter of course: the only way to ask whether a detach is over.
    polls: usize,
}

/// When things happened to an instance on its way to a target.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    booted: Option<OffsetDateTime>,
    detaching: Option<OffsetDateTime>,
    detached: Option<OffsetDateTime>,
    attached: Option<OffsetDateTime>,
    sent: Option<OffsetDateTime>,
    started: Option<OffsetDateTime>,
    ended: Option<OffsetDateTime>,
}

/// The last step: all of it, of the claims that ended ready.
const TOTAL: &str = "message to ready";
/// Of those, the claims that found an instance in the pool.
const FROM_THE_POOL: &str = "  instance from the pool";
/// Of those, the claims whose instance had to be booted first.
const AFTER_A_BOOT: &str = "  instance had to boot";

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
                // Published again, it is the same outcome.
                if let Some(claim) = outcome.claim_id.clone() {
                    ended.entry(claim).or_insert((entry.at, outcome));
                }
            } else if let Happening::Called { .. } = entry.what {
                summary.count(&entry.what, names, &ways);
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
        let claims: Vec<_> = claims.collect();
        summary.ready = ready(&claims);
        summary.steps = steps(claims.into_iter());
        summary.steps.extend(summary.split());
        summary
    }

    /// The total once more, by where the instance came from; nothing where none had to boot.
    fn split(&self) -> Vec<(&'static str, Vec<Duration>)> {
        let times = |wanted: bool| -> Vec<Duration> {
            let ready = self.ready.iter();
            let those = ready.filter(|(_, booted)| *booted == wanted);
            those.map(|(took, _)| *took).collect()
        };
        match times(true) {
            booted if booted.is_empty() => Vec::new(),
            booted => vec![(FROM_THE_POOL, times(false)), (AFTER_A_BOOT, booted)],
        }
    }

    /// Why the median is what it is, where claims waited for a boot.
    fn explanation(&self) -> Option<String> {
        let waited = self.ready.iter().filter(|(_, booted)| *booted).count();
        let (_, is_p50) = nearest(&self.ready, 50)?;
        let all = self.ready.len();
        let served = all - waited;
        (waited > 0).then(|| {
            let p50 = if *is_p50 {
                "so the p50 is that of a claim that waited"
            } else {
                "and the p50 is that of a claim that did not wait"
            };
            format!(
                "The pool had an instance ready for {served} of {all} claims; {waited} waited until one had \
                 booted, {p50}."
            )
        })
    }

    fn count(&mut self, what: &Happening, names: &Names, ways: &BTreeMap<&str, Way>) {
        let Happening::Called {
            caller,
            operation,
            input,
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
        if let Some(error) = error {
            let is_leaving = |id: &str| ways.get(id).is_some_and(Way::is_leaving);
            if is_poll(operation, error, input, is_leaving) {
                calls.polls += 1;
            } else {
                *calls.refused.entry(error.clone()).or_default() += 1;
            }
        }
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
        lines.extend(self.explanation());
        lines.push(String::new());
        lines.extend(self.table_of_calls());
        lines.extend(self.refusals());
        lines
    }

    /// The functions in two lines, so that the table fits a terminal of 80 columns.
    fn table_of_calls(&self) -> Vec<String> {
        let heads: Vec<(&str, &str)> = self
            .functions
            .iter()
            .map(|name| name.rsplit_once('-').unwrap_or(("", name)))
            .collect();
        let widths: Vec<usize> = heads
            .iter()
            .map(|(first, second)| (first.len() + 1).max(second.len()))
            .collect();
        let row = |name: &str, cells: &[String], total: &str, per_claim: &str| {
            let cells = cells.iter().zip(&widths);
            let cells: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:>width$}"))
                .collect();
            format!("{name:<30}  {}{total:>8}{per_claim:>8}", cells.join("  "))
        };
        let first: Vec<String> = heads.iter().map(|(first, _)| format!("{first}-")).collect();
        let second: Vec<String> = heads
            .iter()
            .map(|(_, second)| (*second).to_owned())
            .collect();
        let mut lines = vec![
            row("", &first, "", "per"),
            row("AWS calls", &second, "total", "claim"),
        ];
        let claims: usize = self.endings.values().sum();
        let counted = |name: &str, by_function: &dyn Fn(&str) -> usize| {
            let counts = self.functions.iter().map(|function| by_function(function));
            let counts: Vec<usize> = counts.collect();
            let total: usize = counts.iter().sum();
            #[expect(clippy::cast_precision_loss, reason = "counts are small")]
            let per_claim = total as f64 / claims.max(1) as f64;
            let cells: Vec<String> = counts.iter().map(ToString::to_string).collect();
            row(name, &cells, &total.to_string(), &format!("{per_claim:.1}"))
        };
        for (operation, calls) in &self.calls {
            let by = |function: &str| calls.by_function.get(function).copied().unwrap_or(0);
            lines.push(counted(&format!("  {operation}"), &by));
        }
        let all = |function: &str| {
            let calls = self.calls.values();
            calls
                .filter_map(|calls| calls.by_function.get(function))
                .sum()
        };
        lines.push(counted("  all", &all));
        lines
    }

    /// The calls that were answered with an error.
    fn refusals(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (operation, calls) in &self.calls {
            if calls.polls > 0 {
                lines.push(format!(
                    "{operation}: {} only to ask whether a detach was over, which it was not.",
                    times(calls.polls)
                ));
            }
            for (error, count) in &calls.refused {
                lines.push(format!("{operation}: {} refused: {error}.", times(*count)));
            }
        }
        lines
    }
}

impl Way {
    /// It leaves the pool just now.
    fn is_leaving(&self) -> bool {
        self.detaching.is_some() && self.detached.is_none()
    }
}

/// So many calls.
fn times(count: usize) -> String {
    match count {
        1 => "1 call".to_owned(),
        count => format!("{count} calls"),
    }
}

/// Of the claims that ended ready: the time from message to ready, and whether the instance booted meanwhile.
fn ready(claims: &[(OffsetDateTime, Way, OffsetDateTime, bool)]) -> Vec<(Duration, bool)> {
    let ready = claims.iter().filter(|(.., is_ready)| *is_ready);
    let mut times: Vec<(Duration, bool)> = ready
        .filter_map(|(sent, way, ended, _)| {
            let took = Duration::try_from(*ended - *sent).ok()?;
            Some((took, way.booted.is_some_and(|booted| booted > *sent)))
        })
        .collect();
    times.sort_unstable();
    times
}

fn follow<'e>(ways: &mut BTreeMap<&'e str, Way>, entry: &'e Entry, names: &Names) {
    let at = Some(entry.at);
    match &entry.what {
        Happening::InService { group, instance } if *group == names.pool => {
            ways.entry(instance).or_default().booted = at;
        }
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
            ways.entry(instance).or_default().sent = at;
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
            (way.sent, way.started),
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
    nearest(sorted, percent).copied()
}

/// The first that is not less than `percent` of all.
fn nearest<T>(sorted: &[T], percent: usize) -> Option<&T> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1)
}

#[cfg(test)]
mod tests;
