//! An event in, a response out: receive the messages, lease them, process them, name those that are
//! not settled.

use crate::batch::Batch;
use crate::config::LEASE;
use crate::decide::Isolation;
use crate::function::ClaimInstance;
use crate::intake;
use crate::intake::message::Received;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use ready_pool_aws::clock::Budget;
use ready_pool_aws::error::Effect;
use tracing::{info, warn};

impl ClaimInstance {
    /// Serves one batch. Names in its answer every message that is not settled: those come again.
    ///
    /// Waiting claims are named although later ones of their group may be settled: a claim that
    /// waits for a zone is passed over on purpose. Their own order stays.
    pub async fn handle(&self, event: SqsEvent, budget: &Budget) -> SqsBatchResponse {
        let now = self.clock.now();
        let received = intake::receive(event, &self.config.pool, &self.released, now);
        let mut response = SqsBatchResponse::default();
        for message_id in self.process(received, budget).await {
            response.add_failure(message_id);
        }
        self.metrics
            .write_calls(&self.config.pool, "claim-instance", self.clock.now());
        response
    }

    /// Answers the ids of the messages that are not settled.
    async fn process(&self, received: Vec<Received>, budget: &Budget) -> Vec<String> {
        let delivered = received.len();
        let (leased, mut unsettled) = self.lease(received).await;
        if leased.is_empty() {
            return unsettled;
        }
        let mut batch = Batch::new(self, budget, delivered, intake::in_order(leased));
        batch.process().await;
        for pending in batch.unsettled() {
            // One that let others go first is as suspect as before.
            if pending.isolation != Isolation::Deferred {
                let receives = pending.message.delivery.receives;
                self.released.note(&pending.message.message_id, receives);
            }
            unsettled.push(pending.message.message_id);
        }
        unsettled
    }

    /// Makes the messages this delivery's alone for a while. Answers those that are, and the ids of
    /// the others.
    async fn lease(&self, received: Vec<Received>) -> (Vec<Received>, Vec<String>) {
        let receipts: Vec<String> = received
            .iter()
            .map(|message| message.receipt.clone())
            .collect();
        let failures = match self.provision_queue.hold(&receipts, LEASE).await {
            Ok(failures) => failures,
            Err(error) => {
                warn!(%error, "cannot lease the batch; it comes again");
                let ids = received.into_iter().map(|message| self.untouched(message));
                return (Vec::new(), ids.collect());
            }
        };
        let mut leased = Vec::new();
        let mut others = Vec::new();
        for message in received {
            let message_id = &message.message_id;
            match failures.get(&message.receipt) {
                None => leased.push(message),
                Some(error) if error.effect == Effect::Refused => {
                    info!(message_id, %error, "the message is another delivery's now");
                    others.push(message.message_id);
                }
                Some(error) => {
                    warn!(message_id, %error, "cannot lease the message; it comes again");
                    others.push(self.untouched(message));
                }
            }
        }
        (leased, others)
    }

    /// Nothing was done with the message: if it was no suspect, it still is none.
    fn untouched(&self, message: Received) -> String {
        if !message.delivery.is_suspect() {
            let receives = message.delivery.receives;
            self.released.note(&message.message_id, receives);
        }
        message.message_id
    }
}
