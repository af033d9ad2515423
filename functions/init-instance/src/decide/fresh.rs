//! Whether a message can have been handled before.
//!
//! SQS counts deliveries from one again where a message is redriven from a dead-letter queue. There it lies after a
//! thousand receives, a second apart or more: by then what it is about is old.

use super::check::Delivery;
use super::seen::Occasion;
use ready_pool_core::Timestamp;
use ready_pool_core::message::HandOver;
use std::time::Duration;

/// For how long a first delivery is believed to be the first one.
const FRESH_FOR: Duration = Duration::from_mins(5);

/// Whether nothing can have been done for a hand-over before, so that its claim cannot have moved on: it was never
/// delivered, and AWS's answer that the detach from the pool was ours is young.
pub fn is_fresh(hand_over: &HandOver, delivery: Delivery, now: Timestamp) -> bool {
    was_never_delivered(delivery, hand_over.times.detached, now)
}

/// As what an event counts, by which a command ended then.
pub fn occasion_of_event(delivery: Delivery, ended: Option<Timestamp>, now: Timestamp) -> Occasion {
    if was_never_delivered(delivery, ended, now) {
        Occasion::FreshEvent
    } else {
        Occasion::Event
    }
}

fn was_never_delivered(delivery: Delivery, happened: Option<Timestamp>, now: Timestamp) -> bool {
    delivery == Delivery::First && happened.is_some_and(|happened| now < happened + FRESH_FOR)
}
