//! One delivery of a batch: lease it, look until everything is settled or time is up, give the
//! rest back.

use crate::act::{self, Act};
use crate::config::{Config, LEASE, LOOK_EVERY, LOOK_FOR, SETTLE};
use crate::decide::{Memory, Request, Waiting, decide, identity};
use crate::message::{Received, Unreadable};
use crate::observe::{Sources, observe};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use ready_pool_aws::auto_scaling::AutoScaling;
use ready_pool_aws::clock::{Budget, sleep};
use ready_pool_aws::error::AwsError;
use ready_pool_aws::metrics::Metrics;
use ready_pool_aws::outcomes::Outcomes;
use ready_pool_aws::queue::Queue;
use ready_pool_aws::systems_manager::SystemsManager;
use ready_pool_aws::{Clients, SharedClock};
use ready_pool_core::times::Times;
use ready_pool_core::trace::Trace;
use std::collections::BTreeSet;
use std::time::Duration;
use tracing::{error, info, warn};

/// The function with everything it needs.
#[derive(Clone, Debug)]
pub struct ClaimInstance {
    pub(crate) config: Config,
    pub(crate) auto_scaling: AutoScaling,
    pub(crate) systems_manager: SystemsManager,
    pub(crate) provision_queue: Queue,
    pub(crate) init_queue: Queue,
    pub(crate) outcomes: Outcomes,
    pub(crate) rejected_queue: Queue,
    pub(crate) metrics: Metrics,
    pub(crate) clock: SharedClock,
}

/// A request that this delivery still owes an answer.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) message_id: String,
    pub(crate) receipt: String,
    pub(crate) body: String,
    pub(crate) request: Request,
    /// Why it waited at the last look.
    pub(crate) waits: Option<Waiting>,
    /// When what happened to it so far happened, as far as this delivery knows.
    pub(crate) times: Times,
    /// The trace that it is part of.
    pub(crate) trace: Option<Trace>,
}

impl ClaimInstance {
    /// The function on these clients.
    pub fn new(config: Config, clients: &Clients, clock: SharedClock) -> Self {
        Self {
            auto_scaling: AutoScaling::new(clients),
            systems_manager: SystemsManager::new(clients),
            provision_queue: Queue::new(clients, config.provision_queue.clone()),
            init_queue: Queue::new(clients, config.init_queue.clone()),
            outcomes: Outcomes::new(clients, config.outcome_queue.clone(), config.pool.clone()),
            rejected_queue: Queue::new(clients, config.rejected_queue.clone()),
            metrics: clients.metrics(),
            config,
            clock,
        }
    }

