//! How far a claim is: one word for all that is known of it.

use super::facts::{Facts, Instance, Kind, Outcome, Pool};
use crate::progress::Taken;
use ready_pool_core::ledger::Standing;

/// Where a claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage<'f> {
    /// Its outcome was published.
    Ended(&'f Outcome),
    /// The ledger has its end, but nothing here knows of an outcome.
    Settled(Standing),
    /// A message of it lies on this dead-letter queue.
    DeadLetter(&'f str),
    /// It has no instance yet.
    Waiting,
    /// Its instance was given up, and another is asked for.
    GivenUp,
    /// Its instance is still in the pool.
    Entered,
    /// Its instance leaves the pool.
    Detaching,
    /// Its instance is in no group.
    Free,
    /// Its instance joins the target.
    Attaching,
    /// Its instance is in the target, and was not sent its command.
    Attached,
    /// Its command is on the way to the agent.
    Delivering,
    /// Its script runs.
    Running,
    /// Its script is over, and its outcome was not published yet.
    Reporting,
    /// Its instance is where no command reaches it any more.
    Lost,
    /// There were dry runs, and nothing else.
    Asked,
    /// It left traces, and nothing says how it stands.
    Unclear,
}

/// Where this claim stands.
pub(super) fn stage<'f>(facts: &'f Facts, pool: &Pool) -> Stage<'f> {
    if let Some(end) = facts.end() {
        return Stage::Ended(end);
    }
    let entry = facts.entry();
    let settled = entry.as_ref().map(|entry| entry.standing);
    if let Some(standing @ (Standing::Ready | Standing::Failed(_))) = settled {
        return Stage::Settled(standing);
    }
    let mut messages = facts.messages.iter();
    if let Some(message) = messages.find(|message| message.is_dead_letter) {
        return Stage::DeadLetter(&message.queue);
    }
    if let Some(stage) = sent(facts) {
        return stage;
    }
    match entry {
        Some(entry) if entry.instance.is_none() => Stage::GivenUp,
        Some(_) => facts
            .instance()
            .map_or(Stage::Unclear, |instance| place(facts, instance, pool)),
        None => without_entry(facts),
    }
}

/// Of a claim whose present instance was sent its command.
fn sent<'f>(facts: &Facts) -> Option<Stage<'f>> {
    let entry = facts.entry();
    let mut commands = facts.commands.iter().rev();
    // Without an entry (somebody wiped the tag) the last command is all there is.
    let command = commands.find(|command| {
        entry.as_ref().is_none_or(|entry| {
            let instance = entry.instance.as_ref();
            instance.is_some_and(|instance| instance.as_str() == command.instance)
        })
    })?;
    Some(if command.is_final {
        Stage::Reporting
    } else if command.started_at.is_some() {
        Stage::Running
    } else {
        Stage::Delivering
    })
}

fn place<'f>(facts: &Facts, instance: &Instance, pool: &Pool) -> Stage<'f> {
    let lives = matches!(instance.state.as_deref(), Some("pending" | "running"));
    if !lives {
        return Stage::Lost;
    }
    let lifecycle = instance.lifecycle.as_deref();
    match instance.group.as_deref() {
        None => Stage::Free,
        Some(group) if group == pool.group => match lifecycle {
            Some("Detaching") => Stage::Detaching,
            _ => Stage::Entered,
        },
        group if group == facts.target.as_deref() => match lifecycle {
            Some("InService") => Stage::Attached,
            Some("Pending" | "Pending:Wait" | "Pending:Proceed") => Stage::Attaching,
            _ => Stage::Lost,
        },
        Some(_) => Stage::Lost,
    }
}

fn without_entry<'f>(facts: &Facts) -> Stage<'f> {
    let was_sent = facts.at(Taken::Message).is_some();
    let is_in_line = facts.messages.iter().any(|message| {
        // A claim on the rejected queue goes nowhere any more.
        message.what == Kind::Claim && message.queue == "provision"
    });
    if is_in_line || was_sent && facts.at(Taken::Entered).is_none() {
        return Stage::Waiting;
    }
    let mut messages = facts.messages.iter();
    let only_asked = messages.all(|message| matches!(message.what, Kind::DryRun | Kind::Outcome));
    let has_traces = !facts.messages.is_empty() || !facts.outcomes.is_empty();
    if !was_sent && only_asked && has_traces {
        Stage::Asked
    } else {
        Stage::Unclear
    }
}
