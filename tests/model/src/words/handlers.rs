//! How far each handler is, in words.

use crate::progress::{
    Answering, Chore, Doing, Ending, InitCommand, Removing, Rest, Steps, Worker, Writer,
    WriterStage,
};
use crate::state::{INSTANCES, InitMessage, Line, Request};
use ready_pool_core::ledger::Standing;
use std::fmt::Debug;

/// A variant's name in words: `TimedOut` is "timed out".
pub(super) fn name(variant: impl Debug) -> String {
    let mut words = String::new();
    for letter in format!("{variant:?}").chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// Several of something, or none.
pub(super) fn listed(all: impl IntoIterator<Item = String>, none: &str) -> String {
    let all: Vec<String> = all.into_iter().collect();
    if all.is_empty() {
        none.to_owned()
    } else {
        all.join(", ")
    }
}

/// A message group of InitQueue.
pub(super) fn group(number: u8) -> String {
    match usize::from(number).checked_sub(INSTANCES) {
        None => format!("group of instance {number}"),
        Some(claim) => format!("group of claim {claim}"),
    }
}

fn instance(number: Option<u8>) -> String {
    number.map_or_else(
        || "no instance".to_owned(),
        |number| format!("instance {number}"),
    )
}

pub(super) fn line(line: Line) -> String {
    let standing = match line.standing {
        Standing::Assigned => "assigned".to_owned(),
        Standing::Ready => "ready".to_owned(),
        Standing::Failed(reason) => format!("failed ({})", reason.code()),
    };
    let instead_of = line.instead_of;
    let instead_of = instead_of.map_or_else(String::new, |number| {
        format!(" instead of instance {number}")
    });
    format!(
        "{}, attempt {}, {standing}{instead_of}",
        instance(line.instance),
        line.attempt
    )
}

pub(super) fn request(request: Request) -> String {
    let asked = request.asked;
    let asked = asked.map_or_else(String::new, |attempt| {
        format!(", retry for attempt {attempt}")
    });
    let lap = if request.lap == 0 {
        String::new()
    } else {
        format!(", stepped aside {} times", request.lap)
    };
    let suspect = if request.suspect { ", suspect" } else { "" };
    format!("claim {}{asked}{lap}{suspect}", request.claim)
}

pub(super) fn message(message: InitMessage) -> String {
    let fresh = |fresh| if fresh { ", fresh" } else { "" };
    match message {
        InitMessage::HandOver {
            claim,
            attempt,
            proven,
            fresh: is_fresh,
        } => {
            let proven = if proven { ", detach proven" } else { "" };
            format!(
                "hand-over of claim {claim}, attempt {attempt}{proven}{}",
                fresh(is_fresh)
            )
        }
        InitMessage::LookAgain { claim, attempt } => {
            format!("look again at claim {claim}, attempt {attempt}")
        }
        InitMessage::Finished {
            claim,
            fresh: is_fresh,
        } => {
            format!("command of claim {claim} ended{}", fresh(is_fresh))
        }
    }
}

/// A delivery of claim-instance.
pub(super) fn writer(writer: &Writer) -> String {
    if writer.batch.is_empty() {
        return "idle".to_owned();
    }
    let Writer {
        batch,
        stage,
        answers,
        assignments,
        sends,
        ..
    } = writer;
    let of = |position: u8| {
        batch
            .get(usize::from(position))
            .map_or(position, |request| request.claim)
    };
    let next = match stage {
        WriterStage::Look => "is about to look".to_owned(),
        WriterStage::Throttled => "waits for Lambda, its lease has run out".to_owned(),
        WriterStage::Places(_) => "has read the groups; reads places and histories next".to_owned(),
        WriterStage::Answer => {
            let answers = answers
                .iter()
                .map(|(position, answer)| answering(of(*position), *answer));
            format!("next: {}", listed(answers, "nothing to answer"))
        }
        WriterStage::Enter | WriterStage::Make | WriterStage::Detach | WriterStage::DetachAlone => {
            let does = match stage {
                WriterStage::Enter => "enters",
                WriterStage::Make => "creates the target, with the entry, of",
                WriterStage::Detach => "detaches for",
                _ => "detaches one by one for",
            };
            let all = assignments.iter().map(|one| {
                let (claim, instance, attempt) = (one.claim, one.instance, one.attempt);
                format!("claim {claim}, instance {instance}, attempt {attempt}")
            });
            format!("next: {does} {}", listed(all, "nobody"))
        }
        WriterStage::Send => {
            let all = sends
                .iter()
                .map(|one| format!("to {}: {}", group(one.instance), message(one.message)));
            format!("next: sends {}", listed(all, "nothing"))
        }
        WriterStage::Delete => "next: deletes what is settled".to_owned(),
        WriterStage::Copy => "next: sends the copies of what steps aside".to_owned(),
        WriterStage::DeleteCopied => "next: deletes what has a copy".to_owned(),
        WriterStage::Return => "next: releases what waits, and returns".to_owned(),
    };
    format!(
        "batch of {}; {next}",
        listed(batch.iter().copied().map(request), "nothing")
    )
}

fn answering(claim: u8, answer: Answering) -> String {
    match answer {
        Answering::Publish(ending) => format!("publish claim {claim} as {}", self::ending(ending)),
        Answering::TooLate => format!("publish claim {claim} as expired, without an entry"),
        Answering::Close(entry, reason) => {
            format!(
                "write \"{}\" for claim {claim}, and publish {}",
                line(entry),
                reason.code()
            )
        }
        Answering::LookAgain(instance, attempt) => format!(
            "ask init-instance to look at claim {claim}, instance {instance}, attempt {attempt}"
        ),
    }
}

fn ending(ending: Ending) -> String {
    match ending {
        Ending::Ready => "ready".to_owned(),
        Ending::Failed(reason) => format!("failed ({})", reason.code()),
        Ending::Rejected => "rejected".to_owned(),
    }
}

/// A worker of init-instance.
pub(super) fn worker(worker: Worker) -> String {
    match worker {
        Worker::Idle => "idle".to_owned(),
        Worker::BeginEntry(command) => format!("{}; reads the entry next", history(command)),
        Worker::Where => "next: asks where the instance is".to_owned(),
        Worker::Attach => "next: attaches the instance".to_owned(),
        Worker::Send => "next: sends the command".to_owned(),
        Worker::LookFirst => "next: looks whether the command was sent".to_owned(),
        Worker::LookEntry(command) => {
            format!("looks again; {}; reads the entry next", history(command))
        }
        Worker::Settle { status, look, .. } => {
            format!(
                "the command is {}; next: {} look at the target",
                name(status),
                name(look)
            )
        }
        Worker::Activities(attempt, look) => {
            format!(
                "attempt {attempt}; next: {} look at the target's activities",
                name(look)
            )
        }
        Worker::AttachLate(attempt) => {
            format!("next: attaches the instance after its init, attempt {attempt}")
        }
        Worker::OutOfPool(attempt) => {
            format!("next: sees whether the detach was taken back, attempt {attempt}")
        }
        Worker::Search { end, .. } => {
            format!(
                "next: searches for who else was sent the command; otherwise: {}",
                rest(end)
            )
        }
        Worker::Elsewhere {
            other,
            status,
            look,
        } => format!(
            "instance {other} was sent the command, which is {}; next: {} look at it",
            name(status),
            name(look)
        ),
        Worker::Conclude(end) => format!("next: {}", rest(end)),
        Worker::RetireLook { then } => format!(
            "next: sees where the instance is, to retire it{}",
            after(then)
        ),
        Worker::RetireDo { call, then } => format!("next: {}{}", removing(call), after(then)),
        Worker::Acknowledge => "done; its message is deleted next".to_owned(),
    }
}

fn history(command: InitCommand) -> String {
    match command {
        InitCommand::NotSent => "no command was sent".to_owned(),
        InitCommand::Sent(status) => format!("the command is {}", name(status)),
        InitCommand::SentForAnother => "another claim's command was sent".to_owned(),
    }
}

fn rest(rest: Rest) -> String {
    let entry = rest
        .entry
        .map(|entry| format!("writes \"{}\"", line(entry)));
    listed(entry.into_iter().chain(steps(rest.steps)), "nothing")
}

fn after(then: Steps) -> String {
    let steps = listed(steps(then), "");
    if steps.is_empty() {
        steps
    } else {
        format!(", then {steps}")
    }
}

fn steps(mut steps: Steps) -> Vec<String> {
    let mut all = Vec::new();
    while let Some((step, others)) = steps.split_first() {
        all.push(match step {
            Doing::Publish(ending) => format!("publishes {}", self::ending(ending)),
            Doing::Retry(attempt) => format!("requests another instance, attempt {attempt}"),
            Doing::Retire => "retires the instance".to_owned(),
            Doing::TakeOut => "takes the instance out of the pool".to_owned(),
            Doing::SettleWith(other, _) => format!("settles with instance {other}"),
        });
        steps = others;
    }
    all
}

fn removing(call: Removing) -> &'static str {
    match call {
        Removing::Detach => "detaches the instance from the target",
        Removing::DetachFromPool => "detaches the instance from the pool",
        Removing::Attach => "attaches the instance to the retirement group",
        Removing::Terminate => "terminates the instance",
    }
}

/// What replenish-pool wants done.
pub(super) fn chore(chore: Chore) -> String {
    match chore {
        Chore::LookAgain {
            claim,
            instance: of,
            attempt,
        } => {
            format!(
                "ask for a look at claim {claim}, {}, attempt {attempt}",
                instance(of)
            )
        }
        Chore::RemoveEntry(claim) => format!("remove the entry of claim {claim}"),
        Chore::Note(number, retiring) => format!("note instance {number} as {}", note(retiring)),
        Chore::Forget(number) => format!("remove the note on instance {number}"),
        Chore::Detach(number) => format!("detach instance {number} from the pool"),
        Chore::AttachToRetirement(number) => {
            format!("attach instance {number} to the retirement group")
        }
        Chore::Terminate(number) => format!("terminate instance {number}"),
    }
}

pub(super) fn note(retiring: bool) -> &'static str {
    if retiring { "retiring" } else { "suspect" }
}
