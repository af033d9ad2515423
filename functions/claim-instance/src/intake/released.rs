//! Which messages this environment released in good order.
//!
//! SQS counts deliveries, but not how they ended: a claim that has waited through a hundred looks
//! like one of which a hundred invocations died. The environment that released it knows better. An
//! invocation that dies leaves no note behind, whether or not its environment dies with it. A lost
//! memory (a new environment) costs little: the claims are processed one by one, once.

use ready_pool_core::ids::MessageId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// More notes than this are not kept: messages that went to another environment since.
const MOST: usize = 1_000;

/// The notes of one environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Released(Arc<Mutex<BTreeMap<MessageId, u32>>>);

impl Released {
    /// A delivery in which the message had been received so many times released it.
    pub(crate) fn note(&self, message_id: &MessageId, receives: u32) {
        let mut notes = self.notes();
        if notes.len() >= MOST {
            notes.clear();
        }
        notes.insert(message_id.clone(), receives);
    }

    /// Whether the delivery before the one that is the message's `receives`th released it. Asked
    /// once in a delivery.
    pub(crate) fn take(&self, message_id: &MessageId, receives: u32) -> bool {
        let before = self.notes().remove(message_id);
        before.is_some_and(|before| before.checked_add(1) == Some(receives))
    }

    fn notes(&self) -> MutexGuard<'_, BTreeMap<MessageId, u32>> {
        // Each change is a single call: a panic leaves nothing half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_delivery_just_before_counts() {
        let notes = Released::default();
        let [a, b] = ["a", "b"].map(MessageId::from);
        notes.note(&a, 3);
        assert!(notes.take(&a, 4));
        notes.note(&a, 4);
        // The fifth died.
        assert!(!notes.take(&a, 6));
        assert!(!notes.take(&b, 2));
    }

    #[test]
    fn the_memory_is_bounded() {
        let notes = Released::default();
        for n in 0..=MOST {
            notes.note(&n.to_string().into(), 1);
        }
        assert!(notes.notes().len() <= MOST);
        assert!(notes.take(&MOST.to_string().into(), 2));
    }
}
