//! Message-move tasks: redrive from a dead-letter queue.
//!
//! Source: SQS API reference (`StartMessageMoveTask`, `ListMessageMoveTasks`,
//! `CancelMessageMoveTask`) and Developer Guide, "Configuring a dead-letter queue redrive": moved
//! messages are new ones, with a new id and time of sending. That a FIFO destination does not
//! deduplicate them is assumed (a message is dead-lettered long after its window).

use super::Due;
use super::errors::{invalid_value, missing};
use super::inputs::read_input;
use crate::api::{Answer, CallError};
use crate::journal::Happening;
use crate::world::World;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;
use time::OffsetDateTime;

/// A task, running or over.
#[derive(Clone, Debug)]
pub struct MoveTask {
    handle: String,
    /// ARN of the dead-letter queue.
    source: String,
    /// ARN of the queue that gets the messages; `None` for the one each came from.
    destination: Option<String>,
    per_second: Option<usize>,
    moved: usize,
    to_move: usize,
    state: State,
    started_at: OffsetDateTime,
}

impl MoveTask {
    pub(super) fn handle(&self) -> &str {
        &self.handle
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Completed,
    Cancelled,
    Failed,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
        }
    }
}

/// How often a task moves messages.
const PACE: Duration = Duration::from_secs(1);
/// How many it moves each time where nothing else was asked for; AWS "optimises" it, up to 500.
const MOST_PER_SECOND: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StartMessageMoveTask {
    source_arn: Option<String>,
    destination_arn: Option<String>,
    max_number_of_messages_per_second: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListMessageMoveTasks {
    source_arn: Option<String>,
    max_results: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CancelMessageMoveTask {
    task_handle: Option<String>,
}

pub(super) fn start(world: &mut World, value: &Value) -> Answer {
    let request: StartMessageMoveTask = read_input(value)?;
    let source = request.source_arn.ok_or_else(|| missing("SourceArn"))?;
    let to_move = visible_in(world, &source)?;
    if !is_dead_letter_queue(world, &source) {
        return Err(CallError::sender(
            "UnsupportedOperation",
            "Source queue must be configured as a Dead Letter Queue.",
        ));
    }
    if let Some(destination) = &request.destination_arn {
        check_destination(world, &source, destination)?;
    }
    let per_second = request
        .max_number_of_messages_per_second
        .map(|asked| number(asked, "MaxNumberOfMessagesPerSecond", MOST_PER_SECOND))
        .transpose()?;
    let running = world
        .sqs
        .moves
        .iter()
        .any(|task| task.source == source && task.state == State::Running);
    if running {
        return Err(CallError::sender(
            "UnsupportedOperation",
            "There is already a task running. Only one active task is allowed for a source queue \
             arn at a given time.",
        ));
    }
    let handle = world.uuid();
    world.sqs.moves.push(MoveTask {
        handle: handle.clone(),
        source,
        destination: request.destination_arn,
        per_second,
        moved: 0,
        to_move,
        state: State::Running,
        started_at: world.now,
    });
    continue_later(world, &handle);
    Ok(json!({ "TaskHandle": handle }))
}

fn continue_later(world: &mut World, handle: &str) {
    let due = Due::Move {
        task: handle.to_owned(),
    };
    world.after(PACE, crate::world::Due::Sqs(due));
}

fn not_found(arn: &str) -> CallError {
    CallError {
        status: 404,
        ..CallError::sender(
            "ResourceNotFoundException",
            format!("The resource that you specified for the {arn} parameter doesn't exist."),
        )
    }
}

fn visible_in(world: &World, arn: &str) -> Result<usize, CallError> {
    let queue = world
        .sqs
        .by_arn(arn)
        .ok_or_else(|| not_found("SourceArn"))?;
    Ok(queue.counts(world.now).visible)
}

fn is_dead_letter_queue(world: &World, arn: &str) -> bool {
    world.sqs.queues.values().any(|queue| {
        let policy = queue.attributes.redrive_policy();
        policy.is_some_and(|policy| policy.dead_letter_arn == arn)
    })
}

fn check_destination(world: &World, source: &str, destination: &str) -> Result<(), CallError> {
    let fifo = |arn: &str| {
        let queue = world.sqs.by_arn(arn)?;
        Some(queue.attributes.is_fifo())
    };
    match fifo(destination) {
        None => Err(not_found("DestinationArn")),
        Some(kind) if Some(kind) != fifo(source) => Err(CallError::sender(
            "UnsupportedOperation",
            "Source queue and destination queue must be of the same type.",
        )),
        Some(_) => Ok(()),
    }
}

fn number(given: i64, parameter: &str, most: usize) -> Result<usize, CallError> {
    match usize::try_from(given) {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(invalid_value(
            given,
            parameter,
            &format!("Must be between 1 and {most}, if provided."),
        )),
    }
}

/// A running task moves its next messages.
pub(super) fn go_on(world: &mut World, handle: &str) {
    let Some(index) = world.sqs.moves.iter().position(|it| it.handle == handle) else {
        return;
    };
    let task = world.sqs.moves[index].clone();
    if task.state != State::Running {
        return;
    }
    let limit = task.per_second.unwrap_or(MOST_PER_SECOND);
    let now = world.now;
    let source = task.source.rsplit(':').next().unwrap_or_default();
    let Some(queue) = world.sqs.queues.get_mut(source) else {
        world.sqs.moves[index].state = State::Failed;
        return;
    };
    let messages = queue.take_visible(limit, now);
    if messages.is_empty() {
        world.sqs.moves[index].state = State::Completed;
        return;
    }
    for message in messages {
        let wanted = task
            .destination
            .as_ref()
            .or(message.dead_letter_source.as_ref());
        let destination = wanted.and_then(|arn| world.sqs.by_arn(arn));
        let Some(name) = destination.map(|queue| queue.name.clone()) else {
            // Nowhere to go: it stays where it was, and the task fails.
            let queue = world.sqs.queues.get_mut(source).expect("it was there");
            queue.bury_again(message, now);
            world.sqs.moves[index].state = State::Failed;
            return;
        };
        let id = world.uuid();
        world.record(Happening::MessageSent {
            queue: name.clone(),
            message_id: id.clone(),
            group_id: message.group_id.clone(),
            body: message.body.clone(),
        });
        let queue = world.sqs.queues.get_mut(&name).expect("just found");
        queue.redrive(message, id, now);
        world.sqs.moves[index].moved += 1;
        crate::lambda::queue_changed(world, &name);
    }
    continue_later(world, handle);
}

pub(super) fn list(world: &World, value: &Value) -> Answer {
    let request: ListMessageMoveTasks = read_input(value)?;
    let source = request.source_arn.ok_or_else(|| missing("SourceArn"))?;
    visible_in(world, &source)?;
    let limit = match request.max_results {
        Some(asked) => number(asked, "MaxResults", 10)?,
        None => 1,
    };
    let tasks: Vec<Value> = world
        .sqs
        .moves
        .iter()
        .rev()
        .filter(|task| task.source == source)
        .take(limit)
        .map(shown)
        .collect();
    Ok(json!({ "Results": tasks }))
}

fn shown(task: &MoveTask) -> Value {
    let started = task.started_at.unix_timestamp_nanos() / 1_000_000;
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put("Status", task.state.name().into());
    put("SourceArn", task.source.clone().into());
    put("ApproximateNumberOfMessagesMoved", task.moved.into());
    put("ApproximateNumberOfMessagesToMove", task.to_move.into());
    put(
        "StartedTimestamp",
        i64::try_from(started).unwrap_or(i64::MAX).into(),
    );
    if let Some(destination) = &task.destination {
        put("DestinationArn", destination.clone().into());
    }
    if let Some(rate) = task.per_second {
        put("MaxNumberOfMessagesPerSecond", rate.into());
    }
    match task.state {
        State::Running => put("TaskHandle", task.handle.clone().into()),
        State::Failed => put(
            "FailureReason",
            "CouldNotDetermineMessageSource: a message has no source queue".into(),
        ),
        State::Completed | State::Cancelled => None,
    };
    Value::Object(shown)
}

pub(super) fn cancel(world: &mut World, value: &Value) -> Answer {
    let request: CancelMessageMoveTask = read_input(value)?;
    let handle = request.task_handle.ok_or_else(|| missing("TaskHandle"))?;
    let task = world
        .sqs
        .moves
        .iter_mut()
        .find(|task| task.handle == handle)
        .ok_or_else(|| not_found("TaskHandle"))?;
    if task.state != State::Running {
        return Err(CallError::sender(
            "UnsupportedOperation",
            "Only active tasks can be cancelled.",
        ));
    }
    task.state = State::Cancelled;
    Ok(json!({ "ApproximateNumberOfMessagesMoved": task.moved }))
}
