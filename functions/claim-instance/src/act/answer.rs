//! Answers to claims that get no instance here: what their senders hear, and what is kept of the
//! messages.

use super::Act;
use crate::batch::Pending;
use crate::decide::identity;
use crate::delivery::ClaimInstance;
use crate::message::{Received, Unreadable};
use ready_pool_aws::auto_scaling::EntryToWrite;
use ready_pool_aws::queue::Outgoing;
use ready_pool_core::call_error::CallError;
use ready_pool_core::ids::{Attempt, InstanceId};
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::outcome::{Details, Ending, Outcome, Reason};
use ready_pool_core::trace::Trace;
use tracing::{info, warn};

/// A longer original is kept without attributes: they count towards SQS's limit of 1 MiB.
const LONGEST_WITH_ATTRIBUTES: usize = 1_000_000;

/// What the sender of a claim hears.
struct Answer {
    ending: Ending,
    reason: Reason,
    message: String,
    instance: Option<InstanceId>,
    details: Details,
}

impl Act<'_> {
    pub(super) async fn reject(&mut self, item: Pending, reason: Reason, message: String) {
        let claim = &item.request.claim;
        warn!(claim_id = %claim.claim_id, target_group = %claim.target_group, reason = reason.code(), problem = message, "rejected a claim");
        let answer = Answer {
            ending: Ending::Rejected,
            reason,
            message,
            instance: None,
            details: known(&item, None),
        };
        self.answer(item, answer).await;
    }

    /// Answers a dry run.
    pub(super) async fn foretell(&mut self, item: Pending, reason: Reason, message: String) {
        let claim = &item.request.claim;
        info!(claim_id = %claim.claim_id, target_group = %claim.target_group, reason = reason.code(), "answered a dry run");
        let answer = Answer {
            ending: Ending::DryRun,
            reason,
            message,
            instance: None,
            details: known(&item, None),
        };
        self.answer(item, answer).await;
    }

    pub(super) async fn repeat(&mut self, item: Pending, entry: &Entry) {
        let (ending, reason, message) = match entry.standing {
            Standing::Failed(reason) => (
                Ending::Failed,
                reason,
                "this claim failed before; send a new claim id for another try",
            ),
            Standing::Ready | Standing::Assigned => (
                Ending::Ready,
                Reason::Initialised,
                "this claim was served before",
            ),
        };
        info!(claim_id = %item.request.claim.claim_id, instance_id = ?entry.instance, reason = reason.code(), "settled before; telling it again");
        let answer = Answer {
            ending,
            reason,
            message: message.to_owned(),
            instance: entry.instance.clone(),
            details: Details {
                attempt: Some(entry.attempt),
                ..Details::default()
            },
        };
        self.answer(item, answer).await;
    }

    /// The entry first, where there is one: whoever gets the message next goes on from there.
    pub(super) async fn close(
        &mut self,
        item: Pending,
        reason: Reason,
        message: String,
        entry: Option<Entry>,
    ) {
        let claim = &item.request.claim;
        warn!(claim_id = %claim.claim_id, target_group = %claim.target_group, reason = reason.code(), "closing the claim as failed");
        if let Some(entry) = &entry {
            let write = EntryToWrite {
                target: claim.target_group.clone(),
                claim_id: claim.claim_id.clone(),
                entry: entry.clone(),
            };
            if let Some((_, error)) = self.function.auto_scaling.enter(&[write]).await.pop() {
                self.settle(item, Err(error));
                return;
            }
            self.memory.entries.insert(identity(claim), entry.clone());
        }
        let answer = Answer {
            ending: Ending::Failed,
            reason,
            message,
            instance: None,
            details: known(&item, entry.map(|entry| entry.attempt)),
        };
        self.answer(item, answer).await;
    }

    async fn answer(&mut self, item: Pending, answer: Answer) {
        let Answer {
            ending,
            reason,
            message,
            instance,
            details,
        } = answer;
        let claim = &item.request.claim;
        let now = self.invocation.now();
        let outcome = Outcome::of(claim, ending, reason, message, instance, now).with(details);
        let told = if ending == Ending::Rejected && !claim.dry_run {
            keep(self.function, &item.body, &outcome, item.trace).await
        } else {
            self.function.outcomes.publish(&outcome, item.trace).await
        };
        self.settle(item, told);
    }
}

/// What an outcome can say of how it went.
fn known(item: &Pending, attempt: Option<Attempt>) -> Details {
    Details {
        attempt,
        times: item.times,
        ..Details::default()
    }
}

/// Keeps the original of a rejected message where an operator finds it, then tells the sender.
async fn keep(
    function: &ClaimInstance,
    body: &str,
    outcome: &Outcome,
    trace: Option<Trace>,
) -> Result<(), CallError> {
    let mut original = Outgoing::plain(body.to_owned()).traced(trace);
    if body.len() < LONGEST_WITH_ATTRIBUTES {
        original = original
            .with("reason", outcome.reason.code())
            .with("message", outcome.message.clone());
    }
    function.rejected_queue.send_one(original).await?;
    function.outcomes.publish(outcome, trace).await
}

/// Rejects a message that is no claim.
pub(crate) async fn turn_away(
    function: &ClaimInstance,
    message: &Received,
    refusal: &Unreadable,
) -> Result<(), CallError> {
    let outcome = Outcome::unreadable(
        refusal.claim_id.as_deref(),
        refusal.target_group.as_deref(),
        refusal.reason,
        &refusal.message,
        function.clock.now(),
    );
    if refusal.dry_run {
        return function.outcomes.publish(&outcome, message.trace).await;
    }
    keep(function, &message.body, &outcome, message.trace).await
}
