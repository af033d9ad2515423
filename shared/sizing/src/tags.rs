//! What is known, as the tags of the pool's group.
//!
//! A tag's value has at most 256 characters. All of these have one writer, replenish-pool, which runs
//! one at a time.

use crate::state::{
    CORRECTION_BOUND, Forecast, KEPT_MINUTES, LEAD_TIMES, MOST_CLAIMS, Mean, State,
};
use crate::{Minute, digits};
use std::collections::VecDeque;
use std::fmt::Write;

/// The figures, and until when.
pub const SIZING: &str = "ready-pool:sizing";
/// The last minutes' forecasts and counts.
pub const FORECASTS: &str = "ready-pool:forecasts";
/// Quarter-hours of the day.
pub const DAY: [&str; 2] = ["ready-pool:demand/day-0", "ready-pool:demand/day-1"];
/// Hours of the week.
pub const WEEK: [&str; 3] = [
    "ready-pool:demand/week-0",
    "ready-pool:demand/week-1",
    "ready-pool:demand/week-2",
];

/// The first word of a value of this shape.
const VERSION: &str = "v1";
/// What was learned until so many minutes ago is as good as nothing.
const OUTDATED: i64 = 28 * 24 * 60;
/// Clocks differ by so many minutes at most. Nobody learned beyond that.
const AHEAD: i64 = 5;
/// No figure that anything could have led to is beyond it: with it nothing overflows.
const PLAUSIBLE: f64 = 1e15;
/// How often a mean is folded at most: by quarter-hours of the day and by hours of the week.
const MOST_SEEN: [u32; 2] = [28, 4];
/// Characters of a mean, and of a count.
const MEAN_DIGITS: usize = 3;
const COUNT_DIGITS: usize = 2;

/// From a minute until before another one. Empty where they are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first minute.
    pub from: Minute,
    /// The first minute after it.
    pub to: Minute,
}

impl Span {
    /// No minute.
    pub const NONE: Self = Self {
        from: Minute::new(0),
        to: Minute::new(0),
    };

    /// Whether the minute is in it.
    pub fn contains(self, minute: Minute) -> bool {
        self.from <= minute && minute < self.to
    }
}

/// What one pass leaves to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// What is known at the end of a quarter-hour.
    pub state: State,
    /// Minutes from which only the time is learned.
    pub held: Span,
    /// Minutes in which the size was the maximum.
    pub capped: Span,
    /// The counter of claims that waited, as the checkpoint's writer read it. None where the
    /// checkpoint does not reach its writer's present.
    pub waited: Option<u64>,
}

/// The tags' keys and values.
pub fn write(checkpoint: &Checkpoint) -> Vec<(&'static str, String)> {
    let state = &checkpoint.state;
    let mut tags = vec![
        (SIZING, write_figures(checkpoint)),
        (FORECASTS, write_forecasts(&state.forecasts)),
    ];
    let days = DAY
        .into_iter()
        .zip(state.day.chunks(state.day.len() / DAY.len()));
    let weeks = WEEK
        .into_iter()
        .zip(state.week.chunks(state.week.len() / WEEK.len()));
    tags.extend(
        days.chain(weeks)
            .map(|(key, means)| (key, write_means(means))),
    );
    tags
}

/// Reads the tags; `value` finds one by its key. None where one cannot be read, or has what nothing
/// could have led to, or where it is too old. Demand and forecasts that are absent read as none.
pub fn read<'a>(value: impl Fn(&str) -> Option<&'a str>, now: Minute) -> Option<Checkpoint> {
    let mut checkpoint = read_figures(value(SIZING)?)?;
    let state = &mut checkpoint.state;
    let age = now.since(state.until);
    if !(-AHEAD..=OUTDATED).contains(&age) || state.began > state.until {
        return None;
    }
    state.forecasts = read_forecasts(value(FORECASTS).unwrap_or_default())?;
    let [most_days, most_weeks] = MOST_SEEN;
    let days = state.day.len() / DAY.len();
    for (key, means) in DAY.into_iter().zip(state.day.chunks_mut(days)) {
        read_means(value(key), most_days, means)?;
    }
    let weeks = state.week.len() / WEEK.len();
    for (key, means) in WEEK.into_iter().zip(state.week.chunks_mut(weeks)) {
        read_means(value(key), most_weeks, means)?;
    }
    Some(checkpoint)
}

