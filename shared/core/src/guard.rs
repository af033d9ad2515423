//! A panic in one piece of work must not take the rest of its batch along: that batch would come again
//! with the same work in it, and again.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Work that panicked. The panic itself was written to standard error by its hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a bug: handling this claim panicked")]
pub struct Panicked;

/// Does a piece of work; a panic in it becomes an error.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    // The work owns, or only reads, what it sees: nothing half-changed is left behind.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// Awaits a piece of work; a panic in it becomes an error.
pub async fn guarded_async<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut work = pin!(work);
    poll_fn(|context| match guarded(|| work.as_mut().poll(context)) {
        Ok(poll) => poll.map(Ok),
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Context, Waker};

    #[test]
    fn a_panic_becomes_an_error() {
        assert_eq!(guarded(|| 7), Ok(7));
        assert_eq!(guarded(|| -> i32 { panic!("on purpose") }), Err(Panicked));
    }

    #[test]
    fn so_does_one_between_two_awaits() {
        let work = async |fail: bool| {
            let mut yielded = false;
            poll_fn(|_| {
                if std::mem::replace(&mut yielded, true) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
            assert!(!fail, "on purpose");
            7
        };
        let finish = |fail| {
            let mut guarded = pin!(guarded_async(work(fail)));
            let mut context = Context::from_waker(Waker::noop());
            assert!(guarded.as_mut().poll(&mut context).is_pending());
            guarded.as_mut().poll(&mut context)
        };
        assert_eq!(finish(false), Poll::Ready(Ok(7)));
        assert_eq!(finish(true), Poll::Ready(Err(Panicked)));
    }
}
