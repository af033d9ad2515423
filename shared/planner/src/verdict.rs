//! Whether a pool is worth its money.

use crate::row::Row;
use serde::Serialize;

/// Below so many days or claims a history says little.
pub const ENOUGH_DAYS: f64 = 7.0;
/// See [`ENOUGH_DAYS`].
pub const ENOUGH_CLAIMS: u32 = 200;
/// Who saves less than this share against the best fixed size does as well with that.
const FLAT: f64 = 0.1;

/// The answer, with its figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Verdict {
    /// A launch is about as fast as the pool.
    NothingToGain {
        /// Mean time of a launch.
        lead_seconds: f64,
        /// Time of a claim that finds a machine.
        hand_over_seconds: f64,
    },
    /// Too few days or claims: the figures are guesses.
    TooLittleHistory {
        /// How many there are.
        days: f64,
        /// How many there are.
        claims: u32,
    },
    /// No setting costs less than a minute is worth.
    NotWorthIt {
        /// The cheapest useful setting, and what an avoided minute costs with it.
        cheapest: String,
        /// None where it avoids none.
        dollars_per_avoided_minute: Option<f64>,
        /// What doing without costs: so long waits each claim.
        wait_seconds: f64,
    },
    /// A lower rate is worth its money, this one is not.
    LowerHitRate {
        /// The highest rate that is.
        hit_rate_percent: f64,
        /// What an avoided minute costs with it.
        dollars_per_avoided_minute: Option<f64>,
        /// What the last minutes cost at the rate that was asked for.
        asked_dollars_per_last_minute: Option<f64>,
    },
    /// It is.
    WorthIt {
        /// What an avoided minute costs.
        dollars_per_avoided_minute: Option<f64>,
        /// By how much it idles less than the best fixed size.
        saved_percent: Option<f64>,
        /// Where that is little: the fixed size that does as well.
        as_good_as_static: Option<u32>,
    },
}

/// What the verdict is made of.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// Days of the history.
    pub days: f64,
    /// Claims in it.
    pub claims: u32,
    /// Mean time of a launch.
    pub lead_seconds: f64,
    /// Time of a claim that finds a machine.
    pub hand_over_seconds: f64,
    /// What a minute is worth.
    pub minute_is_worth: f64,
    /// The rate asked for, and its row.
    pub asked: &'a Row,
    /// Rows of lower rates, the highest first: percent, row.
    pub lower: &'a [(f64, Row)],
    /// One ready machine, all the time.
    pub one_machine: &'a Row,
    /// The best fixed size for the rate asked for, and its row.
    pub best_static: Option<(u32, &'a Row)>,
}

/// The verdict.
pub fn judge(case: &Case) -> Verdict {
    if case.lead_seconds < 2.0 * case.hand_over_seconds {
        return Verdict::NothingToGain {
            lead_seconds: case.lead_seconds,
            hand_over_seconds: case.hand_over_seconds,
        };
    }
    if case.days < ENOUGH_DAYS || case.claims < ENOUGH_CLAIMS {
        return Verdict::TooLittleHistory {
            days: case.days,
            claims: case.claims,
        };
    }
    let is_worth = |row: &Row| {
        is_below(row.dollars_per_avoided_minute, case.minute_is_worth)
            // Nobody waited: what the last machine saves is not known, and the mean decides.
            && row
                .dollars_per_last_minute
                .is_none_or(|dollars| dollars <= case.minute_is_worth)
    };
    if is_worth(case.asked) {
        let saved = case.best_static.map(|(size, row)| {
            let saved = 1.0 - case.asked.idle_hours_a_month / row.idle_hours_a_month;
            (size, saved)
        });
        return Verdict::WorthIt {
            dollars_per_avoided_minute: case.asked.dollars_per_avoided_minute,
            saved_percent: saved.map(|(_, saved)| saved * 100.0),
            as_good_as_static: saved
                .filter(|(_, saved)| *saved < FLAT)
                .map(|(size, _)| size),
        };
    }
    let mut useful = case.lower.iter().map(|(_, row)| row);
    let is_any_cheap = useful
        .any(|row| is_below(row.dollars_per_avoided_minute, case.minute_is_worth))
        || is_below(
            case.one_machine.dollars_per_avoided_minute,
            case.minute_is_worth,
        );
    let lower = case.lower.iter().find(|(_, row)| is_worth(row));
    match lower {
        Some((percent, row)) if is_any_cheap => Verdict::LowerHitRate {
            hit_rate_percent: *percent,
            dollars_per_avoided_minute: row.dollars_per_avoided_minute,
            asked_dollars_per_last_minute: case.asked.dollars_per_last_minute,
        },
        _ => {
            let settings = case.lower.iter().map(|(_, row)| row);
            let cheapest = settings
                .chain([case.one_machine, case.asked])
                .min_by(|left, right| {
                    let dollars =
                        |row: &Row| row.dollars_per_avoided_minute.unwrap_or(f64::INFINITY);
                    dollars(left).total_cmp(&dollars(right))
                });
            let cheapest = cheapest.unwrap_or(case.one_machine);
            Verdict::NotWorthIt {
                cheapest: cheapest.kind.to_string(),
                dollars_per_avoided_minute: cheapest.dollars_per_avoided_minute,
                wait_seconds: case.lead_seconds,
            }
        }
    }
}

fn is_below(dollars: Option<f64>, worth: f64) -> bool {
    dollars.is_some_and(|dollars| dollars <= worth)
}
