//! What one delivery does with its messages: look until everything is settled or time is up.

mod aside;

use crate::act::{Act, respond};
use crate::config::{LOOK_EVERY, LOOK_FOR, SETTLE};
use crate::decide::{
    Decision, Isolation, Memory, Request, View, Waiting, decide, identity, lacking, may_step_aside,
};
use crate::function::ClaimInstance;
use crate::intake::message::Received;
use crate::line::Particular;
use crate::observe::observe;
use crate::pending::{OpenClaim, Pending, State};
use ready_pool_aws::clock::{Invocation, sleep};
use ready_pool_aws::lease::Lease;
use ready_pool_aws::metrics::Record;
use ready_pool_core::ids::ReceiptHandle;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tracing::{error, warn};

/// The messages of one delivery.
pub(crate) struct Batch<'a> {
    function: &'a ClaimInstance,
    invocation: &'a Invocation,
    lease: &'a Lease<'a>,
    /// How many messages were delivered.
    delivered: usize,
    /// In the order in which they are processed.
    messages: Vec<Pending>,
    memory: Memory,
    /// Whether claims stepped aside for those behind them: then these are next.
    makes_way: bool,
}

/// A claim with what was decided on it.
struct Decided {
    request: Request,
    decision: Decision,
    may_step_aside: bool,
}

impl Decided {
    /// Whether it is carried out by itself.
    fn is_isolated(&self) -> bool {
        self.request.isolation == Isolation::Isolated && self.decision.makes_calls()
    }
}

/// By place in the batch.
type Decisions = BTreeMap<usize, Decided>;

fn places_that_may_step_aside(decisions: &Decisions) -> BTreeSet<usize> {
    let may = decisions
        .iter()
        .filter(|(_, decided)| decided.may_step_aside);
    may.map(|(place, _)| *place).collect()
}

impl<'a> Batch<'a> {
    /// `messages` are in the order in which they are processed.
    pub(crate) fn new(
        function: &'a ClaimInstance,
        invocation: &'a Invocation,
        lease: &'a Lease<'a>,
        delivered: usize,
        messages: Vec<(Received, Isolation)>,
    ) -> Self {
        let pending = messages
            .into_iter()
            .map(|(message, isolation)| Pending::new(message, isolation, invocation.trace()));
        Self {
            function,
            invocation,
            lease,
            delivered,
            messages: pending.collect(),
            memory: Memory::default(),
            makes_way: false,
        }
    }

    /// Does what can be done in this delivery. Answers whether something was written that reads may
    /// not show yet.
    pub(crate) async fn process(&mut self) -> bool {
        for pending in &mut self.messages {
            if pending.isolation == Isolation::Batched {
                respond::reject_unreadable(self.function, pending).await;
            }
        }
        let uncertain = self.look_until_settled().await;
        self.write_oldest();
        uncertain
    }

    /// The messages that must come again.
    pub(crate) fn unsettled(self) -> impl Iterator<Item = Pending> {
        self.messages.into_iter().filter(Pending::is_unsettled)
    }

    /// Looks every two seconds until nothing is open or time is up. Answers whether something was
    /// written that reads may not show yet.
    async fn look_until_settled(&mut self) -> bool {
        let clock = &self.function.clock;
        let last_look = clock.now() + LOOK_FOR;
        let mut uncertain = false;
        while self.may_go_on() {
            uncertain = self.look().await;
            if !self.may_go_on() || uncertain || clock.now() + LOOK_EVERY > last_look {
                break;
            }
            sleep(LOOK_EVERY).await;
        }
        let mut open = self.messages.iter().filter_map(Pending::request);
        uncertain || open.any(|request| self.memory.entries.contains_key(&identity(&request.claim)))
    }

    /// Whether anything is left that need not wait for the next delivery.
    fn may_go_on(&self) -> bool {
        let mut messages = self.messages.iter();
        !self.makes_way
            && messages.any(|pending| pending.is_open() && pending.isolation != Isolation::Deferred)
    }

    /// One look: observe, decide, act. Good claims together, then the suspects one by one.
    async fn look(&mut self) -> bool {
        let Some(decisions) = self.decide().await else {
            return false;
        };
        let may_step_aside = places_that_may_step_aside(&decisions);
        let (mut isolated, batched): (Decisions, Decisions) = decisions
            .into_iter()
            .partition(|(_, decided)| decided.is_isolated());
        let mut uncertain = self.carry_out(batched).await;
        for place in 0..self.messages.len() {
            if let Some(decided) = isolated.remove(&place) {
                self.delete_settled().await;
                uncertain |= self.carry_out(BTreeMap::from([(place, decided)])).await;
            } else if self.is_isolated_and_unreadable(place) {
                self.delete_settled().await;
                if let Some(pending) = self.messages.get_mut(place) {
                    respond::reject_unreadable(self.function, pending).await;
                }
            }
        }
        self.step_aside(may_step_aside).await;
        uncertain
    }

    fn is_isolated_and_unreadable(&self, place: usize) -> bool {
        self.messages.get(place).is_some_and(|pending| {
            pending.isolation == Isolation::Isolated && pending.unreadable().is_some()
        })
    }

