//! Which instance a claim gets: pure, for a whole batch at once, first come, first served.

use ready_pool_aws::guard::guarded;
use ready_pool_core::Timestamp;
use ready_pool_core::claim::{Claim, WhenEmpty};
use ready_pool_core::command::{Histories, Told, told};
use ready_pool_core::group::{Group, Lifecycle, MAX_TAGS, Member, Whereabouts};
use ready_pool_core::ids::{Attempt, ClaimId, GroupName, InstanceId, MAX_ATTEMPTS};
use ready_pool_core::ledger::{self, Entry, Standing};
use ready_pool_core::outcome::Reason;
use std::collections::{BTreeMap, BTreeSet};

/// A claim to decide on, and the attempt that a retry asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The claim.
    pub claim: Claim,
    /// `None` for a claim that came from its sender.
    pub asked: Option<Attempt>,
}

/// The world as observed, and what this delivery itself did since.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The present time.
    pub now: Timestamp,
    /// The pool.
    pub pool: &'a Group,
    /// The retirement group's name.
    pub retirement: &'a GroupName,
    /// The targets of the batch that exist.
    pub targets: &'a BTreeMap<GroupName, Group>,
    /// Instances whose agent is online, with the time it registered.
    pub online: &'a BTreeMap<InstanceId, Timestamp>,
    /// Where the instances of open entries are; one in no group is absent.
    pub places: &'a BTreeMap<InstanceId, Whereabouts>,
    /// Their command histories.
    pub histories: &'a Histories,
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
    /// written since. A read may be older than what was written here; but init-instance, which is
    /// at work meanwhile, settles a claim or moves it on to a later attempt, and never back.
    pub fn entry_of(&self, claim: &Claim, target: Option<&Group>) -> Option<Entry> {
        let read = target.and_then(|target| target.entry(&claim.claim_id));
        let Some(written) = self.entries.get(&identity(claim)) else {
            return read;
        };
        let since = read.filter(|read| {
            read.attempt > written.attempt || (read.attempt == written.attempt && !read.is_open())
        });
        since.or_else(|| Some(written.clone()))
    }
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
    },
    /// Not now.
    Wait(Waiting),
}

/// Why a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// No instance is ready in the target's zones.
    PoolEmpty,
    /// Settled entries fill the target's tags; replenish-pool removes them.
    LedgerFull,
    /// The same claim stands further up in the batch.
    BehindItself,
}

/// Decides on all requests, in order; answers position by position.
pub fn decide(view: &View<'_>, requests: &[Request]) -> Vec<Decision> {
    let mut batch = Batch {
        view,
        taken: spoken_for(view, requests),
        resumed: BTreeSet::new(),
        zones: BTreeMap::new(),
        begun: BTreeMap::new(),
        seen: BTreeSet::new(),
    };
    requests
        .iter()
        .map(|request| {
            guarded(|| batch.decide(request))
                .unwrap_or_else(|panicked| end(Reason::InternalError, panicked.to_string(), None))
        })
        .collect()
}

