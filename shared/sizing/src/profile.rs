//! When claims come: by quarter-hour of the day, and how far each hour of the week differs.

use crate::Minute;
use crate::state::{Mean, State};

/// So many claims of evidence count as much as the more general mean.
const LEAN: f64 = 16.0;

/// Claims as the history has them, by quarter-hour of the day and hour of the week. What has few
/// claims leans on the more general mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Claims in each quarter-hour of the day.
    base: [f64; 96],
    /// By how much each hour of the week differs.
    factor: [f64; 168],
    /// Claims in each hour of the day.
    usual: [f64; 24],
}

/// The posterior mean of a Poisson rate under a gamma prior.
fn lean(general: f64, claims: f64, times: f64) -> f64 {
    if general == 0.0 {
        0.0
    } else {
        general * (LEAN + claims) / (LEAN + general * times)
    }
}

impl Profile {
    pub(crate) fn of(state: &State) -> Self {
        let rate = state.overall / state.overall_minutes * 60.0;
        let mut base = [0.0; 96];
        let mut usual = [0.0; 24];
        let quarters_of_hours = state.day.chunks_exact(4).zip(base.chunks_exact_mut(4));
        for ((quarters, base), usual) in quarters_of_hours.zip(&mut usual) {
            let claims: f64 = quarters.iter().map(Mean::claims).sum();
            let times: u32 = quarters.iter().map(|mean| mean.seen).sum();
            let of_hour = lean(rate, claims, f64::from(times) / 4.0);
            for (base, mean) in base.iter_mut().zip(quarters) {
                *base = lean(of_hour / 4.0, mean.claims(), f64::from(mean.seen));
                *usual += *base;
            }
        }
        let mut factor = [1.0; 168];
        for ((factor, mean), usual) in factor.iter_mut().zip(&state.week).zip(usual.iter().cycle())
        {
            *factor = (LEAN + mean.claims()) / (LEAN + f64::from(mean.seen) * usual);
        }
        Self {
            base,
            factor,
            usual,
        }
    }

    /// Claims a minute that the profile expects then.
    pub fn rate(&self, minute: Minute) -> f64 {
        let base = self.base.get(minute.quarter_of_day()).unwrap_or(&0.0);
        let factor = self.factor.get(minute.hour_of_week()).unwrap_or(&1.0);
        base * factor / 15.0
    }

    /// Claims a minute in each of the week's 168 hours.
    pub fn week(&self) -> impl Iterator<Item = f64> {
        let usual = self.usual.iter().cycle();
        self.factor
            .iter()
            .zip(usual)
            .map(|(factor, usual)| usual * factor / 60.0)
    }
}
