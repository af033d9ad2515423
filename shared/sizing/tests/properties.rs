//! What must hold for any history, tag and clock.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use proptest::collection::vec;
use proptest::prelude::*;
use ready_pool_sizing::{
    Bounds, Decision, HitRate, Learner, Minute, Record, Situation, State, Target, hit_rate,
    ln_price, size_at, tags,
};

/// Minutes as a pool may see them, now and then absurd ones.
#[derive(Clone, Debug)]
struct Ended {
    detached: u32,
    waited: Option<u32>,
    waiting: Option<u32>,
    leads: Vec<f64>,
    failing: bool,
    held: bool,
}

fn ended() -> impl Strategy<Value = Ended> {
    let count = prop_oneof![8 => 0..3_u32, 2 => 0..60_u32, 1 => any::<u32>()];
    let seconds = prop_oneof![8 => 20.0..400.0, 1 => any::<f64>()];
    (
        count.clone(),
        proptest::option::weighted(0.9, count.clone()),
        proptest::option::weighted(0.9, count),
        vec(seconds, 0..3),
        proptest::bool::weighted(0.02),
        proptest::bool::weighted(0.02),
    )
        .prop_map(|(detached, waited, waiting, leads, failing, held)| Ended {
            detached,
            waited,
            waiting,
            leads,
            failing,
            held,
        })
}

fn target() -> impl Strategy<Value = Target> {
    (50.0..=99.9, 0..12_u32).prop_map(|(percent, least_ready)| Target {
        hit_rate: HitRate::of_percent(percent).unwrap(),
        least_ready,
    })
}

fn bounds() -> impl Strategy<Value = Bounds> {
    (0..20_u32, 0..80_u32, 0..10_u32, 0..90_u32).prop_map(
        |(pool_size, pool_max_size, group_min, group_max)| Bounds {
            pool_size,
            pool_max_size,
            group_min,
            group_max,
        },
    )
}

fn is_sound(decision: Decision, bounds: Bounds, target: Target) -> Result<(), TestCaseError> {
    let least = target.least_ready.max(bounds.group_min).min(bounds.most());
    prop_assert!((least..=bounds.most()).contains(&decision.size));
    prop_assert!(decision.claims_expected >= 0.0 && decision.claims_expected.is_finite());
    prop_assert!(decision.spread >= 1.0 && decision.spread.is_finite());
    prop_assert!(decision.wait_price_hours > 0.0 && decision.wait_price_hours.is_finite());
    prop_assert!((0.0..=1.0).contains(&decision.predicted_hit_rate));
    Ok(())
}

fn learn(learner: &mut Learner, minute: &Ended, capped: bool, target: Target) {
    let record = Record {
        detached: minute.detached,
        waited: minute.waited,
        waiting: minute.waiting,
        lead_seconds: &minute.leads,
        failing: minute.failing,
        held: minute.held,
        capped,
    };
    learner.learn(&record, target);
}

fn through_tags(state: &State, now: Minute) -> Option<State> {
    let checkpoint = tags::Checkpoint {
        state: state.clone(),
        held: tags::Span::NONE,
        capped: tags::Span::NONE,
        waited: None,
    };
    let tags = tags::write(&checkpoint);
    assert!(tags.iter().all(|(_, text)| text.len() <= 256), "{tags:?}");
    let value = |key: &str| Some(tags.iter().find(|tag| tag.0 == key)?.1.as_str());
    Some(tags::read(value, now)?.state)
}

