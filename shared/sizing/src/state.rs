//! What is known, and kept in tags.

use crate::number::as_a_tag_holds_it;
use crate::{Minute, digits};
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// The last so many minutes' forecasts and counts are kept.
pub(crate) const KEPT_MINUTES: usize = 48;
/// No minute counts for more claims.
pub(crate) const MOST_CLAIMS: u32 = 4_095;
/// The correction is within this, either way.
pub(crate) const CORRECTION_BOUND: f64 = 2.0;

/// No instance launches within less, or takes longer, in seconds.
pub(crate) const LEAD_TIMES: RangeInclusive<f64> = 1.0..=86_400.0;

/// A mean of counts, and how often it was folded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mean {
    /// Mean claims.
    pub mean: f64,
    /// How often it was folded, at most a number beyond which the old is forgotten.
    pub seen: u32,
}

impl Mean {
    pub(crate) fn fold(&mut self, claims: u32, most: u32) {
        self.seen = (self.seen + 1).min(most);
        self.mean += (f64::from(claims) - self.mean) / f64::from(self.seen);
    }

    /// Claims that it stands for.
    pub(crate) fn claims(&self) -> f64 {
        f64::from(self.seen) * self.mean
    }
}

/// A minute of late: claims as they were forecast, and as they came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Forecast {
    pub(crate) claims: f64,
    pub(crate) came: u32,
}

/// Everything that is known at a quarter-hour's end. Opaque: [`crate::tags`] writes and reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// When learning began.
    pub(crate) began: Minute,
    /// All minutes before it are in here.
    pub(crate) until: Minute,
    /// By quarter-hour of the day; folded 28 times at most.
    pub(crate) day: [Mean; 96],
    /// By hour of the week; folded 4 times at most.
    pub(crate) week: [Mean; 168],
    /// Claims of the hour under way.
    pub(crate) hour: u32,
    /// How many of its minutes were seen.
    pub(crate) hour_minutes: u32,
    /// Claims, and the minutes they came in; half-life 3 days.
    pub(crate) overall: f64,
    pub(crate) overall_minutes: f64,
    /// Claims, and what the profile expected; half-life an hour.
    pub(crate) level: f64,
    pub(crate) level_expected: f64,
    /// Claims, and what profile and level expected; half-life two lead times.
    pub(crate) burst: f64,
    pub(crate) burst_expected: f64,
    /// Of the last 48 minutes, oldest first.
    pub(crate) forecasts: VecDeque<Forecast>,
    /// Squared errors of forecasts, and the forecasts; half-life 7 days.
    pub(crate) error: f64,
    pub(crate) error_mean: f64,
    /// Logarithm of the price of a wait.
    pub(crate) ln_price: f64,
    /// What is added to it after what really happened.
    pub(crate) correction: f64,
    /// Mean of about the last 50 launches, in seconds.
    pub(crate) lead: f64,
    /// How many launches it was learned from, at most 50.
    pub(crate) launches: u32,
    /// Claims that waited when the last quarter-hour ended: they are counted already.
    pub(crate) counted: u32,
}

impl State {
    /// Nothing is known.
    pub fn new(now: Minute) -> Self {
        Self {
            began: now,
            until: now,
            day: [Mean::default(); 96],
            week: [Mean::default(); 168],
            hour: 0,
            hour_minutes: 0,
            overall: 0.0,
            overall_minutes: 60.0,
            level: 0.0,
            level_expected: 0.0,
            burst: 0.0,
            burst_expected: 0.0,
            forecasts: VecDeque::new(),
            error: 30.0,
            error_mean: 20.0,
            ln_price: 4.6,
            correction: 0.0,
            lead: 180.0,
            launches: 0,
            counted: 0,
        }
    }

    /// All minutes before it were learned from.
    pub fn until(&self) -> Minute {
        self.until
    }

    /// When learning began.
    pub fn began(&self) -> Minute {
        self.began
    }

    /// Mean time from a launch's cause to the instance's being ready, in seconds.
    pub fn lead_seconds(&self) -> f64 {
        self.lead
    }

    pub(crate) fn lead_minutes(&self) -> f64 {
        self.lead / 60.0
    }

    /// Variance of the claims in a lead time over their mean, at least 1.
    pub fn spread(&self) -> f64 {
        if self.error_mean == 0.0 {
            1.0
        } else {
            (self.error / self.error_mean).max(1.0)
        }
    }

    /// Rounds every figure to what its tag holds.
    pub(crate) fn round(&mut self) {
        for figure in self.figures_mut() {
            *figure = as_a_tag_holds_it(*figure);
        }
        for forecast in &mut self.forecasts {
            forecast.claims = digits::rounded(forecast.claims * 15.0) / 15.0;
        }
        for mean in self.day.iter_mut().chain(&mut self.week) {
            mean.mean = digits::rounded(mean.mean);
        }
    }

    /// The figures that are 32-bit floats in the tag, in its order.
    pub(crate) fn figures(&self) -> [f64; 11] {
        [
            self.lead,
            self.overall,
            self.overall_minutes,
            self.level,
            self.level_expected,
            self.burst,
            self.burst_expected,
            self.error,
            self.error_mean,
            self.correction,
            self.ln_price,
        ]
    }

    /// Likewise, to be changed.
    pub(crate) fn figures_mut(&mut self) -> [&mut f64; 11] {
        [
            &mut self.lead,
            &mut self.overall,
            &mut self.overall_minutes,
            &mut self.level,
            &mut self.level_expected,
            &mut self.burst,
            &mut self.burst_expected,
            &mut self.error,
            &mut self.error_mean,
            &mut self.correction,
            &mut self.ln_price,
        ]
    }
}
