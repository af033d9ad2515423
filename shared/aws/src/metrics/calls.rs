//! Counts the attempts that the SDK clients make, those that it repeats by itself included.

use aws_sdk_sqs::config::interceptors::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_sqs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sqs::error::BoxError;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug, Default)]
pub(super) struct Calls {
    made: AtomicUsize,
    throttled: AtomicUsize,
}

impl Calls {
    /// The calls made and the throttled ones among them, since this was asked last.
    pub(super) fn take(&self) -> (usize, usize) {
        let take = |counter: &AtomicUsize| counter.swap(0, Ordering::Relaxed);
        (take(&self.made), take(&self.throttled))
    }
}

/// Sits in an SDK client.
#[derive(Clone, Debug)]
pub(crate) struct CallCounter {
    calls: Arc<Calls>,
}

impl CallCounter {
    pub(super) fn new(calls: Arc<Calls>) -> Self {
        Self { calls }
    }
}

impl Intercept for CallCounter {
    fn name(&self) -> &'static str {
        "CallCounter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.calls.made.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let throttled = context.response().is_some_and(|response| {
            !response.status().is_success() && response.body().bytes().is_some_and(says_throttled)
        });
        if throttled {
            self.calls.throttled.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Error codes of AWS that ask to slow down, in whatever protocol: `Throttling`,
/// `ThrottlingException`, `RequestThrottled`, `RequestLimitExceeded`.
fn says_throttled(body: &[u8]) -> bool {
    const CODES: [&[u8]; 3] = [b"Throttling", b"RequestThrottled", b"RequestLimitExceeded"];
    CODES
        .iter()
        .any(|code| body.windows(code.len()).any(|window| window == *code))
}
