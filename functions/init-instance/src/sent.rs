//! Which commands this environment sent to instances in no group: their ends are read in one go, then.
//!
//! In memory only, and no more than a hint what to read: another environment, or one that does not remember, reads the
//! same one after the other.

use ready_pool_core::Timestamp;
use ready_pool_core::ids::{GroupName, InstanceId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Commands that are remembered at most; beyond that all are forgotten.
const MOST: usize = 1_000;

/// A command that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SentCommand {
    /// Its claim's target.
    pub(crate) target: GroupName,
    /// When it was sent, by our clock.
    pub(crate) at: Timestamp,
}

/// The commands, by instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentCommands(Arc<Mutex<BTreeMap<InstanceId, SentCommand>>>);

impl SentCommands {
    /// Remembers one.
    pub(crate) fn remember(&self, instance: &InstanceId, command: SentCommand) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(instance.clone(), command);
    }

    /// What was remembered of an instance, once.
    pub(crate) fn take(&self, instance: &InstanceId) -> Option<SentCommand> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(instance)
    }
}
