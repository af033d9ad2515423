//! An event in, a response out: receive the messages, lease them, process them, name those that are
//! not settled.

use crate::batch::Batch;
use crate::decide::Isolation;
use crate::function::ClaimInstance;
use crate::intake;
use crate::intake::message::Received;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use ready_pool_aws::clock::Invocation;
use ready_pool_aws::lease::Lease;
use ready_pool_core::ids::{MessageId, ReceiptHandle};
use tracing::{info, warn};

impl ClaimInstance {
    /// Serves one batch. Names in its answer every message that is not settled: those come again.
    ///
    /// Waiting claims are named although later ones of their group may be settled: a claim that
    /// waits for a zone is passed over on purpose. Their own order stays.
    pub async fn handle(&self, event: SqsEvent, invocation: &Invocation) -> SqsBatchResponse {
        let now = self.clock.now();
        let received = intake::receive(event, &self.config.pool, &self.released, now);
        let mut response = SqsBatchResponse::default();
        for message_id in self.process(received, invocation).await {
            response.add_failure(message_id.as_str());
        }
        self.metrics
            .write_calls(&self.config.pool, "claim-instance", self.clock.now());
        response
    }

    /// Answers the ids of the messages that are not settled.
    async fn process(&self, received: Vec<Received>, invocation: &Invocation) -> Vec<MessageId> {
        let delivered = received.len();
        let (lease, leased, mut unsettled) = match self.lease(received).await {
            Ok(taken) => taken,
            Err(untouched) => return untouched,
        };
        if leased.is_empty() {
            return unsettled;
        }
        let mut batch = Batch::new(
            self,
            invocation,
            &lease,
            delivered,
            intake::in_order(leased),
        );
        if let Some(uncertain) = lease.during(Box::pin(batch.process())).await {
            batch.release(uncertain).await;
        }
        for pending in batch.unsettled() {
            // One that let others go first is as suspect as before.
            if pending.isolation != Isolation::Deferred {
                let message = &pending.message;
                self.released
                    .note(&message.message_id, message.delivery.receives);
            }
            unsettled.push(pending.message.message_id);
        }
        unsettled
    }

    /// Makes the messages this delivery's alone for a while. Answers those that are, and the ids of
    /// the others.
    async fn lease(
        &self,
        received: Vec<Received>,
    ) -> Result<(Lease<'_>, Vec<Received>, Vec<MessageId>), Vec<MessageId>> {
        let receipts: Vec<ReceiptHandle> = received
            .iter()
            .map(|message| message.receipt.clone())
            .collect();
        let (lease, change) = match Lease::take(&self.provision_queue, receipts).await {
            Ok(taken) => taken,
            Err(error) => {
                warn!(%error, "cannot extend the batch's visibility timeout; it will be received again");
                let ids = received.into_iter().map(|message| self.untouched(message));
                return Err(ids.collect());
            }
        };
        let mut leased = Vec::new();
        let mut others = Vec::new();
        for message in received {
            let message_id = &message.message_id;
            if change.lost.contains(&message.receipt) {
                info!(%message_id, "another invocation has received the message");
                others.push(message.message_id);
            } else if change.unchanged.contains(&message.receipt) {
                warn!(%message_id, "SQS did not extend the message's visibility timeout; it will be received again");
                others.push(self.untouched(message));
            } else {
                leased.push(message);
            }
        }
        Ok((lease, leased, others))
    }

    /// Nothing was done with the message: if it was no suspect, it still is none.
    fn untouched(&self, message: Received) -> MessageId {
        if !message.delivery.is_suspect() {
            let receives = message.delivery.receives;
            self.released.note(&message.message_id, receives);
        }
        message.message_id
    }
}
