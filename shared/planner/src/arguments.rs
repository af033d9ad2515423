//! The command line, and what it does.

use crate::bench::{Question, StoppedPrice};
use crate::demand::{DAY, Leads};
use crate::history::{History, ReadError, read_activities, read_claims, read_lead_times};
use crate::html;
use crate::picture::{PictureError, svg};
use crate::plan::{Plan, plan};
use clap::Args;
use clap::builder::RangedI64ValueParser;
use ready_pool_sizing::HitRate;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

/// Two weeks teach, unless that is more than a third of the history.
const LEARN_DAYS: u32 = 14;

/// `PoolSize` and `PoolMaxSize` of the template, where neither an option nor the group says otherwise.
const POOL_SIZE: u32 = 10;
/// No launch takes less.
const LEAST_LEAD_TIME: Duration = Duration::from_secs(1);
/// See [`POOL_SIZE`].
const POOL_MAX_SIZE: u32 = 50;

/// What is asked of a history, and where that is.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// What the AWS CLI printed as the pool's scaling activities (JSON)
    #[arg(value_name = "ACTIVITIES.JSON", conflicts_with = "claims")]
    activities: Option<PathBuf>,
    /// Times of claims as CSV: RFC 3339 or Unix seconds; optionally how many came in a second column
    #[arg(long, value_name = "CSV")]
    claims: Option<PathBuf>,
    /// The rates to try, in percent; the middle one is judged, of an even number the higher of the two in the middle
    #[arg(long, value_delimiter = ',', default_value = "95,99,99.9", value_parser = hit_rate)]
    hit_rate: Vec<HitRate>,
    /// Time from a launch's being requested until its instance is ready, as 150s: instead of those that were read
    #[arg(long, value_name = "TIME", value_parser = lead_time, allow_hyphen_values = true,
        conflicts_with = "lead_times")]
    lead_time: Option<Duration>,
    /// A list of such times, in seconds, one a line
    #[arg(long, value_name = "FILE")]
    lead_times: Option<PathBuf>,
    /// Price of an instance in dollars an hour
    #[arg(long, value_name = "DOLLARS", default_value_t = 0.0168, value_parser = price,
        allow_negative_numbers = true)]
    instance_hour: f64,
    /// What a minute that a claim does not wait is worth, in dollars
    #[arg(long, value_name = "DOLLARS", default_value_t = 0.5, value_parser = dollars,
        allow_negative_numbers = true)]
    minute_is_worth: f64,
    /// How long a claim takes that finds a ready instance
    #[arg(long, value_name = "TIME", default_value = "7s", value_parser = time, allow_hyphen_values = true)]
    hand_over: Duration,
    /// For how long at the start the pool only learns [default: 14d, at most a third of the history]
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    learn: Option<Duration>,
    /// Minimum of ready instances (the parameter `LeastReady`)
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = size(0), allow_negative_numbers = true)]
    least_ready: u32,
    /// The size now, and until something is known (the parameter `PoolSize`) [default: the group's, or 10]
    #[arg(long, value_name = "N", value_parser = size(0), allow_negative_numbers = true)]
    pool_size: Option<u32>,
    /// The largest size (the parameter `PoolMaxSize`) [default: the group's, or 50]
    #[arg(long, value_name = "N", value_parser = size(1), allow_negative_numbers = true)]
    pool_max_size: Option<u32>,
    /// Price of a stopped instance's disk in dollars a month: asks about a stopped tier
    #[arg(long, value_name = "DOLLARS", value_parser = dollars, allow_negative_numbers = true)]
    disk_month: Option<f64>,
    /// How long a stopped instance takes from a detach until it is ready
    #[arg(long, value_name = "TIME", default_value = "75s", value_parser = time, allow_hyphen_values = true)]
    stopped_start: Duration,
    /// Write the charts as SVG to FILE
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write a page to FILE: the charts and the table, with all of its columns
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Spreads claims that are given as counts
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} cannot be used")]
    Use {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: ReadError,
    },
    /// Nothing says how long a launch takes.
    #[error("no launch is in it: say how long one takes, with --lead-time 150s")]
    NoLeadTime,
    /// Everything is learned from, and nothing is left to score.
    #[error("all of the history is used for learning: say less with --learn")]
    NothingScored,
    /// The pool may not be as large as it should be.
    #[error("{what} ({size}) is above PoolMaxSize ({most})")]
    AboveTheMaximum {
        /// Which parameter.
        what: &'static str,
        /// Its value.
        size: u32,
        /// `PoolMaxSize`.
        most: u32,
    },
    /// A file cannot be written.
    #[error("{path} cannot be written")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

impl Arguments {
    /// The history in the file that is named, and the file's name; none where no file is.
    pub fn history(&self) -> Result<Option<(String, History)>, PlanError> {
        let (path, history) = match (&self.claims, &self.activities) {
            (Some(path), _) => (path, read_claims(&read(path)?, self.seed)),
            (None, Some(path)) => (path, read_activities(&read(path)?)),
            (None, None) => return Ok(None),
        };
        let history = history.map_err(|source| unusable(path, source))?;
        let name = path.file_name().unwrap_or_default();
        Ok(Some((name.to_string_lossy().into_owned(), history)))
    }

    /// Whether the history is in a file.
    pub fn names_a_file(&self) -> bool {
        self.claims.is_some() || self.activities.is_some()
    }

    /// Whether a picture was asked for.
    pub fn draws(&self) -> bool {
        self.svg.is_some() || self.html.is_some()
    }

