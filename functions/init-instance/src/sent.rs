//! Which commands this environment sent to instances in no group: their ends are read in one go, then.
//!
//! In memory only, and no more than a hint what to read: another environment, or one that does not remember, reads the
//! same one after the other.

use ready_pool_core::ids::{GroupName, InstanceId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Commands that are remembered at most; beyond that all are forgotten.
const MOST: usize = 1_000;

/// The targets of their claims, by instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentCommands(Arc<Mutex<BTreeMap<InstanceId, GroupName>>>);

impl SentCommands {
    /// Remembers one, of a claim for this target.
    pub(crate) fn remember(&self, instance: &InstanceId, target: &GroupName) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(instance.clone(), target.clone());
    }

    /// The target that was remembered of an instance, once.
    pub(crate) fn take(&self, instance: &InstanceId) -> Option<GroupName> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(instance)
    }
}
