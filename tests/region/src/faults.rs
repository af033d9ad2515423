//! What goes wrong in the region on demand: API calls ([`Fault`], by count; [`Rate`], by chance),
//! a whole service ([`Outage`]), reads that lag behind ([`Staleness`]), messages that are
//! delivered twice ([`Deliveries`]), tags that somebody wipes and capacity that is refused.
//!
//! Chance is asked of the world's one source, and only where a chance is set: a run without
//! faults draws nothing here.

mod call;
mod deliveries;
mod mishaps;
mod stale;

pub use call::{Calls, Failure, Fault, Moment, Rate};
pub use deliveries::{Deliveries, send_again};
pub use mishaps::{Due, Outage, happen, refuse_capacity, wipe_tags};
pub use stale::Staleness;

pub(crate) use stale::{answer_from_the_past, is_read, remember};

use crate::api::{Answer, Call, CallError, Service};
use stale::Past;
use time::OffsetDateTime;

/// The faults that were asked for.
#[derive(Debug, Default)]
pub struct Faults {
    /// Faults of calls that strike by chance.
    pub rates: Vec<Rate>,
    /// Services that are down for a while.
    pub outages: Vec<Outage>,
    /// Reads that lag behind, if any.
    pub staleness: Option<Staleness>,
    /// Messages that are delivered twice.
    pub deliveries: Deliveries,
    armed: Vec<Fault>,
    past: Past,
}

/// What becomes of a call that a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    /// It fails.
    Fails(Moment, CallError),
    /// It is a read, and shows the state before the newest change.
    ReadsThePast,
}

/// How a service throttles (code and text as seen on the wire; SQS's is in its API model).
pub fn throttled(service: Service) -> CallError {
    let code = match service {
        Service::AutoScaling | Service::Sts => "Throttling",
        Service::Ssm => "ThrottlingException",
        Service::Sqs => "RequestThrottled",
    };
    CallError::sender(code, "Rate exceeded")
}

/// How a service fails by itself (SSM's code is in its API model, the others' is AWS's common
/// one), with HTTP 500.
pub fn internal_error(service: Service) -> CallError {
    let code = match service {
        Service::Ssm => "InternalServerError",
        Service::AutoScaling | Service::Sqs | Service::Sts => "InternalFailure",
    };
    CallError::receiver(code, "An internal error occurred.")
}

/// What the region does instead of answering. Inside the region it travels as an error with a
/// code of its own; it is never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// No answer comes, ever.
    Silence,
    /// The caller's invocation is killed where it stands.
    Kill,
    /// The caller's invocation hangs until its time-out ends it.
    Freeze,
}

impl Unanswered {
    const ALL: [Self; 3] = [Self::Silence, Self::Kill, Self::Freeze];

    fn code(self) -> &'static str {
        match self {
            Self::Silence => "NoAnswer",
            Self::Kill => "CallerKilled",
            Self::Freeze => "CallerFrozen",
        }
    }

    fn as_error(self) -> CallError {
        CallError::receiver(self.code(), "no answer")
    }

    /// Whether the caller is to get no answer at all, and why.
    pub(crate) fn of(answer: &Answer) -> Option<Self> {
        let code = &answer.as_ref().err()?.code;
        Self::ALL.into_iter().find(|fate| fate.code() == code)
    }
}

impl Faults {
    /// Arms a fault. Several for the same calls happen one after the other.
    pub fn add(&mut self, fault: Fault) {
        if fault.times > 0 {
            self.armed.push(fault);
        }
    }

    /// The armed faults that have not (or not all) struck yet.
    pub fn waiting(&self) -> usize {
        self.armed.len()
    }

    /// Nothing goes wrong any more.
    pub fn stop(&mut self) {
        *self = Self::default();
    }

    /// When the service is up again, if it is down at `now`.
    pub fn down_until(&self, service: Service, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.outages
            .iter()
            .filter(|outage| outage.service == service && outage.until > now)
            .map(|outage| outage.until)
            .max()
    }

    /// Whether the region must keep its past because a read may ask for it.
    fn keeps_the_past(&self) -> bool {
        self.staleness.is_some()
            || self
                .armed
                .iter()
                .any(|fault| matches!(fault.failure, Failure::Stale))
    }

    /// What strikes this call, if anything does: an outage, an armed fault, chance.
    pub(crate) fn strike(
        &mut self,
        call: &Call,
        now: OffsetDateTime,
        rng: &mut fastrand::Rng,
    ) -> Option<Strike> {
        let armed = self.strike_armed(call);
        if self.down_until(call.service, now).is_some() {
            let error = internal_error(call.service);
            return Some(Strike::Fails(Moment::BeforeTheEffect, error));
        }
        armed.or_else(|| {
            self.rates
                .iter()
                .find(|rate| rate.calls.include(call) && rng.f64() < rate.chance)
                .map(|rate| rate.failure.strike(rate.moment, call.service))
        })
    }

    fn strike_armed(&mut self, call: &Call) -> Option<Strike> {
        let mut struck = None;
        for fault in &mut self.armed {
            if !fault.calls.include(call) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if struck.is_none() {
                fault.times -= 1;
                struck = Some(fault.failure.strike(fault.moment, call.service));
            }
        }
        self.armed.retain(|fault| fault.times > 0);
        struck
    }
}

#[cfg(test)]
mod tests;
