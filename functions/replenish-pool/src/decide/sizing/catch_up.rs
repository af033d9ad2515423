//! A pool whose history is far ahead of what is learned of it: a first deployment, tags that were wiped, a function
//! that did not run. Each full look learns a window of it, oldest first, and writes a checkpoint.

use super::replay::{Replay, Waits};
use super::{
    Settings, Sizing, Tags, checkpoint, differing, last_shown_quarter, lead, minute_of, own, spans,
};
use crate::decide::{View, launches};
use ready_pool_core::Timestamp;
use ready_pool_core::activity::Activity;
use ready_pool_core::group::Group;
use ready_pool_sizing::tags::{self, Checkpoint, Span};
use ready_pool_sizing::{Learner, Minute, State};
use std::ops::Range;
use std::time::Duration;

/// How far back learning begins, in minutes.
const FOUR_WEEKS: i64 = 28 * DAY;
const DAY: i64 = 24 * 60;
const QUARTER: i64 = 15;
/// A launch that failed so long before what is learned still says something.
const FAILED_BEFORE: Duration = Duration::from_mins(10);

/// Which history a full look needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// All since then.
    Since(Timestamp),
    /// That of a window that lies back, of which as much as is read at once is learned.
    Behind(Window),
}

/// Minutes to catch up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    from: Minute,
    /// The end of a quarter-hour.
    to: Minute,
}

/// Which history a full look at the pool needs.
pub fn reading(pool: &Group, boot_limit: Duration, now: Timestamp) -> Reading {
    let present = minute_of(now);
    let from = match checkpoint(pool, present) {
        Some(checkpoint) => checkpoint.state.until(),
        None => present.plus(-FOUR_WEEKS).quarter_start().plus(QUARTER),
    };
    // More than one quarter-hour to fold: of waits in the first of them nothing is known.
    let second = from.quarter_start().plus(2 * QUARTER);
    let to = last_shown_quarter(now);
    if second <= present && from < to {
        Reading::Behind(Window { from, to })
    } else {
        Reading::Since(start(from) - lookback(boot_limit))
    }
}

fn start(minute: Minute) -> Timestamp {
    Timestamp::from_unix_timestamp(minute.unix_seconds()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A filter on history knows start times only: launches that ended since began so much earlier.
fn lookback(boot_limit: Duration) -> Duration {
    FAILED_BEFORE + 2 * boot_limit
}

impl Window {
    /// When what matters in it started.
    pub fn times(&self, boot_limit: Duration) -> Range<Timestamp> {
        (start(self.from) - lookback(boot_limit))..start(self.to)
    }

    /// How long it is, in minutes.
    pub fn minutes(&self) -> i64 {
        self.to.since(self.from)
    }

    /// Whether it is read whatever it takes.
    pub fn is_least(&self) -> bool {
        self.minutes() <= QUARTER
    }

    /// Its beginning: at most so many minutes, whole quarter-hours, and one at least.
    #[must_use]
    pub fn at_most(self, minutes: i64) -> Self {
        let to = self.from.plus(minutes).quarter_start();
        let least = self.from.quarter_start().plus(QUARTER);
        Self {
            to: to.max(least).min(self.to),
            ..self
        }
    }

    /// One that takes fewer pages: a day, then half of it, and so on.
    #[must_use]
    pub fn shorter(self) -> Self {
        self.at_most((self.minutes() / 2).min(DAY))
    }
}

/// Learns a window from its history, and nothing of waits, which nobody remembers. The size stays what it is.
pub fn catch_up(
    view: &View,
    settings: &Settings,
    window: Window,
    activities: &[Activity],
) -> Sizing {
    let pool = &view.pool;
    let now = minute_of(view.now);
    let before = checkpoint(pool, now).unwrap_or_else(|| Checkpoint {
        state: State::new(window.from),
        held: Span::NONE,
        capped: Span::NONE,
        waited: None,
    });
    let state = if before.state.began() == before.state.until() {
        State::new(beginning(activities, window))
    } else {
        before.state.clone()
    };
    let mut learner = Learner::resume(state);
    Replay::of(view, &before, activities, Waits::Unknown).learn(
        &mut learner,
        window.to,
        window.to,
        settings,
    );
    let mut after = Checkpoint {
        state: learner.state().clone(),
        waited: None,
        ..before
    };
    let pause = pool.pause();
    let history = view.activities.as_deref().unwrap_or_default();
    let is_held =
        pause.claims || pause.replenishing || launches::failing(history, view.now).is_some();
    spans::note(&mut after, now, is_held, false);
    let mut tags: Tags = tags::write(&after);
    tags.extend(own::after(pool, activities, after.state.until()));
    Sizing {
        tags: differing(tags, pool),
        decision: None,
        lead: lead(&learner),
    }
}

/// Learning begins with the first activity.
fn beginning(activities: &[Activity], window: Window) -> Minute {
    let minutes = activities
        .iter()
        .map(|activity| minute_of(activity.started_at));
    let within = minutes.filter(|minute| (window.from..window.to).contains(minute));
    within.min().unwrap_or(window.to)
}
