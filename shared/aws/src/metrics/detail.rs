//! How many metrics are made of what is written.

use std::str::FromStr;

/// What becomes a metric in the least detail. Everything else is in the lines, where `CloudWatch` Logs Insights
/// finds it, and costs nothing more.
const LEAST: [&str; 4] = ["Ready", "Backlog", "Hits", "Outcomes"];
/// So many dimensions refine them: each value of a further one would be a metric of its own.
const LEAST_DIMENSIONS: usize = 2;

/// How much is said in metrics, each of which `CloudWatch` charges for by the hour. The lines are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// All of them.
    #[default]
    Full,
    /// Four, for a small pool.
    Least,
}

impl Detail {
    /// Whether a figure becomes a metric.
    pub(super) fn keeps(self, figure: &str) -> bool {
        self == Self::Full || LEAST.contains(&figure)
    }

    /// How many of so many dimensions its metrics have at most.
    pub(super) fn dimensions(self, given: usize) -> usize {
        match self {
            Self::Full => given,
            Self::Least => given.min(LEAST_DIMENSIONS),
        }
    }
}

/// No detail of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be full or least")]
pub struct UnknownDetail;

impl FromStr for Detail {
    type Err = UnknownDetail;

    fn from_str(text: &str) -> Result<Self, UnknownDetail> {
        match text {
            "full" => Ok(Self::Full),
            "least" => Ok(Self::Least),
            _ => Err(UnknownDetail),
        }
    }
}
