//! Telling how claims ended.

use crate::clients::Clients;
use crate::error::AwsError;
use crate::metrics::{Metrics, Record};
use crate::queue::{Outgoing, Queue};
use ready_pool_core::ids::GroupName;
use ready_pool_core::outcome::Outcome;

/// The outcome queue. Every outcome told is counted.
#[derive(Clone, Debug)]
pub struct Outcomes {
    queue: Queue,
    metrics: Metrics,
    pool: GroupName,
}

impl Outcomes {
    /// The queue at `url`, for claims of this pool.
    pub fn new(clients: &Clients, url: String, pool: GroupName) -> Self {
        Self {
            queue: Queue::new(clients, url),
            metrics: clients.metrics(),
            pool,
        }
    }

    /// Tells an outcome, with what a consumer may want to filter on as attributes.
    pub async fn publish(&self, outcome: &Outcome) -> Result<(), AwsError> {
        let ending = outcome.outcome.code();
        let mut message = Outgoing::json(outcome)?
            .with("outcome", ending)
            .with("reason", outcome.reason.code());
        for (name, value) in [
            ("claim_id", &outcome.claim_id),
            ("target_group", &outcome.target_group),
        ] {
            // SQS takes no empty attribute.
            if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
                message = message.with(name, value.clone());
            }
        }
        self.queue.send_one(message).await?;
        let mut record = Record::of(&self.pool)
            .by("Outcome", ending)
            .by("Reason", outcome.reason.code())
            .count("Outcomes", 1);
        for (name, value) in [
            ("claim_id", &outcome.claim_id),
            ("target_group", &outcome.target_group),
        ] {
            if let Some(value) = value {
                record = record.with(name, value);
            }
        }
        if let Some(instance) = &outcome.instance_id {
            record = record.with("instance_id", instance.as_str());
        }
        self.metrics.write(&record, outcome.at);
        Ok(())
    }
}
