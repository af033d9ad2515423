//! One delivery: event in, response out. Each message in order; after one that is not done, the
//! rest of its instance's messages wait with it.

use crate::command_finished::Finished;
use crate::config::{COMES_AGAIN, COMES_AGAIN_AFTER_ERROR};
use crate::decide::{Delivery, ended_at, occasion_of_event};
use crate::function::{InitInstance, Progress};
use crate::message::Work;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use ready_pool_aws::clock::{Invocation, sent_at};
use ready_pool_aws::lease::Lease;
use ready_pool_aws::queue::VisibilityChange;
use ready_pool_core::call_error::CallError;
use ready_pool_core::guard::guarded_async;
use std::collections::BTreeSet;
use std::time::Duration;
use tracing::field::{self, Empty};
use tracing::{Instrument, Span, error, error_span, info, warn};

impl InitInstance {
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
        match Work::read(record.body.as_deref().unwrap_or_default()) {
            Err(problem) => {
                // Ours alone write to this queue: a newer version's message, perhaps. It stays.
                error!(message_id = record.message_id, %problem, "cannot read a message");
                self.bring_again(record.receipt_handle, COMES_AGAIN_AFTER_ERROR)
                    .await;
                false
            }
            Ok(work) => {
                let span = span_of(&work);
                self.process(work, record, invocation)
                    .instrument(span)
                    .await
            }
        }
    }

    /// Does a message's work; answers whether it is done.
    async fn process(&self, work: Work, record: SqsMessage, invocation: &Invocation) -> bool {
        let invocation = &invocation.for_message(&record);
        let Some(lease) = self.lease(&record).await else {
            return false;
        };
        let work = self.dispatch(work, &record, invocation);
        let delay = match lease.during(guarded_async(work)).await {
            Some(Ok(Ok(Progress::Done))) => return true,
            // It comes again by itself.
            None => return false,
            Some(Ok(Ok(Progress::Later))) => COMES_AGAIN,
            Some(Ok(Err(error))) => {
                warn!(message_id = record.message_id, %error, "the message could not be processed; it will be received again");
                COMES_AGAIN_AFTER_ERROR
            }
            Some(Err(panicked)) => {
                error!(message_id = record.message_id, error = %panicked, "the message could not be processed; it will be received again");
                COMES_AGAIN_AFTER_ERROR
            }
        };
        self.bring_again(record.receipt_handle, delay).await;
        false
    }

    /// Makes the message this delivery's alone; `None` where it cannot be had.
    async fn lease(&self, record: &SqsMessage) -> Option<Lease<'_>> {
        let receipt = record.receipt_handle.clone().map(Into::into);
        match Lease::take(&self.init_queue, receipt.into_iter().collect()).await {
            Ok((lease, change)) if change == VisibilityChange::default() => Some(lease),
            Ok(_) => {
                info!(
                    message_id = record.message_id,
                    "another invocation has received the message, or SQS did not extend its visibility timeout"
                );
                None
            }
            Err(error) => {
                warn!(message_id = record.message_id, %error, "cannot extend the message's visibility timeout; it will be received again");
                None
            }
        }
    }

    async fn dispatch(
        &self,
        work: Work,
        record: &SqsMessage,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        if Box::pin(self.regroup(&work, record)).await? {
            return Ok(Progress::Done);
        }
        let delivery = delivery_of(record);
        // Boxed: each of the three is a large future of its own.
        match work {
            Work::HandOver(hand_over) => {
                Box::pin(self.hand_over(&hand_over, delivery, invocation)).await
            }
            Work::LookAgain(look_again) => {
                Box::pin(self.look_again(&look_again, delivery, invocation)).await
            }
            Work::CommandFinished { detail, at } => {
                let event = Finished {
                    detail: &detail,
                    occasion: occasion_of_event(delivery, at, invocation.now()),
                    ended: ended_at(at, sent_at(record)),
                };
                Box::pin(self.command_finished(event, invocation)).await
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
}

/// Where SQS does not say so, the message may have been delivered before.
fn delivery_of(record: &SqsMessage) -> Delivery {
    match record.attributes.get("ApproximateReceiveCount") {
        Some(count) if count == "1" => Delivery::First,
        _ => Delivery::Repeated,
    }
}

/// What every line on a message says of it. Of the highest level: a span below the log level would be
/// missing in the lines above it, too. An event of a command only learns whose it is on the way.
fn span_of(work: &Work) -> Span {
    match work {
        Work::HandOver(hand_over) => error_span!(
            "hand-over",
            claim_id = %hand_over.claim.claim_id,
            instance_id = %hand_over.instance_id,
            target_group = %hand_over.claim.target_group,
            attempt = hand_over.attempt,
        ),
        Work::LookAgain(look) => error_span!(
            "look-again",
            claim_id = %look.claim_id,
            instance_id = look.instance_id.as_ref().map(field::display),
            target_group = %look.target_group,
            attempt = look.attempt,
        ),
        Work::CommandFinished { detail, .. } => error_span!(
            "command-finished",
            claim_id = Empty,
            instance_id = detail.instance_id,
            target_group = Empty,
            attempt = Empty,
            command_id = %detail.command_id,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_runtime::tracing::subscriber::fmt;
    use serde_json::{Value, json};
    use std::io;
    use std::sync::{Arc, Mutex};
    use tracing::Level;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A warning on the first message of this event, as `lambda_runtime` writes it where only warnings
    /// are wanted.
    fn warned(event: &str, on_the_way: impl FnOnce()) -> Value {
        let event: SqsEvent = serde_json::from_str(event).unwrap();
        let body = event.records[0].body.clone().unwrap();
        let work = Work::read(&body).unwrap();
        let log = Log::default();
        let writer = log.clone();
        let subscriber = fmt()
            .json()
            .with_max_level(Level::WARN)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            span_of(&work).in_scope(|| {
                on_the_way();
                warn!("on the way");
            });
        });
        let line = log.0.lock().unwrap().clone();
        serde_json::from_slice(&line).unwrap()
    }

    #[test]
    fn every_line_on_a_message_names_its_claim_and_instance_at_any_log_level() {
        let events = [
            (
                "hand-over",
                include_str!("../../../events/init-instance.hand-over.json"),
            ),
            (
                "look-again",
                include_str!("../../../events/init-instance.look-again.json"),
            ),
        ];
        for (name, event) in events {
            let line = warned(event, || {});
            let span = &line["span"];
            assert_eq!(span["name"], name);
            assert_eq!(span["attempt"], 1, "{line}");
            for field in ["claim_id", "instance_id", "target_group"] {
                assert!(span[field].is_string(), "{field} in {line}");
            }
        }
    }

    #[test]
    fn lines_on_a_command_s_end_name_its_claim_once_that_is_known() {
        let event = include_str!("../../../events/init-instance.command-finished.json");
        let line = warned(event, || {});
        assert!(line["span"]["instance_id"].is_string(), "{line}");
        assert_eq!(line["span"]["claim_id"], Value::Null);
        let line = warned(event, || {
            Span::current().record("claim_id", "signup-1");
            Span::current().record("attempt", 2_u8);
        });
        assert_eq!(line["span"]["claim_id"], "signup-1");
        assert_eq!(line["span"]["attempt"], json!(2));
    }
}
