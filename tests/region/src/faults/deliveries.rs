//! Messages that are delivered more often than once: at-least-once is all that SQS and Lambda
//! promise together.

use crate::api::CallError;
use crate::journal::Happening;
use crate::sqs::{self, NewMessage, Sent};
use crate::world::World;
use std::collections::BTreeMap;
use std::time::Duration;

/// Which messages are delivered again. Chances are from 0 to 1.
#[derive(Debug, Default)]
pub struct Deliveries {
    /// Chance that Lambda fails to delete a message that its function has processed: it is
    /// delivered again when its visibility time-out ends.
    pub lost_delete: f64,
    /// Chance that a received message of a standard queue can be received again at once.
    pub received_again: f64,
    /// Deletes by Lambda that will be lost, by queue name: how many others come before each.
    lost_deletes: BTreeMap<String, Vec<u32>>,
    /// Batches that will start late, by queue name: how many others come before each.
    late_starts: BTreeMap<String, Vec<(u32, Duration)>>,
}

impl Deliveries {
    /// One delete by Lambda is lost: the `nth` of this queue from now on, counted from 1.
    pub fn lose_nth_delete(&mut self, queue: &str, nth: u32) {
        let lost = self.lost_deletes.entry(queue.to_owned()).or_default();
        lost.push(nth.saturating_sub(1));
    }

    /// One batch of this queue starts late: the `nth` that its mapping receives from now on, counted
    /// from 1. The mapping has it in hand for so long because Lambda throttles the invocation; when
    /// that is longer than the visibility time-out, its messages are received again meanwhile.
    /// (Lambda Developer Guide, "Using Lambda with Amazon SQS": a throttled invocation is tried
    /// again with the same batch; that this may outlast the time-out is why it recommends one of
    /// six times the function's.)
    pub fn start_nth_late(&mut self, queue: &str, nth: u32, delay: Duration) {
        let late = self.late_starts.entry(queue.to_owned()).or_default();
        late.push((nth.saturating_sub(1), delay));
    }

    /// How much later than usual the batch starts that was just received from this queue.
    pub(crate) fn start_delay(&mut self, queue: &str) -> Option<Duration> {
        let late = self.late_starts.get_mut(queue)?;
        let delay = late
            .iter()
            .find(|(before, _)| *before == 0)
            .map(|(_, delay)| *delay);
        late.retain(|(before, _)| *before > 0);
        for (before, _) in late {
            *before -= 1;
        }
        delay
    }

    /// Whether this delete is lost.
    pub(crate) fn loses_delete(&mut self, queue: &str, rng: &mut fastrand::Rng) -> bool {
        let armed = self.lost_deletes.entry(queue.to_owned()).or_default();
        let is_lost = armed.contains(&0);
        armed.retain(|before| *before > 0);
        for before in armed {
            *before -= 1;
        }
        is_lost || self.lost_delete > 0.0 && rng.f64() < self.lost_delete
    }

    /// Whether this message of a standard queue can be received again at once.
    pub(crate) fn shows_again(&self, rng: &mut fastrand::Rng) -> bool {
        self.received_again > 0.0 && rng.f64() < self.received_again
    }
}

/// Sends the message that was sent as `message_id` once more, as its sender does that lost the
/// answer and forgot about it for longer than the deduplication window: with a deduplication id of
/// its own. Attributes are not repeated.
///
/// # Errors
/// Those of the send.
///
/// # Panics
/// When the journal knows no such message.
pub fn send_again(world: &mut World, message_id: &str) -> Result<Sent, CallError> {
    let found = world.journal.entries().find_map(|entry| match &entry.what {
        Happening::MessageSent {
            queue,
            message_id: sent,
            group_id,
            body,
        } if sent == message_id => Some((queue.clone(), group_id.clone(), body.clone())),
        _ => None,
    });
    let (queue, group_id, body) = found.expect("the message was sent");
    let deduplication_id = group_id.is_some().then(|| world.uuid());
    let message = NewMessage {
        body,
        group_id,
        deduplication_id,
        ..NewMessage::default()
    };
    sqs::send(world, &queue, "sent-again", message)
}
