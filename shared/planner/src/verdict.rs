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
        /// Time of a claim that finds an instance.
        hand_over_seconds: f64,
    },
    /// Too few days or claims: the figures are guesses.
    TooLittleHistory {
        /// How many there are.
        days: f64,
        /// How many there are.
        claims: u32,
    },
    /// With what was asked for an avoided minute costs more than it is worth.
    NotWorthIt {
        /// What it costs at the rate that was asked for; none where that avoids none.
        asked_dollars_per_avoided_minute: Option<f64>,
        /// The cheapest setting, and what an avoided minute costs with it.
        cheapest: String,
        /// None where it avoids none.
        dollars_per_avoided_minute: Option<f64>,
        /// The highest rate that is worth its money, where one is.
        worth_it_at_percent: Option<f64>,
        /// What an avoided minute costs with it.
        dollars_there: Option<f64>,
        /// What doing without costs: so long waits each claim.
        wait_seconds: f64,
    },
    /// The rate that was asked for is worth its money on the average, and the last waits that it avoids are not: a
    /// lower one is worth it in full.
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
    /// Time of a claim that finds an instance.
    pub hand_over_seconds: f64,
    /// What a minute is worth.
    pub minute_is_worth: f64,
    /// The rate asked for, and its row.
    pub asked: &'a Row,
    /// Rows of lower rates, the highest first: percent, row.
    pub lower: &'a [(f64, Row)],
    /// One ready instance, all the time.
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
    let is_cheap = |row: &Row| is_below(row.dollars_per_avoided_minute, case.minute_is_worth);
    // Where nobody waited, what the last instance saves is not known, and the mean decides.
    let last_is_cheap = |row: &Row| {
        let last = row.dollars_per_last_minute;
        last.is_none_or(|dollars| dollars <= case.minute_is_worth)
    };
    let is_worth = |row: &Row| is_cheap(row) && last_is_cheap(row);
    // The last instance of a low rate may be dear and the rate be worth it: it is what is left.
    let lower = case.lower.iter().find(|(_, row)| is_worth(row));
    let lower = lower.or_else(|| case.lower.iter().rfind(|(_, row)| is_cheap(row)));
    if !is_cheap(case.asked) {
        return not_worth_it(case, lower);
    }
    match lower {
        Some((percent, row)) if !last_is_cheap(case.asked) => Verdict::LowerHitRate {
            hit_rate_percent: *percent,
            dollars_per_avoided_minute: row.dollars_per_avoided_minute,
            asked_dollars_per_last_minute: case.asked.dollars_per_last_minute,
        },
        _ => worth_it(case),
    }
}

fn worth_it(case: &Case) -> Verdict {
    let saved = case.best_static.map(|(size, row)| {
        let saved = 1.0 - case.asked.idle_hours_a_month / row.idle_hours_a_month;
        (size, saved)
    });
    Verdict::WorthIt {
        dollars_per_avoided_minute: case.asked.dollars_per_avoided_minute,
        saved_percent: saved.map(|(_, saved)| saved * 100.0),
        as_good_as_static: saved
            .filter(|(_, saved)| *saved < FLAT)
            .map(|(size, _)| size),
    }
}

fn not_worth_it(case: &Case, lower: Option<&(f64, Row)>) -> Verdict {
    let dollars = |row: &Row| row.dollars_per_avoided_minute.unwrap_or(f64::INFINITY);
    let settings = case.lower.iter().map(|(_, row)| row);
    let cheapest = settings
        .chain([case.one_machine, case.asked])
        .min_by(|left, right| dollars(left).total_cmp(&dollars(right)))
        .unwrap_or(case.one_machine);
    Verdict::NotWorthIt {
        asked_dollars_per_avoided_minute: case.asked.dollars_per_avoided_minute,
        worth_it_at_percent: lower.map(|(percent, _)| *percent),
        dollars_there: lower.and_then(|(_, row)| row.dollars_per_avoided_minute),
        cheapest: cheapest.kind.to_string(),
        dollars_per_avoided_minute: cheapest.dollars_per_avoided_minute,
        wait_seconds: case.lead_seconds,
    }
}

fn is_below(dollars: Option<f64>, worth: f64) -> bool {
    dollars.is_some_and(|dollars| dollars <= worth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Kind;

    /// With a mean and a last price of an avoided minute.
    fn row(average: Option<f64>, last: Option<f64>) -> Row {
        Row {
            kind: Kind::Static { size: 1 },
            hit_percent: 99.0,
            hit_standard_error: None,
            wait_p50_seconds: 0.0,
            wait_p99_seconds: 0.0,
            wait_max_seconds: 0.0,
            mean_wait_seconds: None,
            ready_mean: 1.0,
            idle_hours_a_month: 700.0,
            idle_dollars_a_month: 10.0,
            terminated_a_day: 0.0,
            size_changes_a_day: 0.0,
            at_the_maximum: 0.0,
            avoided_minutes_a_month: 10.0,
            dollars_per_avoided_minute: average,
            dollars_per_last_minute: last,
        }
    }

    /// The verdict's code, where a minute is worth 50 cents: `figures` are what an avoided minute
    /// costs, and the last one, at the rate asked for, at 90 and at 80 %.
    fn code(figures: [(f64, f64); 3], one_machine: f64) -> String {
        let [asked, ninety, eighty] = figures.map(|(average, last)| row(Some(average), Some(last)));
        let fixed = Row {
            idle_hours_a_month: 1_000.0,
            ..row(None, None)
        };
        let verdict = judge(&Case {
            days: 30.0,
            claims: 1_000,
            lead_seconds: 144.0,
            hand_over_seconds: 7.0,
            minute_is_worth: 0.5,
            asked: &asked,
            lower: &[(90.0, ninety), (80.0, eighty)],
            one_machine: &row(Some(one_machine), None),
            best_static: Some((9, &fixed)),
        });
        match verdict {
            Verdict::LowerHitRate {
                hit_rate_percent, ..
            } => format!("lower: {hit_rate_percent}"),
            Verdict::WorthIt { saved_percent, .. } => {
                format!("worth it: {:.0}", saved_percent.unwrap_or_default())
            }
            Verdict::NotWorthIt {
                worth_it_at_percent,
                ..
            } => {
                let lower = worth_it_at_percent;
                lower.map_or("not worth it".to_owned(), |rate| {
                    format!("not worth it, but {rate}")
                })
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_rate_is_worth_it_where_its_mean_and_its_last_minute_are() {
        for (figures, one_machine, expected) in [
            ([(0.1, 0.4), (0.1, 0.1), (0.1, 0.1)], 0.1, "worth it: 30"),
            ([(0.1, 0.6), (0.1, 0.4), (0.1, 0.1)], 0.1, "lower: 90"),
            ([(0.4, 0.6), (0.4, 0.6), (0.3, 0.6)], 0.1, "lower: 80"),
            (
                [(0.6, 0.4), (0.4, 0.6), (0.3, 0.5)],
                0.1,
                "not worth it, but 80",
            ),
            (
                [(0.6, 9.0), (0.4, 9.0), (0.3, 9.0)],
                0.9,
                "not worth it, but 80",
            ),
            ([(0.9, 9.0), (0.8, 9.0), (0.7, 9.0)], 0.4, "not worth it"),
            ([(0.9, 0.1), (0.8, 0.1), (0.7, 0.1)], 0.6, "not worth it"),
        ] {
            assert_eq!(code(figures, one_machine), expected, "{figures:?}");
        }
    }
}