proptest! {
    // Nothing is written down beside the code: a failure prints what to make a test of.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_size_never_falls_when_mean_or_price_rises(
        mean in 0.0..300.0, more in 1.0..3.0, spread in 1.0..12.0, price in 1.0..1e6, dearer in 1.0..1e3,
    ) {
        let size = size_at(mean, spread, price, 10_000);
        prop_assert!(size_at(mean, spread, price * dearer, 10_000) >= size);
        prop_assert!(size_at(mean * more, spread, price, 10_000) >= size);
        prop_assert!(hit_rate(size + 1, mean, spread) >= hit_rate(size, mean, spread));
    }

    #[test]
    fn the_price_is_the_least_that_reaches_the_rate(
        means in vec(0.0..30.0, 168), spread in 1.0..5.0, target in target(),
    ) {
        let claims: f64 = means.iter().sum();
        let reached = |ln_price: f64| -> f64 {
            let hits = means.iter().map(|mean| {
                let size = size_at(*mean, spread, ln_price.exp(), u32::MAX).max(target.least_ready);
                mean * hit_rate(size, *mean, spread)
            });
            hits.sum::<f64>() / claims
        };
        let price = ln_price(&means, spread, target);
        let wanted = target.hit_rate.fraction();
        prop_assert!(reached(price) >= wanted - 1e-12 || price >= 14.0);
        prop_assert!(price < 1e-5 || reached(price - 1e-5) <= wanted + 1e-12);
    }

}

proptest! {
    // Each case learns hundreds of minutes.
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_history_says_the_size_is_within_the_bounds_and_survives_its_tags(
        start in prop_oneof![Just(0), -20_000..20_000_i64, Just(29_000_047)],
        minutes in vec(ended(), 1..400),
        target in target(), bounds in bounds(),
    ) {
        let mut never_written = Learner::new(Minute::new(start));
        let mut written = never_written.clone();
        let mut size = bounds.first_size(target);
        for minute in &minutes {
            let capped = size == bounds.most();
            learn(&mut never_written, minute, capped, target);
            learn(&mut written, minute, capped, target);
            let now = never_written.state().until();
            if now.plus(-1).ends_a_quarter_hour() {
                let state = through_tags(written.state(), now);
                prop_assert!(state.is_some(), "readable: {:?}", written.state());
                written = Learner::resume(state.unwrap());
            }
            let situation = Situation { waiting: minute.waiting.unwrap_or(0), size, bounds };
            let decision = never_written.decide(situation, target);
            prop_assert_eq!(decision, written.decide(situation, target));
            is_sound(decision, bounds, target)?;
            size = decision.size;
        }
    }

    #[test]
    fn whatever_the_tags_say_nothing_breaks(
        numbers in vec(prop_oneof![0..60_i64, any::<i64>()], 9),
        counter in prop_oneof![Just("-".to_owned()), "[0-9]{1,20}"],
        figures in vec(prop_oneof![Just(0.0_f32), 0.0..200.0_f32, any::<f32>()], 11),
        day in "[A-Za-z0-9_-]{192}", forecasts in "([A-Za-z0-9_-]{5}){0,48}",
        minutes in vec(ended(), 1..70), target in target(), bounds in bounds(),
    ) {
        use std::fmt::Write;
        // Near the clock, else nothing would be read.
        let mut sizing = "v1 15000 0".to_owned();
        for number in &numbers[1..] {
            write!(sizing, " {number}").unwrap();
        }
        write!(sizing, " {counter}").unwrap();
        for figure in &figures {
            write!(sizing, " {figure:e}").unwrap();
        }
        let now = Minute::new(15_000 + numbers[0].rem_euclid(100));
        // How often a mean was folded: within its bounds, or all would be refused.
        let day: String = day.chars().enumerate()
            .map(|(at, digit)| if at % 4 == 3 { 'C' } else { digit })
            .collect();
        let value = |key: &str| match key {
            tags::SIZING => Some(sizing.as_str()),
            tags::FORECASTS => Some(forecasts.as_str()),
            key if tags::DAY.contains(&key) => Some(day.as_str()),
            _ => None,
        };
        let state = tags::read(value, now)
            .map_or_else(|| State::new(now), |checkpoint| checkpoint.state);
        let mut learner = Learner::resume(state);
        let mut size = bounds.first_size(target);
        for minute in &minutes {
            learn(&mut learner, minute, false, target);
            let decision = learner.decide(Situation { waiting: 0, size, bounds }, target);
            is_sound(decision, bounds, target)?;
            size = decision.size;
        }
    }

    #[test]
    fn any_text_is_read_or_refused(sizing in "v1( [-0-9.e]{1,6}){0,25}", other in any::<String>()) {
        let now = Minute::new(100);
        _ = tags::read(|_| Some(sizing.as_str()), now);
        _ = tags::read(|_| Some(other.as_str()), now);
        let key = |key: &str| Some(if key == tags::SIZING { sizing.as_str() } else { other.as_str() });
        _ = tags::read(key, now);
    }
}

