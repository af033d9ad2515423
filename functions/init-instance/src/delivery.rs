//! One delivery: each message in order; after one that is not done, the rest of its instance's
//! messages wait with it.

use crate::config::{COMES_AGAIN, COMES_AGAIN_AFTER_ERROR, Config};
use crate::message::Work;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use ready_pool_aws::Clients;
use ready_pool_aws::auto_scaling::{AutoScaling, EntryToWrite};
use ready_pool_aws::clock::Invocation;
use ready_pool_aws::metrics::Metrics;
use ready_pool_aws::outcomes::Outcomes;
use ready_pool_aws::queue::Queue;
use ready_pool_aws::systems_manager::SystemsManager;
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::group::Group;
use ready_pool_core::guard::guarded_async;
use ready_pool_core::ids::GroupName;
use ready_pool_core::outcome::Outcome;
use std::collections::BTreeSet;
use std::time::Duration;
use tracing::{error, warn};

/// The function with everything it needs.
#[derive(Clone, Debug)]
pub struct InitInstance {
    pub(crate) config: Config,
    pub(crate) auto_scaling: AutoScaling,
    pub(crate) systems_manager: SystemsManager,
    pub(crate) provision_queue: Queue,
    pub(crate) init_queue: Queue,
    outcomes: Outcomes,
    pub(crate) metrics: Metrics,
}

/// How far a message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing is left to do for it.
    Done,
    /// It waits for something that takes its time: it comes again soon, and goes on from there.
    Later,
}

impl InitInstance {
    /// The function on these clients.
    pub fn new(config: Config, clients: &Clients) -> Self {
        Self {
            auto_scaling: AutoScaling::new(clients),
            systems_manager: SystemsManager::new(clients),
            provision_queue: Queue::new(clients, config.provision_queue.clone()),
            init_queue: Queue::new(clients, config.init_queue.clone()),
            outcomes: Outcomes::new(clients, config.outcome_queue.clone(), config.pool.clone()),
            metrics: clients.metrics(),
            config,
        }
    }

    /// Serves one batch. Names in its answer every message that is not done: those come again.
    pub async fn handle(&self, event: SqsEvent, invocation: &Invocation) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        let mut stopped: BTreeSet<String> = BTreeSet::new();
        for record in event.records {
            let group = record
                .attributes
                .get("MessageGroupId")
                .cloned()
                .unwrap_or_default();
            let message_id = record.message_id.clone().unwrap_or_default();
            if stopped.contains(&group) || !self.serve(record, invocation).await {
                stopped.insert(group);
                response.add_failure(message_id);
            }
        }
        self.metrics
            .write_calls(&self.config.pool, "init-instance", invocation.now());
        response
    }

    /// Serves one message; answers whether it is done.
    async fn serve(&self, record: SqsMessage, invocation: &Invocation) -> bool {
        let first = is_first_delivery(&record);
        let invocation = &invocation.for_message(&record);
        let body = record.body.unwrap_or_default();
        let delay = match Work::read(&body) {
            Err(problem) => {
                // Ours alone write to this queue: a newer version's message, perhaps. It stays.
                error!(message_id = record.message_id, %problem, "cannot read a message");
                COMES_AGAIN_AFTER_ERROR
            }
            Ok(work) => match guarded_async(self.work(work, first, invocation)).await {
                Ok(Ok(Progress::Done)) => return true,
                Ok(Ok(Progress::Later)) => COMES_AGAIN,
                Ok(Err(error)) => {
                    warn!(message_id = record.message_id, %error, "not done; the message comes again");
                    COMES_AGAIN_AFTER_ERROR
                }
                Err(panicked) => {
                    error!(message_id = record.message_id, error = %panicked, "not done; the message comes again");
                    COMES_AGAIN_AFTER_ERROR
                }
            },
        };
        self.bring_again(record.receipt_handle, delay).await;
        false
    }

    async fn work(
        &self,
        work: Work,
        first: bool,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        // Boxed: each of the three is a large future of its own.
        match work {
            Work::HandOver(hand_over) => Box::pin(self.hand_over(&hand_over, invocation)).await,
            Work::LookAgain(look_again) => {
                Box::pin(self.look_again(&look_again, first, invocation)).await
            }
            Work::CommandFinished(detail) => {
                Box::pin(self.command_finished(&detail, invocation)).await
            }
        }
    }

    async fn bring_again(&self, receipt: Option<String>, delay: Duration) {
        let Some(receipt) = receipt else { return };
        let receipts = [receipt.into()];
        if let Err(error) = self.init_queue.change_visibility(&receipts, delay).await {
            // It becomes visible by itself when its visibility time-out ends.
            warn!(%error, "cannot bring the message again early");
        }
    }

    /// Writes a claim's entry; answers whether it stands. A target that refuses (it is gone, opted
    /// out, or its tags are full) does not hold up the claim's end: the outcome is what counts.
    pub(crate) async fn write_entry(&self, write: EntryToWrite) -> Result<bool, CallError> {
        let Some((write, error)) = self.auto_scaling.enter(&[write]).await.pop() else {
            return Ok(true);
        };
        let refuses = error.effect == Effect::Refused && error.code == "ValidationError";
        if refuses || (error.says_denied() && !self.is_target(&write.target).await?) {
            warn!(claim_id = %write.claim_id, target_group = %write.target, %error, "the target takes no entry");
            return Ok(false);
        }
        Err(error)
    }

    /// Whether the group is there and has opted in. Our policy asks for the tag that says so:
    /// without it AWS answers as if a permission were missing.
    pub(crate) async fn is_target(&self, name: &GroupName) -> Result<bool, CallError> {
        let group = self.target(name).await?;
        Ok(group.is_some_and(|group| group.is_opted_in_to(&self.config.pool)))
    }

    /// The group as it is now; `None` when there is none of this name.
    pub(crate) async fn target(&self, name: &GroupName) -> Result<Option<Group>, CallError> {
        let groups = self
            .auto_scaling
            .groups(&BTreeSet::from([name.clone()]))
            .await?;
        Ok(groups.into_values().next())
    }

    pub(crate) async fn publish(
        &self,
        outcome: &Outcome,
        invocation: &Invocation,
    ) -> Result<(), CallError> {
        self.outcomes.publish(outcome, invocation.trace()).await
    }
}

/// Whether SQS delivers the message for the first time. Where it does not say so, it may have been
/// delivered before.
fn is_first_delivery(record: &SqsMessage) -> bool {
    let count = record.attributes.get("ApproximateReceiveCount");
    count.is_some_and(|count| count == "1")
}