    /// Serves one batch. Names in its answer every message that is not settled: those come again.
    ///
    /// Waiting claims are named although later ones of their group may be settled: a claim that
    /// waits for a zone is passed over on purpose. Their own order stays.
    pub async fn handle(&self, event: SqsEvent, budget: &Budget) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        for message_id in self.serve(event, budget).await {
            response.add_failure(message_id);
        }
        self.metrics
            .write_calls(&self.config.pool, "claim-instance", self.clock.now());
        response
    }

    /// Answers the ids of the messages that are not settled.
    async fn serve(&self, event: SqsEvent, budget: &Budget) -> Vec<String> {
        let delivered = event.records.len();
        let received: Vec<Received> = event
            .records
            .into_iter()
            .map(|record| Received::read(record, &self.config.pool, self.clock.now()))
            .collect();
        let lost = match self.lease(&received).await {
            Ok(lost) => lost,
            Err(error) => {
                warn!(%error, "cannot lease the batch; it comes again");
                return received
                    .into_iter()
                    .map(|message| message.message_id)
                    .collect();
            }
        };
        let (leased, stale): (Vec<_>, Vec<_>) = received
            .into_iter()
            .partition(|message| !lost.contains(&message.receipt));
        let mut returned: Vec<String> = Vec::new();
        for message in stale {
            info!(
                message_id = message.message_id,
                "the message is another delivery's now"
            );
            returned.push(message.message_id);
        }

        let mut pending = Vec::new();
        let mut unreadable = Vec::new();
        for message in leased {
            match message.content.clone() {
                Ok(request) => pending.push(Pending {
                    message_id: message.message_id,
                    receipt: message.receipt,
                    body: message.body,
                    request,
                    waits: None,
                    times: message.times,
                    trace: message.trace.or(budget.trace()),
                }),
                Err(reason) => unreadable.push((message, reason)),
            }
        }
        returned.extend(self.turn_away(unreadable).await);

        let mut memory = Memory::default();
        let (pending, uncertain) = self
            .look_until_settled(pending, &mut memory, delivered, budget)
            .await;
        self.give_back(&pending, uncertain).await;
        returned.extend(pending.into_iter().map(|pending| pending.message_id));
        returned
    }

    async fn lease(&self, received: &[Received]) -> Result<BTreeSet<String>, AwsError> {
        let receipts: Vec<String> = received
            .iter()
            .map(|message| message.receipt.clone())
            .collect();
        self.provision_queue.hold(&receipts, LEASE).await
    }

    /// Rejects messages that are no claims; answers the ids of those that could not be rejected.
    async fn turn_away(&self, unreadable: Vec<(Received, Unreadable)>) -> Vec<String> {
        let mut returned = Vec::new();
        for (message, refusal) in unreadable {
            // Not the problem itself: it may quote commands and values.
            warn!(
                message_id = message.message_id,
                claim_id = refusal.claim_id,
                reason = refusal.reason.code(),
                "rejected a message; what is wrong with it is on the rejected queue"
            );
            if let Err(error) = act::turn_away(self, &message, &refusal).await {
                error!(message_id = message.message_id, %error, "cannot reject the message; it comes again");
                returned.push(message.message_id);
            }
        }
        returned
    }

    /// Looks every two seconds until nothing is pending or time is up. Answers what is still
    /// pending, and whether something was written that reads may not show yet.
    async fn look_until_settled(
        &self,
        mut pending: Vec<Pending>,
        memory: &mut Memory,
        delivered: usize,
        budget: &Budget,
    ) -> (Vec<Pending>, bool) {
        let last_look = self.clock.now() + LOOK_FOR;
        let mut uncertain = false;
        while !pending.is_empty() {
            (pending, uncertain) = self.look(pending, memory, delivered, budget).await;
            if pending.is_empty() || uncertain || self.clock.now() + LOOK_EVERY > last_look {
                break;
            }
            sleep(LOOK_EVERY).await;
        }
        let entered = pending
            .iter()
            .any(|item| memory.entries.contains_key(&identity(&item.request.claim)));
        (pending, uncertain || entered)
    }

    /// One look: observe, decide, act.
    async fn look(
        &self,
        pending: Vec<Pending>,
        memory: &mut Memory,
        delivered: usize,
        budget: &Budget,
    ) -> (Vec<Pending>, bool) {
        let requests: Vec<Request> = pending
            .iter()
            .map(|pending| pending.request.clone())
            .collect();
        let sources = Sources {
            auto_scaling: &self.auto_scaling,
            systems_manager: &self.systems_manager,
            provision_queue: &self.provision_queue,
        };
        let observed = observe(sources, &self.config.pool, &requests, memory, delivered).await;
        let observed = match observed {
            Ok(observed) => observed,
            Err(error) => {
                warn!(%error, "cannot look; trying again");
                return (pending, false);
            }
        };
        if let Some(value) = observed.pool().pause().misspelt {
            error!(pool = %self.config.pool, value, "the pool's tag ready-pool:pause has none of the values claims, replenishing and all; everything is paused until it is mended");
        }
        let decisions = {
            let view = observed.view(
                self.clock.now(),
                self.config.size,
                &self.config.retirement,
                memory,
            );
            decide(&view, &requests)
        };
        let mut act = Act::new(self, memory, budget);
        act.carry_out(pending, decisions).await;
        act.finish()
    }

    /// Makes the messages visible again: at once, or, where something was written that reads may
    /// not show yet, a little later.
    async fn give_back(&self, pending: &[Pending], uncertain: bool) {
        if pending.is_empty() {
            return;
        }
        let receipts: Vec<String> = pending
            .iter()
            .map(|pending| pending.receipt.clone())
            .collect();
        let delay = if uncertain { SETTLE } else { Duration::ZERO };
        if let Err(error) = self.provision_queue.hold(&receipts, delay).await {
            // They become visible by themselves when the lease ends.
            warn!(%error, "cannot give the messages back early");
        }
    }
}
