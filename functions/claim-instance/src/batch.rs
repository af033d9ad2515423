//! What one delivery does with its messages: look until everything is settled or time is up.

use crate::act::{self, Act};
use crate::config::{LOOK_EVERY, LOOK_FOR, SETTLE};
use crate::decide::{Decision, Memory, Request, Waiting, decide, identity};
use crate::delivery::ClaimInstance;
use crate::lineup::Manner;
use crate::message::{Received, Unreadable};
use crate::observe::{Sources, observe};
use ready_pool_aws::clock::{Invocation, sleep};
use ready_pool_aws::metrics::Record;
use ready_pool_core::ids::ReceiptHandle;
use ready_pool_core::times::Times;
use ready_pool_core::trace::Trace;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tracing::{error, warn};

/// A message of the batch, and how it is dealt with.
pub(crate) struct Item {
    pub(crate) message: Received,
    pub(crate) manner: Manner,
}

/// A request that this delivery still owes an answer.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) message_id: String,
    pub(crate) body: String,
    pub(crate) request: Request,
    pub(crate) manner: Manner,
    /// Its place in the line.
    place: usize,
    /// Why it waited at the last look.
    pub(crate) waits: Option<Waiting>,
    /// When what happened to it so far happened, as far as this delivery knows.
    pub(crate) times: Times,
    /// The trace that it is part of.
    pub(crate) trace: Option<Trace>,
}

/// A message that is no request.
struct Refused {
    message: Received,
    refusal: Unreadable,
    manner: Manner,
    place: usize,
}

/// What is done with a suspect.
enum Alone {
    Decided(Pending, Decision),
    TurnAway(Refused),
}

/// A message that is not deleted yet.
struct Held {
    receipt: ReceiptHandle,
    receives: u32,
    manner: Manner,
}

/// A message that is not settled.
pub(crate) struct Left {
    pub(crate) message_id: String,
    pub(crate) receives: u32,
    pub(crate) manner: Manner,
}

/// The messages of one delivery.
pub(crate) struct Batch<'a> {
    function: &'a ClaimInstance,
    invocation: &'a Invocation,
    /// How many messages were delivered.
    delivered: usize,
    held: BTreeMap<String, Held>,
    pending: Vec<Pending>,
    refused: Vec<Refused>,
    /// Messages that could not be turned away.
    not_rejected: BTreeSet<String>,
}

impl<'a> Batch<'a> {
    /// `line` is in the order in which it is dealt with.
    pub(crate) fn new(
        function: &'a ClaimInstance,
        invocation: &'a Invocation,
        delivered: usize,
        line: Vec<Item>,
    ) -> Self {
        let mut batch = Self {
            function,
            invocation,
            delivered,
            held: BTreeMap::new(),
            pending: Vec::new(),
            refused: Vec::new(),
            not_rejected: BTreeSet::new(),
        };
        for (place, Item { message, manner }) in line.into_iter().enumerate() {
            let held = Held {
                receipt: message.receipt.clone(),
                receives: message.receives,
                manner,
            };
            batch.held.insert(message.message_id.clone(), held);
            match message.content.clone() {
                Ok(request) => batch.pending.push(Pending {
                    message_id: message.message_id,
                    body: message.body,
                    request,
                    manner,
                    place,
                    waits: None,
                    times: message.times,
                    trace: message.trace.or(invocation.trace()),
                }),
                Err(refusal) => batch.refused.push(Refused {
                    message,
                    refusal,
                    manner,
                    place,
                }),
            }
        }
        batch
    }

    /// Answers the messages that are not settled.
    pub(crate) async fn deal_with(mut self) -> Vec<Left> {
        let (good, suspects): (Vec<_>, Vec<_>) = std::mem::take(&mut self.refused)
            .into_iter()
            .partition(|refused| refused.manner == Manner::Together);
        self.refused = suspects;
        for refused in good {
            self.turn_away(refused).await;
        }
        let uncertain = self.look_until_settled().await;
        self.write_oldest();
        self.give_back(uncertain).await;
        let open = self.open();
        let left = |(message_id, held): (String, Held)| Left {
            message_id,
            receives: held.receives,
            manner: held.manner,
        };
        self.held
            .into_iter()
            .filter(|(message_id, _)| open.contains(message_id))
            .map(left)
            .collect()
    }

