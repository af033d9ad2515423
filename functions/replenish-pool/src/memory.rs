//! What one environment of the function remembers from pass to pass. Lambda may forget it at any
//! time: nothing hangs on it but how often something is done.

use crate::decide::{Growth, LastLooks};
use ready_pool_core::Timestamp;
use ready_pool_core::ids::InstanceId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    notes: Arc<Mutex<Notes>>,
}

/// How often an instance is named that somebody has stopped.
const STOPPED_SAID_EVERY: Duration = Duration::from_hours(1);

#[derive(Clone, Debug, Default)]
struct Notes {
    last: LastLooks,
    /// When all members in service had agents online, unless some had none since.
    agents_online_at: Option<Timestamp>,
    /// When leaks were looked for, and whether there were more suspects than could be checked.
    leaks_at: Option<(Timestamp, bool)>,
    /// When those on their way in were launched.
    launched: BTreeMap<InstanceId, Timestamp>,
    window: Option<i64>,
    warm_pool_said_at: Option<Timestamp>,
    /// When stopped instances were last named.
    stopped_said_at: BTreeMap<InstanceId, Timestamp>,
    growth: Growth,
}

impl Memory {
    /// What is remembered of the last looks that came to their ends.
    pub(crate) fn last_looks(&self) -> LastLooks {
        self.lock().last.clone()
    }

    /// Changes it.
    pub(crate) fn looked(&self, change: impl FnOnce(&mut LastLooks)) {
        change(&mut self.lock().last);
    }

    /// When all members in service were last seen with their agents online; none where one was seen without since.
    pub(crate) fn agents_online_at(&self) -> Option<Timestamp> {
        self.lock().agents_online_at
    }

    /// They were all online at this time, or one was not.
    pub(crate) fn agents_were_online(&self, at: Option<Timestamp>) {
        self.lock().agents_online_at = at;
    }

    /// When leaks were last looked for, and whether there were more suspects than could be checked.
    pub(crate) fn leaks_at(&self) -> Option<(Timestamp, bool)> {
        self.lock().leaks_at
    }

    /// They were at this time.
    pub(crate) fn leaks_were(&self, at: Timestamp, are_crowded: bool) {
        self.lock().leaks_at = Some((at, are_crowded));
    }

    /// When those on their way in were launched.
    pub(crate) fn launched(&self) -> BTreeMap<InstanceId, Timestamp> {
        self.lock().launched.clone()
    }

    /// They were launched then.
    pub(crate) fn launched_were(&self, launched: BTreeMap<InstanceId, Timestamp>) {
        self.lock().launched = launched;
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

    /// Whether an instance was named as stopped within the hour.
    pub(crate) fn stopped_is_said(&self, instance: &InstanceId, now: Timestamp) -> bool {
        let said_at = self.lock().stopped_said_at.get(instance).copied();
        said_at.is_some_and(|at| now < at + STOPPED_SAID_EVERY)
    }

    /// It was named at this time. Those named long ago are forgotten.
    pub(crate) fn stopped_was_said(&self, instance: &InstanceId, at: Timestamp) {
        let said_at = &mut self.lock().stopped_said_at;
        said_at.retain(|_, said| *said > at - STOPPED_SAID_EVERY * 2);
        said_at.insert(instance.clone(), at);
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
