//! What a pass goes on without: a part of the stack that is gone, or a read that failed.

use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::ids::GroupName;
use tracing::{error, warn};

/// A part that a pass can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    RetirementGroup,
    LaunchHook,
    PoolAgents,
    History,
    Backlog,
    Past,
    Targets,
    Target,
    Detaches,
    Places,
    Agents,
    Commands,
}

impl Part {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RetirementGroup => "retirement group",
            Self::LaunchHook => "launch hook",
            Self::PoolAgents => "agents of the pool",
            Self::History => "history of the pool",
            Self::Backlog => "length of the provisioning queue",
            Self::Past => "history that the size is learned from",
            Self::Targets => "targets",
            Self::Target => "target",
            Self::Detaches => "detaches of a day",
            Self::Places => "places of instances on their way out",
            Self::Agents => "agents of instances on their way out",
            Self::Commands => "command history",
        }
    }

    /// What does not happen without it.
    fn consequence(self) -> &'static str {
        match self {
            Self::RetirementGroup => "nothing is retired, and no leak is found",
            Self::LaunchHook => {
                "instances get into service before their agents are online, and launches whose agent stays away are not abandoned"
            }
            Self::PoolAgents => {
                "no launch is let into service or abandoned, and no member is retired"
            }
            Self::History => "the pool's size stays as it is, and no launch is abandoned",
            Self::Backlog => "the pool does not grow for waiting claims, and does not shrink",
            Self::Past => "the pool's size stays as it is",
            Self::Targets => "open claims are not looked at, and nothing is retired",
            Self::Target => "its claims are not looked at",
            Self::Detaches => "no leak is found",
            Self::Places | Self::Agents => {
                "nothing that was noted is retired, and no leak is found"
            }
            Self::Commands => "this instance is not retired",
        }
    }
}

/// One that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    part: Part,
    /// Which one, where there are several.
    which: String,
    why: String,
    /// Whether the next pass may well have it.
    passes: bool,
}

impl Missing {
    /// It is gone, or nothing that we can work with.
    pub(crate) fn gone(part: Part, which: &str, why: &str) -> Self {
        Self {
            part,
            which: which.to_owned(),
            why: why.to_owned(),
            passes: false,
        }
    }

    /// It could not be read.
    pub(crate) fn unread(part: Part, which: &str, error: &CallError) -> Self {
        Self {
            part,
            which: which.to_owned(),
            why: error.to_string(),
            passes: error.effect != Effect::Refused,
        }
    }

    /// What is missing, by name.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.part.name(), self.which)
            .trim_end()
            .to_owned()
    }

    /// Says so. An error rings an alarm; a read that AWS was too busy for is none.
    pub(crate) fn say(&self, pool: &GroupName) {
        let (missing, without, why) = (self.name(), self.part.consequence(), &self.why);
        if self.passes {
            warn!(pool = %pool, missing, without, why, "going on without a part");
        } else {
            error!(pool = %pool, missing, without, why, "going on without a part");
        }
    }
}

/// All that a pass goes on without.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllMissing(Vec<Missing>);

impl AllMissing {
    /// Adds one.
    pub(crate) fn add(&mut self, missing: Missing) {
        self.0.push(missing);
    }

    /// The value of a read, or nothing and a part more that is missing.
    pub(crate) fn or_without<T>(
        &mut self,
        part: Part,
        which: &str,
        read: Result<T, CallError>,
    ) -> Option<T> {
        read.map_err(|error| self.add(Missing::unread(part, which, &error)))
            .ok()
    }

    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Their names, in one line.
    pub(crate) fn names(&self) -> String {
        let names: Vec<String> = self.0.iter().map(Missing::name).collect();
        names.join(", ")
    }

    /// Says all of them.
    pub(crate) fn say(&self, pool: &GroupName) {
        for missing in &self.0 {
            missing.say(pool);
        }
    }
}
