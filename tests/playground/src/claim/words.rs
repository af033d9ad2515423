//! A claim's facts in plain words, for a person.

use super::facts::{Answer, Command, Facts, Instance, Kind, Message, Outcome, Standing, Tag};
use super::next::next;
use super::stage::{Stage, stage};
use crate::progress::Taken;
use crate::story::Tone;
use crate::story::words::shortened;
use ready_pool_core::ledger;
use ready_pool_core::outcome::Ending;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// UTC.
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
/// To the hundredth of a second, UTC.
const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[hour]:[minute]:[second].[subsecond digits:2]");

/// A claim's story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Story {
    /// Which claim, and how it stands.
    pub(super) title: String,
    /// All there is to say.
    pub(super) rows: Vec<Row>,
}

/// A piece of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// What it is about.
    pub(super) label: &'static str,
    /// What is said.
    pub(super) text: String,
    /// What a script printed.
    pub(super) below: Vec<String>,
    /// How it is meant.
    pub(super) tone: Tone,
}

impl Row {
    /// A piece in whole.
    pub(super) fn new(label: &'static str, text: impl Into<String>, tone: Tone) -> Self {
        Self {
            label,
            text: text.into(),
            below: Vec::new(),
            tone,
        }
    }
}

/// The story of one claim of the answer.
pub(super) fn story(answer: &Answer, facts: &Facts) -> Story {
    let stage = stage(facts, &answer.pool);
    let mut rows = Vec::new();
    rows.extend(ledger_rows(facts));
    let count = facts.instances.len();
    for (index, instance) in facts.instances.iter().enumerate() {
        let was = if index + 1 < count { "before: " } else { "" };
        let text = format!("{was}{}", place(facts, instance, answer));
        let tone = if instance.unnoticed {
            Tone::Bad
        } else {
            Tone::Plain
        };
        rows.push(Row::new("instance", text, tone));
    }
    for command in &facts.commands {
        rows.push(command_row(command));
    }
    rows.extend(message_rows(facts, answer.now));
    for outcome in &facts.outcomes {
        rows.push(outcome_row(outcome));
    }
    rows.extend(time_rows(facts));
    rows.extend(next(answer, facts, stage));
    Story {
        title: title(answer, facts, stage),
        rows,
    }
}

fn title(answer: &Answer, facts: &Facts, stage: Stage<'_>) -> String {
    let id = shortened(&answer.claim_id);
    let target = match &facts.target {
        Some(target) if facts.target_exists => format!("for {}", shortened(target)),
        Some(target) => format!("for {}, which is no group", shortened(target)),
        None => "for a target that nothing here names".to_owned(),
    };
    let key = facts.key.as_ref();
    let key = key.map_or(String::new(), |key| format!(" ({})", shortened(key)));
    let sent = facts.at(Taken::Message);
    let took = match (stage, sent) {
        (Stage::Ended(end), Some(sent)) => {
            format!(", {} after it was sent", span(since(sent, end.at)))
        }
        (Stage::Asked, _) | (_, None) => String::new(),
        (_, Some(sent)) => format!(", sent {} ago", span(since(sent, answer.now))),
    };
    format!("{id} {target}{key}: {}{took}", headline(stage))
}

fn headline(stage: Stage<'_>) -> String {
    match stage {
        Stage::Ended(end) => end.ending.code().to_owned(),
        Stage::Settled(ledger::Standing::Ready) => "ready, as the ledger says".to_owned(),
        Stage::Settled(_) => "failed, as the ledger says".to_owned(),
        Stage::DeadLetter(queue) => format!("stuck on {queue}"),
        Stage::Waiting => "waits for an instance".to_owned(),
        Stage::GivenUp => "waits for another instance".to_owned(),
        Stage::Entered => "its instance is still in the pool".to_owned(),
        Stage::Detaching => "its instance leaves the pool".to_owned(),
        Stage::Free => "its instance is between the groups".to_owned(),
        Stage::Attaching => "its instance joins the target".to_owned(),
        Stage::Attached => "its instance is in the target, its command not sent yet".to_owned(),
        Stage::Delivering => "its command is on the way to the agent".to_owned(),
        Stage::Running => "its script runs".to_owned(),
        Stage::Reporting => "its script is over, the outcome not published yet".to_owned(),
        Stage::Lost => "its instance was lost".to_owned(),
        Stage::Asked => "only a dry run".to_owned(),
        Stage::Unclear => "how it stands is not clear".to_owned(),
    }
}

