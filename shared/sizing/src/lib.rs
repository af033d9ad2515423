//! Hit rate in, size out.
//!
//! The pool's owner says which share of claims shall find a ready instance at once ([`HitRate`]).
//! [`Learner`] counts the claims and launches of minutes that ended ([`Learner::learn`]), and says
//! how many instances to keep ready ([`Learner::decide`]). What it knows fits into a few tags
//! ([`tags`]), and is rounded to what they hold at each quarter-hour's end, whether or not it is
//! written then: whoever reads the tags and the minutes since then decides as whoever never stopped.
//!
//! In short: the claims expected in one lead time are a profile of the day and week, corrected by
//! how the last hour and the last minutes compare with it. How many more may come is a negative
//! binomial distribution around that, as wide as such forecasts were off of late. One more instance is
//! kept where the waits it saves are worth its idling, at a *price of a wait* that is the same in all
//! hours, and that follows from the profile and from what really happens.
//!
//! Nothing here knows AWS, reads a clock or does I/O. replenish-pool and the planner share it.

mod decide;
mod digits;
mod distribution;
mod learn;
mod number;
mod price;
mod profile;
mod state;
pub mod tags;
mod time;

pub use decide::{Bounds, Decision, Situation};
pub use distribution::{hit_rate, size_at};
pub use learn::{Learner, Record};
pub use price::ln_price;
pub use profile::Profile;
pub use state::{Mean, State};
pub use time::Minute;

use std::fmt;

/// The share of claims that shall find a ready instance at once: 50 to 99.9 %.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct HitRate(f64);

impl HitRate {
    /// A percentage; none where it is not from 50 to 99.9.
    pub fn of_percent(percent: f64) -> Option<Self> {
        (50.0..=99.9)
            .contains(&percent)
            .then_some(Self(percent / 100.0))
    }

    /// As a fraction of 1.
    pub fn fraction(self) -> f64 {
        self.0
    }
}

impl fmt::Display for HitRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A thousandth of a percent is below what anybody sets, and above what a division leaves.
        let percent = (self.0 * 100_000.0).round() / 1_000.0;
        write!(formatter, "{percent} %")
    }
}

/// What the pool's owner asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Which share of claims shall find a ready instance.
    pub hit_rate: HitRate,
    /// Never fewer than so many are kept ready, even where the rate would be reached without.
    pub least_ready: u32,
}
