//! The size by hit rate: tags and history in, tags and a size out, look by look.

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
fn wiped_tags_are_learned_again_from_the_history() {
    let mut pool = Pool::new();
    pool.look();
    pool.minutes(5 * 1_440, by_day);
    let before = pool.checkpoint();
    pool.view.pool.tags.clear();
    let sizing = pool.look();
    assert_eq!(sizing.decision, None, "not yet");
    assert_eq!(pool.view.size, 4, "the first one");
    let after = pool.checkpoint();
    assert_eq!(after.waited, None, "nobody knows who waited");
    assert!(after.state.until() >= before.state.until());
    // Learning began with the first claim this time, not with the first look.
    assert!(after.state.began() > before.state.began());
    let mut sizes = Vec::new();
    let mut rates = Vec::new();
    for checkpoint in [before, after] {
        let learner = Learner::resume(checkpoint.state);
        rates.push(learner.profile().rate(pool.now().plus(600)));
        sizes.push(learner.state().lead_seconds());
    }
    assert!((rates[0] / rates[1] - 1.0).abs() < 0.1, "{rates:?}");
    assert!((sizes[0] / sizes[1] - 1.0).abs() < 0.01, "{sizes:?}");
    pool.minute(0);
    assert!(pool.look().decision.is_some(), "caught up with");
}

#[test]
fn after_an_outage_the_history_is_caught_up_with_and_waits_are_unknown() {
    let mut pool = Pool::new();
    pool.look();
    pool.minutes(3 * 1_440, by_day);
    let before = pool.checkpoint();
    let size = pool.view.size;
    for _ in 0..45 {
        pool.minute(1);
    }
    pool.waited += 20;
    let sizing = pool.look();
    assert_eq!((sizing.decision, pool.view.size), (None, size));
    let after = pool.checkpoint();
    assert_eq!(after.waited, None);
    assert_eq!(after.state.until().since(before.state.until()), 45);
    pool.minute(0);
    let sizing = pool.look();
    assert!(sizing.decision.is_some());
    // The price is not raised by waits of which nobody knows when they were.
    pool.minutes(30, |_| 0);
    assert_eq!(pool.checkpoint().waited, Some(20));
    // It knows of the claims.
    assert!(pool.view.size > size, "{} for {size}", pool.view.size);
}

#[test]
fn a_long_history_is_caught_up_with_in_windows() {
    let mut pool = Pool::new();
    let Reading::Behind(whole) = reading(&pool.view.pool, BOOT_LIMIT, NOW) else {
        panic!("nothing is known yet");
    };
    assert_eq!(whole.minutes(), 28 * 1_440 - 30);
    assert_eq!(whole.shorter().minutes(), 1_440);
    let mut window = whole;
    let mut lengths = Vec::new();
    while !window.is_least() {
        window = window.shorter();
        lengths.push(window.minutes());
    }
    assert_eq!(lengths, [1_440, 720, 360, 180, 90, 45, 15]);

    pool.look();
    pool.minutes(3 * 1_440, by_day);
    let at_once = {
        pool.view.pool.tags.clear();
        pool.look();
        pool.checkpoint()
    };
    pool.view.pool.tags.clear();
    let mut looks = 0;
    while let Reading::Behind(window) = reading(&pool.view.pool, BOOT_LIMIT, pool.view.now) {
        let window = window.at_most(360);
        let sizing = catch_up(&pool.view, &settings(), window, &pool.history);
        for (key, value) in sizing.tags {
            pool.view.pool.tags.insert(key.to_owned(), value);
        }
        looks += 1;
    }
    // Four weeks in windows of six hours.
    assert_eq!(looks, 4 * 28);
    assert_eq!(pool.checkpoint(), at_once, "however it was read");
}

#[test]
fn own_detaches_are_no_demand() {
    let run = |own: bool| {
        let mut pool = Pool::new();
        pool.look();
        pool.minutes(2 * 1_440, by_day);
        for _ in 0..30 {
            let next = instance(pool.launched + 1);
            let member = member(pool.launched + 1, Lifecycle::InService);
            pool.view.pool.members.push(member);
            if own {
                let tags = before_detach(&pool.view.pool, &[next], pool.view.now);
                assert_eq!(tags.len(), 1, "{tags:?}");
                for (key, value) in tags {
                    pool.view.pool.tags.insert(key.to_owned(), value);
                }
            }
            pool.minute(1);
            pool.view.pool.members.clear();
            pool.look();
            pool.minutes(1, |_| 0);
        }
        pool
    };
    let (claimed, retired) = (run(false), run(true));
    assert!(claimed.view.size > retired.view.size);
    assert_eq!(retired.view.size, run(true).view.size);
    // Those that are learned are forgotten: 30 were detached, one every other minute.
    let own = retired.view.pool.own_detaches();
    assert!((1..=9).contains(&own.len()), "{own:?}");
    assert_eq!(claimed.view.pool.tags.get(OWN_TAG), None);
}