fn write_figures(checkpoint: &Checkpoint) -> String {
    let state = &checkpoint.state;
    let whole = [
        state.until.minutes(),
        state.began.minutes(),
        i64::from(state.launches),
        i64::from(state.hour),
        i64::from(state.hour_minutes),
        i64::from(state.counted),
        checkpoint.held.from.minutes(),
        checkpoint.held.to.minutes(),
        checkpoint.capped.from.minutes(),
        checkpoint.capped.to.minutes(),
    ];
    let mut text = VERSION.to_owned();
    for number in whole {
        _ = write!(text, " {number}");
    }
    match checkpoint.waited {
        Some(waited) => _ = write!(text, " {waited}"),
        None => text.push_str(" -"),
    }
    for figure in state.figures() {
        _ = write!(text, " {:e}", crate::number::single(figure));
    }
    text
}

fn read_figures(text: &str) -> Option<Checkpoint> {
    let mut words = text.split(' ');
    if words.next()? != VERSION {
        return None;
    }
    let mut minute = || Some(Minute::new(words.next()?.parse().ok()?));
    let until = minute()?;
    let mut state = State::new(until);
    state.began = minute()?;
    let mut count = |most: u32| words.next()?.parse().ok().filter(|count| *count <= most);
    state.launches = count(50)?;
    state.hour = count(60 * MOST_CLAIMS)?;
    state.hour_minutes = count(60)?;
    state.counted = count(u32::MAX)?;
    let mut span = || {
        Some(Span {
            from: Minute::new(words.next()?.parse().ok()?),
            to: Minute::new(words.next()?.parse().ok()?),
        })
    };
    let held = span()?;
    let capped = span()?;
    let waited = match words.next()? {
        "-" => None,
        counter => Some(counter.parse().ok()?),
    };
    for figure in state.figures_mut() {
        *figure = f64::from(words.next()?.parse::<f32>().ok()?);
    }
    (words.next().is_none() && is_plausible(&state)).then_some(Checkpoint {
        state,
        held,
        capped,
        waited,
    })
}

/// Whether learning could have led to such figures. (What is not a number is in no range.)
fn is_plausible(state: &State) -> bool {
    let signed = [state.correction, state.ln_price];
    let is_sized = |figure: &f64| (0.0..=PLAUSIBLE).contains(figure) || signed.contains(figure);
    state.figures().iter().all(is_sized)
        && LEAD_TIMES.contains(&state.lead)
        && state.overall_minutes >= 1.0
        && (-CORRECTION_BOUND..=CORRECTION_BOUND).contains(&state.correction)
        && (0.0..=crate::price::HIGHEST).contains(&state.ln_price)
}

fn write_forecasts(forecasts: &VecDeque<Forecast>) -> String {
    let mut text = String::new();
    for forecast in forecasts {
        digits::push(
            &mut text,
            digits::of_figure(forecast.claims * 15.0),
            MEAN_DIGITS,
        );
        digits::push(&mut text, forecast.came, COUNT_DIGITS);
    }
    text
}

fn read_forecasts(text: &str) -> Option<VecDeque<Forecast>> {
    let forecasts = text
        .as_bytes()
        .chunks(MEAN_DIGITS + COUNT_DIGITS)
        .map(|minute| {
            let (claims, came) = minute.split_at_checked(MEAN_DIGITS)?;
            (came.len() == COUNT_DIGITS).then_some(())?;
            Some(Forecast {
                claims: digits::figure(digits::read(claims)?) / 15.0,
                came: digits::read(came)?,
            })
        });
    let forecasts: VecDeque<Forecast> = forecasts.collect::<Option<_>>()?;
    (forecasts.len() <= KEPT_MINUTES).then_some(forecasts)
}

fn write_means(means: &[Mean]) -> String {
    let mut text = String::new();
    for mean in means {
        digits::push(&mut text, digits::of_figure(mean.mean), MEAN_DIGITS);
        digits::push(&mut text, mean.seen, 1);
    }
    text
}

fn read_means(text: Option<&str>, most_seen: u32, means: &mut [Mean]) -> Option<()> {
    let Some(text) = text else {
        return Some(());
    };
    if text.len() != means.len() * (MEAN_DIGITS + 1) {
        return None;
    }
    for (mean, text) in means
        .iter_mut()
        .zip(text.as_bytes().chunks(MEAN_DIGITS + 1))
    {
        let (figure, seen) = text.split_at_checked(MEAN_DIGITS)?;
        mean.mean = digits::figure(digits::read(figure)?);
        mean.seen = digits::read(seen)?;
        if mean.seen > most_seen {
            return None;
        }
    }
    Some(())
}
