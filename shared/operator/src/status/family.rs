//! How all pools of a family stand: a line for each, and the sum.

use super::view::Status;
use crate::failure::Failure;
use crate::screen::{Screen, Tone};
use crate::words;
use ready_pool_core::Timestamp;
use serde::Serialize;

/// How a family stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FamilyStatus {
    family: String,
    region: String,
    #[serde(with = "time::serde::rfc3339")]
    at: Timestamp,
    pools: Vec<Line>,
    sum: Figures,
}

/// How one of its pools stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// The pool's name in the family.
    pub(super) name: String,
    /// All that `status` says of it.
    #[serde(flatten)]
    pub(super) status: Option<Status>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
}

/// The figures of a line, and of the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Figures {
    ready: usize,
    booting: usize,
    desired: i32,
    max: i32,
    waiting: usize,
    open: usize,
    targets: usize,
}

/// The columns' heads, in the order of [`Figures::cells`].
const HEADS: [&str; 7] = [
    "ready", "booting", "wanted", "most", "waiting", "open", "targets",
];

impl Figures {
    fn of(status: &Status) -> Self {
        Self {
            ready: status.pool.ready,
            booting: status.pool.census.count(crate::pool::State::Booting),
            desired: status.pool.desired,
            max: status.pool.max,
            waiting: status.waiting(),
            open: status.open_claims.len(),
            targets: status.targets,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            ready: self.ready + other.ready,
            booting: self.booting + other.booting,
            desired: self.desired + other.desired,
            max: self.max + other.max,
            waiting: self.waiting + other.waiting,
            open: self.open + other.open,
            targets: self.targets + other.targets,
        }
    }

    fn cells(self) -> [String; 7] {
        [
            self.ready.to_string(),
            self.booting.to_string(),
            self.desired.to_string(),
            self.max.to_string(),
            self.waiting.to_string(),
            self.open.to_string(),
            self.targets.to_string(),
        ]
    }
}

impl FamilyStatus {
    /// How the family stands.
    pub(super) fn of(family: &str, region: &str, at: Timestamp, pools: Vec<Line>) -> Self {
        let figures = pools.iter().filter_map(|line| line.status.as_ref());
        let sum = figures
            .map(Figures::of)
            .fold(Figures::default(), Figures::plus);
        Self {
            family: family.to_owned(),
            region: region.to_owned(),
            at,
            pools,
            sum,
        }
    }

    /// Prints it.
    pub(super) fn print(&self, screen: &mut Screen<'_>) -> Result<(), Failure> {
        screen.heading(&format!(
            "{} in {}, {}",
            self.family,
            self.region,
            words::moment(self.at)
        ))?;
        let names = self.pools.iter().map(|line| line.name.len());
        let widest = names.max().unwrap_or_default().max("sum".len());
        let row = |name: &str, cells: &[String]| {
            let cells: Vec<String> = cells
                .iter()
                .zip(HEADS)
                .map(|(cell, head)| format!("{cell:>width$}", width = head.len()))
                .collect();
            format!("{name:widest$}  {}", cells.join("  "))
        };
        screen.field("pools", &row("", &HEADS.map(str::to_owned)), Tone::Plain)?;
        for line in &self.pools {
            let Some(status) = &line.status else {
                continue;
            };
            let cells = Figures::of(status).cells();
            screen.field("", &row(&line.name, &cells), status.tone())?;
        }
        screen.field("", &row("sum", &self.sum.cells()), Tone::Plain)?;
        for line in &self.pools {
            if let Some(paused) = line.status.as_ref().and_then(|it| it.paused.words()) {
                screen.field(
                    "paused",
                    &format!("{}: {paused}", line.name),
                    Tone::Doubtful,
                )?;
            }
        }
        for line in &self.pools {
            let attention = line.status.as_ref().map(|status| &status.attention);
            for text in attention.into_iter().flatten().chain(&line.problem) {
                screen.field("look at", &format!("{}: {text}", line.name), Tone::Bad)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::view::tests::seen;
    use time::macros::datetime;

    #[test]
    fn a_pool_is_a_line_and_one_that_cannot_be_read_hides_no_other() {
        let mut paused = seen();
        let tag = ready_pool_core::pause::PAUSE_TAG.to_owned();
        paused.pool.tags.insert(tag, "claims".to_owned());
        let line = |name: &str, status: Option<Status>, problem: Option<&str>| Line {
            name: name.to_owned(),
            status,
            problem: problem.map(str::to_owned),
        };
        let pools = vec![
            line("broken", None, Some("the pool is gone")),
            line("large", Some(Status::of(&seen())), None),
            line("small", Some(Status::of(&paused)), None),
        ];
        let at = datetime!(2026-11-29 13:00 UTC);
        let family = FamilyStatus::of("rp", "eu-west-1", at, pools);
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let mut screen = Screen::plain(&mut out, &mut errors);
        family.print(&mut screen).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "rp in eu-west-1, 2026-11-29 13:00:00 UTC
  pools               ready  booting  wanted  most  waiting  open  targets
              large       1        1       2    10        0     0        0
              small       1        1       2    10        0     0        0
              sum         2        2       4    20        0     0        0
  paused      small: claims: none gets an instance, all wait in line
  look at     broken: the pool is gone
"
        );
    }
}
