//! One history under many policies: each run once.

use crate::demand::{Demand, Leads, MINUTE};
use crate::outcome::Outcome;
use crate::policy::{Auto, Fixed, Known, Percent};
use crate::pool::{NOTICE, Policy, Setting, Tier, run};
use ready_pool_sizing::{Bounds, HitRate, Target};
use std::collections::BTreeMap;
use std::time::Duration;

/// No fixed size is looked for beyond it.
const LARGEST: u32 = 10_000;
/// Halvings of a logarithm: to a thousandth.
const HALVINGS: u32 = 12;

/// What the pool is asked for, and what it may cost.
#[derive(Clone, Debug)]
pub struct Question {
    /// The rates to try, ascending; the middle one is judged.
    pub hit_rates: Vec<HitRate>,
    /// Price of an instance, in dollars an hour.
    pub instance_hour: f64,
    /// What a minute that a claim does not wait is worth, in dollars.
    pub minute_is_worth: f64,
    /// How long a claim takes that finds an instance.
    pub hand_over: Duration,
    /// So many minutes at the start only teach.
    pub unscored_minutes: u32,
    /// `LeastReady`.
    pub least_ready: u32,
    /// `PoolSize`: the size now.
    pub pool_size: u32,
    /// `PoolMaxSize`.
    pub pool_max_size: u32,
    /// What a stopped tier would cost.
    pub stopped: Option<StoppedPrice>,
}

/// What a stopped instance costs, and how soon it is ready.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StoppedPrice {
    /// Its disk, in dollars a month.
    pub disk_month: f64,
    /// From a detach to its being ready in place of the one that left.
    pub start: Duration,
}

impl Question {
    /// The rate that is judged: the middle one.
    pub fn asked(&self) -> Option<HitRate> {
        self.hit_rates.get(self.hit_rates.len() / 2).copied()
    }
}

/// A policy's outcome, and the middle price of a wait in instance-hours, where it has one.
#[derive(Clone, Debug)]
pub struct Sized {
    /// What became of the claims.
    pub outcome: Outcome,
    /// An instance may idle for so many hours to save one wait.
    pub wait_price_hours: f64,
    /// The share of time in which waits were beyond what the price's correction reaches.
    pub out_of_reach: f64,
}

/// Runs policies on one history.
pub struct Bench<'a> {
    demand: &'a Demand,
    leads: &'a Leads,
    question: &'a Question,
    fixed: BTreeMap<u32, Outcome>,
}

impl<'a> Bench<'a> {
    /// Nothing was run yet.
    pub fn new(demand: &'a Demand, leads: &'a Leads, question: &'a Question) -> Self {
        Self {
            demand,
            leads,
            question,
            fixed: BTreeMap::new(),
        }
    }

