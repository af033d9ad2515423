//! The price of a wait: what all hours of the week must pay alike for the hit rate to be reached.

use crate::Target;
use crate::distribution::{NO_LIMIT, Walk};

/// The logarithm of the price is at least 0 and at most this.
pub(crate) const HIGHEST: f64 = 14.0;
const BISECTIONS: u32 = 24;

/// The logarithm of the least price of a wait at which a week with these means reaches the hit rate.
///
/// `means` are the claims expected in one lead time in each hour of the week, `spread` their
/// variance over the mean. The pool's maximum is left out on purpose: a pool at its limit by day must
/// not be fattened by night.
pub fn ln_price(means: &[f64], spread: f64, target: Target) -> f64 {
    let claims: f64 = means.iter().sum();
    // Not `<=`: what is not a number has no price either.
    if claims.is_nan() || claims <= 0.0 {
        return 0.0;
    }
    let wanted = target.hit_rate.fraction() * claims;
    let hours: Vec<Hour> = means
        .iter()
        .map(|mean| Hour::new(*mean, spread, target.least_ready))
        .collect();
    let is_reached = |ln_price: f64| {
        let price = ln_price.exp();
        let hits: f64 = hours.iter().map(|hour| hour.hits(price)).sum();
        hits >= wanted
    };
    let (mut low, mut high) = (0.0, HIGHEST);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if is_reached(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// One hour's sizes at all prices that may be asked for, each with what it saves: walked once
/// instead of at each bisection.
struct Hour {
    mean: f64,
    /// The size at each step, and the share of claims that it serves.
    steps: Vec<(Walk, f64)>,
}

impl Hour {
    fn new(mean: f64, spread: f64, least_ready: u32) -> Self {
        let mut steps = Vec::new();
        if mean > 0.0 {
            let mut walk = Walk::new(mean, spread);
            // P(N < size), one step behind the walk.
            let mut served = 0.0;
            loop {
                let is_last = walk.at >= NO_LIMIT;
                if walk.at >= least_ready && (walk.is_enough(1.0) || is_last) {
                    steps.push((walk, served));
                    if walk.is_enough(HIGHEST.exp()) || is_last {
                        break;
                    }
                }
                served = walk.probability();
                walk.step();
            }
        }
        Self { mean, steps }
    }

    /// Claims that find a ready instance in one lead time, at this price.
    fn hits(&self, price: f64) -> f64 {
        // Sizes rise with the price, so the first that is enough is found by halving. The last one is
        // taken where none is.
        let first = self
            .steps
            .partition_point(|(walk, _)| !walk.is_enough(price));
        let step = self.steps.get(first).or(self.steps.last());
        self.mean * step.map_or(0.0, |(_, served)| *served)
    }
}
