//! Would a tier of stopped instances behind the ready ones be cheaper?
//!
//! First by formula (METRIC, Sherbrooke 1968), which takes demand for even and is a little too
//! hopeful; then by simulation on the history itself, which decides.

use crate::bench::{Bench, Question, StoppedPrice};
use crate::outcome::Outcome;
use crate::row::MONTH;
use ready_pool_sizing::hit_rate;
use serde::Serialize;

/// The stopped instances tried: up to where so many of all demands of a lead time are met.
const ENOUGH: f64 = 0.99999;
/// No tier is larger.
const MOST_STOPPED: u32 = 10_000;
/// At most so many numbers of stopped instances are simulated.
const TRIES: u32 = 16;

/// Even demand on two tiers.
#[derive(Clone, Copy, Debug)]
pub struct Even {
    /// Claims an hour.
    pub claims_an_hour: f64,
    /// A cold launch, in hours.
    pub cold_hours: f64,
    /// A start, from detach to ready, in hours.
    pub start_hours: f64,
    /// Price of an instance, in dollars an hour.
    pub instance_hour: f64,
    /// Price of a stopped instance's disk, in dollars a month.
    pub disk_month: f64,
}

/// So many instances of each tier, what share of claims they serve, and what they cost a month.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tiers {
    /// Ready instances.
    pub ready: u32,
    /// Stopped ones.
    pub stopped: u32,
    /// Claims that find a ready instance.
    pub hit_rate: f64,
    /// Idle machines, disks and starts.
    pub dollars_a_month: f64,
}

/// E[(N - size)+] of a Poisson N: what so many instances lack.
fn lacking(size: u32, mean: f64) -> f64 {
    // E[(size - N)+] is the sum of P(N < k) for k = 1 to size.
    let spare: f64 = (1..=size).map(|k| hit_rate(k, mean, 1.0)).sum();
    mean - f64::from(size) + spare
}

impl Even {
    /// With so many instances of each tier, by formula.
    pub fn with(&self, ready: u32, stopped: u32) -> Tiers {
        let cold = self.claims_an_hour * self.cold_hours;
        let delayed = lacking(stopped, cold);
        // Without a stopped instance everything is a cold launch.
        let replacing = if stopped == 0 {
            cold
        } else {
            self.claims_an_hour * self.start_hours + delayed
        };
        let spare = f64::from(ready) - replacing + lacking(ready, replacing);
        let spare_stopped = f64::from(stopped) - cold + delayed;
        let starts = if stopped == 0 {
            0.0
        } else {
            self.claims_an_hour * self.start_hours
        };
        Tiers {
            ready,
            stopped,
            hit_rate: hit_rate(ready, replacing, 1.0),
            dollars_a_month: MONTH * self.instance_hour * (spare + starts)
                + self.disk_month * spare_stopped,
        }
    }

    /// The fewest ready instances that reach the rate with so many stopped ones.
    fn least(&self, stopped: u32, rate: f64) -> Tiers {
        let mut ready = 1;
        loop {
            let tiers = self.with(ready, stopped);
            if tiers.hit_rate >= rate {
                return tiers;
            }
            ready += 1;
        }
    }

    /// How many stopped instances are worth a try.
    pub fn most_stopped(&self) -> u32 {
        let cold = self.claims_an_hour * self.cold_hours;
        (0..MOST_STOPPED)
            .find(|size| hit_rate(size + 1, cold, 1.0) >= ENOUGH)
            .unwrap_or(MOST_STOPPED)
    }

    /// The cheapest pair that reaches the rate, by formula.
    pub fn cheapest(&self, rate: f64) -> Tiers {
        let mut best = self.least(0, rate);
        for stopped in 1..=self.most_stopped() {
            let tiers = self.least(stopped, rate);
            if tiers.dollars_a_month < best.dollars_a_month {
                best = tiers;
            }
        }
        best
    }
}

/// The answer for a history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The cheapest fixed pool without stopped instances.
    pub one_tier: Tiers,
    /// The cheapest with them; the same where they save nothing.
    pub two_tiers: Tiers,
    /// What they save, in percent.
    pub saved_percent: f64,
}

