//! A minute that ended is learned from.

use crate::number::{as_a_tag_holds_it, whole};
use crate::price::ln_price;
use crate::state::{CORRECTION_BOUND, Forecast, KEPT_MINUTES, LEAD_TIMES, MOST_CLAIMS};
use crate::{Minute, Profile, State, Target};

/// A quarter-hour of the day is a mean of about so many days, an hour of the week of so many weeks.
const DAYS: u32 = 28;
const WEEKS: u32 = 4;
/// The lead time is a mean of about so many launches.
const LAUNCHES: u32 = 50;
/// By how much a claim that waited raises the price's logarithm.
const STEP: f64 = 0.1;
/// A squared error counts for at most so many times the forecast: four standard deviations of a
/// Poisson count. Else one burst would make every hour of the next week dear.
const GREATEST_ERROR: f64 = 16.0;
/// Forecasts are worth comparing after so many minutes.
const WARM_UP: i64 = 60;

/// Half-lives in minutes.
const OVERALL: f64 = 4_320.0;
const LEVEL: f64 = 60.0;
const ERROR: f64 = 10_080.0;

/// What a figure keeps of itself in a minute, with this half-life in minutes.
fn fade(half_life: f64) -> f64 {
    0.5_f64.powf(1.0 / half_life)
}

/// What happened in a minute that ended. The default: nothing, and it is known that nobody waited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record<'a> {
    /// Instances that left the pool for a claim.
    pub detached: u32,
    /// Claims that found nothing ready; none where it is not known.
    pub waited: Option<u32>,
    /// Claims that wait at its end; none where it is not known. It matters only where a quarter-hour
    /// ends.
    pub waiting: Option<u32>,
    /// The lead times, in seconds, of launches that ended well in it, by their ends.
    pub lead_seconds: &'a [f64],
    /// A launch failed in the ten minutes before its end.
    pub failing: bool,
    /// Claims or replenishing were paused, or launching was held back.
    pub held: bool,
    /// The size was the maximum.
    pub capped: bool,
}

impl Default for Record<'_> {
    fn default() -> Self {
        Self {
            detached: 0,
            waited: Some(0),
            waiting: Some(0),
            lead_seconds: &[],
            failing: false,
            held: false,
            capped: false,
        }
    }
}

/// The quarter-hour under way. It is not kept: its minutes give it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Quarter {
    claims: u32,
    minutes: u32,
    waited: u32,
    /// Whether its waits say nothing about the price.
    disturbed: bool,
}

/// What is known, and the minutes since the last quarter-hour's end.
#[derive(Clone, Debug, PartialEq)]
pub struct Learner {
    state: State,
    quarter: Quarter,
    profile: Profile,
}

impl Learner {
    /// Nothing is known: learning begins now.
    pub fn new(now: Minute) -> Self {
        Self::resume(State::new(now))
    }

    /// Goes on from what was known at a quarter-hour's end.
    pub fn resume(state: State) -> Self {
        Self {
            profile: Profile::of(&state),
            quarter: Quarter::default(),
            state,
        }
    }

    /// What is known. Only at a quarter-hour's end is it complete without the minutes since.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// When claims come.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Learns the minute [`State::until`], which ended.
    pub fn learn(&mut self, record: &Record, target: Target) {
        let minute = self.state.until;
        let claims = self.count(record, minute);
        if record.held {
            // Neither a forecast made before it nor the claims in it say anything about each other.
            self.state.forecasts.clear();
        } else {
            self.follow(claims, minute);
            self.measure_error(minute);
            self.learn_lead(record.lead_seconds);
            let state = &mut self.state;
            state.hour = state.hour.saturating_add(claims);
            state.hour_minutes = state.hour_minutes.saturating_add(1);
            let quarter = &mut self.quarter;
            quarter.claims = quarter.claims.saturating_add(claims);
            quarter.minutes += 1;
            quarter.waited = quarter.waited.saturating_add(record.waited.unwrap_or(0));
        }
        if record.failing || record.held || record.capped || record.waited.is_none() {
            self.quarter.disturbed = true;
        }
        self.state.until = minute.plus(1);
        if minute.ends_a_quarter_hour() {
            self.fold(minute, target);
        }
    }