    /// How long the oldest of the claims waits that are given back. SQS's own age of the oldest message
    /// leaves those out that were received more than three times.
    fn write_oldest(&self) {
        let now = self.function.clock.now();
        let sent = self.pending.iter().filter_map(|item| item.times.sent).min();
        let waits = sent.and_then(|sent| Duration::try_from(now - sent).ok());
        let record = Record::of(&self.function.config.pool).time_if_known("OldestWaiting", waits);
        self.function.metrics.write(&record, now);
    }

    /// The messages that are not settled.
    fn open(&self) -> BTreeSet<String> {
        let pending = self.pending.iter().map(|item| &item.message_id);
        let refused = self.refused.iter();
        let refused = refused.map(|refused| &refused.message.message_id);
        let open = pending.chain(refused).chain(&self.not_rejected);
        open.cloned().collect()
    }

    /// Rejects a message that is no claim.
    async fn turn_away(&mut self, refused: Refused) {
        let Refused {
            message, refusal, ..
        } = refused;
        // Not the problem itself: it may quote commands and values.
        warn!(
            message_id = message.message_id,
            claim_id = refusal.claim_id,
            reason = refusal.reason.code(),
            "rejected a message; what is wrong with it is on the rejected queue"
        );
        if let Err(error) = act::turn_away(self.function, &message, &refusal).await {
            error!(message_id = message.message_id, %error, "cannot reject the message; it comes again");
            self.not_rejected.insert(message.message_id);
        }
    }

    /// Whether anything is left that need not wait for the next delivery.
    fn goes_on(&self) -> bool {
        let pending = self.pending.iter().map(|item| item.manner);
        let refused = self.refused.iter().map(|refused| refused.manner);
        pending.chain(refused).any(|manner| manner != Manner::Later)
    }

    /// Looks every two seconds until nothing is pending or time is up. Answers whether something
    /// was written that reads may not show yet.
    async fn look_until_settled(&mut self) -> bool {
        let clock = &self.function.clock;
        let last_look = clock.now() + LOOK_FOR;
        let mut memory = Memory::default();
        let mut uncertain = false;
        while self.goes_on() {
            uncertain = self.look(&mut memory).await;
            if !self.goes_on() || uncertain || clock.now() + LOOK_EVERY > last_look {
                break;
            }
            sleep(LOOK_EVERY).await;
        }
        let entered = self
            .pending
            .iter()
            .any(|item| memory.entries.contains_key(&identity(&item.request.claim)));
        uncertain || entered
    }

    /// One look: observe, decide, act. Good claims together, then the suspects one by one.
    async fn look(&mut self, memory: &mut Memory) -> bool {
        let Some(decided) = self.decide(memory).await else {
            return false;
        };
        let (alone, together): (Vec<_>, Vec<_>) = decided
            .into_iter()
            .partition(|(item, decision)| item.manner == Manner::Alone && is_a_risk(decision));
        let (refused, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.refused)
            .into_iter()
            .partition(|refused| refused.manner == Manner::Alone);
        self.refused = later;
        let alone = in_turn(alone, refused);

        let mut act = Act::new(self.function, memory, self.invocation);
        act.carry_out(together).await;
        let mut alone = alone.into_iter();
        while let Some((message_id, next)) = alone.next() {
            let mut open = self.open();
            open.extend(act.pending().iter().map(|item| item.message_id.clone()));
            open.extend(alone.as_slice().iter().map(|(id, _)| id.clone()));
            open.insert(message_id);
            self.delete_settled(&open).await;
            match next {
                Alone::Decided(item, decision) => act.carry_out(vec![(item, decision)]).await,
                Alone::TurnAway(refused) => self.turn_away(refused).await,
            }
        }
        let (mut pending, uncertain) = act.finish();
        pending.sort_by_key(|item| item.place);
        self.pending = pending;
        uncertain
    }

