//! What one environment of the function remembers from pass to pass. Lambda may forget it at any
//! time: nothing hangs on it but how often something is done.

use ready_pool_core::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};

/// The memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    full_scan_at: Arc<Mutex<Option<Timestamp>>>,
}

impl Memory {
    /// When the last full scan was made that came to its end; none where nothing is remembered.
    pub(crate) fn full_scan_at(&self) -> Option<Timestamp> {
        *self.lock()
    }

    /// A full scan of this time came to its end.
    pub(crate) fn full_scan_was(&self, at: Timestamp) {
        *self.lock() = Some(at);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Timestamp>> {
        // One value, written whole: a panic elsewhere left nothing half done in it.
        (self.full_scan_at.lock()).unwrap_or_else(PoisonError::into_inner)
    }
}
