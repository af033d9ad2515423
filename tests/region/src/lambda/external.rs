//! Functions whose program somebody else starts: a developer, a debugger, an editor.
//!
//! Only for runs on the wall clock, as [`process`](super::process).

use super::function::{Function, Invocation};
use super::runtime_api::{InvocationResult, RuntimeApi};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::io;
use std::sync::Arc;
use tokio::sync::Mutex;

/// One execution environment at an address that stays. Invocations wait for each other, and for
/// the program: until they time out, as they would on Lambda.
pub struct ExternalFunction {
    address: String,
    api: Arc<Mutex<RuntimeApi>>,
}

impl ExternalFunction {
    /// Serves the Runtime API on this port of the loopback interface; 0 takes a free one.
    pub async fn serve(port: u16) -> io::Result<Self> {
        let api = RuntimeApi::serve_on(port).await?;
        Ok(Self {
            address: api.address().to_owned(),
            api: Arc::new(Mutex::new(api)),
        })
    }

    /// Host and port: the program's `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Function for ExternalFunction {
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, InvocationResult> {
        let api = Arc::clone(&self.api);
        async move {
            let api = api.lock_owned().await;
            let result = api.hand_over(invocation);
            let api = Withdrawing(api);
            let result = result.await;
            drop(api);
            result.expect("its sender lives as long as the runtime API")
        }
        .boxed()
    }
}

/// Takes the invocation back when it is dropped, so that the next one finds the place free.
struct Withdrawing(tokio::sync::OwnedMutexGuard<RuntimeApi>);

impl Drop for Withdrawing {
    fn drop(&mut self) {
        self.0.withdraw();
    }
}

#[cfg(test)]
mod tests;