    /// Draws the plan of what has this name, where it was asked for.
    pub fn draw(&self, plan: &Plan, name: &str) -> Result<(), PlanError> {
        if !self.draws() {
            return Ok(());
        }
        let picture = svg(plan)?;
        if let Some(path) = &self.html {
            write(path, &html::html(plan, name, &picture))?;
        }
        match &self.svg {
            Some(path) => write(path, &picture),
            None => Ok(()),
        }
    }

    /// The plan of a history.
    pub fn plan(&self, history: &History) -> Result<Plan, PlanError> {
        let leads = self.leads(history)?;
        let question = self.question(history);
        let most = question.pool_max_size;
        let sizes = [
            ("LeastReady", question.least_ready),
            ("PoolSize", question.pool_size),
        ];
        if let Some((what, size)) = sizes.into_iter().find(|(_, size)| *size > most) {
            return Err(PlanError::AboveTheMaximum { what, size, most });
        }
        if question.unscored_minutes >= history.demand.minutes {
            return Err(PlanError::NothingScored);
        }
        plan(history, &leads, &question).ok_or(PlanError::NothingScored)
    }

    /// How long launches take: as the options say, or the history.
    pub fn leads(&self, history: &History) -> Result<Leads, PlanError> {
        let leads = match (self.lead_time, &self.lead_times) {
            (Some(lead), _) => Leads::of_seconds([lead.as_secs_f64()]),
            (None, Some(path)) => {
                let leads = read_lead_times(&read(path)?);
                Some(leads.map_err(|source| unusable(path, source))?)
            }
            (None, None) => history.leads.clone(),
        };
        leads.ok_or(PlanError::NoLeadTime)
    }

    /// The same with instances of this price, in dollars an hour.
    #[must_use]
    pub fn priced(&self, instance_hour: f64) -> Self {
        Self {
            instance_hour,
            ..self.clone()
        }
    }

    /// Price of an instance, in dollars an hour.
    pub fn instance_hour(&self) -> f64 {
        self.instance_hour
    }

    /// What is asked of a history.
    pub fn question(&self, history: &History) -> Question {
        let minutes = history.demand.minutes;
        let mut hit_rates = self.hit_rate.clone();
        hit_rates.sort_unstable_by(|left, right| left.fraction().total_cmp(&right.fraction()));
        hit_rates.dedup();
        let unscored_minutes = match self.learn {
            Some(learn) => u32::try_from(learn.as_secs() / 60).unwrap_or(u32::MAX),
            None => (LEARN_DAYS * DAY).min(minutes / 3),
        };
        let (size, most) = match history.group {
            Some(group) => (group.size, group.most),
            None => (POOL_SIZE, POOL_MAX_SIZE),
        };
        Question {
            hit_rates,
            instance_hour: self.instance_hour,
            minute_is_worth: self.minute_is_worth,
            hand_over: self.hand_over,
            unscored_minutes,
            least_ready: self.least_ready,
            pool_size: self.pool_size.unwrap_or(size),
            pool_max_size: self.pool_max_size.unwrap_or(most),
            stopped: self.disk_month.map(|disk_month| StoppedPrice {
                disk_month,
                start: self.stopped_start,
            }),
        }
    }
}

fn read(path: &Path) -> Result<String, PlanError> {
    fs::read_to_string(path).map_err(|source| PlanError::Read {
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, text: &str) -> Result<(), PlanError> {
    fs::write(path, text).map_err(|source| PlanError::Write {
        path: path.to_owned(),
        source,
    })
}

fn unusable(path: &Path, source: ReadError) -> PlanError {
    PlanError::Use {
        path: path.to_owned(),
        source,
    }
}

fn hit_rate(text: &str) -> Result<HitRate, &'static str> {
    let percent = text.trim().parse().ok().and_then(HitRate::of_percent);
    percent.ok_or("a percentage from 50 to 99.9")
}

/// The template's limits of a size: from the least to 500.
fn size(least: i64) -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(least..=500)
}

/// What a launch can take.
fn lead_time(text: &str) -> Result<Duration, &'static str> {
    let lead = time(text)?;
    (LEAST_LEAD_TIME..=Leads::LONGEST)
        .contains(&lead)
        .then_some(lead)
        .ok_or("must be 1 s to 24 h")
}

/// A price in dollars: what costs nothing needs no plan.
pub fn price(text: &str) -> Result<f64, &'static str> {
    let price = dollars(text).ok();
    price.filter(|price| *price > 0.0).ok_or("a price above 0")
}

/// An amount of dollars.
fn dollars(text: &str) -> Result<f64, &'static str> {
    let dollars = text.parse().ok();
    dollars
        .filter(|dollars: &f64| *dollars >= 0.0 && dollars.is_finite())
        .ok_or("an amount of dollars, 0 or more")
}

/// `150s`, `2.5m`, `14d`, `7h`: a number and its unit.
fn time(text: &str) -> Result<Duration, &'static str> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (text.get(..at), 1.0),
        Some((at, 'm')) => (text.get(..at), 60.0),
        Some((at, 'h')) => (text.get(..at), 3_600.0),
        Some((at, 'd')) => (text.get(..at), 86_400.0),
        _ => (None, 1.0),
    };
    let seconds = number.and_then(|number| number.parse::<f64>().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds * unit).ok())
        .ok_or("a time is a number and its unit: 150s, 2.5m, 7h or 14d")
}

#[cfg(test)]
mod tests;
