//! The errors of SQS: codes as in the service's JSON model, texts as the service words them (source
//! of most: `LocalStack`'s tests, whose snapshots were recorded at AWS, `test_sqs.snapshot.json`).

use crate::api::CallError;

pub(super) fn no_queue() -> CallError {
    CallError::sender("QueueDoesNotExist", "The specified queue does not exist.")
}

pub(super) fn missing(parameter: &str) -> CallError {
    CallError::sender(
        "MissingParameter",
        format!("The request must contain the parameter {parameter}."),
    )
}

pub(super) fn invalid(message: impl Into<String>) -> CallError {
    CallError::sender("InvalidParameterValue", message)
}

pub(super) fn invalid_value(
    value: impl std::fmt::Display,
    parameter: &str,
    reason: &str,
) -> CallError {
    invalid(format!(
        "Value {value} for parameter {parameter} is invalid. Reason: {reason}"
    ))
}

pub(super) fn not_for_this_queue_type(value: impl std::fmt::Display, parameter: &str) -> CallError {
    invalid_value(
        value,
        parameter,
        "The request include parameter that is not valid for this queue type.",
    )
}

pub(super) fn malformed_receipt(handle: &str) -> CallError {
    CallError::sender(
        "ReceiptHandleIsInvalid",
        format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
    )
}

pub(super) fn expired_receipt(handle: &str) -> CallError {
    invalid_value(handle, "ReceiptHandle", "The receipt handle has expired.")
}
