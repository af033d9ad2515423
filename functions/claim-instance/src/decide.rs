//! Which instance a claim gets: pure, for a whole batch at once, first come, first served.

mod choice;
mod dry_run;
mod funding;
mod room;

use ready_pool_core::Timestamp;
use ready_pool_core::claim::{Claim, WhenEmpty};
use ready_pool_core::command::{Histories, Told, told};
use ready_pool_core::group::{Group, Lifecycle, Placement};
use ready_pool_core::guard::guarded;
use ready_pool_core::ids::{Attempt, ClaimId, GroupName, InstanceId, MAX_ATTEMPTS};
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::outcome::Reason;
use std::collections::{BTreeMap, BTreeSet};

/// A claim to decide on, and the attempt that a retry asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The claim.
    pub claim: Claim,
    /// `None` for a claim that came from its sender.
    pub asked: Option<Attempt>,
    /// Whether it is a dry run that came in a message group of its own.
    pub beside_the_line: bool,
}

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
    /// Instances whose agent is online, with the time it registered.
    pub online: &'a BTreeMap<InstanceId, Timestamp>,
    /// Where the instances of open entries are; one in no group is absent.
    pub places: &'a BTreeMap<InstanceId, Placement>,
    /// Their command histories.
    pub histories: &'a Histories,
    /// About how many messages stand in line besides this batch. Only looked up for a dry run
    /// that came beside the line.
    pub line: usize,
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
    /// Its instance was told: init-instance reports the end.
    LeaveToInit(InstanceId),
    /// Its instance left the pool and was never told: send the same hand-over again.
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
        /// Whether the pool shrinks with it: it was launched for a waiting claim.
        shrinks: bool,
    },
    /// A dry run: say what would become of the claim.
    Foretell {
        /// What.
        reason: Reason,
        /// The same for people.
        message: String,
    },
    /// Not now.
    Wait(Waiting),
}

/// Why a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// No instance is ready in the target's zones.
    PoolEmpty,
    /// An operator has paused the pool.
    Paused,
    /// Those ahead in line get what is ready: foretold to a dry run only.
    BehindOthers,
    /// Settled entries fill the target's tags; replenish-pool removes them.
    LedgerFull,
    /// The same claim stands further up in the batch.
    BehindItself,
    /// Its last delivery may have died of it: others go first. Not decided here, but by its place
    /// in the line.
    LastOfAll,
}

impl Waiting {
    /// The same for people.
    pub fn because(self) -> &'static str {
        match self {
            Self::PoolEmpty => "no instance is ready in the target's zones",
            Self::Paused => "claims are paused by the tag ready-pool:pause on the pool",
            Self::BehindOthers => "those ahead in line get what is ready",
            Self::LedgerFull => {
                "settled entries fill the target's tags, and some are about to be removed"
            }
            Self::BehindItself => "the same claim stands further up in the line",
            Self::LastOfAll => "its last delivery may have died of it, so those behind it go first",
        }
    }
}

/// Decides on all requests, in order; answers position by position. Dry runs from beside the line
/// come last: they are told what the others leave.
pub fn decide(view: &View<'_>, requests: &[Request]) -> Vec<Decision> {
    let mut batch = Batch {
        view,
        ahead: 0,
        funded: funding::funded(view),
        taken: spoken_for(view, requests),
        resumed: BTreeSet::new(),
        zones: BTreeMap::new(),
        begun: BTreeMap::new(),
        seen: BTreeSet::new(),
    };
    let mut order: Vec<(usize, &Request)> = requests.iter().enumerate().collect();
    order.sort_by_key(|(_, request)| request.beside_the_line);
    let decisions: BTreeMap<usize, Decision> = order
        .into_iter()
        .map(|(position, request)| {
            let decision = guarded(|| batch.decide(request))
                .unwrap_or_else(|panicked| end(Reason::InternalError, panicked.to_string(), None));
            (position, decision)
        })
        .collect();
    decisions.into_values().collect()
}

/// Instances that no claim may be given anew: those that the batch's own claims have, and those
/// that this delivery gave away or was refused. Entries of other claims speak only for their own
/// target (see [`Batch::candidates`]): a tenant can write what it likes there, and would
/// otherwise keep the whole pool from everybody.
fn spoken_for(view: &View<'_>, requests: &[Request]) -> BTreeSet<InstanceId> {
    let in_earnest = requests.iter().filter(|request| !request.claim.dry_run);
    let entered = in_earnest.filter_map(|request| {
        let claim = &request.claim;
        view.targets
            .get(&claim.target_group)?
            .entry(&claim.claim_id)
    });
    let remembered = view.memory.entries.values().cloned();
    entered
        .chain(remembered)
        .filter(Entry::is_open)
        .filter_map(|entry| entry.instance)
        .chain(view.memory.spent.iter().cloned())
        .collect()
}

/// One pass over a batch: what earlier claims took is not there for later ones.
#[derive(Clone)]
struct Batch<'a> {
    view: &'a View<'a>,
    /// Claims that are not in the batch and get an instance first.
    ahead: usize,
    /// Instances that may still leave without a replacement.
    funded: i32,
    taken: BTreeSet<InstanceId>,
    /// Instances that a claim of this pass goes on with.
    resumed: BTreeSet<InstanceId>,
    /// Zones of the instances that this pass assigned, by target.
    zones: BTreeMap<GroupName, Vec<String>>,
    /// How many claims without an entry this pass assigned, by target.
    begun: BTreeMap<GroupName, usize>,
    seen: BTreeSet<(GroupName, ClaimId)>,
}

