//! What one environment of the function remembers from pass to pass. Lambda may forget it at any
//! time: nothing hangs on it but how often something is done.

use crate::decide::Growth;
use ready_pool_core::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};

/// The memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    notes: Arc<Mutex<Notes>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Notes {
    full_scan_at: Option<Timestamp>,
    window: Option<i64>,
    warm_pool_said_at: Option<Timestamp>,
    growth: Growth,
}

impl Memory {
    /// When the last full scan was made that came to its end; none where nothing is remembered.
    pub(crate) fn full_scan_at(&self) -> Option<Timestamp> {
        self.lock().full_scan_at
    }

    /// A full scan of this time came to its end.
    pub(crate) fn full_scan_was(&self, at: Timestamp) {
        self.lock().full_scan_at = Some(at);
    }

    /// How many minutes of history came in few pages when some was caught up with last.
    pub(crate) fn window(&self) -> Option<i64> {
        self.lock().window
    }

    /// So many minutes of history came in few pages.
    pub(crate) fn window_was(&self, minutes: i64) {
        self.lock().window = Some(minutes);
    }

    /// When it was last said that the pool's group has a warm pool.
    pub(crate) fn warm_pool_said_at(&self) -> Option<Timestamp> {
        self.lock().warm_pool_said_at
    }

    /// It was said at this time.
    pub(crate) fn warm_pool_was_said(&self, at: Timestamp) {
        self.lock().warm_pool_said_at = Some(at);
    }

    /// How the pool grew for zones that lack instances.
    pub(crate) fn growth(&self) -> Growth {
        self.lock().growth
    }

    /// It grew so.
    pub(crate) fn growth_was(&self, growth: Growth) {
        self.lock().growth = growth;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Notes> {
        // Each value is written whole: a panic elsewhere left nothing half done in it.
        (self.notes.lock()).unwrap_or_else(PoisonError::into_inner)
    }
}