#[test]
fn where_own_detaches_have_no_room_the_quarter_hour_is_held() {
    let mut pool = Pool::new();
    pool.look();
    let instances: Vec<InstanceId> = (1..=14).map(instance).collect();
    let keys = |tags: &[(&'static str, String)]| -> Vec<&str> {
        tags.iter().map(|(key, _)| *key).collect()
    };
    let now = pool.view.now;
    assert_eq!(before_detach(&pool.view.pool, &[], now), []);
    let tags = before_detach(&pool.view.pool, &instances[..13], now);
    assert_eq!(keys(&tags), [OWN_TAG]);
    let tags = before_detach(&pool.view.pool, &instances, now);
    assert_eq!(keys(&tags), [tags::SIZING]);
    pool.view
        .pool
        .tags
        .insert(tags[0].0.to_owned(), tags[0].1.clone());
    let held = pool.checkpoint().held;
    assert_eq!((held.from, held.to), (minute(now), minute(now).plus(15)));
    assert_eq!(
        before_detach(&pool.view.pool, &instances, now),
        [],
        "as it is"
    );
}

#[test]
fn while_it_is_paused_nothing_is_decided_and_nothing_is_learned() {
    for value in ["claims", "replenishing", "all", "oops"] {
        let mut pool = Pool::new();
        pool.look();
        pool.minutes(2 * 1_440, by_day);
        let (size, rate) = (pool.view.size, pool.checkpoint().state);
        pool.pause(value);
        assert_eq!(pool.look().decision, None);
        let held = pool.checkpoint().held;
        assert!(held.contains(pool.now()), "{value}: {held:?}");
        // Many claims that are somebody's trouble, and no demand.
        pool.minutes(120, |_| 5);
        assert_eq!(pool.view.size, size);
        let state = pool.checkpoint().state;
        assert!(state.until() > rate.until(), "checkpoints go on");
        pool.view.pool.tags.remove(PAUSE_TAG);
        pool.look();
        assert!(pool.view.size <= size + 1, "{}", pool.view.size);
    }
}

#[test]
fn launches_that_fail_hold_learning_back_and_not_the_size() {
    let mut pool = Pool::new();
    pool.look();
    pool.minutes(2 * 1_440, by_day);
    for n in 0..6 {
        let ended = pool.view.now - SECOND * n;
        pool.history.push(Activity {
            failed: true,
            started_at: ended,
            ended_at: Some(ended),
            ..activity(ActivityKind::Launch, 77, SECOND, None)
        });
    }
    let sizing = pool.look();
    assert!(sizing.decision.is_some());
    assert!(pool.checkpoint().held.contains(pool.now()));
}

#[test]
fn at_the_maximum_waits_say_nothing() {
    let mut pool = Pool::new();
    pool.view.pool.max_size = 4;
    pool.look();
    pool.minute(0);
    let sizing = pool.look();
    assert!(sizing.decision.unwrap().is_capped);
    assert!(pool.checkpoint().capped.contains(pool.now()));
    pool.waited += 50;
    pool.minutes(60, |_| 1);
    assert_eq!(pool.view.size, 4);
    assert!(!pool.look().decision.unwrap().is_out_of_reach);
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
fn tags_and_activities_that_cannot_be_break_nothing() {
    let mut pool = Pool::new();
    pool.look();
    pool.minutes(2 * 1_440, by_day);
    let size = pool.view.size;
    // From the future, backwards, without an instance, and for weeks.
    let odd = [
        (Duration::ZERO, Some(Duration::from_hours(1))),
        (MINUTE, Some(MINUTE * 2)),
        (Duration::from_hours(24), Some(SECOND)),
    ];
    for (n, (started, ended)) in odd.into_iter().enumerate() {
        for kind in [ActivityKind::Launch, ActivityKind::Detach] {
            let number = u32::try_from(n).unwrap();
            let it = activity(kind, number, Duration::ZERO, None);
            pool.history.push(Activity {
                started_at: pool.view.now - started + Duration::from_mins(30) * u32::from(n == 0),
                ended_at: ended.map(|ended| pool.view.now - ended),
                instance: None,
                ..it
            });
        }
    }
    pool.minutes(1, |_| 0);
    assert!((pool.view.size - size).abs() <= 1);
    for key in [
        SIZE_TAG,
        tags::SIZING,
        tags::FORECASTS,
        tags::DAY[0],
        OWN_TAG,
    ] {
        for value in ["", "v1", "v1 -1", "v1 99999999", "𝕏", "AAA"] {
            let good = pool.view.pool.tags.clone();
            pool.view.pool.tags.insert(key.to_owned(), value.to_owned());
            pool.look();
            assert!((0..=50).contains(&pool.view.size), "{key} {value}");
            pool.view.pool.tags = good;
        }
    }
}

#[test]
fn without_the_history_the_size_stays() {
    let mut pool = Pool::new();
    pool.look();
    pool.minutes(20, by_day);
    pool.view.activities = None;
    assert_eq!(size_by_hit_rate(&pool.view, &settings()), Sizing::default());
}
