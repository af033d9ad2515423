//! History that lies back is caught up with.

use super::*;

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
