//! Ways to size a pool.

use crate::demand::{Demand, index};
use crate::pool::{Pass, Policy};
use ready_pool_sizing::{Bounds, Learner, Minute, Situation, Target, size_at};

/// A fixed number.
#[derive(Clone, Copy, Debug)]
pub struct Fixed(pub u32);

impl Policy for Fixed {
    fn size(&mut self, _: &Pass) -> u32 {
        self.0
    }
}

/// The pool's own decisions.
#[derive(Clone, Debug)]
pub struct Auto {
    learner: Learner,
    target: Target,
    bounds: Bounds,
    /// The price of a wait, in instance-hours, in each minute.
    prices: Vec<f64>,
    out_of_reach: u32,
}

impl Auto {
    /// Nothing is known at the start.
    pub fn new(start: Minute, target: Target, bounds: Bounds) -> Self {
        Self {
            learner: Learner::new(start),
            target,
            bounds,
            prices: Vec::new(),
            out_of_reach: 0,
        }
    }

    /// The price of a wait, in instance-hours: the middle one of the minutes from this one on.
    pub fn wait_price_hours(&self, from: u32) -> f64 {
        let mut prices: Vec<f64> = self.scored(from).to_vec();
        prices.sort_unstable_by(f64::total_cmp);
        prices.get(prices.len() / 2).copied().unwrap_or(0.0)
    }

    /// In how many minutes the price was corrected as far as it may be.
    pub fn minutes_out_of_reach(&self) -> u32 {
        self.out_of_reach
    }

    fn scored(&self, from: u32) -> &[f64] {
        self.prices.get(index(u64::from(from))..).unwrap_or(&[])
    }
}

impl Policy for Auto {
    fn size(&mut self, pass: &Pass) -> u32 {
        if let Some(record) = &pass.ended {
            self.learner.learn(record, self.target);
        }
        let situation = Situation {
            waiting: pass.waiting,
            size: pass.size,
            bounds: self.bounds,
        };
        let decision = self.learner.decide(situation, self.target);
        self.prices.push(decision.wait_price_hours);
        self.out_of_reach += u32::from(decision.is_out_of_reach);
        decision.size
    }
}

/// A percentage of the last hour's claims.
#[derive(Clone, Debug)]
pub struct Percent {
    /// Claims up to each minute.
    cumulated: Vec<u32>,
    /// Instances for each claim.
    share: f64,
    least: u32,
    most: u32,
}

impl Percent {
    /// So many percent, within the bounds.
    pub fn new(demand: &Demand, percent: f64, least: u32, most: u32) -> Self {
        Self {
            cumulated: cumulated(demand),
            share: percent / 100.0,
            least,
            most,
        }
    }

    /// The same with another percentage.
    #[must_use]
    pub fn with(mut self, percent: f64) -> Self {
        self.share = percent / 100.0;
        self
    }
}

impl Policy for Percent {
    fn size(&mut self, pass: &Pass) -> u32 {
        let claims = between(
            &self.cumulated,
            i64::from(pass.minute) - 60,
            pass.minute.into(),
        );
        let size = whole((f64::from(claims) * self.share).ceil());
        size.max(self.least).min(self.most)
    }
}

/// Whoever knew the rate beforehand: the hour around each minute, at one price for all.
///
/// No rule does much better without knowing single claims.
#[derive(Clone, Debug)]
pub struct Known {
    /// Claims expected in a lead time from each minute on.
    means: Vec<f64>,
    price: f64,
    least: u32,
    most: u32,
}

impl Known {
    /// With a lead time in minutes.
    pub fn new(demand: &Demand, lead_minutes: f64, least: u32, most: u32) -> Self {
        let cumulated = cumulated(demand);
        let end = i64::from(demand.minutes);
        let means = (0..end)
            .map(|minute| {
                let (from, to) = ((minute - 30).max(0), (minute + 30).min(end));
                let minutes = f64::from(u32::try_from(to - from).unwrap_or(60));
                f64::from(between(&cumulated, from, to)) / minutes * lead_minutes
            })
            .collect();
        Self {
            means,
            price: 1.0,
            least,
            most,
        }
    }

    /// The same at another price of a wait.
    #[must_use]
    pub fn with(mut self, price: f64) -> Self {
        self.price = price;
        self
    }
}

impl Policy for Known {
    fn size(&mut self, pass: &Pass) -> u32 {
        let mean = self.means.get(index(u64::from(pass.minute)));
        let size = size_at(mean.copied().unwrap_or(0.0), 1.0, self.price, self.most);
        size.max(self.least).min(self.most)
    }
}

/// Claims before each minute; one more than there are minutes.
fn cumulated(demand: &Demand) -> Vec<u32> {
    let mut sum = 0;
    let sums = demand.by_minute().into_iter().map(|count| {
        sum += count;
        sum
    });
    std::iter::once(0).chain(sums).collect()
}

/// Claims from a minute until before another.
fn between(cumulated: &[u32], from: i64, to: i64) -> u32 {
    let before = |minute: i64| {
        let at = usize::try_from(minute).unwrap_or(0);
        cumulated.get(at).or(cumulated.last()).copied().unwrap_or(0)
    };
    before(to) - before(from)
}

/// A figure that is not negative as a whole number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, which is what is wanted"
)]
fn whole(figure: f64) -> u32 {
    figure as u32
}
