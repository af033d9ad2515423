//! Which instance a claim gets: pure, for a whole batch at once, first come, first served.
//!
//! [`decide`] answers each [`Request`] with a [`Decision`], from what was observed ([`View`]).
//! Nothing is decided elsewhere, and no decision is changed once it is made.

mod admission;
mod allocation;
mod aside;
mod dry_run;
mod lacking;
mod request;
mod selection;
mod subnets;
mod surplus;
mod waits;

pub use aside::{STEPS_ASIDE_EVERY, may_step_aside};
pub use lacking::lacking;
pub use request::{Isolation, MessageGroup, Request};
pub use waits::{has_waited, is_turned_away};

use allocation::Allocation;
use ready_pool_core::Timestamp;
use ready_pool_core::claim::Claim;
use ready_pool_core::command::Histories;
use ready_pool_core::group::{Group, Placement};
use ready_pool_core::guard::guarded;
use ready_pool_core::ids::{Attempt, ClaimId, GroupName, InstanceId};
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::reason::Reason;
use std::collections::{BTreeMap, BTreeSet};

/// The world as observed, and what this delivery itself did since.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The present time.
    pub now: Timestamp,
    /// The pool.
    pub pool: &'a Group,
    /// Ready instances that replenish-pool keeps.
    pub size: i32,
    /// The retirement group's name.
    pub retirement: &'a GroupName,
    /// The targets of the batch that exist.
    pub targets: &'a BTreeMap<GroupName, Group>,
    /// Instances whose agent is online.
    pub online: &'a BTreeSet<InstanceId>,
    /// Where the instances of open entries are; one in no group is absent.
    pub places: &'a BTreeMap<InstanceId, Placement>,
    /// Their command histories.
    pub histories: &'a Histories,
    /// About how many messages are queued besides this batch. Only looked up for a dry run that
    /// came in its own message group.
    pub queued: usize,
    /// What this delivery did, over what it read: reads may be stale.
    pub memory: &'a Memory,
}

/// What one delivery of a batch remembers of its own doing.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Entries it wrote.
    pub entries: BTreeMap<(GroupName, ClaimId), Entry>,
    /// Of those, the ones whose instance has certainly not been detached by us.
    pub untouched: BTreeSet<(GroupName, ClaimId)>,
    /// Instances it gave to a claim or was refused.
    pub spent: BTreeSet<InstanceId>,
}

impl Memory {
    /// A claim's entry: what this delivery wrote, unless the ledger says what can only have been
    /// written since.
    pub fn entry_of(&self, claim: &Claim, target: Option<&Group>) -> Option<Entry> {
        let read = target.and_then(|target| target.entry(&claim.claim_id));
        match self.entries.get(&identity(claim)) {
            Some(written) => Some(latest(read, written)),
            None => read,
        }
    }
}

/// Which of the two is newer. A read may be older than what was written here; but init-instance,
/// which is at work meanwhile, settles a claim or moves it on to a later attempt, and never back.
fn latest(read: Option<Entry>, written: &Entry) -> Entry {
    let since = read.filter(|read| {
        read.attempt > written.attempt || (read.attempt == written.attempt && !read.is_open())
    });
    since.unwrap_or_else(|| written.clone())
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Not to be served as it is: the sender must correct it.
    Reject {
        /// Why.
        reason: Reason,
        /// What to fix.
        message: String,
        /// The other pool that the target opted in to, as its tag names it.
        opted_in_to: Option<String>,
    },
    /// Settled before: publish that outcome again.
    Repeat(Entry),
    /// Settle it as failed. The entry is written where one exists already.
    Close {
        /// Why.
        reason: Reason,
        /// The same for people.
        message: String,
        /// The claim's entry as it will stand.
        entry: Option<Entry>,
    },
    /// Its instance was sent the init command: init-instance reports the end.
    LeaveToInit(InstanceId),
    /// Its instance left the pool and was never sent the command: send the same hand-over again.
    HandOver {
        /// The instance.
        instance: InstanceId,
        /// The same attempt as before.
        attempt: Attempt,
    },
    /// Its deadline passed after its instance left the pool: init-instance settles it.
    LookAgain {
        /// The instance.
        instance: InstanceId,
        /// Its attempt.
        attempt: Attempt,
    },
    /// Enter this instance (unless it is entered already), detach it, hand it over.
    Assign {
        /// The instance.
        instance: InstanceId,
        /// Which attempt of the claim.
        attempt: Attempt,
        /// Whether the ledger says so already.
        entered: bool,
        /// Whether the pool's desired capacity is decremented with it: it was launched for a
        /// waiting claim.
        decrements: bool,
    },
    /// A dry run: say what would become of the claim.
    Preview {
        /// What.
        reason: Reason,
        /// The same for people.
        message: String,
    },
    /// Not now.
    Wait(Waiting),
}

