//! A claim's story, for people.

use super::facts::{ClaimFacts, CommandFacts, Facts, InstanceFacts};
use super::next::{next, perhaps};
use super::stage::Stage;
use crate::failure::Failure;
use crate::screen::{Screen, Tone};
use crate::words;
use ready_pool_core::Timestamp;
use ready_pool_core::command::CommandStatus;
use ready_pool_core::group::Lifecycle;
use ready_pool_core::ids::{ClaimKey, GroupName};
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::times::Times;

/// A member's state, as AWS writes it, as far as decisions tell states apart.
pub(super) fn lifecycle(lifecycle: Lifecycle) -> &'static str {
    match lifecycle {
        Lifecycle::Pending => "Pending",
        Lifecycle::PendingWait => "Pending:Wait",
        Lifecycle::InService => "InService",
        Lifecycle::EnteringStandby => "EnteringStandby",
        Lifecycle::Standby => "Standby",
        Lifecycle::Detaching => "Detaching",
        Lifecycle::Terminating => "Terminating",
        Lifecycle::Warmed => "Warmed",
        Lifecycle::Other => "in a state that is not known here",
    }
}

/// Prints the story of one claim.
pub(super) fn print(
    claim: &ClaimFacts,
    facts: &Facts,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let stage = Stage::of(claim, &facts.pool);
    screen.heading(&title(claim, facts, stage))?;
    let tone = match stage {
        Stage::Ready => Tone::Good,
        Stage::Failed(_) | Stage::Lost | Stage::NoEntry | Stage::Unreadable => Tone::Bad,
        _ => Tone::Plain,
    };
    let entry = match (&claim.entry, &claim.written) {
        (Some(entry), _) => entry_in_words(entry, facts.now),
        (None, Some(written)) => written.clone(),
        (None, None) => "none".to_owned(),
    };
    screen.field("entry", &entry, tone)?;
    if let Some(instance) = &claim.instance {
        screen.field("instance", &place(instance, claim, facts), Tone::Plain)?;
    }
    for command in &claim.commands {
        print_command(command, claim.commands.len() > 1, screen)?;
    }
    if let Some(command) = claim.commands.first()
        && let Some(times) = times_in_words(command)
    {
        screen.field("times", &times, Tone::Plain)?;
    }
    for (index, activity) in claim.activities.iter().rev().enumerate() {
        let label = if index == 0 { "target" } else { "" };
        let problem = activity.problem.as_ref();
        let problem = problem.map_or_else(String::new, |problem| format!(": {problem}"));
        let text = format!(
            "{} {} ({}{problem})",
            words::moment(activity.started_at),
            activity.description,
            activity.status
        );
        screen.field(label, &text, Tone::Quiet)?;
    }
    for (index, line) in next(claim, facts, stage).iter().enumerate() {
        screen.field(if index == 0 { "next" } else { "" }, line, Tone::Plain)?;
    }
    Ok(())
}

/// An entry as people read it: its tag has a deadline without that word.
fn entry_in_words(entry: &Entry, now: Timestamp) -> String {
    let standing = match (entry.standing, &entry.instance) {
        (Standing::Assigned, Some(_)) => "assigned".to_owned(),
        (Standing::Assigned, None) => "assigned, no instance".to_owned(),
        (Standing::Ready, _) => "ready".to_owned(),
        (Standing::Failed(reason), _) => format!("failed {}", reason.code()),
    };
    let span = words::span(entry.expires_at, now);
    let when = match entry.is_open() {
        true if entry.expires_at > now => format!(" (in {span})"),
        true => format!(" ({span} ago)"),
        false => String::new(),
    };
    format!(
        "attempt {}, {standing}, deadline {}{when}",
        entry.attempt,
        words::moment(entry.expires_at)
    )
}

fn title(claim: &ClaimFacts, facts: &Facts, stage: Stage) -> String {
    let id = &facts.claim_id;
    let target = match &claim.target {
        Some(target) => format!("for {target} ({})", ClaimKey::new(id, target)),
        None => "for a target that is gone, or has opted out".to_owned(),
    };
    format!("{id} {target}: {}", headline(stage))
}

/// How far the claim is, in a few words.
pub(super) fn headline(stage: Stage) -> String {
    match stage {
        Stage::Ready => "ready".to_owned(),
        Stage::Failed(reason) => format!("failed ({})", reason.code()),
        Stage::GivenUp => "waits for another instance".to_owned(),
        Stage::Entered => "its instance is still in the pool".to_owned(),
        Stage::Detaching => "its instance leaves the pool".to_owned(),
        Stage::Free => "its instance is between the groups".to_owned(),
        Stage::Attaching => "its instance joins the target".to_owned(),
        Stage::Attached => "its instance is in the target, its command not sent yet".to_owned(),
        Stage::Running => "its command was sent and has not ended".to_owned(),
        Stage::Reporting => "its script is over, its entry does not say so yet".to_owned(),
        Stage::Lost => "its instance was lost".to_owned(),
        Stage::NoEntry => "it was sent a command, and has no entry any more".to_owned(),
        Stage::Unreadable => "its entry cannot be read".to_owned(),
    }
}

