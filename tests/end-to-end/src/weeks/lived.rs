//! What became of the days.

use super::DAY;
use std::collections::BTreeMap;
use std::fmt;

/// What became of the days.
#[derive(Debug, Default)]
pub struct Lived {
    /// Minutes.
    pub minutes: u64,
    /// How often the size changed.
    pub changes: u64,
    /// The least and the greatest size.
    pub sizes: (u32, u32),
    /// Passes whose decision is that of the pure functions by the region's books.
    pub decisions: u64,
    /// Checkpoints that are to the last character what the pure functions learn from the one before.
    pub checkpoints: u64,
    /// Claims by their ends.
    pub outcomes: BTreeMap<String, u64>,
    /// Passes that found the size at its maximum.
    pub capped: u64,
    /// Claims that found nothing ready, by the pool's counter.
    pub waited: u64,
    /// Machines that Auto Scaling terminated unused.
    pub terminated: u64,
    /// What must not be, and was.
    pub broken: Vec<String>,
}

impl Lived {
    /// Whether everything held, and the size changed once in five minutes at most.
    pub fn is_good(&self) -> bool {
        self.broken.is_empty() && self.changes * 5 <= self.minutes
    }
}

impl fmt::Display for Lived {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.minutes / DAY;
        writeln!(
            formatter,
            "{days} days, size {} to {}",
            self.sizes.0, self.sizes.1
        )?;
        writeln!(
            formatter,
            "{} changes of the size, one in {} minutes",
            self.changes,
            self.minutes / self.changes.max(1)
        )?;
        writeln!(
            formatter,
            "{} decisions and {} checkpoints are those of the pure functions",
            self.decisions, self.checkpoints
        )?;
        let outcomes: Vec<String> = self
            .outcomes
            .iter()
            .map(|(ending, count)| format!("{count} {ending}"))
            .collect();
        writeln!(
            formatter,
            "claims: {}; {} found nothing ready",
            outcomes.join(", "),
            self.waited
        )?;
        write!(
            formatter,
            "{} passes at the maximum; {} instances terminated unused",
            self.capped, self.terminated
        )?;
        for broken in &self.broken {
            write!(formatter, "\nbroken: {broken}")?;
        }
        Ok(())
    }
}