impl Decision {
    /// Whether carrying it out makes a call with what is in the claim.
    pub fn makes_calls(&self) -> bool {
        !matches!(self, Self::Wait(_) | Self::LeaveToInit(_))
    }
}

/// Why a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// No instance is ready in the target's zones.
    PoolEmpty,
    /// No instance is ready there, and the pool launches none: its process `Launch` is suspended, or
    /// it is being deleted.
    NothingLaunches,
    /// An operator has paused the pool.
    Paused,
    /// Queued claims leave no instance for it: in the preview of a dry run only.
    BehindOthers,
    /// Settled entries fill the target's tags; replenish-pool removes them.
    LedgerFull,
    /// The same claim is ahead of it in the batch.
    BehindItself,
    /// Its last delivery may have died of it: others go first.
    Deferred,
}

impl Waiting {
    /// The same for people.
    pub fn because(self) -> &'static str {
        match self {
            Self::PoolEmpty => "no instance is ready in the target's zones",
            Self::NothingLaunches => {
                "no instance is ready in the target's zones, and the pool launches none"
            }
            Self::Paused => "claims are paused by the tag ready-pool:pause on the pool",
            Self::BehindOthers => "the claims queued ahead of it get what is ready",
            Self::LedgerFull => {
                "settled entries fill the target's tags, and some are about to be removed"
            }
            Self::BehindItself => "the same claim is ahead of it in the queue",
            Self::Deferred => "its last delivery may have died of it, so those behind it go first",
        }
    }
}

/// Decides on all requests, in order; answers position by position. Dry runs in a message group of
/// their own come last: they hear what the others leave.
pub fn decide(view: &View<'_>, requests: &[Request]) -> Vec<Decision> {
    let mut allocation = Allocation::new(view, requests, surplus::of(view));
    let mut order: Vec<(usize, &Request)> = requests.iter().enumerate().collect();
    order.sort_by_key(|(_, request)| request.group);
    let decisions: BTreeMap<usize, Decision> = order
        .into_iter()
        .map(|(position, request)| (position, decide_one(&mut allocation, request)))
        .collect();
    decisions.into_values().collect()
}

fn decide_one(allocation: &mut Allocation<'_>, request: &Request) -> Decision {
    let decision = guarded(|| allocation.decide(request))
        .unwrap_or_else(|panicked| end(Reason::InternalError, panicked.to_string(), None));
    // What needs no call harms nobody.
    if request.isolation == Isolation::Deferred && decision.makes_calls() {
        return Decision::Wait(Waiting::Deferred);
    }
    decision
}

/// What distinguishes a claim from all others.
pub fn identity(claim: &Claim) -> (GroupName, ClaimId) {
    (claim.target_group.clone(), claim.claim_id.clone())
}

/// Ends a claim as failed.
fn end(reason: Reason, message: String, entry: Option<Entry>) -> Decision {
    Decision::Close {
        reason,
        message,
        entry: entry.map(|entry| Entry {
            standing: Standing::Failed(reason),
            instead_of: None,
            ..entry
        }),
    }
}

fn reject(reason: Reason, message: String) -> Decision {
    Decision::Reject {
        reason,
        message,
        opted_in_to: None,
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
