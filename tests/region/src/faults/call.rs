//! Single API calls that go wrong.

use super::{Strike, Unanswered, internal_error, throttled};
use crate::api::{Call, CallError, Service};

/// Makes calls fail, by count.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which calls.
    pub calls: Calls,
    /// How many of them are let through first.
    pub skip: u32,
    /// How many then fail.
    pub times: u32,
    /// Whether a failing call still does what it was asked to do.
    pub moment: Moment,
    /// What the caller gets.
    pub failure: Failure,
}

/// Makes calls fail, by chance.
#[derive(Clone, Debug)]
pub struct Rate {
    /// Which calls.
    pub calls: Calls,
    /// Chance of each, 0 to 1.
    pub chance: f64,
    /// Whether a failing call still does what it was asked to do.
    pub moment: Moment,
    /// What the caller gets.
    pub failure: Failure,
}

/// A choice of calls; what is empty or `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Of this service.
    pub service: Option<Service>,
    /// Of this operation.
    pub operation: Option<String>,
    /// Signed with one of these access key ids: its name, for a function.
    pub callers: Vec<String>,
    /// Whose input has this text in it.
    pub mention: Option<String>,
}

/// When a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Nothing was done.
    BeforeTheEffect,
    /// It was done; only the answer is lost.
    AfterTheEffect,
}

/// How a call fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// With an error.
    Error(CallError),
    /// Throttled, in the service's own words. It then has no effect, whatever the moment.
    Throttled,
    /// With the service's internal error, HTTP 500.
    Internal,
    /// Without an answer, ever: the caller's time-out decides.
    Silence,
    /// The function that calls is killed where it stands, as when its process crashes. For a
    /// caller that is no function the same as silence.
    Kill,
    /// The function that calls does nothing more until its time-out ends it. For a caller that is
    /// no function the same as silence.
    Freeze,
    /// Not at all: it is answered, but a read of Auto Scaling or SSM shows the state before the
    /// newest change.
    Stale,
}

impl Calls {
    /// The calls of one operation, by anybody.
    pub fn of(service: Service, operation: &str) -> Self {
        Self {
            service: Some(service),
            operation: Some(operation.to_owned()),
            ..Self::default()
        }
    }

    /// Only those signed with this access key id.
    #[must_use]
    pub fn by(self, caller: &str) -> Self {
        Self {
            callers: vec![caller.to_owned()],
            ..self
        }
    }

    /// Only those whose input has this text in it.
    #[must_use]
    pub fn mentioning(self, text: &str) -> Self {
        Self {
            mention: Some(text.to_owned()),
            ..self
        }
    }

    pub(super) fn include(&self, call: &Call) -> bool {
        self.service.is_none_or(|service| service == call.service)
            && self
                .operation
                .as_ref()
                .is_none_or(|operation| *operation == call.operation)
            && (self.callers.is_empty() || self.callers.contains(&call.caller))
            && self
                .mention
                .as_ref()
                .is_none_or(|text| call.input.to_string().contains(text.as_str()))
    }
}

impl Failure {
    pub(super) fn strike(&self, moment: Moment, service: Service) -> Strike {
        let error = match self {
            Self::Error(error) => error.clone(),
            Self::Throttled => {
                return Strike::Fails(Moment::BeforeTheEffect, throttled(service));
            }
            Self::Internal => internal_error(service),
            Self::Silence => Unanswered::Silence.as_error(),
            Self::Kill => Unanswered::Kill.as_error(),
            Self::Freeze => Unanswered::Freeze.as_error(),
            Self::Stale => return Strike::ReadsThePast,
        };
        Strike::Fails(moment, error)
    }
}

impl Fault {
    /// The next call of an operation, by anybody, fails before its effect.
    pub fn next(service: Service, operation: &str, error: CallError) -> Self {
        Self::nth(
            Calls::of(service, operation),
            1,
            Moment::BeforeTheEffect,
            Failure::Error(error),
        )
    }

    /// The next `times` calls of an operation are throttled, in the service's own words.
    pub fn throttle(service: Service, operation: &str, times: u32) -> Self {
        Self {
            times,
            ..Self::next(service, operation, throttled(service))
        }
    }

    /// One call fails: the `nth` of these from now on, counted from 1.
    pub fn nth(calls: Calls, nth: u32, moment: Moment, failure: Failure) -> Self {
        Self {
            calls,
            skip: nth.saturating_sub(1),
            times: 1,
            moment,
            failure,
        }
    }
}
