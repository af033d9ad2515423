//! The size that the hit rate asks for. A full look replays what the pool's tags and history say through
//! `shared/sizing`, minute by minute, and says what the tags shall be: nothing is kept in memory, so whichever
//! environment looks decides the same.

mod catch_up;
mod demand;
mod own;
mod replay;
mod spans;

pub use catch_up::{Reading, Window, catch_up, reading};
pub use own::before_detach;

use super::{View, launches, size};
use ready_pool_core::Timestamp;
use ready_pool_core::group::Group;
use ready_pool_core::pool_size::{SIZE_TAG, size_value};
use ready_pool_sizing::tags::{self, Checkpoint};
use ready_pool_sizing::{Bounds, Decision, Learner, Minute, Situation, Target};
use replay::{Replay, Waits};
use std::time::Duration;

/// Activities show within two minutes: a quarter-hour that ended later is not written down yet.
const SHOWN_AFTER: Duration = Duration::from_mins(2);

/// What the pool's owner asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Which hit rate, and how many stand ready at least.
    pub target: Target,
    /// Ready instances until something is known, and at least for the first day.
    pub pool_size: u32,
    /// The most that the pool may hold.
    pub pool_max_size: u32,
}

/// Tags of the pool, by key.
pub type Tags = Vec<(&'static str, String)>;

/// What a full look makes of tags and history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sizing {
    /// To write in one call, before anything follows from the size. Those that are as they should be are left
    /// out.
    pub tags: Tags,
    /// The size, and why. None where the size stays what it is: the pool is paused, its history could not be
    /// read, or it has not been caught up with.
    pub decision: Option<Decision>,
    /// How long a launch takes, as far as it is learned.
    pub lead: Option<Duration>,
}

impl Settings {
    fn bounds(&self, pool: &Group) -> Bounds {
        let whole = |size: i32| u32::try_from(size).unwrap_or(0);
        Bounds {
            pool_size: self.pool_size,
            pool_max_size: self.pool_max_size,
            group_min: whole(pool.min_size),
            group_max: whole(pool.max_size),
        }
    }
}

/// How many ready instances the pool keeps now, by its tag.
pub fn size_now(pool: &Group, settings: &Settings) -> i32 {
    i32::try_from(kept(pool, settings)).unwrap_or(i32::MAX)
}

fn kept(pool: &Group, settings: &Settings) -> u32 {
    let bounds = settings.bounds(pool);
    let kept = pool.kept_size().and_then(|size| u32::try_from(size).ok());
    kept.map_or_else(
        || bounds.first_size(settings.target),
        |size| size.min(bounds.most()),
    )
}

/// Learns the minutes since the last checkpoint, and decides on the size. Of a pool that is caught up with
/// ([`reading`]).
pub fn decide(view: &View, settings: &Settings) -> Sizing {
    let pool = &view.pool;
    let now = minute_of(view.now);
    let (Some(activities), Some(before)) = (&view.activities, checkpoint(pool, now)) else {
        return Sizing::default();
    };
    let unserved = u32::try_from(size::unserved(view, activities)).unwrap_or(0);
    let waits = match (before.waited, view.backlog) {
        (Some(counter), Some(_)) => Waits::Known {
            counted: pool.waited().saturating_sub(counter),
            waiting: unserved,
        },
        _ => Waits::Unknown,
    };
    let mut replay = Replay::of(view, &before, activities, waits);
    let mut learner = Learner::resume(before.state.clone());
    let due = replay.learn(&mut learner, now, last_shown_quarter(view.now), settings);

    let pause = pool.pause();
    let is_paused = pause.claims || pause.replenishing;
    let size = kept(pool, settings);
    let bounds = settings.bounds(pool);
    let situation = Situation {
        waiting: unserved,
        size,
        bounds,
    };
    let decision = (!is_paused).then(|| learner.decide(situation, settings.target));
    let is_held = is_paused || launches::failing(activities, view.now).is_some();
    let is_capped = decision.is_some_and(|decision| {
        let most = bounds.most();
        size == most || decision.size == most
    });

    let mut tags = Tags::new();
    let is_due = due.is_some();
    let mut after = due.map_or_else(
        || before.clone(),
        |state| Checkpoint {
            state,
            waited: Some(pool.waited()),
            ..before.clone()
        },
    );
    spans::note(&mut after, now, is_held, is_capped);
    if is_due {
        tags.extend(tags::write(&after));
        tags.extend(own::after(pool, activities, after.state.until()));
    } else if after != before {
        let sizing = tags::write(&after).into_iter();
        tags.extend(sizing.filter(|(key, _)| *key == tags::SIZING));
    }
    tags.extend(decision.map(|decision| (SIZE_TAG, size_value(decision.size))));
    Sizing {
        tags: differing(tags, pool),
        decision,
        lead: lead(&learner),
    }
}

fn minute_of(time: Timestamp) -> Minute {
    Minute::of_unix_seconds(time.unix_timestamp())
}

/// The end of the last quarter-hour whose activities all show by now.
fn last_shown_quarter(now: Timestamp) -> Minute {
    minute_of(now - SHOWN_AFTER).quarter_start()
}

fn checkpoint(pool: &Group, now: Minute) -> Option<Checkpoint> {
    tags::read(|key| pool.tags.get(key).map(String::as_str), now)
}

fn lead(learner: &Learner) -> Option<Duration> {
    Duration::try_from_secs_f64(learner.state().lead_seconds()).ok()
}

/// Those that are not as they should be.
fn differing(tags: Tags, pool: &Group) -> Tags {
    tags.into_iter()
        .filter(|(key, value)| pool.tags.get(*key) != Some(value))
        .collect()
}
