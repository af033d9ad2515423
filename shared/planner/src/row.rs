//! One policy's line in the table.

use crate::bench::Question;
use crate::outcome::Outcome;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// Hours of a month, as AWS counts them.
pub const MONTH: f64 = 730.0;

/// How the pool is sized.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "policy", rename_all = "snake_case")]
pub enum Kind {
    /// No pool: a launch for each claim.
    None,
    /// A fixed size.
    Static {
        /// So many.
        size: u32,
    },
    /// A percentage of the last hour's claims, the best in hindsight.
    PercentOfTheLastHour {
        /// So many.
        percent: f64,
    },
    /// The pool's own decisions.
    Auto {
        /// `HitRate`.
        hit_rate_percent: f64,
    },
    /// Who knew the rate beforehand.
    RateKnown,
}

/// As the table, the picture and docs/sizing.md call it.
impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(formatter, "none"),
            Self::Static { size } => write!(formatter, "fixed size {size}"),
            Self::PercentOfTheLastHour { percent } => {
                write!(formatter, "{percent:.0} % of the last hour")
            }
            Self::Auto { hit_rate_percent } => write!(formatter, "hit rate {hit_rate_percent} %"),
            Self::RateKnown => write!(formatter, "rate known"),
        }
    }
}

/// What a policy would have given and cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// How the pool is sized.
    #[serde(flatten)]
    pub kind: Kind,
    /// Claims that found a ready instance.
    pub hit_percent: f64,
    /// Its standard error, by days.
    pub hit_standard_error: Option<f64>,
    /// How long half of all claims waited at most.
    pub wait_p50_seconds: f64,
    /// How long 99 of 100 waited at most.
    pub wait_p99_seconds: f64,
    /// The longest wait.
    pub wait_max_seconds: f64,
    /// The mean wait of those that waited.
    pub mean_wait_seconds: Option<f64>,
    /// Ready instances, the mean over time.
    pub ready_mean: f64,
    /// Instance-hours a month that idled.
    pub idle_hours_a_month: f64,
    /// What they cost.
    pub idle_dollars_a_month: f64,
    /// Instances terminated unused, a day.
    pub terminated_a_day: f64,
    /// Changes of the size, a day.
    pub size_changes_a_day: f64,
    /// The share of time in which the size was the maximum.
    pub at_the_maximum: f64,
    /// Minutes a month that claims do not wait because of the pool.
    pub avoided_minutes_a_month: f64,
    /// What one of them costs; none where none is avoided.
    pub dollars_per_avoided_minute: Option<f64>,
    /// What the last of them costs: the price of a wait, by the mean wait.
    pub dollars_per_last_minute: Option<f64>,
}

impl Row {
    /// From an outcome. `lead` is how long a claim waits without a pool; `wait_price_hours` is the
    /// price of a wait, where the policy has one.
    pub fn new(
        kind: Kind,
        outcome: &Outcome,
        question: &Question,
        lead: Duration,
        wait_price_hours: Option<f64>,
    ) -> Self {
        let hours = outcome.scored().as_secs_f64() / 3_600.0;
        let month = if hours > 0.0 { MONTH / hours } else { 0.0 };
        let without = lead.saturating_sub(question.hand_over).as_secs_f64() / 60.0;
        let avoided =
            f64::from(outcome.claims()) * without - outcome.waiting().as_secs_f64() / 60.0;
        let avoided = avoided * month;
        let idle_hours = outcome.idle_hours() * month;
        let idle_dollars = idle_hours * question.instance_hour;
        let mean_wait = outcome.mean_wait().map(|wait| wait.as_secs_f64());
        let dollars_per_last_minute = wait_price_hours
            .zip(mean_wait)
            .filter(|(_, wait)| *wait > 0.0)
            .map(|(hours, wait)| hours * question.instance_hour / (wait / 60.0));
        Self {
            kind,
            hit_percent: outcome.hit_rate() * 100.0,
            hit_standard_error: outcome.standard_error().map(|error| error * 100.0),
            wait_p50_seconds: outcome.wait_percentile(50).as_secs_f64(),
            wait_p99_seconds: outcome.wait_percentile(99).as_secs_f64(),
            wait_max_seconds: outcome.longest_wait().as_secs_f64(),
            mean_wait_seconds: mean_wait,
            ready_mean: outcome.mean_ready(),
            idle_hours_a_month: idle_hours,
            idle_dollars_a_month: idle_dollars,
            terminated_a_day: outcome.terminated_a_day(),
            size_changes_a_day: outcome.changes_a_day(),
            at_the_maximum: outcome.capped(),
            avoided_minutes_a_month: avoided.max(0.0),
            dollars_per_avoided_minute: (avoided > 0.0 && idle_hours > 0.0)
                .then(|| idle_dollars / avoided),
            dollars_per_last_minute,
        }
    }
}
