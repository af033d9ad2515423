//! Amazon SQS: standard and FIFO queues.
//!
//! Semantics: SQS API reference and Developer Guide as collected in `aws-semantics.md` §6.

mod attributes;
mod batch;
mod errors;
mod inputs;
mod message_attributes;
mod messages;
mod move_tasks;
mod queue;
mod queues;
mod receipt;

pub use attributes::{Attributes, RedrivePolicy};
pub use message_attributes::{MessageAttribute, MessageAttributes, md5_of_attributes, md5_of_body};
pub(crate) use messages::system_attributes;
pub use messages::{long_poll, receivable};
pub use move_tasks::MoveTask;
pub use queue::{Counts, Message, NewMessage, Queue, Received, Sent, Standing};

use crate::api::{Answer, Call, CallError, Service};
use crate::journal::Happening;
use crate::world::World;
use receipt::Receipt;
use std::collections::BTreeMap;
use std::time::Duration;

/// All queues of the region.
#[derive(Debug, Default)]
pub struct Sqs {
    /// By name.
    pub queues: BTreeMap<String, Queue>,
    /// Redrives from dead-letter queues, oldest first.
    pub moves: Vec<MoveTask>,
}

impl Sqs {
    /// The queue with this ARN.
    pub fn by_arn(&self, arn: &str) -> Option<&Queue> {
        let name = arn.rsplit(':').next()?;
        self.queues.get(name).filter(|queue| queue.arn == arn)
    }

    /// ARN of the queue that a message-move task takes from.
    pub(crate) fn source_of_move(&self, handle: &str) -> Option<String> {
        let task = self.moves.iter().find(|task| task.handle() == handle)?;
        Some(task.source().to_owned())
    }

    /// The queue with this URL.
    pub fn by_url(&self, url: &str) -> Option<&Queue> {
        let name = url.rsplit('/').next()?;
        self.queues.get(name)
    }
}

/// What is on the agenda.
#[derive(Debug)]
#[allow(missing_docs, reason = "each names what it is about")]
pub enum Due {
    /// A queue may have something to receive from this time on.
    Visible { queue: String },
    /// A message-move task goes on.
    Move { task: String },
}

/// A time has come at which messages became visible, or are moved.
pub fn happen(world: &mut World, due: &Due) {
    match due {
        Due::Visible { queue } => crate::lambda::queue_changed(world, queue),
        Due::Move { task } => move_tasks::go_on(world, task),
    }
}

/// Answers one call.
pub fn answer(world: &mut World, call: &Call) -> Answer {
    match call.operation.as_str() {
        "CreateQueue" => queues::create(world, &call.input),
        "GetQueueUrl" => queues::url(world, &call.input),
        "GetQueueAttributes" => queues::attributes(world, &call.input),
        "SetQueueAttributes" => queues::set_attributes(world, &call.input),
        "ListQueueTags" => queues::tags(world, &call.input),
        "ListQueues" => queues::list(world, &call.input),
        "PurgeQueue" => queues::purge(world, &call.input),
        "SendMessage" => messages::send(world, call),
        "ReceiveMessage" => messages::receive(world, &call.input),
        "DeleteMessage" => messages::delete(world, &call.input),
        "ChangeMessageVisibility" => messages::change_visibility(world, &call.input),
        "SendMessageBatch" => batch::send(world, call),
        "DeleteMessageBatch" => batch::delete(world, &call.input),
        "ChangeMessageVisibilityBatch" => batch::change_visibility(world, &call.input),
        "StartMessageMoveTask" => move_tasks::start(world, &call.input),
        "ListMessageMoveTasks" => move_tasks::list(world, &call.input),
        "CancelMessageMoveTask" => move_tasks::cancel(world, &call.input),
        operation => Err(CallError::unknown_operation(Service::Sqs, operation)),
    }
}

