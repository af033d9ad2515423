//! The one port through which time enters the functions.

use ready_pool_core::Timestamp;
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

/// The end of an invocation: what is not done then is killed.
#[derive(Clone, Debug)]
pub struct Budget {
    clock: SharedClock,
    ends_at: Timestamp,
}

impl Budget {
    /// A budget until `ends_at`.
    pub fn new(clock: SharedClock, ends_at: Timestamp) -> Self {
        Self { clock, ends_at }
    }

    /// The budget of the invocation with this context.
    pub fn of_invocation(clock: SharedClock, context: &lambda_runtime::Context) -> Self {
        let milliseconds = i128::from(context.deadline) * 1_000_000;
        let ends_at =
            Timestamp::from_unix_timestamp_nanos(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { clock, ends_at }
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

/// Waits.
pub async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}
