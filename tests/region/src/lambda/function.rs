//! What a function is: its configuration, and the code that an invocation runs.

use super::asynchronous::AsyncSettings;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use time::OffsetDateTime;

/// The code of a function. Dropping the future kills the invocation, at whatever point it is.
pub trait Function: Send + Sync + 'static {
    /// Runs one invocation.
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Result<Value, FunctionError>>;
}

/// One invocation of a function.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The function's name.
    pub function: String,
    /// ARN of the function.
    pub function_arn: String,
    /// Unique; a retry of an asynchronous event keeps its id.
    pub request_id: String,
    /// The event.
    pub payload: Value,
    /// When the invocation is killed, on the region's clock.
    pub deadline: OffsetDateTime,
}

impl Invocation {
    /// The header of the trace that Lambda starts for it. Unsampled: there is no X-Ray here.
    pub fn trace_header(&self) -> String {
        let hex = self.request_id.replace('-', "");
        format!(
            "Root=1-{:08x}-{hex:.24};Parent={hex:.16};Sampled=0",
            self.deadline.unix_timestamp()
        )
    }
}

/// Why an invocation failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error_type}: {message}")]
pub struct FunctionError {
    /// `errorType` of the answer: the function's own, or one of Lambda's.
    pub error_type: String,
    /// `errorMessage`.
    pub message: String,
}

impl FunctionError {
    /// An error.
    pub fn new(error_type: &str, message: impl Into<String>) -> Self {
        Self {
            error_type: error_type.to_owned(),
            message: message.into(),
        }
    }

    /// The function did not answer within its time-out.
    pub fn timed_out(request_id: &str, timeout: Duration) -> Self {
        Self::new(
            "Sandbox.Timedout",
            format!(
                "RequestId: {request_id} Error: Task timed out after {:.2} seconds",
                timeout.as_secs_f64()
            ),
        )
    }

    /// The function's process ended in the middle of an invocation.
    pub fn exited(request_id: &str, reason: &str) -> Self {
        Self::new(
            "Runtime.ExitError",
            format!("RequestId: {request_id} Error: Runtime exited with error: {reason}"),
        )
    }

    /// As Lambda's JSON answer.
    pub fn to_json(&self) -> Value {
        json!({ "errorType": self.error_type, "errorMessage": self.message })
    }
}

/// A function's configuration.
#[derive(Clone, Debug)]
pub struct FunctionConfig {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name in the region: also the access key id it signs its calls with, which stands for
    /// its role.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Where the template says its code is.
    pub code_uri: Option<String>,
    /// Longest run.
    pub timeout: Duration,
    /// Memory, in MiB.
    pub memory_mb: u32,
    /// Environment variables, resolved.
    pub environment: BTreeMap<String, String>,
    /// Most invocations at a time, where reserved.
    pub reserved_concurrency: Option<usize>,
    /// What happens to asynchronous events.
    pub asynchronous: AsyncSettings,
    /// The log group that its lines go to.
    pub log_group: String,
    /// Whether Lambda writes traces of it.
    pub traced: bool,
}
