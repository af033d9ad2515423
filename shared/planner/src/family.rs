//! Several pools beside each other, and what they would idle as one.

use crate::arguments::Arguments;
use crate::bench::Bench;
use crate::demand::{Demand, Leads};
use crate::figures::dollars;
use crate::history::{History, Setting};
use crate::plan::Plan;
use crate::row::Row;
use crate::table::table;
use crate::verdict::{ENOUGH_DAYS, Verdict};
use crate::words;
use serde::Serialize;
use std::error::Error;

/// Pairs are tried among so many pools: there are fifteen of six.
const MOST_FOR_PAIRS: usize = 6;

/// A pool of the family.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Its past, or why there is none.
    pub history: Result<History, String>,
    /// Price of its instances, in dollars an hour.
    pub instance_hour: f64,
}

/// Everything that is known of a family.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FamilyPlan {
    /// Each pool.
    pub pools: Vec<Line>,
    /// What those with a plan come to.
    pub sum: Sum,
    /// All of them as one pool; none where there is but one, or less than a week of history that all have.
    pub as_one: Option<Merged>,
    /// Of more than two pools the two that save most as one, where two save anything.
    pub best_pair: Option<Merged>,
}

/// One pool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its plan.
    #[serde(flatten)]
    pub plan: Option<Plan>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Pools at the rate that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sum {
    /// Claims a day.
    pub claims_a_day: f64,
    /// Ready instances, the mean over time.
    pub ready_mean: f64,
    /// What idles, in dollars.
    pub idle_dollars_a_month: f64,
    /// Minutes that nobody waits.
    pub avoided_minutes_a_month: f64,
}

/// Some pools, if they were one: each claim gets the dearest of their instances.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Merged {
    /// Their names.
    pub pools: Vec<String>,
    /// What idles in them.
    pub apart_dollars_a_month: f64,
    /// What would idle in one.
    pub idle_dollars_a_month: f64,
}

impl Merged {
    /// What is saved, or lost where it is below 0.
    pub fn saved(&self) -> f64 {
        self.apart_dollars_a_month - self.idle_dollars_a_month
    }
}

/// The plan of a family.
pub fn family(arguments: &Arguments, pools: &[Pool]) -> FamilyPlan {
    let lines: Vec<Line> = pools.iter().map(|pool| line(arguments, pool)).collect();
    let planned = pools.iter().zip(&lines);
    let planned: Vec<&Pool> = planned
        .filter(|(_, line)| line.plan.is_some())
        .map(|(pool, _)| pool)
        .collect();
    let sum = lines
        .iter()
        .filter_map(|line| line.plan.as_ref())
        .fold(Sum::default(), Sum::with);
    FamilyPlan {
        sum,
        as_one: merged(arguments, &planned),
        best_pair: best_pair(arguments, &planned),
        pools: lines,
    }
}

fn line(arguments: &Arguments, pool: &Pool) -> Line {
    let priced = arguments.priced(pool.instance_hour);
    let plan = match &pool.history {
        Ok(history) => priced.plan(history).map_err(|error| in_words(&error)),
        Err(problem) => Err(problem.clone()),
    };
    let (plan, problem) = match plan {
        Ok(plan) => (Some(plan), None),
        Err(problem) => (None, Some(problem)),
    };
    Line {
        name: pool.name.clone(),
        plan,
        problem,
    }
}

/// An error with its causes.
pub fn in_words(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| {
        (*error).source()
    });
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

/// The row of the rate that is judged.
fn asked(plan: &Plan) -> Option<&Row> {
    plan.rows.iter().find(|row| words::is_asked(row, plan))
}

impl Sum {
    fn with(self, plan: &Plan) -> Self {
        let Some(row) = asked(plan) else {
            return self;
        };
        Self {
            claims_a_day: self.claims_a_day + plan.input.claims_a_day,
            ready_mean: self.ready_mean + row.ready_mean,
            idle_dollars_a_month: self.idle_dollars_a_month + row.idle_dollars_a_month,
            avoided_minutes_a_month: self.avoided_minutes_a_month + row.avoided_minutes_a_month,
        }
    }

    fn dollars_per_avoided_minute(self) -> Option<f64> {
        let each = self.idle_dollars_a_month / self.avoided_minutes_a_month;
        each.is_finite().then_some(each)
    }
}

/// What they idle apart and as one, in the time that all of them cover.
fn merged(arguments: &Arguments, pools: &[&Pool]) -> Option<Merged> {
    if pools.len() < 2 {
        return None;
    }
    let histories: Vec<&History> = pools
        .iter()
        .filter_map(|pool| pool.history.as_ref().ok())
        .collect();
    let demands: Vec<&Demand> = histories.iter().map(|history| &history.demand).collect();
    let together = Demand::together(&demands)?;
    if together.days() < ENOUGH_DAYS {
        return None;
    }
    let mut all_leads = Vec::new();
    let mut apart = 0.0;
    for (pool, history) in pools.iter().zip(&histories) {
        let leads = arguments.leads(history).ok()?;
        let window = Demand {
            claims: Vec::new(),
            ..together.clone()
        };
        // The same days, with nobody else's claims.
        let demand = Demand::together(&[&window, &history.demand])?;
        apart += idle(arguments, pool.instance_hour, demand, &leads, history.group)?;
        all_leads.push(leads);
    }
    let leads = Leads::together(&all_leads.iter().collect::<Vec<_>>())?;
    let groups = histories.iter().map(|history| history.group);
    let group = groups.sum::<Option<Setting>>();
    let dearest = pools
        .iter()
        .map(|pool| pool.instance_hour)
        .fold(0.0, f64::max);
    Some(Merged {
        pools: pools.iter().map(|pool| pool.name.clone()).collect(),
        apart_dollars_a_month: apart,
        idle_dollars_a_month: idle(arguments, dearest, together, &leads, group)?,
    })
}

