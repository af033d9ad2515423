//! Steps aside: what waits for something particular goes to the end of the line, so that those behind it have their
//! turn. A copy is sent, then the original is deleted.

use super::Batch;
use crate::config::TIME_TO_ASSIGN;
use crate::decide::Request;
use crate::pending::{OpenClaim, Pending, State};
use ready_pool_aws::metrics::Record;
use ready_pool_aws::queue::Outgoing;
use ready_pool_core::call_error::CallError;
use ready_pool_core::message::{self, Message, Retry};
use std::collections::BTreeSet;
use tracing::{info, warn};

impl Batch<'_> {
    /// Of the messages at these places. Only while somebody is behind this batch: among themselves its claims hold up
    /// nobody.
    pub(super) async fn step_aside(&mut self, places: BTreeSet<usize>) {
        if places.is_empty() || !self.invocation.has(TIME_TO_ASSIGN) {
            return;
        }
        match self.behind().await {
            Ok(0) => {}
            Ok(behind) => self.send_copies(&places, behind).await,
            Err(error) => {
                warn!(%error, "cannot see whether claims are behind in the queue; the claim stays in its place");
            }
        }
    }

    /// About how many messages are behind this batch.
    async fn behind(&self) -> Result<usize, CallError> {
        let length = self.function.provision_queue.length().await?;
        let messages = self.messages.iter();
        let deleted = messages.filter(|pending| pending.state == State::Deleted);
        Ok(length.saturating_sub(self.delivered.saturating_sub(deleted.count())))
    }

    async fn send_copies(&mut self, places: &BTreeSet<usize>, behind: usize) {
        let pool = &self.function.config.pool;
        let mut going = Vec::new();
        let mut copies = Vec::new();
        for (place, pending) in self.messages.iter_mut().enumerate() {
            let Some(request) = pending.request().filter(|_| places.contains(&place)) else {
                continue;
            };
            let Some(copy) = copy(&request, pending) else {
                continue;
            };
            match Outgoing::json(&Message::Retry(copy)) {
                Ok(copy) => {
                    let id = Retry::deduplication_id_aside(&pending.message.message_id);
                    copies.push(
                        copy.ordered(pool.as_str(), id)
                            .traced(pending.message.trace),
                    );
                    let claim = request.claim;
                    going.push(OpenClaim { claim, pending });
                }
                Err(error) => {
                    warn!(%error, "cannot write a copy of the claim; it stays in its place");
                }
            }
        }
        let results = self.function.provision_queue.send(&copies).await;
        for (claim, result) in going.into_iter().zip(results) {
            let _in_span = claim.span(None).entered();
            match result {
                Ok(()) => {
                    info!(
                        behind,
                        "the claim cannot be served yet; it was sent to the end of the queue, so that those behind it can"
                    );
                    let claim_id = claim.claim.claim_id.as_str();
                    let record = Record::of(pool).count("SteppedAside", 1);
                    let record = record.with("claim_id", claim_id);
                    self.function
                        .metrics
                        .write(&record, self.function.clock.now());
                    claim.settle();
                    self.makes_way = true;
                }
                // Sent or not: where it is sent again, its id is the same.
                Err(error) => {
                    warn!(%error, "the claim cannot be sent to the end of the queue; it stays in its place");
                }
            }
        }
        self.delete_settled().await;
    }
}

/// What takes the message's place in the line. None where nothing distinguishes it from others.
fn copy(request: &Request, pending: &Pending) -> Option<Retry> {
    let waits = matches!(pending.state, State::Waiting(_));
    let has_a_name = !pending.message.message_id.as_str().is_empty();
    (waits && has_a_name).then(|| Retry {
        version: message::VERSION,
        claim: request.claim.clone(),
        attempt: request.asked.unwrap_or(1),
        begun: request.asked.is_some(),
        times: pending.message.times,
    })
}
