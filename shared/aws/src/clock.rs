//! The one port through which time enters the functions.

use crate::queue::trace_of;
use aws_lambda_events::event::sqs::SqsMessage;
use ready_pool_core::Timestamp;
use ready_pool_core::trace::Trace;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// Tells the time. Waiting goes through tokio's clock, which tests pause.
pub trait Clock: Debug + Send + Sync {
    /// The present time.
    fn now(&self) -> Timestamp;
}

/// A clock that a function's parts share.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now_utc()
    }
}

/// The end of an invocation: what is not done then is killed. With it, the trace that the invocation
/// is part of.
#[derive(Clone, Debug)]
pub struct Invocation {
    clock: SharedClock,
    ends_at: Timestamp,
    trace: Option<Trace>,
}

impl Invocation {
    /// An invocation until `ends_at`.
    pub fn new(clock: SharedClock, ends_at: Timestamp) -> Self {
        Self {
            clock,
            ends_at,
            trace: None,
        }
    }

    /// The same invocation, in this trace.
    #[must_use]
    pub fn traced(self, trace: Option<Trace>) -> Self {
        Self { trace, ..self }
    }

    /// The invocation that Lambda describes in this context.
    pub fn of_invocation(clock: SharedClock, context: &lambda_runtime::Context) -> Self {
        let milliseconds = i128::from(context.deadline) * 1_000_000;
        let ends_at =
            Timestamp::from_unix_timestamp_nanos(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
        let trace = context.xray_trace_id.as_deref();
        Self::new(clock, ends_at).traced(trace.and_then(|header| header.parse().ok()))
    }

    /// The trace.
    pub fn trace(&self) -> Option<Trace> {
        self.trace
    }

    /// The invocation for a message's work, in the trace that it was sent in, if any.
    #[must_use]
    pub fn for_message(&self, record: &SqsMessage) -> Self {
        self.clone().traced(trace_of(record).or(self.trace))
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether at least `duration` is left.
    pub fn has(&self, duration: Duration) -> bool {
        self.now() + duration <= self.ends_at
    }
}

/// When SQS took a message: in milliseconds since 1970, it says.
pub fn sent_at(record: &SqsMessage) -> Option<Timestamp> {
    let milliseconds: i64 = record.attributes.get("SentTimestamp")?.parse().ok()?;
    Timestamp::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).ok()
}

/// Waits.
pub async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}
