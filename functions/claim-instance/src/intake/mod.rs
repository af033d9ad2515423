//! From SQS's event to messages in the order in which they are processed.

pub mod isolation;
pub mod message;
pub(crate) mod released;

use crate::decide::Isolation;
use aws_lambda_events::event::sqs::SqsEvent;
use isolation::{Delivery, isolate};
use message::Received;
use ready_pool_core::Timestamp;
use ready_pool_core::ids::GroupName;
use released::Released;

/// Reads the records of an event.
pub(crate) fn receive(
    event: SqsEvent,
    pool: &GroupName,
    released: &Released,
    now: Timestamp,
) -> Vec<Received> {
    let records = event.records.into_iter();
    let messages = records.map(|record| {
        let mut message = Received::read(record, pool, now);
        let receives = message.delivery.receives;
        message.delivery.released = released.take(&message.message_id, receives);
        message
    });
    messages.collect()
}

/// The messages in the order in which they are processed: who was sent first comes first, whatever claims stepped
/// aside since, and suspects last.
pub(crate) fn in_order(mut messages: Vec<Received>) -> Vec<(Received, Isolation)> {
    messages.sort_by_key(|message| message.times.sent);
    let deliveries: Vec<Delivery> = messages.iter().map(|message| message.delivery).collect();
    let mut messages: Vec<Option<Received>> = messages.into_iter().map(Some).collect();
    isolate(&deliveries)
        .into_iter()
        .filter_map(|(position, isolation)| Some((messages.get_mut(position)?.take()?, isolation)))
        .collect()
}
