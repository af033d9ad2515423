//! The size by hit rate: tags and history in, tags and a size out, look by look.

mod past;
mod set_aside;

use super::*;
use crate::decide::sizing::{
    Reading, Settings, Sizing, before_detach, catch_up, decide as size_by_hit_rate, reading,
    size_now,
};
use ready_pool_core::pause::PAUSE_TAG;
use ready_pool_core::pool_size::{OWN_TAG, SIZE_TAG, WAITED_TAG, waited_value};
use ready_pool_sizing::tags::{self, Checkpoint};
use ready_pool_sizing::{
    Bounds, Decision, HitRate, Learner, Minute, Record as Ended, Situation, Target,
};

const MINUTE: Duration = Duration::from_mins(1);

const LAUNCH: Duration = Duration::from_secs(140);

fn settings() -> Settings {
    Settings {
        target: Target {
            hit_rate: HitRate::of_percent(99.0).unwrap(),
            least_ready: 1,
        },
        pool_size: 4,
        pool_max_size: 50,
    }
}

fn minute(time: Timestamp) -> Minute {
    Minute::of_unix_seconds(time.unix_timestamp())
}

/// A pool with its tags and its whole history, looked at once a minute.
struct Pool {
    view: View,
    history: Vec<Activity>,
    waited: u64,
    launched: u32,
}

impl Pool {
    /// Without a history. The first look is at a full hour.
    fn new() -> Self {
        Self {
            view: at_rest(),
            history: Vec::new(),
            waited: 0,
            launched: 0,
        }
    }

    fn now(&self) -> Minute {
        minute(self.view.now)
    }

    /// A full look: with no more history than it asks for.
    fn look(&mut self) -> Sizing {
        let settings = settings();
        let counter = waited_value(self.waited);
        self.view.pool.tags.insert(WAITED_TAG.to_owned(), counter);
        let within = |from: Timestamp, to: Timestamp| -> Vec<Activity> {
            let history = self.history.iter().rev();
            let is_within = |it: &&Activity| it.started_at >= from && it.started_at <= to;
            history.filter(is_within).cloned().collect()
        };
        let sizing = match reading(&self.view.pool, BOOT_LIMIT, self.view.now) {
            Reading::Since(time) => {
                self.view.activities = Some(within(time, self.view.now + Duration::from_hours(1)));
                size_by_hit_rate(&self.view, &settings)
            }
            Reading::Behind(window) => {
                let times = window.times(BOOT_LIMIT);
                catch_up(
                    &self.view,
                    &settings,
                    window,
                    &within(times.start, times.end),
                )
            }
        };
        for (key, value) in &sizing.tags {
            assert!(value.len() <= 256, "{key}: {value}");
            self.view.pool.tags.insert((*key).to_owned(), value.clone());
        }
        self.view.size = size_now(&self.view.pool, &settings);
        sizing
    }

    /// A minute passes in which so many claims came, each of which was given an instance at once, that is
    /// replaced.
    fn minute(&mut self, claims: u32) {
        for claim in 0..claims {
            let started = self.view.now + Duration::from_secs(u64::from(claim) % 60);
            self.launched += 1;
            let number = self.launched;
            let detach = activity(ActivityKind::Detach, number, SECOND, Some(SECOND));
            self.history.push(Activity {
                started_at: started,
                ended_at: Some(started + SECOND),
                ..detach.clone()
            });
            let took = LAUNCH + SECOND * (number % 40);
            self.history.push(Activity {
                kind: ActivityKind::Launch,
                instance: Some(instance(1_000_000 + number)),
                started_at: started,
                ended_at: Some(started + took),
                ..detach
            });
        }
        self.view.now += MINUTE;
    }

    /// Minutes with looks.
    fn minutes(&mut self, count: i64, claims: impl Fn(Minute) -> u32) {
        for _ in 0..count {
            self.minute(claims(self.now()));
            self.look();
        }
    }

    fn checkpoint(&self) -> Checkpoint {
        let tags = &self.view.pool.tags;
        tags::read(|key| tags.get(key).map(String::as_str), self.now()).unwrap()
    }

    fn size_tag(&self) -> Option<&str> {
        self.view.pool.tags.get(SIZE_TAG).map(String::as_str)
    }

    fn pause(&mut self, value: &str) {
        let tags = &mut self.view.pool.tags;
        tags.insert(PAUSE_TAG.to_owned(), value.to_owned());
    }
}

/// Days with a night in which nearly nobody comes.
fn by_day(minute: Minute) -> u32 {
    let of_day = minute.minutes().rem_euclid(1_440);
    match of_day {
        480..1_080 => u32::from(of_day % 3 == 0) + 2 * u32::from(of_day % 17 == 0),
        _ => u32::from(of_day % 97 == 0),
    }
}

/// Somebody who never stops learning and never writes anything down.
struct Uninterrupted {
    learner: Learner,
    size: u32,
}

