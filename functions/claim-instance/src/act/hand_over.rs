//! Hands claims over to init-instance: with their instance, or to be looked at.

use super::Act;
use crate::batch::Pending;
use ready_pool_aws::clock::Invocation;
use ready_pool_aws::queue::Outgoing;
use ready_pool_core::call_error::CallError;
use ready_pool_core::ids::{Attempt, InstanceId};
use ready_pool_core::message::{self, HandOver, LookAgain, Message};
use tracing::{info, warn};

/// A claim whose instance is init-instance's to attach.
pub(super) struct HandingOver {
    pub(super) item: Pending,
    pub(super) instance: InstanceId,
    pub(super) attempt: Attempt,
}

impl Act<'_> {
    /// Asks init-instance to settle the claim. The message is kept until that is done: should the
    /// entry be lost meanwhile, it is what still knows the claim.
    pub(super) async fn look_again(
        &mut self,
        item: Pending,
        instance: InstanceId,
        attempt: Attempt,
    ) {
        let result = match look_again(&item, instance.clone(), attempt, self.invocation) {
            Ok(message) => self.function.init_queue.send_one(message).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => {
                info!(claim_id = %item.request.claim.claim_id, instance_id = %instance, "past its deadline; init-instance settles it");
            }
            Err(error) => {
                warn!(claim_id = %item.request.claim.claim_id, instance_id = %instance, %error, "cannot ask init-instance to settle the claim");
            }
        }
        self.uncertain = true;
        self.pending.push(item);
    }

    /// All messages in one call.
    pub(super) async fn hand_over(&mut self, handing_over: Vec<HandingOver>) {
        let mut sent = Vec::new();
        let mut messages = Vec::new();
        for one in handing_over {
            match message(&one) {
                Ok(message) => {
                    sent.push(one);
                    messages.push(message);
                }
                Err(error) => self.settle(one.item, Err(error)),
            }
        }
        let results = self.function.init_queue.send(&messages).await;
        for (one, result) in sent.into_iter().zip(results) {
            let claim = &one.item.request.claim;
            match result {
                Ok(()) => {
                    info!(claim_id = %claim.claim_id, instance_id = %one.instance, attempt = one.attempt, "handed over to init-instance");
                }
                Err(error) => {
                    warn!(claim_id = %claim.claim_id, instance_id = %one.instance, %error, "cannot hand over; trying again");
                    self.uncertain = true;
                    self.pending.push(one.item);
                }
            }
        }
    }
}

/// The message that gives a claim its instance.
fn message(one: &HandingOver) -> Result<Outgoing, CallError> {
    let item = &one.item;
    let group_id = one.instance.to_string();
    let hand_over = HandOver {
        version: message::VERSION,
        claim: item.request.claim.clone(),
        attempt: one.attempt,
        instance_id: one.instance.clone(),
        times: item.times,
    };
    let deduplication_id = hand_over.deduplication_id();
    let message = Outgoing::json(&Message::HandOver(hand_over))?;
    Ok(message
        .ordered(group_id, deduplication_id)
        .traced(item.trace))
}

fn look_again(
    item: &Pending,
    instance: InstanceId,
    attempt: Attempt,
    invocation: &Invocation,
) -> Result<Outgoing, CallError> {
    let claim = &item.request.claim;
    let look_again = LookAgain {
        version: message::VERSION,
        claim_id: claim.claim_id.clone(),
        target_group: claim.target_group.clone(),
        instance_id: Some(instance),
        attempt,
        expires_at: claim.expires_at,
    };
    let group_id = look_again.group_id();
    let deduplication_id = look_again.deduplication_id(invocation.now());
    let message = Outgoing::json(&Message::LookAgain(look_again))?;
    Ok(message
        .ordered(group_id, deduplication_id)
        .traced(item.trace))
}
