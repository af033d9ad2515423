//! What comes next for a claim, and what an operator can do.

use super::facts::{Answer, Facts, Kind, Outcome};
use super::stage::Stage;
use super::words::Row;
use crate::story::Tone;
use crate::story::words::shortened;
use ready_pool_core::outcome::Ending;
use ready_pool_core::pause::PAUSE_TAG;

/// What happens or is to be done next, then what is odd.
pub(super) fn next(answer: &Answer, facts: &Facts, stage: Stage<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for text in comes(answer, facts, stage) {
        let label = if rows.is_empty() { "next" } else { "" };
        rows.push(Row::new(label, text, Tone::Plain));
    }
    rows.extend(oddities(answer, facts, stage));
    rows
}

fn comes(answer: &Answer, facts: &Facts, stage: Stage<'_>) -> Vec<String> {
    let once = |text: &str| vec![text.to_owned()];
    match stage {
        Stage::Ended(end) => ended(end),
        Stage::Settled(_) => once(
            "the outcome is not on record here. Whoever settled it and died before it published comes \
             again, and publishes; a claim that is sent again (with a fresh MessageDeduplicationId) \
             hears its outcome again",
        ),
        Stage::DeadLetter(queue) => vec![
            format!(
                "a function failed on this message until {queue} took it: read the function's \
                 errors, fix the cause, redrive. A redrive is harmless: past its deadline the \
                 claim ends as failed (expired)"
            ),
            "see docs/failures.md, what lies on each queue".to_owned(),
        ],
        Stage::Waiting => waiting(answer, facts, "it gets an instance when one is ready"),
        Stage::GivenUp => waiting(
            answer,
            facts,
            "it gets another instance when one is ready, three at most",
        ),
        Stage::Entered => once(
            "claim-instance detaches the instance. If it died, the claim's message comes again \
             within a minute and goes on from the entry",
        ),
        Stage::Detaching => once(
            "the detach takes a few seconds; then init-instance attaches the instance to the target",
        ),
        Stage::Free => once(
            "init-instance attaches it to the target; if it died, its message comes again within 70 s. \
             Whatever happens, the claim is looked at again at its deadline, and closed",
        ),
        Stage::Attaching | Stage::Attached => once("init-instance sends the init command"),
        Stage::Delivering => once(
            "its agent picks the command up. If it does not, the claim fails after a minute: \
             not_delivered",
        ),
        Stage::Running => once("the script's exit status decides"),
        Stage::Reporting => once(
            "the command's event brings the outcome. If the event was lost, replenish-pool has the \
             claim looked at again within a minute or two",
        ),
        Stage::Lost => once(
            "whoever looks at it next gives the instance up: the claim gets another one, three at \
             most, or ends as failed",
        ),
        Stage::Asked => once(
            "a dry run changes nothing: to have an instance, send the claim without dry_run and \
             with another MessageDeduplicationId",
        ),
        Stage::Unclear => once(
            "nothing here leads further. Send the claim again (with a fresh \
             MessageDeduplicationId): it goes on from what is known, or hears its outcome. See \
             docs/failures.md, what is for a person",
        ),
    }
}

fn ended(end: &Outcome) -> Vec<String> {
    let mut lines = vec![end.reason.sentence()];
    let again = match end.ending {
        Ending::Failed => Some("for another try send a new claim_id"),
        Ending::Rejected => Some(
            "it was not tried: corrected, it can be sent again under its id, with a fresh MessageDeduplicationId",
        ),
        Ending::Ready | Ending::DryRun => None,
    };
    lines.extend(again.map(str::to_owned));
    lines.push("see docs/outcomes.md".to_owned());
    lines
}

fn waiting(answer: &Answer, facts: &Facts, what: &str) -> Vec<String> {
    let pool = &answer.pool;
    let mut lines = vec![format!(
        "{what}: {} has {} ready and {} booting of {} desired",
        pool.group, pool.ready, pool.booting, pool.desired
    )];
    let mut messages = facts.messages.iter();
    let own = messages.find(|message| {
        message.queue == "provision" && matches!(message.what, Kind::Claim | Kind::Internal)
    });
    let line = own.map(|message| match message.before {
        0 => "nothing is before it in line".to_owned(),
        1 => "1 message is before it in line".to_owned(),
        more => format!("{more} messages are before it in line"),
    });
    lines.extend(line);
    if let Some(deadline) = &facts.expires_at {
        let deadline = shortened(deadline);
        lines.push(format!(
            "without an instance by {deadline} it ends as failed (expired)"
        ));
    }
    lines
}

/// What an operator should know besides.
fn oddities(answer: &Answer, facts: &Facts, stage: Stage<'_>) -> Vec<Row> {
    let mut odd = Vec::new();
    let is_over = matches!(stage, Stage::Ended(_) | Stage::Asked);
    if let Some(value) = answer.pool.pause.as_ref().filter(|_| !is_over) {
        odd.push(format!(
            "an operator has paused the pool: {} = {} on {}; remove the tag to go on",
            PAUSE_TAG,
            shortened(value),
            answer.pool.group
        ));
    }
    let is_dead = |message: &&super::facts::Message| message.is_dead_letter;
    let dead = facts.messages.iter().find(is_dead);
    if let (Some(message), true) = (dead, matches!(stage, Stage::Ended(_))) {
        odd.push(format!(
            "a message of it still lies on {}; redriven, it only repeats what is known",
            message.queue
        ));
    }
    let agent_is_away = facts.instance().is_some_and(|instance| {
        instance.unnoticed || instance.agent.as_deref() == Some("ConnectionLost")
    });
    if agent_is_away && !is_over {
        odd.push("its instance's agent does not answer".to_owned());
    }
    let mut instances: Vec<&str> = facts
        .commands
        .iter()
        .filter(|command| command.status == "Success")
        .map(|command| command.instance.as_str())
        .collect();
    instances.dedup();
    if instances.len() > 1 {
        odd.push(format!(
            "{} were initialised for it, and it should be one: see docs/protocol.md, known limits",
            instances.join(" and ")
        ));
    }
    let odd = odd.into_iter();
    odd.map(|text| Row::new("mind", text, Tone::Bad)).collect()
}