fn ledger_rows(facts: &Facts) -> Vec<Row> {
    let Some(tag) = &facts.entry else {
        let text = match &facts.target {
            Some(_) if !facts.target_exists => "there is no such group to carry an entry",
            _ if facts.at(Taken::Entered).is_some() => {
                "no entry any more: removed long after the end, or wiped by somebody's tool"
            }
            _ => "no entry: no instance was assigned to it",
        };
        return vec![Row::new("ledger", text, Tone::Plain)];
    };
    let written = format!("{} = {}", shortened(&tag.key), shortened(&tag.value));
    let (means, tone) = meaning(tag);
    vec![
        Row::new("ledger", written, Tone::Plain),
        Row::new("", means, tone),
    ]
}

/// What an entry says, in plain words.
fn meaning(tag: &Tag) -> (String, Tone) {
    let Some(entry) = tag.entry() else {
        let text = "this is no entry: somebody else wrote it";
        return (text.to_owned(), Tone::Bad);
    };
    let attempt = entry.attempt;
    let deadline = entry.expires_at.format(&Rfc3339).unwrap_or_default();
    match (entry.standing, entry.instance) {
        (ledger::Standing::Assigned, Some(instance)) => {
            let text = format!(
                "open: {instance} is assigned to it (attempt {attempt}); nothing new is begun \
                 after {deadline}"
            );
            (text, Tone::Plain)
        }
        (ledger::Standing::Assigned, None) => {
            let text = format!(
                "open: an instance was given up, and attempt {attempt} has none yet; nothing new \
                 is begun after {deadline}"
            );
            (text, Tone::Plain)
        }
        (ledger::Standing::Ready, instance) => {
            let instance = instance.map_or("its instance".to_owned(), String::from);
            let text = format!("settled: {instance} is initialised (attempt {attempt})");
            (text, Tone::Good)
        }
        (ledger::Standing::Failed(reason), _) => {
            let reason = reason.code();
            let text = format!("settled: failed at attempt {attempt}: {reason}");
            (text, Tone::Bad)
        }
    }
}

/// Where an instance is.
pub(super) fn place(facts: &Facts, instance: &Instance, answer: &Answer) -> String {
    let id = shortened(&instance.id);
    let Some(state) = &instance.state else {
        return format!("{id} is gone");
    };
    let place = match &instance.group {
        None if state == "terminated" => String::new(),
        None => " in no group:".to_owned(),
        Some(group) => {
            let role = match group {
                group if Some(group) == facts.target.as_ref() => ", the target",
                group if *group == answer.pool.group => ", the pool",
                group if *group == answer.pool.retirement => ", to be terminated",
                _ => ", which is not its target",
            };
            let lifecycle = instance.lifecycle.as_deref().unwrap_or("?");
            format!(" in {}{role}: {lifecycle},", shortened(group))
        }
    };
    let agent = match &instance.agent {
        _ if matches!(state.as_str(), "shutting-down" | "terminated") => String::new(),
        Some(_) if instance.unnoticed => ", agent Online as AWS believes, but dead".to_owned(),
        Some(agent) => format!(", agent {agent}"),
        None => ", agent not registered".to_owned(),
    };
    format!("{id}{place} {state}{agent}")
}

fn command_row(command: &Command) -> Row {
    let code = command.exit_code;
    let code = code.map_or(String::new(), |code| format!(", exit code {code}"));
    let times = [
        Some(format!("sent {}", clock(command.sent_at))),
        command
            .started_at
            .map(|at| format!("started {}", clock(at))),
        command.ended_at.map(|at| format!("ended {}", clock(at))),
    ];
    let times: Vec<String> = times.into_iter().flatten().collect();
    let tone = match command.status.as_str() {
        "Success" => Tone::Good,
        _ if command.is_final => Tone::Bad,
        _ => Tone::Plain,
    };
    let text = format!(
        "{} on {}: {}{code}; {}",
        command.id,
        command.instance,
        command.status,
        times.join(", ")
    );
    Row {
        below: command.output.clone(),
        ..Row::new("command", text, tone)
    }
}