/// Instances that no claim may be given anew: those that the batch's own claims have, and those
/// that this delivery gave away or was refused. Entries of other claims speak only for their own
/// target (see [`Batch::best_instance`]): a tenant can write what it likes there, and would
/// otherwise keep the whole pool from everybody.
fn spoken_for(view: &View<'_>, requests: &[Request]) -> BTreeSet<InstanceId> {
    let entered = requests.iter().filter_map(|request| {
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
struct Batch<'a> {
    view: &'a View<'a>,
    taken: BTreeSet<InstanceId>,
    /// Instances that a claim of this pass goes on with.
    resumed: BTreeSet<InstanceId>,
    /// Zones of the instances that this pass assigned, by target.
    zones: BTreeMap<GroupName, Vec<String>>,
    /// How many claims without an entry this pass assigned, by target.
    begun: BTreeMap<GroupName, usize>,
    seen: BTreeSet<(GroupName, ClaimId)>,
}

impl<'a> Batch<'a> {
    fn decide(&mut self, request: &Request) -> Decision {
        let claim = &request.claim;
        if !self.seen.insert(identity(claim)) {
            return Decision::Wait(Waiting::BehindItself);
        }
        let target = self.view.targets.get(&claim.target_group);
        match self.view.memory.entry_of(claim, target) {
            Some(entry) if !entry.is_open() => Decision::Repeat(entry),
            Some(entry) => self.resume(request, entry),
            None => self.begin(request, request.asked.unwrap_or(1), None),
        }
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
                Lifecycle::InService | Lifecycle::Standby => Decision::Assign {
                    instance,
                    attempt,
                    entered: true,
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
        let Some(member) = self.best_instance(target) else {
            let message = format!(
                "pool {} has no ready instance in the zones of {}; send the claim again later, or with `when_empty`: `wait`",
                self.view.pool.name, target.name
            );
            return match claim.when_empty {
                WhenEmpty::Wait => Decision::Wait(Waiting::PoolEmpty),
                WhenEmpty::Reject if begun => end(Reason::PoolEmpty, message, entry),
                WhenEmpty::Reject => reject(Reason::PoolEmpty, message),
            };
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
        }
    }

    /// Whether the target may and can take an instance.
    fn admit(&self, claim: &Claim, has_entry: bool) -> Result<&'a Group, Decision> {
        let view = self.view;
        let name = &claim.target_group;
        if *name == view.pool.name || name == view.retirement {
            return Err(reject(
                Reason::TargetIsOurs,
                format!(
                    "target_group {name} is a group of ready-pool itself; name a tenant's group"
                ),
            ));
        }
        let Some(target) = view.targets.get(name) else {
            return Err(reject(
                Reason::UnknownTarget,
                format!(
                    "there is no Auto Scaling group {name}; create it, or correct target_group"
                ),
            ));
        };
        if !target.is_opted_in_to(&view.pool.name) {
            return Err(reject(
                Reason::NotOptedIn,
                format!(
                    "group {name} has not opted in; give it the tag ready-pool:pool = {}",
                    view.pool.name
                ),
            ));
        }
        if target.suspended.contains("Launch") {
            return Err(reject(
                Reason::TargetSuspended,
                format!(
                    "the Launch process of group {name} is suspended, so nothing can be attached; resume it"
                ),
            ));
        }
        if target.zones.is_disjoint(&view.pool.zones) {
            return Err(reject(
                Reason::NoCommonZone,
                format!(
                    "group {name} and pool {} share no availability zone",
                    view.pool.name
                ),
            ));
        }
        if has_entry {
            // Its room was counted when the entry was written.
            return Ok(target);
        }
        self.check_room(target)?;
        Ok(target)
    }

    fn check_room(&self, target: &Group) -> Result<(), Decision> {
        let name = &target.name;
        let entries = self.entries_of(target);
        let begun = self.begun.get(name).copied().unwrap_or_default();
        let arriving = begun
            + entries
                .values()
                .filter(|entry| entry.is_open())
                .filter(|entry| {
                    entry
                        .instance
                        .as_ref()
                        .is_none_or(|instance| target.member(instance).is_none())
                })
                .count();
        let wanted = i64::from(target.desired_capacity) + count(arriving);
        if wanted >= i64::from(target.max_size) {
            return Err(reject(
                Reason::TargetFull,
                format!(
                    "group {name} has no room: desired capacity {} and {arriving} on the way, maximum size {}; raise its maximum size",
                    target.desired_capacity, target.max_size
                ),
            ));
        }
        let unseen = entries
            .keys()
            .filter(|claim_id| !target.tags.contains_key(&ledger::tag_key(claim_id)))
            .count();
        if target.tags.len() + unseen + begun >= MAX_TAGS {
            if entries.values().any(|entry| !entry.is_open()) {
                return Err(Decision::Wait(Waiting::LedgerFull));
            }
            return Err(reject(
                Reason::TooManyOpenClaims,
                format!(
                    "group {name} has {MAX_TAGS} tags, the most AWS allows, and all its claims are open; wait for some to end"
                ),
            ));
        }
        Ok(())
    }

    /// The target's ledger as far as this delivery knows it.
    fn entries_of(&self, target: &Group) -> BTreeMap<ClaimId, Entry> {
        let mut entries: BTreeMap<ClaimId, Entry> = target.entries().collect();
        for ((group, claim_id), entry) in &self.view.memory.entries {
            if *group == target.name {
                entries.insert(claim_id.clone(), entry.clone());
            }
        }
        entries
    }

    /// The ready instance that suits the target best: from the zone that is least represented
    /// there, and of those the one that has been ready longest.
    fn best_instance(&self, target: &Group) -> Option<&'a Member> {
        let assigned = self.zones.get(&target.name);
        let in_zone = |zone: &str| {
            target
                .members
                .iter()
                .filter(|member| member.zone == zone)
                .count()
                + assigned.map_or(0, |zones| {
                    zones.iter().filter(|taken| *taken == zone).count()
                })
        };
        let entered: BTreeSet<InstanceId> = target
            .entries()
            .filter(|(_, entry)| entry.is_open())
            .filter_map(|(_, entry)| entry.instance)
            .collect();
        self.view
            .pool
            .members
            .iter()
            .filter(|member| {
                member.lifecycle == Lifecycle::InService
                    && member.healthy
                    && target.zones.contains(&member.zone)
                    && !self.taken.contains(&member.instance)
                    && !entered.contains(&member.instance)
            })
            .filter_map(|member| Some((member, self.view.online.get(&member.instance)?)))
            .min_by_key(|(member, registered)| {
                (in_zone(&member.zone), **registered, &member.instance)
            })
            .map(|(member, _)| member)
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