    fn setting(&self, first_size: u32, most: u32) -> Setting<'a> {
        Setting {
            demand: self.demand,
            leads: self.leads,
            most,
            first_size,
            unscored_minutes: self.question.unscored_minutes,
            tier: None,
        }
    }

    fn run(&self, policy: &mut dyn Policy) -> Outcome {
        let most = self.question.pool_max_size;
        run(self.setting(self.question.pool_size, most), policy)
    }

    /// A fixed size. Waiting claims have as much room on top as the pool's maximum leaves, or as
    /// much again.
    pub fn fixed(&mut self, size: u32) -> &Outcome {
        let most = self.question.pool_max_size.max(size.saturating_mul(2));
        let setting = self.setting(size, most);
        self.fixed
            .entry(size)
            .or_insert_with(|| run(setting, &mut Fixed(size)))
    }

    /// The least fixed size that reaches the rate, in hindsight; none where none does.
    pub fn best_fixed(&mut self, rate: f64) -> Option<u32> {
        let mut high = 1;
        while self.fixed(high).hit_rate() < rate {
            high *= 2;
            if high > LARGEST {
                return None;
            }
        }
        let mut low = high / 2;
        while high - low > 1 {
            let middle = u32::midpoint(low, high);
            if self.fixed(middle).hit_rate() >= rate {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    }

    /// Ready and stopped instances, so many of each kept.
    pub fn tiers(&self, ready: u32, stopped: u32, start: Duration) -> Outcome {
        let most = self.question.pool_max_size.max(ready.saturating_mul(2));
        let start = u64::try_from(start.as_millis()).unwrap_or(u64::MAX);
        let tier = Tier {
            size: stopped,
            start,
        };
        let setting = Setting {
            tier: Some(tier),
            ..self.setting(ready, most)
        };
        run(setting, &mut Fixed(ready))
    }

    /// The pool's own decisions.
    pub fn auto(&self, hit_rate: HitRate) -> Sized {
        let question = self.question;
        let target = Target {
            hit_rate,
            least_ready: question.least_ready,
        };
        let bounds = Bounds {
            pool_size: question.pool_size,
            pool_max_size: question.pool_max_size,
            group_min: 0,
            group_max: question.pool_max_size,
        };
        let mut auto = Auto::new(self.demand.start, target, bounds);
        let most = bounds.most();
        let setting = self.setting(bounds.first_size(target), most);
        let outcome = run(setting, &mut auto);
        let minutes = f64::from(self.demand.minutes.max(1));
        Sized {
            outcome,
            wait_price_hours: auto.wait_price_hours(question.unscored_minutes),
            out_of_reach: f64::from(auto.minutes_out_of_reach()) / minutes,
        }
    }

    /// The percentage of the last hour's claims that reaches the rate, in hindsight, and its outcome.
    /// None where no percentage does.
    pub fn best_percent(&self, rate: f64) -> Option<(f64, Outcome)> {
        let question = self.question;
        let policy = Percent::new(
            self.demand,
            0.0,
            question.least_ready,
            question.pool_max_size,
        );
        // 1 to about 160,000 percent.
        least_exponent(12.0, rate, |exponent| {
            let percent = exponent.exp();
            (percent, self.run(&mut policy.clone().with(percent)))
        })
    }

    /// The outcome of whoever knew the rate beforehand, at the least price that reaches the hit rate.
    /// None where none does.
    pub fn known(&self, rate: f64) -> Option<Outcome> {
        let question = self.question;
        let policy = Known::new(
            self.demand,
            self.leads.mean().as_secs_f64() / 60.0,
            question.least_ready,
            question.pool_max_size,
        );
        let run = |exponent: f64| ((), self.run(&mut policy.clone().with(exponent.exp())));
        Some(least_exponent(14.0, rate, run)?.1)
    }

    /// No pool: each claim launches its own instance.
    pub fn none(&self) -> Outcome {
        let mut outcome = Outcome::new(self.demand, self.question.unscored_minutes);
        for (launch, claim) in self.demand.claims.iter().enumerate() {
            if *claim >= u64::from(self.question.unscored_minutes) * MINUTE {
                outcome.came(*claim);
                outcome.waited(*claim, claim + self.leads.nth(launch));
            }
        }
        outcome.close();
        outcome
    }

    /// The pool's own decisions, if a launch took half as long.
    pub fn auto_with_half_the_lead(&self, hit_rate: HitRate) -> Outcome {
        let leads = self.leads.halved();
        let bench = Bench::new(self.demand, &leads, self.question);
        bench.auto(hit_rate).outcome
    }

    /// What a launch costs in time, from its start: what nobody waits for.
    pub fn mean_boot(&self) -> Duration {
        self.leads
            .mean()
            .saturating_sub(Duration::from_millis(NOTICE))
    }
}

/// The outcome at the least exponent up to `most` that reaches the rate.
fn least_exponent<T>(
    most: f64,
    rate: f64,
    run: impl Fn(f64) -> (T, Outcome),
) -> Option<(T, Outcome)> {
    let (mut low, mut high) = (0.0, most);
    let mut best = run(high);
    if best.1.hit_rate() < rate {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        let tried = run(middle);
        if tried.1.hit_rate() >= rate {
            (high, best) = (middle, tried);
        } else {
            low = middle;
        }
    }
    Some(best)
}
