//! Responses to claims that get no instance here: what their senders hear, and what is kept of the
//! messages.

use super::Act;
use crate::decide::identity;
use crate::function::ClaimInstance;
use crate::intake::message::{Received, Unreadable};
use crate::pending::{OpenClaim, Pending, State};
use ready_pool_aws::auto_scaling::EntryToWrite;
use ready_pool_aws::queue::Outgoing;
use ready_pool_core::call_error::CallError;
use ready_pool_core::ids::{Attempt, InstanceId};
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::outcome::{Details, Ending, Outcome, rejection};
use ready_pool_core::reason::Reason;
use ready_pool_core::trace::Trace;
use tracing::{error, error_span, info, warn};

/// A longer original is kept without attributes: they count towards SQS's limit of 1 MiB.
const LONGEST_WITH_ATTRIBUTES: usize = 1_000_000;

/// What the sender of a claim hears.
struct Response {
    ending: Ending,
    reason: Reason,
    message: String,
    instance: Option<InstanceId>,
    details: Details,
}

impl Act<'_> {
    pub(super) async fn reject(
        &mut self,
        claim: OpenClaim<'_>,
        reason: Reason,
        message: String,
        opted_in_to: Option<String>,
    ) {
        warn!(
            reason = reason.code(),
            problem = message,
            "rejected a claim"
        );
        let response = Response {
            ending: Ending::Rejected,
            reason,
            message: rejection(reason, &message),
            instance: None,
            details: Details {
                opted_in_to,
                ..known(&claim, None)
            },
        };
        self.respond(claim, response).await;
    }

    /// Answers a dry run.
    pub(super) async fn preview(&mut self, claim: OpenClaim<'_>, reason: Reason, message: String) {
        info!(reason = reason.code(), "answered a dry run");
        let response = Response {
            ending: Ending::DryRun,
            reason,
            message,
            instance: None,
            details: known(&claim, None),
        };
        self.respond(claim, response).await;
    }

    pub(super) async fn repeat(&mut self, claim: OpenClaim<'_>, entry: &Entry) {
        let (ending, reason, message) = match entry.standing {
            Standing::Failed(reason) => (
                Ending::Failed,
                reason,
                format!(
                    "this claim failed before ({}); for another try send a new claim_id",
                    reason.sentence()
                ),
            ),
            Standing::Ready | Standing::Assigned => (
                Ending::Ready,
                Reason::Initialised,
                "this claim was served before".to_owned(),
            ),
        };
        info!(
            reason = reason.code(),
            "the claim has ended before; publishing its outcome again"
        );
        let response = Response {
            ending,
            reason,
            message,
            instance: entry.instance.clone(),
            details: Details {
                attempt: Some(entry.attempt),
                ..Details::default()
            },
        };
        self.respond(claim, response).await;
    }

    /// The entry first, where there is one: whoever gets the message next goes on from there.
    pub(super) async fn close(
        &mut self,
        claim: OpenClaim<'_>,
        reason: Reason,
        message: String,
        entry: Option<Entry>,
    ) {
        warn!(reason = reason.code(), "closing the claim as failed");
        if let Some(entry) = &entry {
            let write = EntryToWrite {
                target: claim.claim.target_group.clone(),
                claim_id: claim.claim.claim_id.clone(),
                entry: entry.clone(),
            };
            if let Some((_, error)) = self.function.auto_scaling.enter(&[write]).await.pop() {
                settle(claim, Err(error));
                return;
            }
            let identity = identity(&claim.claim);
            self.memory.entries.insert(identity, entry.clone());
        }
        let response = Response {
            ending: Ending::Failed,
            reason,
            message,
            instance: None,
            details: known(&claim, entry.map(|entry| entry.attempt)),
        };
        self.respond(claim, response).await;
    }

    async fn respond(&mut self, claim: OpenClaim<'_>, response: Response) {
        let Response {
            ending,
            reason,
            message,
            instance,
            details,
        } = response;
        let now = self.invocation.now();
        let outcome =
            Outcome::of(&claim.claim, ending, reason, message, instance, now).with(details);
        let Received { body, trace, .. } = &claim.pending.message;
        let result = if ending == Ending::Rejected && !claim.claim.dry_run {
            keep(self.function, body, &outcome, *trace).await
        } else {
            self.function.outcomes.publish(&outcome, *trace).await
        };
        settle(claim, result);
    }
}

/// Done, or, after a failure, still open.
pub(super) fn settle(claim: OpenClaim<'_>, result: Result<(), CallError>) {
    match result {
        Ok(()) => claim.settle(),
        Err(error) => {
            error!(%error, "cannot publish the outcome; the claim will be received again");
        }
    }
}

/// What an outcome can say of how it went.
fn known(claim: &OpenClaim<'_>, attempt: Option<Attempt>) -> Details {
    Details {
        attempt,
        times: claim.pending.message.times,
        ..Details::default()
    }
}

/// Keeps the original of a rejected message where an operator finds it, then answers the sender.
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

/// Rejects a message that is no claim, if it is one.
pub(crate) async fn reject_unreadable(function: &ClaimInstance, pending: &mut Pending) {
    let Some(unreadable) = pending.unreadable() else {
        return;
    };
    let message = &pending.message;
    let span = error_span!(
        "message",
        message_id = %message.message_id,
        claim_id = unreadable.claim_id,
        target_group = unreadable.target_group
    );
    let code = unreadable.reason.code();
    // Not the problem itself: it may quote commands and values.
    span.in_scope(|| {
        warn!(
            reason = code,
            "rejected a message; what is wrong with it is on the rejected queue"
        );
    });
    pending.state = match publish_unreadable(function, message, unreadable).await {
        Ok(()) => State::Settled,
        Err(error) => {
            span.in_scope(
                || error!(%error, "cannot reject the message; it will be received again"),
            );
            State::NotRejected
        }
    };
}

async fn publish_unreadable(
    function: &ClaimInstance,
    message: &Received,
    unreadable: &Unreadable,
) -> Result<(), CallError> {
    let problem = match unreadable.claim_id {
        Some(_) => unreadable.message.clone(),
        // Nothing else says which of its messages it was: `SendMessage` answered its sender with this id. It stands
        // first, so that a long text cuts it off nowhere.
        None => format!("SQS message {}: {}", message.message_id, unreadable.message),
    };
    let outcome = Outcome::unreadable(
        unreadable.claim_id.as_deref(),
        unreadable.target_group.as_deref(),
        unreadable.reason,
        &rejection(unreadable.reason, &problem),
        function.clock.now(),
    );
    if unreadable.dry_run {
        return function.outcomes.publish(&outcome, message.trace).await;
    }
    keep(function, &message.body, &outcome, message.trace).await
}
