//! One pass over a batch: which claims go on with what they have, and which get which instance.

use super::{Decision, Isolation, Request, View, Waiting, end, identity, reject};
use ready_pool_core::claim::{Claim, WhenEmpty};
use ready_pool_core::command::{InitCommand, init_command};
use ready_pool_core::group::{Group, Lifecycle};
use ready_pool_core::ids::{Attempt, ClaimId, GroupName, InstanceId, MAX_ATTEMPTS};
use ready_pool_core::ledger::Entry;
use ready_pool_core::reason::Reason;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use time::format_description::well_known::Rfc3339;

/// What a pass has given so far: what earlier claims took is not there for later ones.
#[derive(Clone)]
pub(super) struct Allocation<'a> {
    pub(super) view: &'a View<'a>,
    /// Claims that are not in the batch and get an instance first.
    pub(super) ahead: usize,
    /// Instances that may still leave without a replacement.
    pub(super) surplus: i32,
    /// Instances that no claim may be given anew.
    pub(super) taken: BTreeSet<InstanceId>,
    /// Instances that a claim of this pass goes on with.
    resumed: BTreeSet<InstanceId>,
    /// Zones of the instances that this pass assigned, by target.
    pub(super) zones: BTreeMap<GroupName, Vec<String>>,
    /// How many claims without an entry this pass assigned, by target.
    pub(super) begun: BTreeMap<GroupName, usize>,
    /// Claims that this pass has decided on.
    pub(super) seen: BTreeSet<(GroupName, ClaimId)>,
}

impl<'a> Allocation<'a> {
    /// Nothing is given yet; `surplus` instances may leave without a replacement.
    pub(super) fn new(view: &'a View<'a>, requests: &[Request], surplus: i32) -> Self {
        Self {
            view,
            ahead: 0,
            surplus,
            taken: reserved(view, requests),
            resumed: BTreeSet::new(),
            zones: BTreeMap::new(),
            begun: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }

    pub(super) fn decide(&mut self, request: &Request) -> Decision {
        let claim = &request.claim;
        if claim.dry_run {
            return self.preview(request);
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
    pub(super) fn entry_of(&self, claim: &Claim) -> Option<Entry> {
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
        match init_command(history, &claim.key()) {
            InitCommand::Sent(_) => return Decision::LeaveToInit(instance),
            InitCommand::SentForAnother => return self.begin(request, next, Some(entry)),
            InitCommand::NotSent => {}
        }
        if !self.resumed.insert(instance.clone()) {
            // Two entries name it: the claim that came first goes on with it.
            return self.begin(request, next, Some(entry));
        }
        if claim.is_expired(self.view.now) {
            // Whether it left the pool after all, and how far it came, only init-instance can
            // say, in the order of that instance's messages.
            return Decision::LookAgain { instance, attempt };
        }
        match self.view.places.get(&instance) {
            Some(place) if place.group == self.view.pool.name => match place.lifecycle {
                Lifecycle::InService => Decision::Assign {
                    instance,
                    attempt,
                    entered: true,
                    decrements: self.take_surplus(),
                    makes: None,
                },
                Lifecycle::Detaching => Decision::HandOver { instance, attempt },
                // One in standby, too: somebody has put it aside.
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
            let deadline = claim.expires_at.format(&Rfc3339).unwrap_or_default();
            let mut message = if request.sent.is_some_and(|sent| claim.is_expired(sent)) {
                format!(
                    "the claim was sent after its deadline, {deadline}; send it with a new claim_id and a later expires_at"
                )
            } else if begun {
                format!("the claim expired at {deadline} before its command was sent")
            } else {
                format!("the claim got no instance before its deadline, {deadline}")
            };
            if let Some(problem) = self.view.pool.launches_nothing() {
                message = format!("{message}; {problem}, so the pool launches nothing");
            }
            return end(Reason::Expired, message, entry);
        }
        if attempt > MAX_ATTEMPTS {
            let message = "every instance that was tried had to be given up".to_owned();
            return end(Reason::AttemptsExhausted, message, entry);
        }
        let target = match self.admit(claim, entry.is_some()) {
            Ok(target) => target,
            Err(Decision::Reject {
                reason, message, ..
            }) if begun => {
                return end(reason, message, entry);
            }
            Err(decision) => return decision,
        };
        let member = match self.choose(&target, claim) {
            Ok(member) => member,
            Err(why) => {
                let (reason, message) = self.nothing_for(&target, why);
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
        // One that lets the others go first keeps neither a place nor the making of its target from them.
        if entry.is_none() && request.isolation != Isolation::Deferred {
            *self.begun.entry(name.clone()).or_default() += 1;
        }
        self.zones.entry(name).or_default().push(zone);
        let makes = match target {
            Cow::Owned(target) => Self::new_target(claim, target),
            Cow::Borrowed(_) => None,
        };
        Decision::Assign {
            instance,
            attempt,
            entered: false,
            decrements: self.take_surplus(),
            makes,
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
                format!("the claims queued ahead of it get what is ready in pool {pool}"),
            ),
            _ => {
                let empty = format!(
                    "pool {pool} has no ready instance in the zones of {}",
                    target.name
                );
                let problem = match self.view.pool.launches_nothing() {
                    Some(why) => format!("{empty}, and launches none: {why}"),
                    None => empty,
                };
                (Reason::PoolEmpty, problem)
            }
        };
        let message =
            format!("{problem}; send the claim again later, or with `when_empty`: `wait`");
        (reason, message)
    }
}

/// Instances that no claim may be given anew: those that the batch's own claims have, and those
/// that this delivery gave away or was refused. Entries of other claims speak only for their own
/// target (see [`Allocation::candidates`]): a tenant can write what it likes there, and would
/// otherwise keep the whole pool from everybody.
pub(super) fn reserved(view: &View<'_>, requests: &[Request]) -> BTreeSet<InstanceId> {
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