impl Batch<'_> {
    fn decide(&mut self, request: &Request) -> Decision {
        let claim = &request.claim;
        if claim.dry_run {
            return self.foretell(request);
        }
        if !self.seen.insert(identity(claim)) {
            return Decision::Wait(Waiting::BehindItself);
        }
        match self.entry_of(claim) {
            Some(entry) if !entry.is_open() => Decision::Repeat(entry),
            Some(entry) => self.resume(request, entry),
            None => self.begin(request, request.asked.unwrap_or(1), None),
        }
    }

    /// The claim's line in the ledger as far as this delivery knows it.
    fn entry_of(&self, claim: &Claim) -> Option<Entry> {
        let target = self.view.targets.get(&claim.target_group);
        self.view.memory.entry_of(claim, target)
    }

    /// A claim that an earlier delivery, or an earlier pass of this one, has begun.
    fn resume(&mut self, request: &Request, entry: Entry) -> Decision {
        let claim = &request.claim;
        let asked = request.asked.unwrap_or(entry.attempt);
        let instance = match &entry.instance {
            Some(instance) if asked <= entry.attempt => instance.clone(),
            // Given up by init-instance, or by an earlier pass.
            _ => return self.begin(request, asked.max(entry.attempt), Some(entry)),
        };
        let attempt = entry.attempt;
        let next = attempt.saturating_add(1);
        let history = self
            .view
            .histories
            .get(&instance)
            .map_or(&[][..], Vec::as_slice);
        match told(history, &claim.key()) {
            Told::ThisClaim(_) => return Decision::LeaveToInit(instance),
            Told::AnotherClaim => return self.begin(request, next, Some(entry)),
            Told::Nothing => {}
        }
        if !self.resumed.insert(instance.clone()) {
            // Two entries name it: the claim that came first goes on with it.
            return self.begin(request, next, Some(entry));
        }
        if claim.is_expired(self.view.now) {
            // Whether it left the pool after all, and how far it came, only init-instance can
            // tell, in the order of that instance's messages.
            return Decision::LookAgain { instance, attempt };
        }
        match self.view.places.get(&instance) {
            Some(place) if place.group == self.view.pool.name => match place.lifecycle {
                // A group that shrinks by a member in standby may terminate another one instead.
                lifecycle @ (Lifecycle::InService | Lifecycle::Standby) => Decision::Assign {
                    instance,
                    attempt,
                    entered: true,
                    shrinks: lifecycle == Lifecycle::InService && self.fund(),
                },
                Lifecycle::Detaching => Decision::HandOver { instance, attempt },
                _ => self.begin(request, next, Some(entry)),
            },
            Some(place) if place.group != claim.target_group => {
                self.begin(request, next, Some(entry))
            }
            // In the target, or free.
            _ => Decision::HandOver { instance, attempt },
        }
    }

    /// A claim that needs an instance from the pool.
    fn begin(&mut self, request: &Request, attempt: Attempt, entry: Option<Entry>) -> Decision {
        let claim = &request.claim;
        // What was begun cannot be rejected any more: it ends as failed. A retry was begun even
        // where its entry was wiped.
        let begun = entry.is_some() || request.asked.is_some();
        if claim.is_expired(self.view.now) {
            let message = format!("no instance was told before {}", claim.expires_at);
            return end(Reason::Expired, message, entry);
        }
        if attempt > MAX_ATTEMPTS {
            let message = "every instance that was tried had to be given up".to_owned();
            return end(Reason::AttemptsExhausted, message, entry);
        }
        let target = match self.admit(claim, entry.is_some()) {
            Ok(target) => target,
            Err(Decision::Reject { reason, message }) if begun => {
                return end(reason, message, entry);
            }
            Err(decision) => return decision,
        };
        let member = match self.choose(target, claim) {
            Ok(member) => member,
            Err(why) => {
                let (reason, message) = self.nothing_for(target, why);
                return match claim.when_empty {
                    WhenEmpty::Wait => Decision::Wait(why),
                    WhenEmpty::Reject if begun => end(reason, message, entry),
                    WhenEmpty::Reject => reject(reason, message),
                };
            }
        };
        let (instance, zone) = (member.instance.clone(), member.zone.clone());
        self.taken.insert(instance.clone());
        let name = target.name.clone();
        if entry.is_none() {
            *self.begun.entry(name.clone()).or_default() += 1;
        }
        self.zones.entry(name).or_default().push(zone);
        Decision::Assign {
            instance,
            attempt,
            entered: false,
            shrinks: self.fund(),
        }
    }

    /// What a claim hears that would not wait.
    fn nothing_for(&self, target: &Group, why: Waiting) -> (Reason, String) {
        let pool = &self.view.pool.name;
        let (reason, problem) = match why {
            Waiting::Paused => (
                Reason::PoolPaused,
                format!("pool {pool} is paused by its tag ready-pool:pause"),
            ),
            Waiting::BehindOthers => (
                Reason::PoolEmpty,
                format!("the claims ahead in line get what is ready in pool {pool}"),
            ),
            _ => (
                Reason::PoolEmpty,
                format!(
                    "pool {pool} has no ready instance in the zones of {}",
                    target.name
                ),
            ),
        };
        let message =
            format!("{problem}; send the claim again later, or with `when_empty`: `wait`");
        (reason, message)
    }
}

/// What tells a claim from all others.
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
    Decision::Reject { reason, message }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "decide_tests/mod.rs"]
mod tests;