/// The cheapest fixed sizes with and without stopped instances, by simulation. None where no size
/// reaches the rate.
pub fn ask(
    bench: &mut Bench,
    question: &Question,
    price: StoppedPrice,
    rate: f64,
) -> Option<Answer> {
    let most_ready = bench.best_fixed(rate)?;
    let one_tier = tiers(most_ready, 0, bench.fixed(most_ready), question, price);
    // More than are ready in the best pool of one tier are never needed at once; twice as many leave
    // room for launches that take long.
    let most_stopped = most_ready.saturating_mul(2);
    let step = most_stopped.div_ceil(TRIES).max(1);
    let mut best = one_tier;
    for stopped in (0..=most_stopped)
        .step_by(usize::try_from(step).unwrap_or(1))
        .skip(1)
    {
        let simulate = |ready| {
            let outcome = bench.tiers(ready, stopped, price.start);
            tiers(ready, stopped, &outcome, question, price)
        };
        if let Some(found) = least_ready(most_ready, rate, simulate)
            && found.dollars_a_month < best.dollars_a_month
        {
            best = found;
        }
    }
    Some(Answer {
        one_tier,
        two_tiers: best,
        saved_percent: (1.0 - best.dollars_a_month / one_tier.dollars_a_month) * 100.0,
    })
}

/// The fewest ready instances up to `most` that reach the rate.
fn least_ready(most: u32, rate: f64, simulate: impl Fn(u32) -> Tiers) -> Option<Tiers> {
    let (mut low, mut high) = (0, most);
    let mut best = None;
    while low < high {
        let middle = u32::midpoint(low, high);
        let found = simulate(middle.max(1));
        if found.hit_rate >= rate {
            best = Some(found);
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    best
}

fn tiers(
    ready: u32,
    stopped: u32,
    outcome: &Outcome,
    question: &Question,
    price: StoppedPrice,
) -> Tiers {
    let hours = outcome.scored().as_secs_f64() / 3_600.0;
    let month = if hours > 0.0 { MONTH / hours } else { 0.0 };
    let running = outcome.idle_hours() + outcome.starting_hours();
    Tiers {
        ready,
        stopped,
        hit_rate: outcome.hit_rate(),
        dollars_a_month: month
            * (running * question.instance_hour
                + outcome.stopped_hours() * price.disk_month / MONTH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn even(claims_an_hour: f64, start_seconds: f64) -> Even {
        Even {
            claims_an_hour,
            cold_hours: 180.0 / 3_600.0,
            start_hours: start_seconds / 3_600.0,
            instance_hour: 0.0168,
            disk_month: 0.64,
        }
    }

    fn saved(even: Even, best: Tiers) -> f64 {
        1.0 - best.dollars_a_month / even.least(0, 0.99).dollars_a_month
    }

    #[test]
    fn the_formula_gives_the_known_pairs() {
        // Claims an hour, start; ready, stopped, percent saved.
        for (claims, start, ready, stopped, percent) in [
            (2.0, 40.0, 2, 0, 0.0),
            (10.0, 40.0, 2, 2, 41.0),
            (40.0, 40.0, 4, 3, 23.0),
            (250.0, 40.0, 8, 18, 14.0),
            (10.0, 75.0, 3, 1, 16.0),
            (40.0, 75.0, 5, 3, 3.0),
            (250.0, 75.0, 22, 0, 0.0),
        ] {
            let even = even(claims, start);
            let best = even.cheapest(0.99);
            assert_eq!(
                (best.ready, best.stopped),
                (ready, stopped),
                "{claims} an hour"
            );
            let saved = saved(even, best) * 100.0;
            assert!((saved - percent).abs() < 1.0, "{claims} an hour: {saved} %");
        }
    }

    #[test]
    fn what_is_lacking_and_what_is_spare_add_up() {
        for mean in [0.1, 2.0, 30.0] {
            assert!((lacking(0, mean) - mean).abs() < 1e-12);
            assert!(lacking(200, mean).abs() < 1e-9);
            let one = lacking(1, mean);
            assert!((one - (mean - 1.0 + (-mean).exp())).abs() < 1e-12, "{one}");
        }
    }
}
