//! The simulated pool on demand that is made for it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use ready_pool_planner::bench::{Bench, Question};
use ready_pool_planner::demand::{DAY, Demand, Leads, MINUTE};
use ready_pool_planner::outcome::Outcome;
use ready_pool_planner::policy::Fixed;
use ready_pool_planner::pool::{Pass, Policy, Setting, run};
use ready_pool_sizing::{HitRate, Minute, hit_rate};
use std::time::Duration;

const LEAD_SECONDS: f64 = 144.0;

/// Claims at random, at a rate (in claims a minute) that depends on the minute; `most` is at least
/// the highest.
fn demand(days: u32, seed: u64, most: f64, rate: impl Fn(u32) -> f64) -> Demand {
    let mut random = fastrand::Rng::with_seed(seed);
    let minutes = days * DAY;
    let mut claims = Vec::new();
    let mut at = 0.0;
    loop {
        at += -(1.0 - random.f64()).ln() / most;
        if at >= f64::from(minutes) {
            break;
        }
        let milliseconds = Duration::from_secs_f64(at * 60.0).as_millis();
        let claim = u64::try_from(milliseconds).unwrap();
        let minute = u32::try_from(claim / MINUTE).unwrap();
        if random.f64() * most < rate(minute) {
            claims.push(claim);
        }
    }
    Demand {
        start: Minute::new(0),
        minutes,
        claims,
    }
}

/// Launches that take from half the mean to one and a half.
fn leads() -> Leads {
    let mut random = fastrand::Rng::with_seed(7);
    Leads::of_seconds((0..5_000).map(|_| LEAD_SECONDS * (0.5 + random.f64()))).unwrap()
}

fn question(learn_days: u32) -> Question {
    Question {
        hit_rates: vec![HitRate::of_percent(99.0).unwrap()],
        instance_hour: 0.0168,
        minute_is_worth: 0.5,
        hand_over: Duration::from_secs(7),
        unscored_minutes: learn_days * DAY,
        least_ready: 1,
        pool_size: 10,
        pool_max_size: 50,
        stopped: None,
    }
}

/// The hit rate at 99 %, and the idle hours against the best fixed size.
fn auto(demand: &Demand, learn_days: u32) -> (f64, f64, Outcome) {
    let (leads, question) = (leads(), question(learn_days));
    let mut bench = Bench::new(demand, &leads, &question);
    let auto = bench.auto(question.hit_rates[0]).outcome;
    let size = bench.best_fixed(0.99).unwrap();
    let against = auto.idle_hours() / bench.fixed(size).idle_hours();
    println!("{:.4} {against:.3} of {size}", auto.hit_rate());
    (auto.hit_rate() * 100.0, against, auto)
}

#[test]
fn a_fixed_pool_serves_what_the_poisson_distribution_says() {
    for (mean, sizes) in [(0.5, 2..6), (2.0, 5..9), (10.0, 15..21)] {
        let rate = mean / (LEAD_SECONDS / 60.0);
        let demand = demand(60, 3, rate, |_| rate);
        let leads = leads();
        for size in sizes {
            let setting = Setting {
                demand: &demand,
                leads: &leads,
                most: 1_000,
                first_size: size,
                unscored_minutes: DAY,
                tier: None,
            };
            let hits = run(setting, &mut Fixed(size)).hit_rate();
            let expected = hit_rate(size, mean, 1.0);
            // A pass a minute brings those who wait a little late.
            let difference = (hits - expected).abs();
            assert!(
                difference < 0.005,
                "{size} at {mean}: {hits} for {expected}"
            );
        }
    }
}

/// 1,560 claims a day, the night a tenth of the peak: from one to the other and back by this share of
/// the peak, `0..=1` being how far the day is.
fn smooth(shape: impl Fn(f64) -> f64) -> Demand {
    let of_peak = |minute: u32| {
        let phase = f64::from(minute % DAY) / f64::from(DAY) * std::f64::consts::TAU;
        shape(0.5 - 0.5 * phase.cos())
    };
    let mean = (0..DAY).map(of_peak).sum::<f64>() / f64::from(DAY);
    let peak = 1_560.0 / f64::from(DAY) / mean;
    demand(42, 5, peak, |minute| peak * of_peak(minute))
}

#[test]
fn a_smooth_day_idles_half_of_the_best_fixed_size() {
    // Up by the same factor each hour, and down.
    let demand = smooth(|day| 0.1_f64.powf(1.0 - day));
    let (hits, against, outcome) = auto(&demand, 14);
    assert!((hits - 99.0).abs() <= 0.3, "{hits} %");
    assert!(against <= 0.55, "{against}");
    assert!(
        outcome.changes_a_day() < 288.0,
        "a change in five minutes at most"
    );
}

