//! Keeps received messages invisible as long as their work goes on, and no longer.

use crate::queue::{Queue, VisibilityChange};
use lambda_runtime::tracing::{error, warn};
use ready_pool_core::call_error::CallError;
use ready_pool_core::ids::ReceiptHandle;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// For how long messages stay invisible from each renewal: so long a killed invocation keeps them from the next.
pub const LEASE: Duration = Duration::from_secs(30);
/// How long between two renewals.
pub const RENEW_EVERY: Duration = Duration::from_secs(10);
/// For how long a busy SQS is asked for a lease, before the messages are left to come again.
const TAKE_FOR: Duration = Duration::from_secs(5);
/// How long between two tries.
const TRY_EVERY: Duration = Duration::from_secs(1);
/// What must be left of a lease for the work to go on. A call that is under way then has had its effect
/// before the messages are another delivery's: the SDK gives up after twelve seconds.
pub const LEFT_FOR_A_CALL: Duration = Duration::from_secs(14);

/// Messages that are one delivery's.
#[derive(Debug)]
pub struct Lease<'a> {
    queue: &'a Queue,
    receipts: Mutex<BTreeSet<ReceiptHandle>>,
    began: Instant,
}

impl<'a> Lease<'a> {
    /// Takes the messages for [`LEASE`]. The answer names those that could not be taken.
    pub async fn take(
        queue: &'a Queue,
        receipts: Vec<ReceiptHandle>,
    ) -> Result<(Self, VisibilityChange), CallError> {
        let last_try = Instant::now() + TAKE_FOR;
        let (began, change) = loop {
            let began = Instant::now();
            match queue.change_visibility(&receipts, LEASE).await {
                Ok(change) => break (began, change),
                Err(error) if Instant::now() + TRY_EVERY > last_try => return Err(error),
                Err(error) => {
                    warn!(%error, "cannot extend the messages' visibility timeout; trying again");
                }
            }
            sleep(TRY_EVERY).await;
        };
        let taken = receipts.into_iter().filter(|receipt| {
            !change.lost.contains(receipt) && !change.unchanged.contains(receipt)
        });
        let lease = Self {
            queue,
            receipts: Mutex::new(taken.collect()),
            began,
        };
        Ok((lease, change))
    }

    /// Renews these no more: they are about to be deleted.
    pub fn end(&self, receipts: &[ReceiptHandle]) {
        let mut kept = self.receipts();
        for receipt in receipts {
            kept.remove(receipt);
        }
    }

    /// Does the work and renews the lease beside it. Where that cannot be renewed the work ends where it stands,
    /// as if its invocation were killed, before the next delivery may begin; the answer is `None` then.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            // First the lease: a process may have been frozen past its end.
            biased;
            () = self.renew_until_lost() => None,
            done = work => Some(done),
        }
    }

    async fn renew_until_lost(&self) {
        let mut renewed = self.began;
        let mut next = renewed + RENEW_EVERY;
        loop {
            let last = renewed + LEASE - LEFT_FOR_A_CALL;
            sleep_until(next.min(last)).await;
            if Instant::now() >= last {
                error!(
                    "the messages' visibility timeout could not be extended; leaving them to the next delivery"
                );
                return;
            }
            let receipts: Vec<ReceiptHandle> = self.receipts().iter().cloned().collect();
            let now = Instant::now();
            let renewing = self.queue.change_visibility(&receipts, LEASE);
            match timeout_at(last, renewing).await {
                Ok(Ok(change)) if self.has_any_of(&change.lost) => {
                    warn!("another invocation has received the messages; leaving them to it");
                    return;
                }
                Ok(Ok(change)) if change.unchanged.is_empty() => {
                    renewed = now;
                    next = now + RENEW_EVERY;
                }
                Ok(Ok(_)) | Err(_) => next = Instant::now() + TRY_EVERY,
                Ok(Err(error)) => {
                    warn!(%error, "cannot extend the messages' visibility timeout; trying again");
                    next = Instant::now() + TRY_EVERY;
                }
            }
        }
    }

    /// A message that was deleted meanwhile is lost, too, and nobody's.
    fn has_any_of(&self, lost: &BTreeSet<ReceiptHandle>) -> bool {
        !self.receipts().is_disjoint(lost)
    }

    fn receipts(&self) -> MutexGuard<'_, BTreeSet<ReceiptHandle>> {
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