/// The figures of a pool that learned three days, as its tags have them.
fn learned() -> (Vec<(&'static str, String)>, Minute) {
    let target = Target {
        hit_rate: HitRate::of_percent(99.0).unwrap(),
        least_ready: 1,
    };
    let mut learner = Learner::new(Minute::new(0));
    for minute in 0..3 * 1_440_u32 {
        let record = Record {
            detached: u32::from(minute % 7 == 0),
            lead_seconds: &[150.0],
            ..Record::default()
        };
        learner.learn(&record, target);
    }
    let checkpoint = tags::Checkpoint {
        state: learner.state().clone(),
        held: tags::Span::NONE,
        capped: tags::Span::NONE,
        waited: Some(3),
    };
    (tags::write(&checkpoint), learner.state().until())
}

#[test]
fn tags_that_nothing_could_have_led_to_are_as_good_as_none() {
    let (tags, now) = learned();
    let read = |changed: &str, text: &str, now: Minute| {
        tags::read(
            |key| {
                let kept = tags
                    .iter()
                    .find(|tag| tag.0 == key)
                    .map(|tag| tag.1.as_str());
                if key == changed { Some(text) } else { kept }
            },
            now,
        )
    };
    assert!(read("", "", now).is_some());
    assert!(read("", "", now.plus(28 * 1_440)).is_some());
    assert!(read("", "", now.plus(28 * 1_440 + 1)).is_none(), "too old");
    assert!(read("", "", now.plus(-6)).is_none(), "of the future");
    assert!(read(tags::SIZING, "", now).is_none());
    let (_, sizing) = &tags[0];
    let words: Vec<&str> = sizing.split(' ').collect();
    for (at, text) in [
        (0, "v2"),
        (1, "x"),
        (2, "999999999"),
        (3, "51"),
        (5, "61"),
        (11, "?"),
        (12, "0e0"),
        (12, "-1e0"),
        (12, "NaN"),
        (12, "1e9"),
        (13, "inf"),
        (13, "-1e0"),
        (14, "0e0"),
        (19, "1e30"),
        (21, "2.1e0"),
        (22, "1.5e1"),
        (22, "-1e0"),
    ] {
        let mut words = words.clone();
        words[at] = text;
        assert!(
            read(tags::SIZING, &words.join(" "), now).is_none(),
            "{at}: {text}"
        );
    }
    assert!(
        read(tags::SIZING, &words[..22].join(" "), now).is_none(),
        "one too few"
    );
    assert!(
        read(tags::SIZING, &format!("{sizing} 1"), now).is_none(),
        "one too many"
    );
    assert!(read(tags::FORECASTS, "AAAA", now).is_none());
    assert!(read(tags::FORECASTS, &"AAAAA".repeat(49), now).is_none());
    assert!(read(tags::DAY[0], "AAAB", now).is_none());
    assert!(
        read(tags::DAY[0], &"AAAd".repeat(48), now).is_none(),
        "seen 29 times"
    );
    assert!(
        read(tags::WEEK[2], &"AAAF".repeat(56), now).is_none(),
        "seen 5 times"
    );
    assert!(read(tags::WEEK[2], &"AA=B".repeat(56), now).is_none());
}

#[test]
fn demand_that_is_absent_reads_as_none() {
    let (tags, now) = learned();
    let only_figures = |key: &str| (key == tags::SIZING).then_some(tags[0].1.as_str());
    let checkpoint = tags::read(only_figures, now).unwrap();
    assert_eq!(checkpoint.waited, Some(3));
    assert!(Learner::resume(checkpoint.state).profile().rate(now) > 0.0);
}