    /// What becomes of the open claims; `None` when that cannot be seen now.
    async fn decide(&self) -> Option<Decisions> {
        let function = self.function;
        let (places, requests): (Vec<usize>, Vec<Request>) = self
            .messages
            .iter()
            .enumerate()
            .filter_map(|(place, pending)| Some((place, pending.request()?)))
            .unzip();
        if requests.is_empty() {
            return Some(BTreeMap::new());
        }
        let observed = match observe(function, &requests, &self.memory, self.delivered).await {
            Ok(observed) => observed,
            Err(error) => {
                warn!(%error, "cannot read the groups; trying again");
                return None;
            }
        };
        function.line.read(observed.pool().waited());
        if let Some(value) = observed.pool().pause().misspelt {
            error!(pool = %function.config.pool, value, "the pool's tag ready-pool:pause has none of the values claims, replenishing and all; everything is paused until it is mended");
        }
        if let Some(problem) = observed.pool().launches_nothing() {
            warn!(pool = %function.config.pool, problem, "the pool launches nothing; claims get what is ready, the others will expire");
        }
        let view = observed.view(&function.config, function.clock.now(), &self.memory);
        let decisions = decide(&view, &requests);
        let aside = may_step_aside(&view, &requests, &decisions);
        self.see_the_line(&view, &requests, &decisions);
        let decided = requests.into_iter().zip(decisions).zip(aside);
        let decided = decided.map(|((request, decision), may_step_aside)| Decided {
            request,
            decision,
            may_step_aside,
        });
        Some(places.into_iter().zip(decided).collect())
    }

    /// Remembers who waits for what.
    fn see_the_line(&self, view: &View<'_>, requests: &[Request], decisions: &[Decision]) {
        let zones = lacking(view, requests, decisions);
        for ((request, decision), zone) in requests.iter().zip(decisions).zip(zones) {
            let waits_for = match (decision, zone) {
                (Decision::Wait(Waiting::BehindItself | Waiting::Deferred), _) => continue,
                (Decision::Wait(Waiting::LedgerFull), _) => Some(Particular::Room),
                (_, zone) => zone.map(|zone| Particular::Zone(zone.to_owned())),
            };
            if !request.claim.dry_run {
                let claim = identity(&request.claim);
                self.function.line.see(claim, waits_for, view.now);
            }
        }
    }

    /// Answers whether something was written that reads may not show yet.
    async fn carry_out(&mut self, mut decisions: Decisions) -> bool {
        let messages = self.messages.iter_mut().enumerate();
        let decided = messages.filter_map(|(place, pending)| {
            let Decided {
                request, decision, ..
            } = decisions.remove(&place)?;
            let claim = request.claim;
            Some((OpenClaim { claim, pending }, decision))
        });
        let decided = decided.collect();
        let mut act = Act::new(self.function, &mut self.memory, self.invocation);
        act.carry_out(decided).await;
        act.is_uncertain()
    }

    /// Deletes what is settled: if the next claim ends this invocation, they do not come again
    /// with it, and those behind them move up.
    async fn delete_settled(&mut self) {
        let messages = self.messages.iter_mut();
        let settled: Vec<&mut Pending> = messages
            .filter(|pending| pending.state == State::Settled)
            .collect();
        if settled.is_empty() {
            return;
        }
        let receipts = settled
            .iter()
            .map(|pending| pending.message.receipt.clone());
        let receipts: Vec<ReceiptHandle> = receipts.collect();
        self.lease.end(&receipts);
        match self.function.provision_queue.delete(&receipts).await {
            Ok(()) => {
                for pending in settled {
                    pending.state = State::Deleted;
                }
            }
            // Lambda deletes them when the delivery ends; or they come again, and are settled still.
            Err(error) => warn!(%error, "cannot delete finished messages early"),
        }
    }

    /// How long the oldest of the claims waits that are released. SQS's own age of the oldest message
    /// leaves those out that were received more than three times.
    fn write_oldest(&self) {
        let now = self.function.clock.now();
        let open = self.messages.iter();
        let open = open.filter(|pending| pending.is_open() && pending.message.content.is_ok());
        let sent = open.filter_map(|pending| pending.message.times.sent).min();
        let waits = sent.and_then(|sent| Duration::try_from(now - sent).ok());
        let record = Record::of(&self.function.config.pool).time_if_known("OldestWaiting", waits);
        self.function.metrics.write(&record, now);
    }

    /// Makes the open messages visible again: at once, or, where something was written that reads
    /// may not show yet, a little later.
    pub(crate) async fn release(&self, uncertain: bool) {
        let open = self.messages.iter().filter(|pending| pending.is_open());
        let receipts: Vec<ReceiptHandle> = open
            .map(|pending| pending.message.receipt.clone())
            .collect();
        if receipts.is_empty() {
            return;
        }
        let delay = if uncertain { SETTLE } else { Duration::ZERO };
        if let Err(error) = self
            .function
            .provision_queue
            .change_visibility(&receipts, delay)
            .await
        {
            // They become visible by themselves when the lease ends.
            warn!(%error, "cannot make the messages visible early");
        }
    }
}
