//! What is asked for: a claim, as its message says it, and how that message is to be processed.

use ready_pool_core::Timestamp;
use ready_pool_core::claim::Claim;
use ready_pool_core::ids::Attempt;

/// A claim to decide on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The claim.
    pub claim: Claim,
    /// The attempt that a retry asks for; `None` for a claim that nothing was begun for.
    pub asked: Option<Attempt>,
    /// When it was sent first, where that is known.
    pub sent: Option<Timestamp>,
    /// When it stepped aside last, if it did.
    pub stepped_aside: Option<Timestamp>,
    /// In which message group it came.
    pub group: MessageGroup,
    /// How its message is processed.
    pub isolation: Isolation,
}

impl Request {
    /// A claim as its sender sends it, that nothing is the matter with.
    pub fn of(claim: Claim) -> Self {
        Self {
            claim,
            asked: None,
            sent: None,
            stepped_aside: None,
            group: MessageGroup::Pool,
            isolation: Isolation::Batched,
        }
    }
}

/// A message group of the provisioning queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageGroup {
    /// The pool's: in order.
    Pool,
    /// That of dry runs that do not wait for the claims in the pool's.
    DryRuns,
}

/// How a message of a batch is processed ([`crate::intake::isolation`] says which, and why).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// In few calls for all of them.
    Batched,
    /// By itself, after those.
    Isolated,
    /// Not in this delivery: it lets the others go first.
    Deferred,
}
