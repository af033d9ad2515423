//! How the pool is sized, where a hit rate is asked for, and why so: in the words of the figures that the functions
//! log.

use region::journal::{Entry, Happening};
use serde::Serialize;
use serde_json::Value;

/// What the page says of the size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Sizing {
    /// The size, and what it achieves.
    pub(super) figure: String,
    /// What it follows from.
    pub(super) why: String,
}

/// What was logged so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Follower {
    /// The pool's group.
    pool: String,
    /// The last figures of a decision.
    decided: Option<Value>,
    size: Option<f64>,
    claims: u32,
    hits: u32,
}

impl Follower {
    /// Nothing was logged yet of this pool.
    pub(super) fn of(pool: &str) -> Self {
        Self {
            pool: pool.to_owned(),
            ..Self::default()
        }
    }

    /// Reads an entry of the journal.
    pub(super) fn follow(&mut self, entry: &Entry) {
        let Happening::Logged { line, .. } = &entry.what else {
            return;
        };
        if !line.contains("\"CloudWatchMetrics\"") {
            return;
        }
        let Ok(figures) = serde_json::from_str::<Value>(line) else {
            return;
        };
        let pool = figures.get("Pool").and_then(Value::as_str);
        if pool.is_some_and(|pool| pool != self.pool) {
            return;
        }
        if let Some(hit) = figure(&figures, "AchievedHitRate") {
            self.claims += 1;
            self.hits += u32::from(hit > 0.5);
        }
        self.size = figure(&figures, "Size").or(self.size);
        if figure(&figures, "PredictedHitRate").is_some() {
            self.decided = Some(figures);
        }
    }

    /// What there is to say; nothing where the size is fixed, or nothing was decided yet.
    pub(super) fn sizing(&self) -> Option<Sizing> {
        let figures = self.decided.as_ref()?;
        let figure = |name: &str| figure(figures, name);
        let achieved = match self.claims {
            0 => "no claim came yet".to_owned(),
            1 => format!("{} of 1 claim achieved", percent(f64::from(self.hits))),
            claims => {
                let share = f64::from(self.hits) / f64::from(claims);
                format!("{} of {claims} claims achieved", percent(share))
            }
        };
        let predicted = percent(figure("PredictedHitRate")?);
        let mut why = format!(
            "Why: {:.2} claims are expected while one launches ({:.0} s), and an instance may idle {:.1} hours to save one wait.",
            figure("ClaimsExpected")?,
            figure("LeadTime")? / 1_000.0,
            figure("WaitPrice")?,
        );
        if figure("SizeCapped") == Some(1.0) {
            why.push_str(" The size is the maximum.");
        }
        if figure("HitRateOutOfReach") == Some(1.0) {
            why.push_str(" More claims wait than was asked for, and the price of a wait is as high as it may be.");
        }
        Some(Sizing {
            figure: format!(
                "{} wanted ready; hit rate: {predicted} predicted, {achieved}",
                self.size?
            ),
            why,
        })
    }
}

fn figure(figures: &Value, name: &str) -> Option<f64> {
    figures.get(name)?.as_f64()
}

fn percent(share: f64) -> String {
    // A tenth of a percent is what can be asked for.
    format!("{} %", (share * 1_000.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ZERO;
    use serde_json::json;

    fn logged(figures: &Value) -> Entry {
        let mut line = figures.clone();
        line["_aws"] = json!({ "CloudWatchMetrics": [] });
        Entry {
            at: ZERO,
            what: Happening::Logged {
                function: "s-replenish-pool".to_owned(),
                line: line.to_string(),
            },
        }
    }

    fn decided(capped: f64) -> Entry {
        logged(&json!({
            "PredictedHitRate": 0.9931, "ClaimsExpected": 2.1, "Spread": 1.0, "WaitPrice": 0.94,
            "LeadTime": 150_000.0, "SizeCapped": capped, "HitRateOutOfReach": 0.0,
        }))
    }

    #[test]
    fn the_size_is_said_with_what_it_achieves_and_why() {
        let mut follower = Follower::default();
        assert_eq!(follower.sizing(), None);
        follower.follow(&decided(0.0));
        follower.follow(&logged(&json!({ "Size": 5.0, "Ready": 4.0 })));
        let sizing = follower.sizing().unwrap();
        assert_eq!(
            sizing.figure,
            "5 wanted ready; hit rate: 99.3 % predicted, no claim came yet"
        );
        assert_eq!(
            sizing.why,
            "Why: 2.10 claims are expected while one launches (150 s), and an instance may idle 0.9 hours to save one wait."
        );
        for hit in [1.0, 1.0, 0.0] {
            follower.follow(&logged(&json!({ "AchievedHitRate": hit })));
        }
        follower.follow(&decided(1.0));
        let sizing = follower.sizing().unwrap();
        assert!(
            sizing.figure.ends_with("66.7 % of 3 claims achieved"),
            "{sizing:?}"
        );
        assert!(
            sizing.why.ends_with("The size is the maximum."),
            "{sizing:?}"
        );
    }

    #[test]
    fn what_another_pool_logs_is_another_s() {
        let mut follower = Follower::of("small");
        let logged = |pool: &str| {
            logged(&json!({
                "Pool": pool, "PredictedHitRate": 0.99, "ClaimsExpected": 2.1, "WaitPrice": 0.94,
                "LeadTime": 150_000.0, "Size": 5.0,
            }))
        };
        follower.follow(&logged("large"));
        assert_eq!(follower.sizing(), None);
        follower.follow(&logged("small"));
        assert!(follower.sizing().is_some());
    }

    #[test]
    fn of_a_fixed_size_nothing_is_said() {
        let mut follower = Follower::default();
        follower.follow(&logged(&json!({ "Size": 5.0, "Ready": 4.0 })));
        let line = "\"CloudWatchMetrics\" no JSON".to_owned();
        let function = "s-replenish-pool".to_owned();
        let what = Happening::Logged { function, line };
        follower.follow(&Entry { at: ZERO, what });
        assert_eq!(follower.sizing(), None);
    }
}
