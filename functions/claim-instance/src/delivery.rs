//! One delivery of messages: lease them, line them up, deal with them, give the rest back.

use crate::batch::{Batch, Item};
use crate::config::{Config, LEASE};
use crate::given_back::GivenBack;
use crate::lineup::{Delivered, Manner, line_up};
use crate::message::Received;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use ready_pool_aws::auto_scaling::AutoScaling;
use ready_pool_aws::clock::Invocation;
use ready_pool_aws::metrics::Metrics;
use ready_pool_aws::outcomes::Outcomes;
use ready_pool_aws::queue::{Queue, VisibilityChange};
use ready_pool_aws::systems_manager::SystemsManager;
use ready_pool_aws::{Clients, SharedClock};
use ready_pool_core::call_error::CallError;
use ready_pool_core::ids::ReceiptHandle;
use tracing::{info, warn};

/// The function with everything it needs.
#[derive(Clone, Debug)]
pub struct ClaimInstance {
    pub(crate) config: Config,
    pub(crate) auto_scaling: AutoScaling,
    pub(crate) systems_manager: SystemsManager,
    pub(crate) provision_queue: Queue,
    pub(crate) init_queue: Queue,
    pub(crate) outcomes: Outcomes,
    pub(crate) rejected_queue: Queue,
    pub(crate) metrics: Metrics,
    pub(crate) clock: SharedClock,
    given_back: GivenBack,
}

impl ClaimInstance {
    /// The function on these clients.
    pub fn new(config: Config, clients: &Clients, clock: SharedClock) -> Self {
        Self {
            auto_scaling: AutoScaling::new(clients),
            systems_manager: SystemsManager::new(clients),
            provision_queue: Queue::new(clients, config.provision_queue.clone()),
            init_queue: Queue::new(clients, config.init_queue.clone()),
            outcomes: Outcomes::new(clients, config.outcome_queue.clone(), config.pool.clone()),
            rejected_queue: Queue::new(clients, config.rejected_queue.clone()),
            metrics: clients.metrics(),
            config,
            clock,
            given_back: GivenBack::default(),
        }
    }

    /// Serves one batch. Names in its answer every message that is not settled: those come again.
    ///
    /// Waiting claims are named although later ones of their group may be settled: a claim that
    /// waits for a zone is passed over on purpose. Their own order stays.
    pub async fn handle(&self, event: SqsEvent, invocation: &Invocation) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        for message_id in self.serve(event, invocation).await {
            response.add_failure(message_id);
        }
        self.metrics
            .write_calls(&self.config.pool, "claim-instance", self.clock.now());
        response
    }

    /// Answers the ids of the messages that are not settled.
    async fn serve(&self, event: SqsEvent, invocation: &Invocation) -> Vec<String> {
        let now = self.clock.now();
        let records = event.records.into_iter();
        let received: Vec<(Received, Delivered)> = records
            .map(|record| Received::read(record, &self.config.pool, now))
            .map(|message| {
                let delivered = self.delivered(&message);
                (message, delivered)
            })
            .collect();
        let in_batch = received.len();
        let change = match self.lease(&received).await {
            Ok(change) => change,
            Err(error) => {
                warn!(%error, "cannot lease the batch; it comes again");
                return self.untouched(received);
            }
        };
        let (leased, rest): (Vec<_>, Vec<_>) = received.into_iter().partition(|(message, _)| {
            !change.lost.contains(&message.receipt) && !change.unchanged.contains(&message.receipt)
        });
        let (lost, unchanged): (Vec<_>, Vec<_>) = rest
            .into_iter()
            .partition(|(message, _)| change.lost.contains(&message.receipt));
        let mut returned: Vec<String> = Vec::new();
        for (message, _) in lost {
            info!(
                message_id = message.message_id,
                "the message is another delivery's now"
            );
            returned.push(message.message_id);
        }
        for (message, _) in &unchanged {
            warn!(
                message_id = message.message_id,
                "SQS did not renew the message's lease; it comes again"
            );
        }
        returned.extend(self.untouched(unchanged));
        let batch = Batch::new(self, invocation, in_batch, in_line(leased));
        for left in batch.deal_with().await {
            // One that let others go first is as suspect as before.
            if left.manner != Manner::Later {
                self.given_back.note(&left.message_id, left.receives);
            }
            returned.push(left.message_id);
        }
        returned
    }

    fn delivered(&self, message: &Received) -> Delivered {
        Delivered {
            receives: message.receives,
            given_back: self.given_back.take(&message.message_id, message.receives),
        }
    }

    /// Nothing was done: who was no suspect still is none.
    fn untouched(&self, received: Vec<(Received, Delivered)>) -> Vec<String> {
        let ids = received.into_iter().map(|(message, delivered)| {
            if !delivered.is_suspect() {
                self.given_back.note(&message.message_id, message.receives);
            }
            message.message_id
        });
        ids.collect()
    }

    async fn lease(
        &self,
        received: &[(Received, Delivered)],
    ) -> Result<VisibilityChange, CallError> {
        let receipts: Vec<ReceiptHandle> = received
            .iter()
            .map(|(message, _)| message.receipt.clone())
            .collect();
        self.provision_queue
            .change_visibility(&receipts, LEASE)
            .await
    }
}

/// The messages in the order in which they are dealt with.
fn in_line(leased: Vec<(Received, Delivered)>) -> Vec<Item> {
    let delivered: Vec<Delivered> = leased.iter().map(|(_, delivered)| *delivered).collect();
    let mut items: Vec<Option<Received>> = leased
        .into_iter()
        .map(|(message, _)| Some(message))
        .collect();
    line_up(&delivered)
        .into_iter()
        .filter_map(|(position, manner)| {
            let message = items.get_mut(position)?.take()?;
            Some(Item { message, manner })
        })
        .collect()
}
