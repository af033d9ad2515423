//! Hands claims over to init-instance: with their instance, or to be looked at.

use super::{Act, Assignment, respond};
use crate::pending::OpenClaim;
use ready_pool_aws::clock::Invocation;
use ready_pool_aws::queue::Outgoing;
use ready_pool_core::call_error::CallError;
use ready_pool_core::ids::{Attempt, InstanceId};
use ready_pool_core::message::{self, HandOver, LookAgain, Message};
use tracing::{info, warn};

impl Act<'_> {
    /// Asks init-instance to settle the claim. The message is kept until that is done: should the
    /// entry be lost meanwhile, it is what still knows the claim.
    pub(super) async fn look_again(
        &mut self,
        claim: OpenClaim<'_>,
        instance: InstanceId,
        attempt: Attempt,
    ) {
        let result = match look_again(&claim, instance, attempt, self.invocation) {
            Ok(message) => self.function.init_queue.send_one(message).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => info!("past its deadline; init-instance ends the claim"),
            Err(error) => warn!(%error, "cannot ask init-instance to end the claim"),
        }
        self.uncertain = true;
    }

    /// All messages in one call.
    pub(super) async fn hand_over(&mut self, assignments: Vec<Assignment<'_>>) {
        let mut sent = Vec::new();
        let mut messages = Vec::new();
        for assignment in assignments {
            match message(&assignment) {
                Ok(message) => {
                    sent.push(assignment);
                    messages.push(message);
                }
                Err(error) => {
                    let span = assignment.span();
                    span.in_scope(|| respond::settle(assignment.claim, Err(error)));
                }
            }
        }
        let results = self.function.init_queue.send(&messages).await;
        for (assignment, result) in sent.into_iter().zip(results) {
            let _in_span = assignment.span().entered();
            match result {
                Ok(()) => {
                    info!(attempt = assignment.attempt, "handed over to init-instance");
                    assignment.claim.settle();
                }
                Err(error) => {
                    warn!(%error, "cannot hand over; trying again");
                    self.uncertain = true;
                }
            }
        }
    }
}

/// The message that gives a claim its instance.
fn message(assignment: &Assignment<'_>) -> Result<Outgoing, CallError> {
    let claim = &assignment.claim;
    let group_id = assignment.instance.to_string();
    let hand_over = HandOver {
        version: message::VERSION,
        claim: claim.claim.clone(),
        attempt: assignment.attempt,
        instance_id: assignment.instance.clone(),
        times: claim.pending.message.times,
    };
    let deduplication_id = hand_over.deduplication_id();
    let message = Outgoing::json(&Message::HandOver(hand_over))?;
    Ok(message
        .ordered(group_id, deduplication_id)
        .traced(claim.pending.message.trace))
}

fn look_again(
    claim: &OpenClaim<'_>,
    instance: InstanceId,
    attempt: Attempt,
    invocation: &Invocation,
) -> Result<Outgoing, CallError> {
    let look_again = LookAgain {
        version: message::VERSION,
        claim_id: claim.claim.claim_id.clone(),
        target_group: claim.claim.target_group.clone(),
        instance_id: Some(instance),
        attempt,
        expires_at: claim.claim.expires_at,
    };
    let group_id = look_again.group_id();
    let deduplication_id = look_again.deduplication_id(invocation.now());
    let message = Outgoing::json(&Message::LookAgain(look_again))?;
    Ok(message
        .ordered(group_id, deduplication_id)
        .traced(claim.pending.message.trace))
}
