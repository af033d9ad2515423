//! Whether a message can have been handled before.
//!
//! SQS counts deliveries from one again where a message is redriven from a dead-letter queue. There it lies after a
//! thousand receives, a second apart or more: by then what it is about is old.

use super::check::Delivery;
use super::seen::Occasion;
use ready_pool_core::Timestamp;
use ready_pool_core::message::HandOver;
use std::time::Duration;

/// How long after a second began that an event names its message is in the queue, where nothing holds it up: EventBridge
/// takes a quarter of a second.
const HEARD_WITHIN: Duration = Duration::from_secs(2);

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
    // A difference of any two moments is one; a sum may be none.
    delivery == Delivery::First && happened.is_some_and(|happened| now - happened < FRESH_FOR)
}

/// When a command ended, as far as its event says: that names the second, and was sent on moments later. Nobody knows of
/// one that was held up.
pub fn ended_at(event: Option<Timestamp>, sent_on: Option<Timestamp>) -> Option<Timestamp> {
    let took = sent_on? - event?;
    sent_on.filter(|_| !took.is_negative() && took < HEARD_WITHIN)
}
