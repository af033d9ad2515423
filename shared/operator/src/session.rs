//! What every command works with: clients, a clock, and the names of the place it looks at.

use crate::failure::Failure;
use ready_pool_aws::auto_scaling::AutoScaling;
use ready_pool_aws::queues::Queues;
use ready_pool_aws::systems_manager::SystemsManager;
use ready_pool_aws::{Clients, SharedClock};
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::CallError;
use std::fmt;

/// Where calls go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The region.
    pub region: String,
    /// The address, where it is not AWS's own.
    pub endpoint: Option<String>,
}

impl Place {
    /// A command of the AWS CLI that goes to the same place when it is pasted: `line` is what follows `aws`.
    pub(crate) fn aws(&self, line: &str) -> String {
        match &self.endpoint {
            Some(endpoint) => format!("aws {line} --endpoint-url {endpoint}"),
            None => format!("aws {line}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.region)?;
        match &self.endpoint {
            Some(endpoint) => write!(formatter, " at {endpoint}"),
            None => Ok(()),
        }
    }
}

/// Clients on one account and region.
#[derive(Debug)]
pub struct Session {
    pub(crate) clients: Clients,
    pub(crate) auto_scaling: AutoScaling,
    pub(crate) systems_manager: SystemsManager,
    pub(crate) queues: Queues,
    pub(crate) clock: SharedClock,
    pub(crate) place: Place,
}

impl Session {
    /// A session on these clients.
    pub fn new(clients: Clients, clock: SharedClock, place: Place) -> Self {
        Self {
            auto_scaling: AutoScaling::new(&clients),
            systems_manager: SystemsManager::new(&clients),
            queues: Queues::new(&clients),
            clients,
            clock,
            place,
        }
    }

    /// The present time, to the millisecond: programs read it, and people.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        let millisecond = now.millisecond();
        now.replace_millisecond(millisecond).unwrap_or(now)
    }

    /// What a failed call means here.
    pub(crate) fn failed(&self, error: CallError) -> Failure {
        Failure::Call {
            error,
            place: self.place.clone(),
        }
    }
}

/// A call's answer, or what its failure means.
pub(crate) trait OrFailure<T> {
    /// The answer.
    fn or_failure(self, session: &Session) -> Result<T, Failure>;
}

impl<T> OrFailure<T> for Result<T, CallError> {
    fn or_failure(self, session: &Session) -> Result<T, Failure> {
        self.map_err(|error| session.failed(error))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// AWS's own region.
    pub(crate) fn place() -> Place {
        Place {
            region: "eu-west-1".to_owned(),
            endpoint: None,
        }
    }

    #[test]
    fn a_line_to_paste_goes_where_the_program_goes() {
        assert_eq!(place().aws("sqs list-queues"), "aws sqs list-queues");
        let served = Place {
            endpoint: Some("http://127.0.0.1:4566".to_owned()),
            ..place()
        };
        assert_eq!(
            served.aws("sqs list-queues"),
            "aws sqs list-queues --endpoint-url http://127.0.0.1:4566"
        );
    }
}