    /// The price's correction, with what the quarter-hour under way showed so far.
    pub(crate) fn corrected(&self, target: Target) -> f64 {
        if self.quarter.disturbed {
            return self.state.correction;
        }
        let allowed = (1.0 - target.hit_rate.fraction()) * f64::from(self.quarter.claims);
        let correction = self.state.correction + STEP * (f64::from(self.quarter.waited) - allowed);
        correction.clamp(-CORRECTION_BOUND, CORRECTION_BOUND)
    }

    /// Claims of a minute. Those that wait are counted when they are first seen waiting at a
    /// quarter-hour's end, not when they are detached: otherwise the end of an outage looks like a
    /// burst.
    fn count(&mut self, record: &Record, minute: Minute) -> u32 {
        let state = &mut self.state;
        let mut claims = record.detached.saturating_sub(state.counted);
        state.counted = state.counted.saturating_sub(record.detached);
        if minute.ends_a_quarter_hour()
            && let Some(waiting) = record.waiting
        {
            claims = claims.saturating_add(waiting.saturating_sub(state.counted));
            state.counted = waiting;
        }
        claims.min(MOST_CLAIMS)
    }

    /// Level, burst and the overall rate follow the claims.
    fn follow(&mut self, claims: u32, minute: Minute) {
        let expected = self.profile.rate(minute);
        let state = &mut self.state;
        let level = (4.0 + state.level) / (4.0 + state.level_expected);
        state.forecasts.push_back(Forecast {
            claims: level * expected,
            came: claims,
        });
        if state.forecasts.len() > KEPT_MINUTES {
            state.forecasts.pop_front();
        }
        let came = f64::from(claims);
        let burst_fade = fade(2.0 * state.lead_minutes());
        state.level = state.level * fade(LEVEL) + came;
        state.level_expected = state.level_expected * fade(LEVEL) + expected;
        state.burst = state.burst * burst_fade + came;
        state.burst_expected = state.burst_expected * burst_fade + level * expected;
        state.overall = state.overall * fade(OVERALL) + came;
        state.overall_minutes = state.overall_minutes * fade(OVERALL) + 1.0;
    }

    /// How far the forecast of one lead time ago was off. A lead time beyond the minutes that are kept
    /// leaves the error as it is.
    fn measure_error(&mut self, minute: Minute) {
        let state = &mut self.state;
        let ahead = whole(state.lead_minutes().ceil());
        let Some(first) = usize::try_from(ahead)
            .ok()
            .and_then(|ahead| state.forecasts.len().checked_sub(ahead))
        else {
            return;
        };
        if minute.since(state.began) < WARM_UP {
            return;
        }
        let Some(forecast) = state.forecasts.get(first) else {
            return;
        };
        let predicted = f64::from(ahead) * forecast.claims;
        let came: u32 = state
            .forecasts
            .range(first..)
            .map(|minute| minute.came)
            .sum();
        let squared = (f64::from(came) - predicted).powi(2);
        let squared = squared.min(GREATEST_ERROR * predicted.max(1.0));
        state.error = state.error * fade(ERROR) + squared;
        state.error_mean = state.error_mean * fade(ERROR) + predicted;
    }

    fn learn_lead(&mut self, seconds: &[f64]) {
        let state = &mut self.state;
        for seconds in seconds
            .iter()
            .filter(|seconds| LEAD_TIMES.contains(*seconds))
        {
            state.launches = (state.launches + 1).min(LAUNCHES);
            state.lead += (seconds - state.lead) / f64::from(state.launches);
        }
    }

    /// A quarter-hour ended with this minute.
    fn fold(&mut self, minute: Minute, target: Target) {
        let correction = self.corrected(target);
        let state = &mut self.state;
        if self.quarter.minutes == 15
            && let Some(mean) = state.day.get_mut(minute.quarter_of_day())
        {
            mean.fold(self.quarter.claims, DAYS);
        }
        state.correction = correction;
        self.quarter = Quarter::default();
        if minute.ends_an_hour() {
            if state.hour_minutes == 60
                && let Some(mean) = state.week.get_mut(minute.hour_of_week())
            {
                mean.fold(state.hour, WEEKS);
            }
            state.hour = 0;
            state.hour_minutes = 0;
        }
        state.round();
        self.profile = Profile::of(state);
        if minute.ends_an_hour() {
            let lead = state.lead_minutes();
            let means: Vec<f64> = self.profile.week().map(|rate| rate * lead).collect();
            state.ln_price = as_a_tag_holds_it(ln_price(&means, state.spread(), target));
        }
    }
}
