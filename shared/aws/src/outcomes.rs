//! Telling how claims ended.

use crate::clients::Clients;
use crate::error::AwsError;
use crate::metrics::{Metrics, Record};
use crate::queue::{Outgoing, Queue};
use ready_pool_core::ids::GroupName;
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::trace::Trace;

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

    /// Tells an outcome, with what a consumer may want to filter on as attributes, in the claim's
    /// trace.
    pub async fn publish(&self, outcome: &Outcome, trace: Option<Trace>) -> Result<(), AwsError> {
        let ending = outcome.outcome.code();
        let reason = outcome.reason.code();
        let mut message = Outgoing::json(outcome)?
            .with("outcome", ending)
            .with("reason", reason)
            .traced(trace);
        let record = Record::of(&self.pool)
            .by("Outcome", ending)
            .by("Reason", reason)
            .count("Outcomes", 1);
        let mut record = with_times(record, outcome);
        for (name, value) in [
            ("claim_id", &outcome.claim_id),
            ("target_group", &outcome.target_group),
        ] {
            // SQS takes no empty attribute.
            if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
                message = message.with(name, value);
                record = record.with(name, value);
            }
        }
        self.queue.send_one(message).await?;
        if let Some(instance) = &outcome.instance_id {
            record = record.with("instance_id", instance.as_str());
        }
        self.metrics.write(&record, outcome.at);
        Ok(())
    }
}

/// The figures of how it went, as far as that is known. The whole time is one of claims that were
/// served: of others it would say how patient they were.
fn with_times(record: Record, outcome: &Outcome) -> Record {
    let times = &outcome.details.times;
    let whole = times
        .from_sent_to(outcome.at)
        .filter(|_| outcome.outcome == Ending::Ready);
    let record = record
        .time_if_known("TimeToReady", whole)
        .time_if_known("Waited", times.waited())
        .time_if_known("DetachTime", times.moved())
        .time_if_known("InitTime", times.initialised());
    match outcome.details.attempt {
        Some(attempt) => record.count("Attempts", usize::from(attempt)),
        None => record,
    }
}