#[test]
fn a_broad_day_idles_two_thirds_of_the_best_fixed_size() {
    // Up by as many claims each hour, and down: the peak is lower, and lasts.
    let (hits, against, _) = auto(&smooth(|day| 0.1 + 0.9 * day), 14);
    assert!((hits - 99.0).abs() <= 0.3, "{hits} %");
    assert!(against <= 0.62, "{against}");
}

#[test]
fn office_hours_idle_a_third_of_the_best_fixed_size() {
    let rate = |minute: u32| {
        let (day, hour) = (minute / DAY % 7, minute % DAY / 60);
        if day < 5 && (9..18).contains(&hour) {
            1.5
        } else {
            0.02
        }
    };
    let (hits, against, _) = auto(&demand(70, 11, 1.5, rate), 28);
    assert!((hits - 99.0).abs() <= 0.3, "{hits} %");
    assert!(against <= 0.40, "{against}");
}

#[test]
fn flat_demand_costs_no_more_than_the_best_fixed_size() {
    for (mean, most) in [(0.5, 1.0), (2.0, 1.0), (10.0, 1.06)] {
        let rate = mean / (LEAD_SECONDS / 60.0);
        let (hits, against, _) = auto(&demand(56, 17, rate, |_| rate), 28);
        assert!((hits - 99.0).abs() <= 0.3, "{hits} % at {mean}");
        assert!(against <= most, "{against} at {mean}");
    }
}

/// Up and down each quarter-hour.
struct Swinging;

impl Policy for Swinging {
    fn size(&mut self, pass: &Pass) -> u32 {
        if (pass.minute / 15).is_multiple_of(2) {
            12
        } else {
            2
        }
    }
}

#[test]
fn every_claim_is_counted_once_and_nobody_waits_longer_than_a_launch_and_a_pass() {
    let demand = demand(10, 23, 1.0, |_| 1.0);
    let leads = leads();
    let setting = Setting {
        demand: &demand,
        leads: &leads,
        most: 40,
        first_size: 3,
        unscored_minutes: 0,
        tier: None,
    };
    for policy in [
        &mut Swinging as &mut dyn Policy,
        &mut Fixed(0),
        &mut Fixed(3),
    ] {
        let outcome = run(setting, policy);
        assert_eq!(outcome.claims(), demand.count());
        assert!(outcome.waited_claims() <= outcome.claims());
        let longest = outcome.longest_wait().as_secs_f64();
        assert!(longest <= LEAD_SECONDS * 1.5 + 60.0, "{longest}");
        assert_eq!(outcome.sizes().len(), 10 * 1_440);
    }
    let setting = Setting {
        first_size: 0,
        ..setting
    };
    let nobody = run(setting, &mut Fixed(0));
    assert_eq!(nobody.waited_claims(), nobody.claims());
    assert!(nobody.idle_hours() < 1.0, "{}", nobody.idle_hours());
}

#[test]
fn what_is_launched_for_nothing_is_terminated_and_counted() {
    let quiet = Demand {
        start: Minute::new(0),
        minutes: DAY,
        claims: Vec::new(),
    };
    let leads = Leads::of_seconds([125.0]).unwrap();
    let setting = Setting {
        demand: &quiet,
        leads: &leads,
        most: 40,
        first_size: 2,
        unscored_minutes: 0,
        tier: None,
    };
    let outcome = run(setting, &mut Swinging);
    // 48 times ten instances come, each of which runs 100 s before it is ready, and ten go. The first
    // two to go are those of the start.
    assert!((outcome.terminated_a_day() - 480.0).abs() < 1e-9);
    let ready = outcome.mean_ready() * 24.0;
    let boots = 478.0 * 100.0 / 3_600.0;
    assert!((outcome.idle_hours() - ready - boots).abs() < 1e-6);
}

#[test]
fn a_year_of_a_thousand_claims_a_day_takes_less_than_half_a_minute_a_rate() {
    let rate = 1_000.0 / f64::from(DAY);
    let demand = demand(365, 9, rate, |_| rate);
    let (leads, question) = (leads(), question(14));
    let bench = Bench::new(&demand, &leads, &question);
    let started = std::time::Instant::now();
    let hits = bench.auto(question.hit_rates[0]).outcome.hit_rate();
    let took = started.elapsed();
    println!("{} claims: {hits:.4} in {took:.1?}", demand.count());
    assert!(took < Duration::from_secs(30), "{took:?}");
}