fn place(instance: &InstanceFacts, claim: &ClaimFacts, facts: &Facts) -> String {
    let id = &instance.id;
    let Some(agent) = instance.agent else {
        return match &instance.placement {
            None => format!("{id} is gone: in no group, and Systems Manager does not list it"),
            Some(place) => format!(
                "{id} in {}: {}, agent not registered",
                place.group,
                lifecycle(place.lifecycle)
            ),
        };
    };
    let agent = if agent.online {
        "agent online"
    } else {
        "agent not online"
    };
    let Some(place) = &instance.placement else {
        return format!("{id} in no group, {agent}");
    };
    let role = role(&place.group, claim, facts);
    let state = lifecycle(place.lifecycle);
    format!("{id} in {}, {role}: {state}, {agent}", place.group)
}

/// What a group is to a claim.
pub(super) fn role(group: &GroupName, claim: &ClaimFacts, facts: &Facts) -> &'static str {
    match group {
        group if Some(group) == claim.target.as_ref() => "the target",
        group if *group == facts.pool.group => "the pool",
        group if *group == facts.pool.retirement => "to be terminated",
        _ => "which is not its target",
    }
}

fn print_command(
    command: &CommandFacts,
    is_one_of_several: bool,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let CommandFacts {
        instance,
        command,
        run,
    } = command;
    let mut text = format!(
        "{} on {instance}: {}",
        command.id, command.record.status_detail
    );
    if let Some(attempt) = command.record.header.attempt.filter(|_| is_one_of_several) {
        text = format!("attempt {attempt}, {text}");
    }
    if command.status == CommandStatus::NotDelivered {
        text = format!("{text}, the agent never ran it");
    }
    let run = run.clone().unwrap_or_default();
    if let Some(code) = run.exit_code {
        text = format!("{text}, exit code {code}");
    }
    if let Some(at) = command.record.sent_at {
        text = format!("{text}; sent {}", words::moment(at));
    }
    if let Some(at) = run.ended_at {
        text = format!("{text}, ended {}", words::clock(at));
    }
    let tone = match command.status {
        CommandStatus::Succeeded => Tone::Good,
        status if status.is_final() => Tone::Bad,
        _ => Tone::Plain,
    };
    screen.field("command", &text, tone)?;
    screen.below("stdout", &run.output)?;
    screen.below("stderr", &run.errors)
}

/// When each step was that the command's header knows.
pub(super) fn times(command: &CommandFacts) -> Vec<(&'static str, Timestamp)> {
    let Times {
        sent,
        entered,
        detached,
        attached,
        ..
    } = command.command.record.header.times;
    let ended = command.run.as_ref().and_then(|run| run.ended_at);
    let steps = [
        ("sent", sent),
        ("entered", entered),
        ("detached", detached),
        ("attached", attached),
        ("command sent", command.command.record.sent_at),
        ("script ended", ended),
    ];
    let known = steps.into_iter().filter_map(|(step, at)| Some((step, at?)));
    known.collect()
}

/// The same, with the time since the first.
fn times_in_words(command: &CommandFacts) -> Option<String> {
    let mut known = times(command).into_iter();
    let (first, from) = known.next()?;
    let rest: Vec<String> = known
        .map(|(step, at)| format!("{step} {:.1} s", (at - from).as_seconds_f64().max(0.0)))
        .collect();
    if rest.is_empty() {
        return None;
    }
    let from = words::moment(from);
    Some(format!("{first} {from}, after that: {}", rest.join(", ")))
}

/// What is said of a claim that left no trace.
pub(super) fn print_no_trace(facts: &Facts, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let id = &facts.claim_id;
    screen.heading(&format!("{id}: no trace"))?;
    let looked_at = "the tags of all groups, the newest 1,000 commands, the first messages on the rejected queue";
    screen.field("looked at", looked_at, Tone::Plain)?;
    for (index, line) in perhaps(facts).iter().enumerate() {
        screen.field(if index == 0 { "perhaps" } else { "" }, line, Tone::Plain)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::tests::{claim, command, facts};

    #[test]
    fn an_entry_says_what_its_time_is() {
        for (entry, expected) in [
            (
                "v1 i-00000001 1 assigned 2026-11-29T13:15:00Z",
                "attempt 1, assigned, deadline 2026-11-29 13:15:00 UTC (in 15 min)",
            ),
            (
                "v1 - 2 assigned 2026-11-29T12:59:30Z",
                "attempt 2, assigned, no instance, deadline 2026-11-29 12:59:30 UTC (30 s ago)",
            ),
            (
                "v1 i-00000001 1 failed 2026-11-29T12:15:00Z script_failed",
                "attempt 1, failed script_failed, deadline 2026-11-29 12:15:00 UTC",
            ),
        ] {
            let facts = facts(claim(entry));
            let read = facts.claims[0].entry.as_ref().unwrap();
            assert_eq!(entry_in_words(read, facts.now), expected);
        }
    }

    #[test]
    fn each_of_several_commands_says_its_attempt() {
        let mut claim = claim("v1 i-00000001 2 ready 2026-11-29T13:15:00Z");
        let of_attempt = |attempt, status| {
            let mut command = command(status);
            command.command.record.header.attempt = Some(attempt);
            command
        };
        claim.commands = vec![
            of_attempt(2, CommandStatus::Succeeded),
            of_attempt(1, CommandStatus::NotDelivered),
        ];
        let facts = facts(claim);
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        print(
            &facts.claims[0],
            &facts,
            &mut Screen::plain(&mut out, &mut errors),
        )
        .unwrap();
        let printed = String::from_utf8(out).unwrap();
        for part in [
            "attempt 2, c-1 on i-00000001: \n",
            "attempt 1, c-1 on i-00000001: , the agent never ran it\n",
        ] {
            assert!(printed.contains(part), "no {part:?} in:\n{printed}");
        }
    }
}
