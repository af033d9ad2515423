//! A history's plan: every policy, the verdict, and what a picture needs.

use crate::bench::{Bench, Question, Sized};
use crate::demand::{DAY, Demand, Leads, index};
use crate::history::History;
use crate::row::{Kind, Row};
use crate::stopped;
use crate::verdict::{Case, Verdict, judge};
use ready_pool_sizing::{HitRate, Minute};
use serde::Serialize;
use std::fmt;

/// Rates that may be named where the one asked for is not worth it, the highest first.
const LOWER: [f64; 7] = [99.5, 99.0, 98.0, 95.0, 90.0, 80.0, 50.0];
/// The waiting line needs room on top of the usual size.
const ROOM: u32 = 3;
/// So many fixed sizes make the picture's curve.
const CURVE: u32 = 24;
/// Minutes of the picture's week that are drawn as one.
const STEP: usize = 10;

/// What was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Input {
    /// Days of the history.
    pub days: f64,
    /// Days at the start that only taught.
    pub unscored_days: f64,
    /// Claims.
    pub claims: u32,
    /// Claims a day.
    pub claims_a_day: f64,
    /// The longest time without a claim.
    pub longest_gap_hours: f64,
    /// How many lead times were given.
    pub launches: usize,
    /// Launches that failed.
    pub failed_launches: u32,
    /// Mean time from a launch's cause to the instance's being ready.
    pub lead_mean_seconds: f64,
    /// 95 of 100 launches take no longer.
    pub lead_p95_seconds: f64,
    /// The share of time in which the pool was empty: demand then is counted when it was served.
    pub empty: Option<f64>,
    /// Whether the figures are but guesses: few days or claims.
    pub is_guess: bool,
}

/// The stack's parameters to set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Parameters {
    /// `HitRate`; 0 where a fixed size is advised.
    pub hit_rate: f64,
    /// `LeastReady`
    pub least_ready: u32,
    /// `PoolSize`
    pub pool_size: u32,
    /// `PoolMaxSize`
    pub pool_max_size: u32,
}

impl fmt::Display for Parameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "HitRate={} LeastReady={} PoolSize={} PoolMaxSize={}",
            self.hit_rate, self.least_ready, self.pool_size, self.pool_max_size
        )
    }
}

/// A week for the picture: each figure the greatest of ten minutes.
#[derive(Clone, Debug, PartialEq)]
pub struct Week {
    /// The first minute.
    pub start: Minute,
    /// Claims in a lead time.
    pub claims: Vec<u32>,
    /// The size by the pool's own decisions.
    pub sizes: Vec<u32>,
}

/// Everything that is known of a history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// What was read.
    pub input: Input,
    /// The rate that is judged, in percent.
    pub hit_rate_percent: f64,
    /// What a minute is worth, in dollars.
    pub minute_is_worth: f64,
    /// Each policy's line.
    pub rows: Vec<Row>,
    /// The answer.
    pub verdict: Verdict,
    /// What to set; none where nothing is worth it, or too little is known.
    pub parameters: Option<Parameters>,
    /// Whether stopped instances would save anything.
    pub stopped: Option<stopped::Answer>,
    /// By how much less it would idle if a launch took half as long, in percent.
    pub saved_by_half_the_lead_percent: f64,
    /// The share of time in which the asked rate was out of reach of the price's correction.
    pub out_of_reach: f64,
    /// The best fixed size for the asked rate, in hindsight.
    pub best_static: Option<u32>,
    /// The size now.
    pub present_size: u32,
    /// Fixed sizes for the picture.
    #[serde(skip)]
    pub curve: Vec<Row>,
    /// The busiest week.
    #[serde(skip)]
    pub week: Week,
}

/// Runs everything. None where the question has no rate.
pub fn plan(history: &History, leads: &Leads, question: &Question) -> Option<Plan> {
    let asked = question.asked()?;
    let demand = &history.demand;
    let mut bench = Bench::new(demand, leads, question);
    let lead = leads.mean();
    let row = |kind, outcome: &_| Row::new(kind, outcome, question, lead, None);
    let auto_row = |rate: HitRate, sized: &Sized| {
        let kind = Kind::Auto {
            hit_rate_percent: percent(rate),
        };
        let price = Some(sized.wait_price_hours);
        Row::new(kind, &sized.outcome, question, lead, price)
    };

    let mut rows = vec![row(Kind::None, &bench.none())];
    for size in static_sizes(&mut bench, question) {
        rows.push(row(Kind::Static { size }, bench.fixed(size)));
    }
    if let Some((percent, outcome)) = bench.best_percent(asked.fraction()) {
        rows.push(row(Kind::PercentOfTheLastHour { percent }, &outcome));
    }
    let mut autos = Vec::new();
    for rate in &question.hit_rates {
        let sized = bench.auto(*rate);
        rows.push(auto_row(*rate, &sized));
        autos.push((*rate, sized));
    }
    if let Some(outcome) = bench.known(asked.fraction()) {
        rows.push(row(Kind::RateKnown, &outcome));
    }

    let (_, asked_sized) = autos.into_iter().find(|(rate, _)| *rate == asked)?;
    let asked_row = auto_row(asked, &asked_sized);
    let best_static = bench.best_fixed(asked.fraction());
    let best_static_row =
        best_static.map(|size| (size, row(Kind::Static { size }, bench.fixed(size))));
    let lower: Vec<(f64, Row)> = LOWER
        .iter()
        .filter(|percent| **percent < self::percent(asked))
        .filter_map(|percent| {
            let rate = HitRate::of_percent(*percent)?;
            Some((*percent, auto_row(rate, &bench.auto(rate))))
        })
        .collect();
    let one_machine = row(Kind::Static { size: 1 }, bench.fixed(1));
    let case = Case {
        days: demand.days(),
        claims: demand.count(),
        lead_seconds: lead.as_secs_f64(),
        hand_over_seconds: question.hand_over.as_secs_f64(),
        minute_is_worth: question.minute_is_worth,
        asked: &asked_row,
        lower: &lower,
        one_machine: &one_machine,
        best_static: best_static_row.as_ref().map(|(size, row)| (*size, row)),
    };
    let verdict = judge(&case);
    let half = bench.auto_with_half_the_lead(asked);
    let idle = asked_sized.outcome.idle_hours();
    let saved = if idle > 0.0 {
        (1.0 - half.idle_hours() / idle) * 100.0
    } else {
        0.0
    };
    let largest = best_static.unwrap_or(question.pool_size);
    let stopped = question
        .stopped
        .and_then(|price| stopped::ask(&mut bench, question, price, asked.fraction()));
    let curve = curve(largest)
        .map(|size| row(Kind::Static { size }, bench.fixed(size)))
        .collect();
    Some(Plan {
        input: input(history, leads, question, &verdict),
        hit_rate_percent: percent(asked),
        minute_is_worth: question.minute_is_worth,
        parameters: parameters(&verdict, asked, asked_sized.outcome.sizes(), question),
        rows,
        verdict,
        stopped,
        saved_by_half_the_lead_percent: saved,
        out_of_reach: asked_sized.out_of_reach,
        best_static,
        present_size: question.pool_size,
        curve,
        week: week(demand, leads, asked_sized.outcome.sizes(), question),
    })
}

