//! The crash matrix: what happens when one AWS call of one function goes wrong.
//!
//! A reference run of a [`Scenario`] records which calls the functions make. Every [`Case`] is the
//! same scenario again, with one of those calls broken in one [`Way`].

mod refusals;
mod run;
mod scenario;
mod site;
mod way;

pub use run::{Finding, Report, describe, reference, run, run_all, whole};
pub use scenario::Scenario;
pub use site::{Operation, Site, operations_of, sites_of};
pub use way::Way;

use std::fmt;
use std::str::FromStr;

/// One scenario with one thing that goes wrong in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What is played.
    pub scenario: Scenario,
    /// Which call goes wrong, or which action on a queue or the event bus.
    pub site: Site,
    /// How.
    pub way: Way,
}

impl fmt::Display for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:?}/{}/{:?}",
            self.scenario, self.site, self.way
        )
    }
}

impl FromStr for Case {
    type Err = String;

    /// Reads a case back from its display form, as printed by a failing test.
    fn from_str(text: &str) -> Result<Self, String> {
        let (scenario, rest) = text.split_once('/').ok_or("scenario/site/way")?;
        let (site, way) = rest.rsplit_once('/').ok_or("scenario/site/way")?;
        let named = |known: &dyn fmt::Debug, name: &str| format!("{known:?}") == name;
        Ok(Self {
            scenario: Scenario::ALL
                .into_iter()
                .find(|known| named(known, scenario))
                .ok_or_else(|| format!("there is no scenario {scenario}"))?,
            site: site.parse()?,
            way: Way::ALL
                .into_iter()
                .find(|known| named(known, way))
                .ok_or_else(|| format!("there is no way {way}"))?,
        })
    }
}
