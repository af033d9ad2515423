//! The places where something can go wrong: every call that a function makes, every delete that
//! Lambda makes for it, every event on its way.

use region::api::Service;
use region::journal::{Entry, Happening};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// An operation that a function calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// `claim-instance`, `init-instance` or `replenish-pool`.
    pub function: String,
    /// The service called.
    pub service: Service,
    /// The operation.
    pub name: String,
}

/// One place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Site {
    /// The `nth` call of an operation by a function since the scenario's beginning, from 1.
    Call {
        /// Which operation.
        operation: Operation,
        /// Which call.
        nth: u32,
    },
    /// The `nth` message that Lambda deletes from a queue, from 1.
    Delete {
        /// The queue's name.
        queue: String,
        /// Which delete.
        nth: u32,
    },
    /// The `nth` event on its way to a target, from 1.
    Event {
        /// Which event.
        nth: u32,
    },
}

/// What the functions' names in the region begin with: the stack's name.
const PREFIX: &str = "ready-pool-";
/// The functions of the template.
const FUNCTIONS: [&str; 3] = ["claim-instance", "init-instance", "replenish-pool"];

impl Operation {
    /// The operation of a line of the journal, if a function called one there.
    pub fn of(entry: &Entry) -> Option<Self> {
        let Happening::Called {
            caller,
            service,
            operation,
            ..
        } = &entry.what
        else {
            return None;
        };
        let function = caller.strip_prefix(PREFIX)?;
        FUNCTIONS.contains(&function).then(|| Self {
            function: function.to_owned(),
            service: *service,
            name: operation.clone(),
        })
    }

    /// The function's name in the region, with which it signs its calls.
    pub fn function_name(&self) -> String {
        format!("{PREFIX}{}", self.function)
    }

    /// Whether it only reads.
    pub fn is_read(&self) -> bool {
        ["Describe", "Get", "List"]
            .iter()
            .any(|verb| self.name.starts_with(verb))
    }

    /// Whether the SDK is set never to repeat it (`shared/aws`): it is not idempotent.
    pub fn is_never_repeated(&self) -> bool {
        ["DetachInstances", "SendCommand"].contains(&self.name.as_str())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}.{:?}.{}",
            self.function, self.service, self.name
        )
    }
}

impl fmt::Display for Site {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { operation, nth } => write!(formatter, "{operation}#{nth}"),
            Self::Delete { queue, nth } => write!(formatter, "delete:{queue}#{nth}"),
            Self::Event { nth } => write!(formatter, "event#{nth}"),
        }
    }
}

impl FromStr for Site {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (what, nth) = text.split_once('#').ok_or("site#nth")?;
        let nth = nth.parse().map_err(|error| format!("{nth}: {error}"))?;
        if what == "event" {
            return Ok(Self::Event { nth });
        }
        if let Some(queue) = what.strip_prefix("delete:") {
            let queue = queue.to_owned();
            return Ok(Self::Delete { queue, nth });
        }
        let mut words = what.split('.');
        let (Some(function), Some(service), Some(name)) =
            (words.next(), words.next(), words.next())
        else {
            return Err(format!("{what} is not function.service.operation"));
        };
        let service = [Service::AutoScaling, Service::Ssm, Service::Sqs]
            .into_iter()
            .find(|known| format!("{known:?}") == service)
            .ok_or_else(|| format!("there is no service {service}"))?;
        let operation = Operation {
            function: function.to_owned(),
            service,
            name: name.to_owned(),
        };
        Ok(Self::Call { operation, nth })
    }
}

impl Site {
    /// Whether it is a call of this function.
    pub fn is_by(&self, function: &str) -> bool {
        matches!(self, Self::Call { operation, .. } if operation.function == function)
    }
}

/// Every operation that a function called.
pub fn operations_of(journal: &[Entry]) -> BTreeSet<Operation> {
    journal.iter().filter_map(Operation::of).collect()
}

/// Every site of a run. Of the calls that a function makes again and again while it waits (an
/// unfinished detach, a boot), the first `ends` and the last `ends` of an operation stand for all (half as many of replenish-pool's,
/// which does little else).
pub fn sites_of(journal: &[Entry], ends: u32) -> Vec<Site> {
    let mut calls: BTreeMap<Operation, u32> = BTreeMap::new();
    let mut deletes: BTreeMap<&String, u32> = BTreeMap::new();
    let mut events = 0;
    for entry in journal {
        if let Some(operation) = Operation::of(entry) {
            *calls.entry(operation).or_default() += 1;
        }
        match &entry.what {
            Happening::MessageDeleted { queue, .. } => *deletes.entry(queue).or_default() += 1,
            Happening::Event { .. } => events += 1,
            _ => {}
        }
    }
    let mut sites = Vec::new();
    for (operation, count) in calls {
        // It looks at everything again with each pass: one pass is like the next.
        let ends = if operation.function == "replenish-pool" {
            ends.div_ceil(2)
        } else {
            ends
        };
        let chosen = (1..=count).filter(|nth| *nth <= ends || *nth > count.saturating_sub(ends));
        sites.extend(chosen.map(|nth| Site::Call {
            operation: operation.clone(),
            nth,
        }));
    }
    for (queue, count) in deletes {
        sites.extend((1..=count).map(|nth| Site::Delete {
            queue: queue.clone(),
            nth,
        }));
    }
    sites.extend((1..=events).map(|nth| Site::Event { nth }));
    sites
}
