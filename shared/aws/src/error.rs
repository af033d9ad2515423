//! The SDK's errors as [`CallError`]s, and what Lambda hears of them.

use aws_sdk_autoscaling::error::ProvideErrorMetadata;
use aws_sdk_autoscaling::error::{DisplayErrorContext, SdkError};
use lambda_runtime::Diagnostic;
use ready_pool_core::call_error::{CallError, Effect, NO_ANSWER_OF_AWS};
use ready_pool_core::ids::GroupName;

/// Reads the SDK's error.
pub(crate) fn from_sdk<E, R>(operation: &'static str, error: &SdkError<E, R>) -> CallError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + HttpStatus,
{
    let unanswered = |code: &str, effect| CallError {
        operation,
        code: code.to_owned(),
        message: DisplayErrorContext(error).to_string(),
        effect,
    };
    match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status();
            let message = context.err().message().unwrap_or_default();
            match context.err().code() {
                Some(code) => CallError::answered(operation, code, message, status),
                None => none_of_aws(operation, status, message),
            }
        }
        SdkError::ResponseError(context) => {
            let unreadable = none_of_aws(operation, context.raw().status(), "");
            // Whatever it was, the call may have been carried out.
            let effect = Effect::Unknown;
            CallError {
                effect,
                ..unreadable
            }
        }
        SdkError::ConstructionFailure(_) => unanswered("InvalidRequest", Effect::Refused),
        SdkError::TimeoutError(_) => unanswered("TimedOut", Effect::Unknown),
        _ => unanswered("NoResponse", Effect::Unknown),
    }
}

/// An answer that does not say what AWS's errors say: of a proxy, say.
fn none_of_aws(operation: &'static str, status: u16, message: &str) -> CallError {
    let said = match message {
        "" => "and nothing that AWS would say",
        message => message,
    };
    let message = format!("HTTP status {status}, {said}");
    CallError::answered(operation, NO_ANSWER_OF_AWS, &message, status)
}

/// Why a look at the world failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ObserveError {
    /// A read failed.
    #[error(transparent)]
    Aws(#[from] CallError),
    /// The function's own settings name a group that does not exist.
    #[error(
        "the group {0} does not exist; check the function's settings POOL_GROUP and RETIREMENT_GROUP"
    )]
    NoGroup(GroupName),
}

/// What Lambda hears, and so what stands in its log and in `errorType` of its answer. Without
/// this it would be the name of a boxed error's Rust type.
impl From<ObserveError> for Diagnostic {
    fn from(error: ObserveError) -> Self {
        let error_type = match error {
            ObserveError::Aws(_) => "AwsCallFailed",
            ObserveError::NoGroup(_) => "NoSuchGroup",
        };
        Self {
            error_type: error_type.to_owned(),
            error_message: error.to_string(),
        }
    }
}

/// The HTTP status of the SDK's raw response.
pub(crate) trait HttpStatus {
    /// The status code.
    fn status(&self) -> u16;
}

impl HttpStatus for aws_sdk_autoscaling::config::http::HttpResponse {
    fn status(&self) -> u16 {
        self.status().as_u16()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_aws_s_words_says_its_status() {
        let error = none_of_aws("DescribeAutoScalingGroups", 403, "");
        assert_eq!(
            error.to_string(),
            "DescribeAutoScalingGroups failed: NoAnswerOfAws: HTTP status 403, and nothing that AWS would say"
        );
        assert_eq!(error.effect, Effect::Refused);
        assert_eq!(none_of_aws("SendCommand", 502, "").effect, Effect::Unknown);
    }

    #[test]
    fn lambda_hears_what_kind_of_error_it_was() {
        let heard = |error: ObserveError| {
            let heard = Diagnostic::from(error);
            format!("{}: {}", heard.error_type, heard.error_message)
        };
        let denied = CallError::answered("AttachInstances", "AccessDenied", "not authorized", 403);
        assert_eq!(
            heard(denied.into()),
            "AwsCallFailed: AttachInstances failed: AccessDenied: not authorized"
        );
        let gone = GroupName::try_from("ready-pool-pool").unwrap();
        assert_eq!(
            heard(ObserveError::NoGroup(gone)),
            "NoSuchGroup: the group ready-pool-pool does not exist; check the function's settings \
             POOL_GROUP and RETIREMENT_GROUP"
        );
    }
}
