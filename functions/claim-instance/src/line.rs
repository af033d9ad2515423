//! What one environment of the function remembers of the line of claims. A lost memory (a new environment) costs a
//! few waits that are not counted.

use ready_pool_core::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Arc<Mutex<Notes>>);

#[derive(Clone, Copy, Debug, Default)]
struct Notes {
    /// When a claim last waited for an instance.
    stood: Option<Timestamp>,
    /// The counter of claims that found nothing ready, as it was read or written last.
    waited: u64,
}

impl Line {
    /// A claim waits for an instance now.
    pub(crate) fn stands(&self, now: Timestamp) {
        self.notes().stood = Some(now);
    }

    /// When a claim last waited for an instance, if that is remembered.
    pub(crate) fn stood(&self) -> Option<Timestamp> {
        self.notes().stood
    }

    /// The counter was read. A read may be older than what was written here.
    pub(crate) fn read(&self, waited: u64) {
        let mut notes = self.notes();
        notes.waited = notes.waited.max(waited);
    }

    /// The counter with so many claims more.
    pub(crate) fn count(&self, claims: u64) -> u64 {
        let mut notes = self.notes();
        notes.waited = notes.waited.saturating_add(claims);
        notes.waited
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        // Each value is written whole: a panic leaves nothing half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_read_does_not_take_a_count_back() {
        let line = Line::default();
        line.read(5);
        assert_eq!(line.count(2), 7);
        line.read(5);
        assert_eq!(line.count(1), 8);
        line.read(20);
        assert_eq!(line.count(1), 21);
    }
}
