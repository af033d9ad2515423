//! Publishing how claims ended.

use crate::clients::Clients;
use crate::metrics::{Metrics, Record};
use crate::queue::{Outgoing, Queue};
use ready_pool_core::call_error::CallError;
use ready_pool_core::ids::GroupName;
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use ready_pool_core::trace::Trace;
use std::time::Duration;

/// Until when after its send a claim that gets its instance counts as served at once: what SQS and a
/// function's cold start take, with room.
const AT_ONCE: Duration = Duration::from_secs(5);

/// The outcome queue. Every outcome published is counted.
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

    /// Publishes an outcome as one of this pool, with what a consumer may want to filter on as attributes, in
    /// the claim's trace.
    pub async fn publish(&self, outcome: &Outcome, trace: Option<Trace>) -> Result<(), CallError> {
        let outcome = &Outcome {
            pool: Some(self.pool.clone()),
            ..outcome.clone()
        };
        let ending = outcome.outcome.code();
        let reason = outcome.reason.code();
        let named = named(outcome);
        let mut message = Outgoing::json(outcome)?
            .with("outcome", ending)
            .with("reason", reason)
            .with("pool", self.pool.as_str())
            .traced(trace);
        for (name, value) in &named {
            message = message.with(name, *value);
        }
        self.queue.send_one(message).await?;
        let ends = Record::of(&self.pool)
            .by("Outcome", ending)
            .by("Reason", reason)
            .count("Outcomes", 1);
        // Not by outcome and reason: each such metric costs, and these are looked at together.
        let course = course(&self.pool, outcome);
        for mut record in [ends, course] {
            for (name, value) in &named {
                record = record.with(name, value);
            }
            if let Some(instance) = &outcome.instance_id {
                record = record.with("instance_id", instance.as_str());
            }
            self.metrics.write(&record, outcome.at);
        }
        Ok(())
    }
}

/// Whose outcome it is. SQS takes no empty attribute.
fn named(outcome: &Outcome) -> Vec<(&'static str, &str)> {
    let names = [
        ("claim_id", outcome.claim_id.as_deref()),
        ("target_group", outcome.target_group.as_deref()),
    ];
    names
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .collect()
}

/// How it went, as far as that is known. The whole time is one of claims that were served: of others
/// it would say how patient they were.
fn course(pool: &GroupName, outcome: &Outcome) -> Record {
    let times = &outcome.details.times;
    let whole = times
        .from_sent_to(outcome.at)
        .filter(|_| outcome.outcome == Ending::Ready);
    let record = Record::of(pool)
        .time_if_known("TimeToReady", whole)
        .time_if_known("Waited", times.waited())
        .time_if_known("DetachTime", times.moved())
        .time_if_known("InitTime", times.initialised())
        .count_if_known("Hits", was_hit(outcome).map(usize::from));
    let attempts = outcome.details.attempt.map(usize::from);
    record.count_if_known("Attempts", attempts)
}

/// Whether the pool had an instance for the claim when it came: the average of this is the hit rate.
/// Unknown of claims that no instance could have served.
fn was_hit(outcome: &Outcome) -> Option<bool> {
    match (outcome.details.times.waited(), outcome.reason) {
        (Some(waited), _) => Some(waited <= AT_ONCE),
        (None, Reason::Expired | Reason::PoolEmpty) => Some(false),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ready_pool_core::outcome::{Details, VERSION};
    use time::macros::datetime;

    fn outcome(reason: Reason, waited: Option<Duration>) -> Outcome {
        let sent = datetime!(2026-11-23 02:00 UTC);
        let mut outcome = Outcome {
            version: VERSION,
            claim_id: None,
            target_group: None,
            pool: None,
            outcome: Ending::Failed,
            reason,
            message: String::new(),
            instance_id: None,
            at: sent,
            details: Details::default(),
        };
        outcome.details.times.sent = Some(sent);
        outcome.details.times.entered = waited.map(|waited| sent + waited);
        outcome
    }

    #[test]
    fn a_hit_is_served_at_once() {
        let hit = |reason, waited| was_hit(&outcome(reason, waited));
        assert_eq!(hit(Reason::Initialised, Some(AT_ONCE)), Some(true));
        let later = AT_ONCE + Duration::from_millis(1);
        assert_eq!(hit(Reason::Initialised, Some(later)), Some(false));
        // It was served; that its script failed is not the pool's fault.
        assert_eq!(hit(Reason::ScriptFailed, Some(AT_ONCE)), Some(true));
        assert_eq!(hit(Reason::Expired, None), Some(false));
        assert_eq!(hit(Reason::PoolEmpty, None), Some(false));
        assert_eq!(hit(Reason::Malformed, None), None);
    }
}
