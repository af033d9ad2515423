//! A message of the batch, from its lease to its end.

use crate::decide::{Isolation, Request, Waiting};
use crate::intake::message::{Received, Unreadable};
use ready_pool_core::claim::Claim;
use ready_pool_core::ids::InstanceId;
use ready_pool_core::trace::Trace;
use tracing::{Span, error_span, field, info};

/// A message of the batch.
#[derive(Debug)]
pub(crate) struct Pending {
    /// As received. Its times grow with what happens to it.
    pub(crate) message: Received,
    /// How it is processed.
    pub(crate) isolation: Isolation,
    /// How far it is.
    pub(crate) state: State,
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is owed an answer.
    Open,
    /// It is owed an answer, and has waited for this reason at the last look.
    Waiting(Waiting),
    /// It could not be rejected, and is left alone until its lease ends.
    NotRejected,
    /// It is answered, or is init-instance's to answer: the message can go.
    Settled,
    /// It is gone from the queue.
    Deleted,
}

impl Pending {
    /// A message at its beginning, in this trace where it was sent in none.
    pub(crate) fn new(message: Received, isolation: Isolation, trace: Option<Trace>) -> Self {
        Self {
            message: Received {
                trace: message.trace.or(trace),
                ..message
            },
            isolation,
            state: State::Open,
        }
    }

    /// Whether it is owed an answer that this delivery can still try to give.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open | State::Waiting(_))
    }

    /// Whether it must come again.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.is_open() || self.state == State::NotRejected
    }

    /// What is to be decided on, if it is an open claim.
    pub(crate) fn request(&self) -> Option<Request> {
        let request = self.message.content.as_ref().ok()?;
        self.is_open().then(|| Request {
            isolation: self.isolation,
            ..request.clone()
        })
    }

    /// What is wrong with it, if it is no claim and still to be rejected.
    pub(crate) fn unreadable(&self) -> Option<&Unreadable> {
        let unreadable = self.message.content.as_ref().err()?;
        self.is_open().then_some(unreadable)
    }
}

/// An open claim, while something is done about it.
#[derive(Debug)]
pub(crate) struct OpenClaim<'a> {
    pub(crate) claim: Claim,
    pub(crate) pending: &'a mut Pending,
}

impl OpenClaim<'_> {
    /// What lines about the claim are logged in, with the instance that they are about.
    pub(crate) fn span(&self, instance: Option<&InstanceId>) -> Span {
        let Claim {
            claim_id,
            target_group,
            ..
        } = &self.claim;
        // Of the highest level: lines of every level name their claim, whichever are kept.
        error_span!("claim", %claim_id, %target_group, instance_id = instance.map(field::display))
    }

    /// Nothing more is to be done here.
    pub(crate) fn settle(self) {
        self.pending.state = State::Settled;
    }

    /// Not now.
    pub(crate) fn wait(self, why: Waiting) {
        let before = std::mem::replace(&mut self.pending.state, State::Waiting(why));
        // Once in a delivery, not at each of its looks.
        if before != State::Waiting(why) {
            self.span(None)
                .in_scope(|| info!(because = why.because(), "the claim waits"));
        }
    }
}