/// A rate as its owner wrote it.
fn percent(rate: HitRate) -> f64 {
    (rate.fraction() * 100_000.0).round() / 1_000.0
}

/// The sizes around each rate, and the one that is set now.
fn static_sizes(bench: &mut Bench, question: &Question) -> Vec<u32> {
    let mut sizes = vec![question.pool_size];
    for rate in &question.hit_rates {
        if let Some(size) = bench.best_fixed(rate.fraction()) {
            sizes.extend([size - 1, size]);
        }
    }
    sizes.retain(|size| *size > 0);
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// Fixed sizes from one to half as many again as are needed.
fn curve(largest: u32) -> impl Iterator<Item = u32> {
    let end = largest + largest.div_ceil(2);
    let step = usize::try_from(end.div_ceil(CURVE)).unwrap_or(1).max(1);
    (1..=end).step_by(step)
}

fn input(history: &History, leads: &Leads, question: &Question, verdict: &Verdict) -> Input {
    let demand = &history.demand;
    let scored = demand.minutes.saturating_sub(question.unscored_minutes);
    let is_short = f64::from(scored) < crate::verdict::ENOUGH_DAYS * f64::from(DAY);
    Input {
        days: demand.days(),
        unscored_days: f64::from(question.unscored_minutes) / f64::from(DAY),
        claims: demand.count(),
        claims_a_day: f64::from(demand.count()) / demand.days().max(f64::MIN_POSITIVE),
        longest_gap_hours: demand.longest_gap().as_secs_f64() / 3_600.0,
        launches: leads.count(),
        failed_launches: history.failed_launches,
        lead_mean_seconds: leads.mean().as_secs_f64(),
        lead_p95_seconds: leads.p95().as_secs_f64(),
        empty: history.empty,
        is_guess: is_short || matches!(verdict, Verdict::TooLittleHistory { .. }),
    }
}

fn parameters(
    verdict: &Verdict,
    asked: HitRate,
    sizes: &[u32],
    question: &Question,
) -> Option<Parameters> {
    let mut sorted = sizes.to_vec();
    sorted.sort_unstable();
    let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(1).max(1);
    let largest = sorted.last().copied().unwrap_or(1);
    let (hit_rate, pool_size) = match verdict {
        Verdict::NothingToGain { .. } | Verdict::TooLittleHistory { .. } => return None,
        Verdict::NotWorthIt {
            worth_it_at_percent,
            ..
        } => ((*worth_it_at_percent)?, usual),
        Verdict::LowerHitRate {
            hit_rate_percent, ..
        } => (*hit_rate_percent, usual),
        Verdict::WorthIt {
            as_good_as_static: Some(size),
            ..
        } => (0.0, *size),
        Verdict::WorthIt { .. } => (percent(asked), usual),
    };
    Some(Parameters {
        hit_rate,
        least_ready: question.least_ready,
        pool_size,
        pool_max_size: (pool_size * ROOM).max(largest),
    })
}

/// The scored week with the most claims.
fn week(demand: &Demand, leads: &Leads, sizes: &[u32], question: &Question) -> Week {
    let counts = demand.by_minute();
    let from = index(u64::from(question.unscored_minutes)).min(counts.len());
    let day = index(u64::from(DAY));
    let busiest = (from..counts.len())
        .step_by(day)
        .filter(|start| *start == from || start + 7 * day <= counts.len())
        .max_by_key(|start| -> u32 { counts.iter().skip(*start).take(7 * day).sum() })
        .unwrap_or(from);
    let lead = index(leads.mean().as_secs().div_ceil(60));
    let window = |minute: usize| -> u32 {
        let first = (minute + 1).saturating_sub(lead);
        counts.iter().take(minute + 1).skip(first).sum()
    };
    let end = counts.len().min(busiest + 7 * day);
    let claims: Vec<u32> = (busiest..end).map(window).collect();
    let greatest = |figures: &[u32]| -> Vec<u32> {
        let steps = figures.chunks(STEP);
        steps
            .filter_map(|step| step.iter().max().copied())
            .collect()
    };
    Week {
        start: demand.start.plus(i64::try_from(busiest).unwrap_or(0)),
        claims: greatest(&claims),
        sizes: greatest(sizes.get(busiest..end).unwrap_or(&[])),
    }
}