impl Uninterrupted {
    fn learn(&mut self, history: &[Activity], waited: u32, capped: bool) {
        let minute_now = self.learner.state().until();
        let started = |kind| {
            let activities = history.iter().filter(move |it| it.kind == kind);
            activities
                .filter(|it| minute(it.started_at) == minute_now)
                .count()
        };
        let mut launches: Vec<&Activity> = history
            .iter()
            .filter(|it| it.kind == ActivityKind::Launch)
            .filter(|it| minute(it.ended_at.unwrap()) == minute_now)
            .collect();
        launches.sort_by_key(|it| (it.ended_at, it.instance.clone()));
        let leads: Vec<f64> = launches
            .iter()
            .map(|it| (it.ended_at.unwrap() - it.started_at).as_seconds_f64() + 25.0)
            .collect();
        let ended = Ended {
            detached: u32::try_from(started(ActivityKind::Detach)).unwrap(),
            waited: Some(waited),
            lead_seconds: &leads,
            capped,
            ..Ended::default()
        };
        self.learner.learn(&ended, settings().target);
    }

    fn decide(&mut self) -> Decision {
        let bounds = Bounds {
            pool_size: 4,
            pool_max_size: 50,
            group_min: 0,
            group_max: 100,
        };
        let situation = Situation {
            waiting: 0,
            size: self.size,
            bounds,
        };
        let decision = self.learner.decide(situation, settings().target);
        self.size = decision.size;
        decision
    }
}

#[test]
fn each_look_decides_as_whoever_never_stopped() {
    let mut pool = Pool::new();
    pool.look();
    let mut other = Uninterrupted {
        learner: Learner::new(pool.checkpoint().state.until()),
        size: 4,
    };
    let mut sizes = BTreeSet::new();
    while other.learner.state().until() < pool.now() {
        other.learn(&pool.history, 0, false);
    }
    for _ in 0..4 * 1_440 {
        let now = pool.now();
        pool.minute(by_day(now));
        // Not while the quarter-hour before is not written yet: it would get these waits.
        let waits = now.minutes() % 211 == 7 && now.minutes().rem_euclid(15) > 2;
        pool.waited += u64::from(waits);
        other.learn(&pool.history, u32::from(waits), false);
        let sizing = pool.look();
        let decision = other.decide();
        assert_eq!(sizing.decision, Some(decision), "at {:?}", pool.now());
        assert_eq!(pool.view.size, i32::try_from(decision.size).unwrap());
        sizes.insert(decision.size);
        // All that is kept is in these few tags.
        pool.history
            .retain(|it| it.started_at > pool.view.now - Duration::from_hours(1));
    }
    assert!(sizes.len() > 3, "{sizes:?}");
}

#[test]
fn a_look_in_between_writes_nothing() {
    let mut pool = Pool::new();
    pool.look();
    let written = |pool: &mut Pool| -> Vec<&str> {
        pool.minute(0);
        let sizing = pool.look();
        sizing.tags.iter().map(|(key, _)| *key).collect()
    };
    // At the full hour of the first look.
    assert_eq!(written(&mut pool), [SIZE_TAG]);
    let mut checkpoints = 0;
    for _ in 0..60 {
        let tags = written(&mut pool);
        checkpoints += usize::from(tags.contains(&tags::SIZING));
        assert!(tags.is_empty() || tags.contains(&tags::SIZING), "{tags:?}");
        let is_due = pool.now().minutes().rem_euclid(15) == 2;
        assert_eq!(!tags.is_empty(), is_due);
    }
    assert_eq!(checkpoints, 4);
}

#[test]
fn a_new_pool_begins_with_its_size_and_keeps_it_for_a_day() {
    let mut pool = Pool::new();
    assert_eq!(pool.look().decision, None);
    assert_eq!((pool.view.size, pool.size_tag()), (4, None));
    pool.minutes(1_420, |_| 0);
    assert_eq!(pool.size_tag(), Some("v1 4"));
    pool.minutes(30, |_| 0);
    assert_eq!(pool.size_tag(), Some("v1 1"), "nobody came: LeastReady");
}

#[test]
fn the_group_s_own_bounds_hold() {
    let mut pool = Pool::new();
    pool.look();
    pool.minutes(2 * 1_440, |_| 0);
    assert_eq!(pool.view.size, 1);
    // A scheduled action.
    pool.view.pool.min_size = 20;
    pool.minutes(1, |_| 0);
    assert_eq!(pool.size_tag(), Some("v1 20"));
    pool.view.pool.min_size = 0;
    pool.minutes(1, |_| 0);
    assert_eq!(pool.size_tag(), Some("v1 1"));
    pool.view.pool.max_size = 0;
    pool.minutes(1, |_| 0);
    assert_eq!(pool.size_tag(), Some("v1 0"));
}

#[test]
fn without_the_history_the_size_stays() {
    let mut pool = Pool::new();
    pool.look();
    pool.minutes(20, by_day);
    pool.view.activities = None;
    assert_eq!(size_by_hit_rate(&pool.view, &settings()), Sizing::default());
}
