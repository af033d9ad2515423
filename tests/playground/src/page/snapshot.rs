//! Everything the page shows, at one moment: plain data, made from the world and the journal.

use super::machines::{self, Machine, Pool};
use super::sizing::Follower;
use super::troubles::{Troubles, troubles};
use crate::moment::Moment;
use crate::progress::{Claim, Counts, PHASES, Phase, Progress, Report};
use crate::start::Names;
use crate::story::{Line, Tone};
use crate::summary::percentile;
use ready_pool_core::outcome::Ending;
use region::world::World;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Open claims that are shown: the first in line.
const OPEN_SHOWN: usize = 40;
/// Claims that have ended and are shown in the timeline: the last.
const ENDED_SHOWN: usize = 12;
/// Of the others, so many at a time.
const OLDER_SHOWN: usize = 100;
/// Claims in the plot: the last that ended ready.
const PLOTTED: usize = 60;

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Snapshot {
    /// The stack's name.
    pub(super) stack: String,
    /// The functions' names, as faults know them and short.
    pub(super) functions: Vec<(String, String)>,
    /// The pools: one, or those of a family.
    pub(super) pools: Vec<Pool>,
    /// Machines outside of them.
    pub(super) elsewhere: Vec<Machine>,
    /// Claims without an instance.
    pub(super) line: WaitingLine,
    /// The queues of the stack.
    pub(super) queues: Vec<QueueView>,
    /// How many claims there were.
    pub(super) counts: Counts,
    /// Open claims, and those that have ended last; the newest first.
    pub(super) claims: Vec<Claim>,
    /// How many claims are not among these, and can be asked for ([`Older`]).
    pub(super) older: usize,
    /// How long it took until claims were ready.
    pub(super) latencies: Latencies,
    /// The last outcomes, newest first.
    pub(super) outcomes: Vec<Report>,
    /// What is broken.
    pub(super) troubles: Troubles,
    /// The story, newest first.
    pub(super) story: Vec<StoryLine>,
}

/// Claims in line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct WaitingLine {
    /// How many.
    pub(super) waiting: usize,
    /// Since when the oldest waits.
    pub(super) oldest: Option<Moment>,
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct QueueView {
    /// Its name without the stack's.
    pub(super) name: String,
    /// Messages that can be received.
    pub(super) visible: usize,
    /// Messages that somebody works on.
    pub(super) in_flight: usize,
    /// Its messages are those that nobody could handle.
    pub(super) is_dead_letter: bool,
}

/// Times from message to ready.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Latencies {
    /// Half of those in the plot were ready so fast, milliseconds.
    pub(super) p50: Option<u64>,
    /// Nearly all.
    pub(super) p99: Option<u64>,
    /// Each, oldest first.
    pub(super) claims: Vec<Latency>,
}

/// A claim in the plot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Latency {
    /// Its id.
    pub(super) id: String,
    /// Milliseconds in each phase, in their order.
    pub(super) parts: [u64; PHASES],
}

/// A line of the story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct StoryLine {
    at: Moment,
    label: &'static str,
    text: String,
    tone: &'static str,
}

impl Snapshot {
    /// The world as it is.
    pub(super) fn of(
        world: &World,
        names: &Names,
        progress: &Progress,
        sizing: &[Follower],
        story: &VecDeque<Line>,
    ) -> Self {
        let ended = ended(progress);
        Self {
            stack: names.family.as_ref().unwrap_or(&names.stack).clone(),
            functions: functions(world, names),
            pools: pools(world, names, progress, sizing),
            elsewhere: machines::elsewhere(world, names, progress),
            line: line(progress),
            queues: queues(world, names),
            counts: progress.counts(),
            claims: claims(progress, &ended),
            older: ended.len().saturating_sub(ENDED_SHOWN),
            latencies: latencies(progress),
            outcomes: progress.outcomes().rev().cloned().collect(),
            troubles: troubles(world),
            story: story.iter().rev().map(StoryLine::from).collect(),
        }
    }
}

impl From<&Line> for StoryLine {
    fn from(line: &Line) -> Self {
        Self {
            at: Moment::from(line.at),
            label: line.label,
            text: line.text.clone(),
            tone: match line.tone {
                Tone::Plain => "plain",
                Tone::Good => "good",
                Tone::Bad => "bad",
            },
        }
    }
}

fn pools(world: &World, names: &Names, progress: &Progress, sizing: &[Follower]) -> Vec<Pool> {
    let each = names.all().enumerate();
    each.map(|(place, names)| Pool {
        sizing: sizing.get(place).and_then(Follower::sizing),
        ..machines::pool(world, names, progress)
    })
    .collect()
}

fn functions(world: &World, names: &Names) -> Vec<(String, String)> {
    let all = world.lambda.functions.keys();
    all.map(|name| (name.clone(), names.short(name).to_owned()))
        .collect()
}

