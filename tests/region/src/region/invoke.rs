//! Performing invocations: time-outs and kills drop the function where it stands.

use super::{Region, lock};
use crate::lambda::{self, FunctionError, Invocation};
use futures::FutureExt;
use serde_json::Value;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

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

    pub(super) fn kill(&self, request_id: &str) {
        if let Some(kill) = lock(&self.shared.kills).remove(request_id) {
            // The invocation may just have ended by itself.
            let _ = kill.send(());
        }
    }

    async fn run(
        &self,
        invocation: Invocation,
        killed: oneshot::Receiver<()>,
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
        tokio::select! {
            biased;
            result = running.catch_unwind() => result.unwrap_or_else(|_| {
                Err(FunctionError::exited(&request_id, "the handler panicked"))
            }),
            // A dropped sender is no kill: it is kept until the invocation has ended.
            _ = killed => Err(FunctionError::exited(&request_id, "signal: killed")),
            () = tokio::time::sleep_until(deadline) => {
                Err(FunctionError::timed_out(&request_id, timeout))
            }
        }
    }
}