    /// What becomes of the pending claims; `None` when that cannot be seen now.
    async fn decide(&mut self, memory: &Memory) -> Option<Vec<(Pending, Decision)>> {
        if self.pending.is_empty() {
            return Some(Vec::new());
        }
        let function = self.function;
        let pool = &function.config.pool;
        let requests: Vec<Request> = self
            .pending
            .iter()
            .map(|pending| pending.request.clone())
            .collect();
        let sources = Sources {
            auto_scaling: &function.auto_scaling,
            systems_manager: &function.systems_manager,
            provision_queue: &function.provision_queue,
        };
        let observed = observe(sources, pool, &requests, memory, self.delivered).await;
        let observed = match observed {
            Ok(observed) => observed,
            Err(error) => {
                warn!(%error, "cannot look; trying again");
                return None;
            }
        };
        if let Some(value) = observed.pool().pause().misspelt {
            error!(%pool, value, "the pool's tag ready-pool:pause has none of the values claims, replenishing and all; everything is paused until it is mended");
        }
        let config = &function.config;
        let now = function.clock.now();
        let view = observed.view(now, config.size, &config.retirement, memory);
        let decisions = decide(&view, &requests);
        let pending = std::mem::take(&mut self.pending).into_iter();
        let decided = pending.zip(decisions).map(|(item, decision)| {
            let waits = item.manner == Manner::Later && is_a_risk(&decision);
            let last = Decision::Wait(Waiting::LastOfAll);
            (item, if waits { last } else { decision })
        });
        Some(decided.collect())
    }

    /// Deletes what is settled: if the next claim ends this invocation, they do not come again
    /// with it, and those behind them move up.
    async fn delete_settled(&mut self, open: &BTreeSet<String>) {
        let settled = self.held.iter().filter(|(id, _)| !open.contains(*id));
        let receipts: Vec<ReceiptHandle> = settled.map(|(_, held)| held.receipt.clone()).collect();
        if receipts.is_empty() {
            return;
        }
        match self.function.provision_queue.delete(&receipts).await {
            Ok(()) => self.held.retain(|id, _| open.contains(id)),
            // Lambda deletes them when the delivery ends; or they come again, and are settled still.
            Err(error) => warn!(%error, "cannot delete settled messages early"),
        }
    }

    /// Makes the messages visible again: at once, or, where something was written that reads may
    /// not show yet, a little later.
    async fn give_back(&self, uncertain: bool) {
        let refused = self.refused.iter();
        let refused = refused.map(|refused| &refused.message.message_id);
        let pending = self.pending.iter().map(|item| &item.message_id);
        let receipts: Vec<ReceiptHandle> = pending
            .chain(refused)
            .filter_map(|message_id| Some(self.held.get(message_id)?.receipt.clone()))
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
            warn!(%error, "cannot give the messages back early");
        }
    }
}

/// Whether carrying it out makes a call with what is in the claim.
fn is_a_risk(decision: &Decision) -> bool {
    !matches!(decision, Decision::Wait(_) | Decision::LeaveToInit(_))
}

/// The suspects in the order of the line, by message id.
fn in_turn(decided: Vec<(Pending, Decision)>, refused: Vec<Refused>) -> Vec<(String, Alone)> {
    let mut by_place: BTreeMap<usize, (String, Alone)> = BTreeMap::new();
    for (item, decision) in decided {
        let message_id = item.message_id.clone();
        by_place.insert(item.place, (message_id, Alone::Decided(item, decision)));
    }
    for refused in refused {
        let message_id = refused.message.message_id.clone();
        by_place.insert(refused.place, (message_id, Alone::TurnAway(refused)));
    }
    by_place.into_values().collect()
}
