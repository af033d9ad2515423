//! How many instances are being replaced: N, with a mean and a spread (variance over mean).
//!
//! Negative binomial, Poisson where the spread is 1. Probabilities are walked upwards in units of
//! P(0), scaled down before they overflow: P(0) itself underflows from a mean of 700 on, and a size
//! needs only the ratio of a term and the sum of those up to it.

/// Below it the negative binomial's figures lose their digits, and it is a Poisson's.
const LEAST_SPREAD: f64 = 1.001;
/// Where the sum exceeds it, term and sum are scaled down.
const TOO_LARGE: f64 = 1e200;
/// By this factor.
const SCALE: f64 = 1e-200;
/// No group has more instances, and a walk must end whatever the mean.
pub(crate) const NO_LIMIT: u32 = 100_000;

/// P(N = n) and P(N <= n), in units of P(0) and of what was scaled, for n = 0, 1, 2, …
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    mean: f64,
    spread: f64,
    /// The n it stands at.
    pub(crate) at: u32,
    /// P(N = n).
    pub(crate) term: f64,
    /// P(N <= n).
    pub(crate) sum: f64,
    /// Logarithm of the unit of both.
    ln_unit: f64,
}

impl Walk {
    pub(crate) fn new(mean: f64, spread: f64) -> Self {
        let ln_unit = if spread > LEAST_SPREAD {
            -mean / (spread - 1.0) * spread.ln()
        } else {
            -mean
        };
        Self {
            mean,
            spread,
            at: 0,
            term: 1.0,
            sum: 1.0,
            ln_unit,
        }
    }

    pub(crate) fn step(&mut self) {
        self.at = self.at.saturating_add(1);
        let n = f64::from(self.at);
        self.term *= if self.spread > LEAST_SPREAD {
            let r = self.mean / (self.spread - 1.0);
            (n - 1.0 + r) / n * (1.0 - 1.0 / self.spread)
        } else {
            self.mean / n
        };
        self.sum += self.term;
        if self.sum > TOO_LARGE {
            self.term *= SCALE;
            self.sum *= SCALE;
            self.ln_unit -= SCALE.ln();
        }
    }

    /// Whether one more instance is not worth its price: it stands idle for P(N <= n) of the time, and
    /// saves `mean x P(N = n)` waits in each lead time.
    pub(crate) fn is_enough(&self, price: f64) -> bool {
        price * self.mean * self.term <= self.sum
    }

    /// P(N <= n).
    pub(crate) fn probability(&self) -> f64 {
        (self.sum * self.ln_unit.exp()).min(1.0)
    }
}

/// Whether there is anything to expect: a mean above 0.
fn is_some(mean: f64) -> bool {
    mean > 0.0
}

/// The share of claims that find a ready instance where `size` are kept: P(N < size).
///
/// `mean` are the claims expected in one lead time, `spread` the variance of that over its mean, at
/// least 1.
pub fn hit_rate(size: u32, mean: f64, spread: f64) -> f64 {
    if size == 0 {
        return 0.0;
    }
    if !is_some(mean) {
        return 1.0;
    }
    let mut walk = Walk::new(mean, spread);
    while walk.at < size - 1 {
        walk.step();
    }
    walk.probability()
}

/// The size whose next instance is not worth its idling any more at this price of a wait (in lead
/// times that an instance may idle to save one), at most `most`. 0 where no claim is expected.
pub fn size_at(mean: f64, spread: f64, price: f64, most: u32) -> u32 {
    if !is_some(mean) {
        return 0;
    }
    let mut walk = Walk::new(mean, spread);
    while walk.at < most && !walk.is_enough(price) {
        walk.step();
    }
    walk.at
}