fn line(progress: &Progress) -> WaitingLine {
    let waiting: Vec<Moment> = progress
        .claims()
        .filter(|claim| claim.phase() == Some(Phase::Waiting))
        .map(Claim::sent)
        .collect();
    WaitingLine {
        waiting: waiting.len(),
        oldest: waiting.into_iter().min(),
    }
}

/// Those on a claim's way first, then those of dead letters.
fn queues(world: &World, names: &Names) -> Vec<QueueView> {
    let dead_letters = dead_letter_queues(world);
    let order = |queue: &QueueView| {
        let way = ["provision", "init", "outcome", "rejected"];
        // In a family the name begins with the pool's.
        let last = queue.name.rsplit('-').next().unwrap_or_default();
        let place = way.iter().position(|name| *name == last);
        (queue.is_dead_letter, place.unwrap_or(way.len()))
    };
    let mut queues: Vec<QueueView> = world
        .sqs
        .queues
        .values()
        .map(|queue| {
            let counts = queue.counts(world.now);
            QueueView {
                name: names.short(&queue.name).to_owned(),
                visible: counts.visible,
                in_flight: counts.in_flight,
                is_dead_letter: dead_letters.contains(&queue.arn),
            }
        })
        .collect();
    queues.sort_by_key(order);
    queues
}

/// ARNs of the queues whose messages nobody could handle, or EventBridge could not deliver.
fn dead_letter_queues(world: &World) -> BTreeSet<String> {
    let queues = world.sqs.queues.values();
    let unhandled =
        queues.filter_map(|queue| Some(queue.attributes.redrive_policy()?.dead_letter_arn));
    let targets = world.events.rules.values().flat_map(|rule| &rule.targets);
    let undelivered = targets.filter_map(|target| target.dead_letter.clone());
    unhandled.chain(undelivered).collect()
}

/// By their messages, so that a row stays where it is when its claim ends.
fn claims(progress: &Progress, ended: &[&Claim]) -> Vec<Claim> {
    let open = progress.claims().filter(|claim| claim.end.is_none());
    let ended = ended.iter().copied().take(ENDED_SHOWN);
    let mut shown: Vec<Claim> = open.take(OPEN_SHOWN).chain(ended).cloned().collect();
    shown.sort_by_key(|claim| Reverse(claim.sent()));
    shown
}

/// Claims that have ended, the last end first.
fn ended(progress: &Progress) -> Vec<&Claim> {
    let all = progress.claims();
    let mut ended: Vec<&Claim> = all.filter(|claim| claim.end.is_some()).collect();
    ended.sort_by_key(|claim| Reverse(claim.end.as_ref().map(|end| end.at)));
    ended
}

/// Claims that are not in a snapshot any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Older {
    /// How many there are that were asked for.
    pub(super) found: usize,
    /// The first of them, the last end first.
    pub(super) claims: Vec<Claim>,
}

impl Older {
    /// Those whose id, target, instance, outcome or reason has this text in it.
    pub(super) fn of(progress: &Progress, text: &str) -> Self {
        let has_text = |claim: &&Claim| {
            let end = claim.end.as_ref();
            let instance = claim.instance.as_deref();
            let words = [Some(claim.id.as_str()), Some(&claim.target), instance];
            let ends = [
                end.map(|end| end.outcome.code()),
                end.map(|end| end.reason.code()),
            ];
            let mut all = words.into_iter().chain(ends).flatten();
            all.any(|word| word.contains(text))
        };
        let older = ended(progress).into_iter().skip(ENDED_SHOWN);
        let found: Vec<&Claim> = older.filter(has_text).collect();
        Self {
            found: found.len(),
            claims: found.into_iter().take(OLDER_SHOWN).cloned().collect(),
        }
    }
}

fn latencies(progress: &Progress) -> Latencies {
    let mut ready: Vec<&Claim> = progress
        .claims()
        .filter(|claim| {
            let end = claim.end.as_ref();
            end.is_some_and(|end| end.outcome == Ending::Ready)
        })
        .collect();
    ready.sort_by_key(|claim| claim.end.as_ref().map(|end| end.at));
    let skipped = ready.len().saturating_sub(PLOTTED);
    let claims: Vec<Latency> = ready
        .into_iter()
        .skip(skipped)
        .filter_map(|claim| {
            Some(Latency {
                id: claim.id.clone(),
                parts: claim.parts()?,
            })
        })
        .collect();
    let mut times: Vec<Duration> = claims
        .iter()
        .map(|claim| Duration::from_millis(claim.parts.iter().sum()))
        .collect();
    times.sort_unstable();
    let percentile = |percent| {
        let time = percentile(&times, percent)?;
        u64::try_from(time.as_millis()).ok()
    };
    Latencies {
        p50: percentile(50),
        p99: percentile(99),
        claims,
    }
}

#[cfg(test)]
mod tests;
