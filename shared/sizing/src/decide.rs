//! How many instances to keep ready now.

use crate::number::whole;
use crate::state::CORRECTION_BOUND;
use crate::time::DAY;
use crate::{Learner, Target, hit_rate, size_at};

/// Within what the size must lie: the pool's parameters, and its group's own minimum and maximum,
/// which scheduled actions may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The size until something is known, and the least for the first day.
    pub pool_size: u32,
    /// The most that the pool may hold.
    pub pool_max_size: u32,
    /// The group's minimum.
    pub group_min: u32,
    /// The group's maximum.
    pub group_max: u32,
}

impl Bounds {
    /// The most that the size may be. A group whose minimum is beyond it wins: Auto Scaling would
    /// launch them anyway.
    pub fn most(&self) -> u32 {
        self.group_min.max(self.pool_max_size.min(self.group_max))
    }

    /// The first size, before there is any.
    pub fn first_size(&self, target: Target) -> u32 {
        target.least_ready.max(self.pool_size).min(self.most())
    }
}

/// What a decision depends on, beside what was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// Claims that wait.
    pub waiting: u32,
    /// The size now.
    pub size: u32,
    /// Within what it must lie.
    pub bounds: Bounds,
}

/// A size, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// So many instances shall stand ready. Waiting claims come on top.
    pub size: u32,
    /// Claims expected in one lead time.
    pub claims_expected: f64,
    /// Their variance over their mean.
    pub spread: f64,
    /// The price of a wait: an instance may idle for so many hours to save one.
    pub wait_price_hours: f64,
    /// The share of claims that will find a ready instance with this size.
    pub predicted_hit_rate: f64,
    /// The size is the maximum.
    pub is_capped: bool,
    /// Claims wait more often than asked for, and the price is corrected as far as it may be.
    pub is_out_of_reach: bool,
}

impl Learner {
    /// The size at the minute [`crate::State::until`], which is now.
    pub fn decide(&self, situation: Situation, target: Target) -> Decision {
        let state = self.state();
        let now = state.until;
        let bounds = situation.bounds;
        let most = bounds.most();
        let mut least = target.least_ready.max(bounds.group_min);
        if now.since(state.began) < DAY {
            least = least.max(bounds.pool_size);
        }

        let lead = state.lead_minutes();
        let ahead = i64::from(whole(lead.ceil())) + 1;
        let rate = self.profile().rate(now);
        let rate = rate.max(self.profile().rate(now.plus(ahead)));
        let mean = self.level(situation.waiting) * rate * lead;
        let spread = state.spread();

        // At the maximum waits say nothing about the price.
        let correction = if situation.size == most {
            state.correction
        } else {
            self.corrected(target)
        };
        let price = (state.ln_price + correction).exp();
        let up = size_at(mean, spread, price, most);
        // Lowered only as far as twice the price would still ask for: no churn.
        let down = size_at(mean, spread, 2.0 * price, most);
        let size = least.max(up).max(situation.size.min(down)).min(most);
        Decision {
            size,
            claims_expected: mean,
            spread,
            wait_price_hours: price * lead / 60.0,
            predicted_hit_rate: hit_rate(size, mean, spread),
            is_capped: size == most,
            is_out_of_reach: state.correction >= CORRECTION_BOUND,
        }
    }

    /// How the last hour and the last minutes compare with the profile. Only what exceeds one standard
    /// deviation is a burst.
    fn level(&self, waiting: u32) -> f64 {
        let state = self.state();
        let new = f64::from(waiting.saturating_sub(state.counted));
        let level = (4.0 + state.level + new) / (4.0 + state.level_expected);
        let usual = 2.0 + state.burst_expected;
        let beyond = (2.0 + state.burst + new) / (usual + usual.sqrt());
        level * beyond.max(1.0)
    }
}
