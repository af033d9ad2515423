//! An answer on its way back to whoever called.

use super::{Region, lock};
use crate::api::{Answer, Call};
use crate::journal::Happening;

/// Dropped before the answer [`arrived`](Delivery::arrived), it writes into the journal that nobody heard it: the
/// caller was killed, or waited no longer.
pub(super) struct Delivery<'a> {
    region: &'a Region,
    /// What goes into the journal, until the answer has arrived.
    unheard: Option<Happening>,
}

impl<'a> Delivery<'a> {
    pub(super) fn of(region: &'a Region, call: &Call, answer: &Answer) -> Self {
        let unheard = Happening::Unheard {
            caller: call.caller.clone(),
            operation: call.operation.clone(),
            input: call.input.clone(),
            error: answer.as_ref().err().map(|error| error.code.clone()),
        };
        Self {
            region,
            unheard: Some(unheard),
        }
    }

    pub(super) fn arrived(mut self) {
        self.unheard = None;
    }
}

impl Drop for Delivery<'_> {
    fn drop(&mut self) {
        if let Some(unheard) = self.unheard.take() {
            lock(&self.region.shared.world).record(unheard);
        }
    }
}
