//! An AWS API call, independent of its wire protocol.

use serde_json::Value;

/// The services that the region speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Query protocol, XML answers.
    AutoScaling,
    /// AWS JSON 1.1.
    Ssm,
    /// AWS JSON 1.0 (and the legacy query protocol is refused).
    Sqs,
    /// Query protocol, XML answers.
    Sts,
}

impl Service {
    /// As in the names of IAM's actions.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::AutoScaling => "autoscaling",
            Self::Ssm => "ssm",
            Self::Sqs => "sqs",
            Self::Sts => "sts",
        }
    }
}

/// One call, decoded: members are named as in the service's API model, lists are arrays, and
/// query-protocol scalars are strings.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which service.
    pub service: Service,
    /// Operation name, `DetachInstances`.
    pub operation: String,
    /// The input structure.
    pub input: Value,
    /// Who calls: the access key id that signed the request. Functions have one each.
    pub caller: String,
}

/// What a call answers: the output structure (an object; `Null` where the operation has no output
/// structure at all), or an error.
pub type Answer = Result<Value, CallError>;

/// An error as AWS words it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct CallError {
    /// HTTP status.
    pub status: u16,
    /// `ValidationError`, `Throttling`, ...
    pub code: String,
    /// AWS's own text.
    pub message: String,
}

impl CallError {
    /// An error of the caller (HTTP 400).
    pub fn sender(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// An error of the service (HTTP 500).
    pub fn receiver(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: 500,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// Auto Scaling's catch-all.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::sender("ValidationError", message)
    }

    /// An operation that the region does not know.
    pub fn unknown_operation(service: Service, operation: &str) -> Self {
        Self::sender(
            "UnknownOperationException",
            format!(
                "the simulated region does not support {}:{operation}",
                service.prefix()
            ),
        )
    }
}

/// Reads an operation's input. A parameter that the region does not support is an error that
/// names it, never silently ignored: derive inputs with `deny_unknown_fields`.
pub fn input<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, CallError> {
    serde_json::from_value(value.clone())
        .map_err(|error| CallError::validation(format!("unsupported or malformed input: {error}")))
}
