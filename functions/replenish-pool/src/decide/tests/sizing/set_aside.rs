//! What nothing is learned from: own detaches, pauses, failing launches, the maximum, what cannot be.

use super::*;

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