/// Sends a message to the queue called `queue`, with every check that the API makes.
pub fn send(
    world: &mut World,
    queue: &str,
    sender: &str,
    new: NewMessage,
) -> Result<Sent, CallError> {
    let now = world.now;
    let id = world.uuid();
    let known = queue_mut(world, queue)?;
    messages::check(known, &new)?;
    let (group_id, body) = (new.group_id.clone(), new.body.clone());
    let sent = known.send(new, id, sender, now);
    if let Some(receivable_at) = sent.receivable_at {
        world.record(Happening::MessageSent {
            queue: queue.to_owned(),
            message_id: sent.message_id.clone(),
            group_id,
            body,
        });
        wake_at(world, queue, receivable_at);
    }
    Ok(sent)
}

/// Receives up to `limit` messages. Those received too often go to the dead-letter queue instead.
pub fn receive(
    world: &mut World,
    queue: &str,
    limit: usize,
    visibility: Option<Duration>,
) -> Result<Vec<Received>, CallError> {
    let now = world.now;
    let known = queue_mut(world, queue)?;
    let visible_again = now + visibility.unwrap_or_else(|| known.attributes.visibility_timeout());
    let policy = known.attributes.redrive_policy();
    let source_arn = known.arn.clone();
    let mut received = Vec::new();
    // What leaves for the dead-letter queue may free the next message of its group.
    loop {
        let known = queue_mut(world, queue)?;
        let step = known.receive(limit - received.len(), visibility, now);
        received.extend(step.received);
        let Some(policy) = policy.as_ref().filter(|_| !step.exhausted.is_empty()) else {
            break;
        };
        for message in step.exhausted {
            world.record(Happening::DeadLettered {
                queue: queue.to_owned(),
                message_id: message.id.clone(),
                body: message.body.clone(),
            });
            bury(world, &policy.dead_letter_arn, message, &source_arn);
        }
    }
    if !received.is_empty() {
        wake_at(world, queue, visible_again);
    }
    if !queue_mut(world, queue)?.attributes.is_fifo() {
        for message in &received {
            if world.faults.deliveries.shows_again(&mut world.rng) {
                change_visibility(world, queue, &message.receipt_handle, Duration::ZERO)?;
            }
        }
    }
    Ok(received)
}

fn bury(world: &mut World, arn: &str, message: Message, source_arn: &str) {
    let now = world.now;
    let Some(name) = world.sqs.by_arn(arn).map(|queue| queue.name.clone()) else {
        return;
    };
    if let Some(queue) = world.sqs.queues.get_mut(&name) {
        queue.bury(message, source_arn, now);
    }
    crate::lambda::queue_changed(world, &name);
}

/// Deletes a received message.
pub fn delete(world: &mut World, queue: &str, handle: &str) -> Result<(), CallError> {
    let now = world.now;
    let receipt = Receipt::parse(handle, queue)?;
    let deleted = queue_mut(world, queue)?.delete(&receipt, handle, now)?;
    if let Some(message_id) = deleted {
        world.record(Happening::MessageDeleted {
            queue: queue.to_owned(),
            message_id,
        });
        // Its message group is free again.
        crate::lambda::queue_changed(world, queue);
    }
    Ok(())
}

/// Makes a received message visible `timeout` from now.
pub fn change_visibility(
    world: &mut World,
    queue: &str,
    handle: &str,
    timeout: Duration,
) -> Result<(), CallError> {
    let now = world.now;
    let receipt = Receipt::parse(handle, queue)?;
    let until = queue_mut(world, queue)?.change_visibility(&receipt, handle, timeout, now)?;
    wake_at(world, queue, until);
    Ok(())
}

/// Tells whoever waits for the queue's messages, at the time they can be received.
fn wake_at(world: &mut World, queue: &str, time: time::OffsetDateTime) {
    if time <= world.now {
        crate::lambda::queue_changed(world, queue);
    } else {
        let due = Due::Visible {
            queue: queue.to_owned(),
        };
        world.at(time, crate::world::Due::Sqs(due));
    }
}

fn queue_mut<'world>(world: &'world mut World, name: &str) -> Result<&'world mut Queue, CallError> {
    world.sqs.queues.get_mut(name).ok_or_else(errors::no_queue)
}

#[cfg(test)]
mod sdk_tests;
#[cfg(test)]
mod tests;