/// Dollars a month that idle at the rate that was asked for.
fn idle(
    arguments: &Arguments,
    instance_hour: f64,
    demand: Demand,
    leads: &Leads,
    group: Option<Setting>,
) -> Option<f64> {
    let history = History {
        demand,
        leads: None,
        failed_launches: 0,
        empty: None,
        group,
    };
    let question = arguments.priced(instance_hour).question(&history);
    let sized = Bench::new(&history.demand, leads, &question).auto(question.asked()?);
    let hours = sized.outcome.scored().as_secs_f64() / 3_600.0;
    (hours > 0.0).then(|| sized.outcome.idle_hours() / hours * crate::row::MONTH * instance_hour)
}

fn best_pair(arguments: &Arguments, pools: &[&Pool]) -> Option<Merged> {
    if !(3..=MOST_FOR_PAIRS).contains(&pools.len()) {
        return None;
    }
    let pairs = pools.iter().enumerate().flat_map(|(at, one)| {
        let others = pools.iter().skip(at + 1);
        others.map(move |other| [*one, *other])
    });
    pairs
        .filter_map(|pair| merged(arguments, &pair))
        .filter(|merged| merged.saved() > 0.0)
        .max_by(|one, other| one.saved().total_cmp(&other.saved()))
}

/// The table's headings, in two lines.
const HEADINGS: [[&str; 7]; 2] = [
    [
        "pool",
        "claims",
        "hit %",
        "ready",
        "idle $",
        "$ per minute",
        "verdict",
    ],
    [
        "",
        "a day",
        "(± by days)",
        "(mean)",
        "a month",
        "avoided",
        "",
    ],
];

impl FamilyPlan {
    /// Whether there is a plan of any pool.
    pub fn has_plan(&self) -> bool {
        self.pools.iter().any(|line| line.plan.is_some())
    }

    /// Everything, for a terminal of this width; as long as it is where there is none.
    pub fn text(&self, width: Option<usize>) -> String {
        let mut text = String::new();
        if self.has_plan() {
            let mut lines: Vec<_> = HEADINGS.map(|line| line.map(str::to_owned)).into();
            lines.extend(self.pools.iter().filter_map(Line::cells));
            lines.push(self.sum.cells());
            text = table(&lines, &[3, 1], width);
            text.push('\n');
        }
        text.push_str(&words::paragraphs(&self.conclusions(), width));
        text
    }

    fn conclusions(&self) -> Vec<String> {
        let mut paragraphs = Vec::new();
        for line in &self.pools {
            if let Some(problem) = &line.problem {
                paragraphs.push(format!("{}: no plan: {problem}", line.name));
            }
            if let Some(plan) = &line.plan {
                paragraphs.push(format!("{}: {}", line.name, words::verdict(plan)));
                paragraphs.extend(plan.parameters.map(|set| format!("{}: {set}", line.name)));
            }
        }
        if let Some(all) = &self.as_one {
            paragraphs.push(format!(
                "As one pool, if the dearest instances served everybody: {}.",
                all.words()
            ));
        }
        if let Some(pair) = &self.best_pair {
            paragraphs.push(format!(
                "Of two, {} save most as one: {}.",
                pair.pools.join(" and "),
                pair.words()
            ));
        }
        paragraphs
    }
}

impl Line {
    fn cells(&self) -> Option<[String; 7]> {
        let plan = self.plan.as_ref()?;
        let [_, hit, _, _, _, ready, idle, _, minute] = words::cells(asked(plan)?);
        let verdict = match plan.verdict {
            Verdict::NothingToGain { .. } => "nothing to gain".to_owned(),
            Verdict::TooLittleHistory { .. } => "too little history".to_owned(),
            Verdict::NotWorthIt { .. } => "not worth it".to_owned(),
            Verdict::LowerHitRate {
                hit_rate_percent, ..
            } => format!("{hit_rate_percent} % is enough"),
            Verdict::WorthIt { .. } => "worth it".to_owned(),
        };
        let claims = format!("{:.1}", plan.input.claims_a_day);
        Some([self.name.clone(), claims, hit, ready, idle, minute, verdict])
    }
}

impl Sum {
    fn cells(self) -> [String; 7] {
        let minute = self.dollars_per_avoided_minute();
        [
            "sum".to_owned(),
            format!("{:.1}", self.claims_a_day),
            String::new(),
            format!("{:.1}", self.ready_mean),
            dollars(self.idle_dollars_a_month),
            minute.map_or("-".to_owned(), dollars),
            String::new(),
        ]
    }
}

impl Merged {
    fn words(&self) -> String {
        let (apart, one) = (self.apart_dollars_a_month, self.idle_dollars_a_month);
        let saved = self.saved();
        let what = if saved > 0.0 {
            format!("{} less", dollars(saved))
        } else {
            format!("{} more", dollars(-saved))
        };
        format!(
            "{} a month would idle instead of {}, {what}",
            dollars(one),
            dollars(apart)
        )
    }
}
