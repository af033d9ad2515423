//! Minutes that ended are learned from, in order.

use super::Settings;
use super::demand::Demand;
use crate::decide::View;
use ready_pool_core::activity::Activity;
use ready_pool_sizing::tags::{Checkpoint, Span};
use ready_pool_sizing::{Learner, Minute, Record, State};

/// What is known of claims that found nothing ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// Nothing: many minutes are caught up with, and only the present is seen.
    Unknown,
    Known {
        /// How many were counted since the checkpoint. A total: it is spent on the first quarter-hour.
        counted: u64,
        /// How many wait now.
        waiting: u32,
    },
}

/// Minutes to learn.
#[derive(Clone, Debug)]
pub(super) struct Replay {
    demand: Demand,
    held: Span,
    capped: Span,
    waits: Waits,
}

impl Replay {
    pub(super) fn of(
        view: &View,
        checkpoint: &Checkpoint,
        activities: &[Activity],
        waits: Waits,
    ) -> Self {
        Self {
            demand: Demand::of(activities, &view.pool.own_detaches(), view.boot_limit),
            held: checkpoint.held,
            capped: checkpoint.capped,
            waits,
        }
    }

    /// Learns the minutes before `end`. Answers the state at the end of quarter-hour `checkpoint`, where it
    /// comes by.
    pub(super) fn learn(
        &mut self,
        learner: &mut Learner,
        end: Minute,
        checkpoint: Minute,
        settings: &Settings,
    ) -> Option<State> {
        let mut state = None;
        while learner.state().until() < end {
            let minute = learner.state().until();
            learner.learn(&self.record(minute), settings.target);
            if learner.state().until() == checkpoint {
                state = Some(learner.state().clone());
            }
        }
        state
    }

    fn record(&mut self, minute: Minute) -> Record<'_> {
        let (waited, waiting) = match &mut self.waits {
            Waits::Unknown => (None, None),
            Waits::Known { counted, waiting } => {
                let counted = u32::try_from(std::mem::take(counted)).unwrap_or(u32::MAX);
                // Whoever waits now waited then, and those that left since did.
                let waited_then = match *waiting {
                    0 => 0,
                    now => now.saturating_add(self.demand.detached_from(minute.plus(1))),
                };
                (Some(counted), Some(waited_then))
            }
        };
        Record {
            detached: self.demand.detached(minute),
            waited,
            waiting,
            lead_seconds: self.demand.leads(minute),
            failing: self.demand.is_failing(minute),
            held: self.held.contains(minute),
            capped: self.capped.contains(minute),
        }
    }
}
