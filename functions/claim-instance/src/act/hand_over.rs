//! Hands claims over to init-instance: with their instance, or to be looked at.

use super::Act;
use crate::batch::Pending;
use ready_pool_aws::clock::Budget;
use ready_pool_aws::error::AwsError;
use ready_pool_aws::queue::Outgoing;
use ready_pool_core::ids::{Attempt, InstanceId};
use ready_pool_core::message::{self, HandOver, LookAgain, Message};
use tracing::{info, warn};

/// A claim whose message is to be sent to init-instance, if it could be written.
pub(super) type Sending = (Pending, Result<Outgoing, AwsError>);

impl Act<'_> {
    /// Asks init-instance to settle the claim. The message is kept until that is done: should the
    /// entry be lost meanwhile, it is what still knows the claim.
    pub(super) async fn look_again(
        &mut self,
        item: Pending,
        instance: InstanceId,
        attempt: Attempt,
    ) {
        let result = match look_again(&item, instance, attempt, self.budget) {
            Ok(message) => self.function.init_queue.send_one(message).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => {
                info!(claim_id = %item.request.claim.claim_id, "past its deadline; init-instance settles it");
            }
            Err(error) => {
                warn!(claim_id = %item.request.claim.claim_id, %error, "cannot ask init-instance to settle the claim");
            }
        }
        self.uncertain = true;
        self.pending.push(item);
    }

    pub(super) async fn send(&mut self, messages: Vec<Sending>) {
        let mut items = Vec::new();
        let mut outgoing = Vec::new();
        for (item, message) in messages {
            match message {
                Ok(message) => {
                    items.push(item);
                    outgoing.push(message);
                }
                Err(error) => self.settle(item, Err(error)),
            }
        }
        let results = self.function.init_queue.send(&outgoing).await;
        for (item, result) in items.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    info!(claim_id = %item.request.claim.claim_id, "handed over to init-instance");
                }
                Err(error) => {
                    warn!(claim_id = %item.request.claim.claim_id, %error, "cannot hand over; trying again");
                    self.uncertain = true;
                    self.pending.push(item);
                }
            }
        }
    }
}

/// The message that gives a claim its instance.
pub(super) fn hand_over(
    item: &Pending,
    instance: InstanceId,
    attempt: Attempt,
) -> Result<Outgoing, AwsError> {
    let group_id = instance.to_string();
    let hand_over = HandOver {
        version: message::VERSION,
        claim: item.request.claim.clone(),
        attempt,
        instance_id: instance,
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
    budget: &Budget,
) -> Result<Outgoing, AwsError> {
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
    let deduplication_id = look_again.deduplication_id(budget.now());
    let message = Outgoing::json(&Message::LookAgain(look_again))?;
    Ok(message
        .ordered(group_id, deduplication_id)
        .traced(item.trace))
}