fn message_rows(facts: &Facts, now: OffsetDateTime) -> Vec<Row> {
    if facts.messages.is_empty() {
        return vec![Row::new("messages", "none on any queue", Tone::Plain)];
    }
    let line = |message: &Message| {
        let tone = match message.what {
            _ if message.is_dead_letter => Tone::Bad,
            Kind::Claim if message.queue == "rejected" => Tone::Bad,
            _ => Tone::Plain,
        };
        Row::new("message", message_text(message, now), tone)
    };
    facts.messages.iter().map(line).collect()
}

fn message_text(message: &Message, now: OffsetDateTime) -> String {
    let left = message.until.map(|until| span(since(now, until)));
    let left = left.unwrap_or_default();
    let standing = match message.standing {
        Standing::Visible => "visible".to_owned(),
        Standing::InFlight => format!("in flight for {left} more"),
        Standing::Delayed => format!("delayed for {left} more"),
    };
    let receives = match message.receives {
        0 => "never received".to_owned(),
        1 => "received once".to_owned(),
        times => format!("received {times} times"),
    };
    format!(
        "on {}: {}; {standing}, {receives}, sent {}",
        message.queue,
        shortened(&message.about),
        clock(message.sent_at),
    )
}

fn outcome_row(outcome: &Outcome) -> Row {
    let tone = match outcome.ending {
        Ending::Ready => Tone::Good,
        Ending::DryRun => Tone::Plain,
        Ending::Failed | Ending::Rejected => Tone::Bad,
    };
    let again = match outcome.published {
        1 => String::new(),
        times => format!(", published {times} times"),
    };
    let text = format!(
        "{} ({}): {}; at {}{again}",
        outcome.ending.code(),
        outcome.reason.code(),
        shortened(&outcome.message),
        clock(outcome.at),
    );
    Row::new("outcome", text, tone)
}

/// Each step with the time since the first one, then how long the main parts took.
fn time_rows(facts: &Facts) -> Vec<Row> {
    let Some(first) = facts.steps.first() else {
        return Vec::new();
    };
    let end = facts.end().map(|end| ("outcome", end.at));
    let steps = facts.steps.iter().map(|step| (name(step.what), step.at));
    let steps: Vec<String> = steps
        .chain(end)
        .map(|(name, at)| format!("{name} {}", span(since(first.at, at))))
        .collect();
    let mut rows = vec![Row::new(
        "times",
        format!(
            "from {} {} UTC: {}",
            first.at.format(DAY).unwrap_or_default(),
            clock(first.at),
            steps.join(", ")
        ),
        Tone::Plain,
    )];
    let between = |from, to| {
        let (from, to) = (facts.at(from)?, facts.at(to)?);
        (from <= to).then(|| span(since(from, to)))
    };
    let parts = [
        ("waited for an instance", Taken::Message, Taken::Entered),
        ("pool to target", Taken::Entered, Taken::Attached),
        ("script, its way included", Taken::CommandSent, Taken::Ended),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter_map(|(name, from, to)| Some(format!("{name} {}", between(from, to)?)))
        .collect();
    if !parts.is_empty() {
        rows.push(Row::new("", parts.join(", "), Tone::Plain));
    }
    rows
}

fn name(step: Taken) -> &'static str {
    match step {
        Taken::Message => "sent",
        Taken::Entered => "entered",
        Taken::Detached => "detached",
        Taken::GivenUp => "given up",
        Taken::Attached => "attached",
        Taken::CommandSent => "command sent",
        Taken::Started => "started",
        Taken::Ended => "ended",
    }
}

fn clock(at: OffsetDateTime) -> String {
    at.format(TIME).unwrap_or_default()
}

fn since(from: OffsetDateTime, to: OffsetDateTime) -> Duration {
    Duration::try_from(to - from).unwrap_or_default()
}

/// A duration as people say it.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..120 => format!("{:.2} s", duration.as_secs_f64()),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}
