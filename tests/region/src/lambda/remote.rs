//! Functions that somebody else runs behind Lambda's `Invoke`: `cargo lambda watch`,
//! `sam local start-lambda`, or another emulator.
//!
//! Source: Lambda API reference, `Invoke`. Only for runs on the wall clock, as
//! [`process`](super::process).

use super::function::{Function, FunctionError, Invocation};
use super::runtime_api::InvocationResult;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::response::Parts;
use http::{Request, Uri};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Posts each invocation to one address and takes the answer as the function's.
pub struct RemoteFunction {
    address: Uri,
    client: Client<HttpConnector, String>,
}

impl RemoteFunction {
    /// A function behind this address, such as
    /// `http://127.0.0.1:9000/2015-03-31/functions/my-function/invocations`.
    pub fn new(address: Uri) -> Self {
        Self {
            address,
            // A connection for each: emulators are stopped and started.
            client: Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(0)
                .build_http(),
        }
    }
}

impl Function for RemoteFunction {
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, InvocationResult> {
        let (client, address) = (self.client.clone(), self.address.clone());
        async move {
            let failed = |error: &dyn std::error::Error| {
                FunctionError::new(
                    "Runtime.Unreachable",
                    format!("{address}: {}", whole(error)),
                )
            };
            let request = Request::post(address.clone())
                .header("Content-Type", "application/json")
                .body(invocation.payload.to_string())
                .expect("a request of checked parts");
            let answer = client.request(request).await;
            let (head, body) = answer.map_err(|error| failed(&error))?.into_parts();
            let body = body.collect().await.map_err(|error| failed(&error))?;
            let body = body.to_bytes();
            read(&head, &body).unwrap_or_else(|| {
                let text = String::from_utf8_lossy(&body);
                let message = format!("{address}: {}: {text}", head.status);
                Err(FunctionError::new("Runtime.InvalidResponse", message))
            })
        }
        .boxed()
    }
}

/// The function's answer: an error where the header says so (AWS, `sam local start-lambda`), or
/// the status (`cargo lambda watch`). `None` for what is no function's answer.
fn read(head: &Parts, body: &[u8]) -> Option<InvocationResult> {
    let value: Value = match body {
        [] => Value::Null,
        body => serde_json::from_slice(body).ok()?,
    };
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let failed = head.headers.contains_key("X-Amz-Function-Error");
    if failed || (!head.status.is_success() && text("errorType").is_some()) {
        let error_type = text("errorType").unwrap_or("Unhandled");
        let message = text("errorMessage").unwrap_or_default();
        return Some(Err(FunctionError::new(error_type, message)));
    }
    head.status.is_success().then_some(Ok(value))
}

/// An error with its causes.
fn whole(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

#[cfg(test)]
mod tests;
