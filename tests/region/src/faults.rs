//! API calls that go wrong on demand.

use crate::api::{Answer, AwsError, Call, Service};

/// The faults that were asked for and have not all happened yet.
#[derive(Debug, Default)]
pub struct Faults {
    armed: Vec<Fault>,
}

/// Makes the next calls of an operation fail.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Of which service.
    pub service: Service,
    /// Of which operation.
    pub operation: String,
    /// Only calls signed with this access key id; `None` for everybody's.
    pub caller: Option<String>,
    /// How many calls.
    pub times: u32,
    /// Whether the call still does what it was asked to do.
    pub moment: Moment,
    /// What the caller gets.
    pub failure: Failure,
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
#[derive(Clone, Debug)]
pub enum Failure {
    /// With an error.
    Error(AwsError),
    /// Without an answer, ever: the caller's time-out decides.
    Silence,
}

impl Fault {
    /// The next call of an operation, by anybody, fails before its effect.
    pub fn next(service: Service, operation: &str, error: AwsError) -> Self {
        Self {
            service,
            operation: operation.to_owned(),
            caller: None,
            times: 1,
            moment: Moment::BeforeTheEffect,
            failure: Failure::Error(error),
        }
    }

    /// The next `times` calls of an operation are throttled, in the service's own words.
    pub fn throttle(service: Service, operation: &str, times: u32) -> Self {
        Self {
            times,
            ..Self::next(service, operation, throttled(service))
        }
    }

    fn concerns(&self, call: &Call) -> bool {
        self.service == call.service
            && self.operation == call.operation
            && self
                .caller
                .as_ref()
                .is_none_or(|caller| *caller == call.caller)
    }
}

/// How a service throttles (code and text as seen on the wire; SQS's is in its API model).
pub fn throttled(service: Service) -> AwsError {
    let code = match service {
        Service::AutoScaling => "Throttling",
        Service::Ssm => "ThrottlingException",
        Service::Sqs => "RequestThrottled",
    };
    AwsError::sender(code, "Rate exceeded")
}

/// Code of the error that stands for [`Failure::Silence`] inside the region; it is never sent.
const NO_ANSWER: &str = "NoAnswer";

/// Whether the caller is to get no answer at all.
pub fn is_silence(answer: &Answer) -> bool {
    answer.as_ref().is_err_and(|error| error.code == NO_ANSWER)
}

impl Faults {
    /// Arms a fault. Several for the same calls happen one after the other.
    pub fn add(&mut self, fault: Fault) {
        if fault.times > 0 {
            self.armed.push(fault);
        }
    }

    /// The fault that strikes this call, if any.
    pub(crate) fn strike(&mut self, call: &Call) -> Option<(Moment, AwsError)> {
        let position = self.armed.iter().position(|fault| fault.concerns(call))?;
        let fault = &mut self.armed[position];
        fault.times -= 1;
        let error = match &fault.failure {
            Failure::Error(error) => error.clone(),
            Failure::Silence => AwsError::receiver(NO_ANSWER, "no answer"),
        };
        let strike = (fault.moment, error);
        if fault.times == 0 {
            self.armed.remove(position);
        }
        Some(strike)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(operation: &str, caller: &str) -> Call {
        Call {
            service: Service::Ssm,
            operation: operation.to_owned(),
            input: json!({}),
            caller: caller.to_owned(),
        }
    }

    #[test]
    fn a_fault_strikes_as_often_as_asked_and_only_whom_it_concerns() {
        let mut faults = Faults::default();
        faults.add(Fault {
            caller: Some("a".to_owned()),
            ..Fault::throttle(Service::Ssm, "SendCommand", 2)
        });
        assert!(faults.strike(&call("ListCommands", "a")).is_none());
        assert!(faults.strike(&call("SendCommand", "b")).is_none());
        for _ in 0..2 {
            let (moment, error) = faults.strike(&call("SendCommand", "a")).unwrap();
            assert_eq!(moment, Moment::BeforeTheEffect);
            assert_eq!(error.code, "ThrottlingException");
        }
        assert!(faults.strike(&call("SendCommand", "a")).is_none());
    }
}
