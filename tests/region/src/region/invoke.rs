//! Performing invocations: time-outs and kills drop the function where it stands.

use super::{Region, lock};
use crate::faults::Unanswered;
use crate::lambda::{self, FunctionError, Invocation};
use futures::FutureExt;
use serde_json::Value;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

tokio::task_local! {
    /// Request id of the invocation that runs in this task.
    static INVOCATION: String;
}

/// How an invocation is ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At once, as by a crash.
    Killed,
    /// It does nothing more, and its time-out ends it.
    Frozen,
}

impl Region {
    pub(super) fn invoke(&self, invocation: Invocation) {
        let (kill, killed) = oneshot::channel();
        lock(&self.shared.kills).insert(invocation.request_id.clone(), kill);
        let region = self.clone();
        self.spawn(async move {
            let request_id = invocation.request_id.clone();
            let result = region.run(invocation, killed).await;
            lock(&region.shared.kills).remove(&request_id);
            region.with(|world| lambda::finished(world, &request_id, result));
        });
    }

    pub(super) fn end(&self, request_id: &str, end: End) {
        if let Some(kill) = lock(&self.shared.kills).remove(request_id) {
            // The invocation may just have ended by itself.
            let _ = kill.send(end);
        }
    }

    /// A call that is never answered, and what that does to the function that made it.
    pub(super) async fn leave_unanswered(&self, caller: &str, unanswered: Unanswered) {
        let end = match unanswered {
            Unanswered::Silence => None,
            Unanswered::Kill => Some(End::Killed),
            Unanswered::Freeze => Some(End::Frozen),
        };
        if let Some(end) = end
            && let Some(request_id) = self.calling(caller)
        {
            self.end(&request_id, end);
        }
        std::future::pending::<()>().await;
    }

    /// The invocation that is making a call: in process it is known; a process is asked by name.
    fn calling(&self, caller: &str) -> Option<String> {
        INVOCATION
            .try_with(Clone::clone)
            .ok()
            .or_else(|| self.read(|world| world.lambda.running(caller).into_iter().next()))
    }

    async fn run(
        &self,
        invocation: Invocation,
        killed: oneshot::Receiver<End>,
    ) -> Result<Value, FunctionError> {
        let function = lock(&self.shared.functions)
            .get(&invocation.function)
            .map(Arc::clone);
        let Some(function) = function else {
            return Err(FunctionError::new(
                "Runtime.InvalidEntrypoint",
                format!("the region was given no code for {}", invocation.function),
            ));
        };
        let request_id = invocation.request_id.clone();
        let started = self.shared.clock.now();
        let timeout = Duration::try_from(invocation.deadline - started).unwrap_or_default();
        let deadline = self.shared.clock.instant_of(invocation.deadline);
        let running = AssertUnwindSafe(async move { function.invoke(invocation).await });
        let running = INVOCATION.scope(request_id.clone(), running.catch_unwind());
        let end = tokio::select! {
            biased;
            result = running => return result.unwrap_or_else(|_| {
                Err(FunctionError::exited(&request_id, "the handler panicked"))
            }),
            // A dropped sender is no kill: it is kept until the invocation has ended.
            end = killed => end.unwrap_or(End::Killed),
            () = tokio::time::sleep_until(deadline) => End::Frozen,
        };
        if end == End::Killed {
            return Err(FunctionError::exited(&request_id, "signal: killed"));
        }
        tokio::time::sleep_until(deadline).await;
        Err(FunctionError::timed_out(&request_id, timeout))
    }
}
