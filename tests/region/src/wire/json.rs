//! AWS JSON 1.0 (SQS) and 1.1 (SSM).

use super::{JSON_1_0, JSON_1_1, Protocol};
use crate::api::{Answer, Call, CallError, Service};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

/// The header that has the error code of a REST service.
pub(super) const ERROR_TYPE: &str = "x-amzn-errortype";

/// Reads a request by its `X-Amz-Target` header. The caller is filled in later.
pub(super) fn decode(
    target: &str,
    body: &[u8],
    service: Option<&str>,
) -> (Protocol, Result<Call, CallError>) {
    let unknown = |operation: &str| {
        let problem = super::unknown(service, operation);
        CallError::sender(super::UNKNOWN, problem)
    };
    let (prefix, operation) = target.split_once('.').unwrap_or((target, ""));
    let (known, protocol) = match prefix {
        "AmazonSSM" => (Service::Ssm, JSON_1_1),
        "AmazonSQS" => (Service::Sqs, JSON_1_0),
        _ => return (JSON_1_1, Err(unknown(target))),
    };
    if operation.is_empty() {
        return (protocol, Err(unknown(target)));
    }
    let call = structure(body).map(|input| super::call(known, operation, input));
    (protocol, call)
}

fn structure(body: &[u8]) -> Result<Value, CallError> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_slice(body) {
        Ok(input @ Value::Object(_)) => Ok(input),
        Ok(_) => Err(CallError::sender(
            "SerializationException",
            "Start of structure or map found where not expected.",
        )),
        Err(error) => Err(CallError::sender(
            "SerializationException",
            format!("the body is not JSON: {error}"),
        )),
    }
}

/// Writes an answer.
pub(super) fn encode(
    version: &str,
    query_compatible: bool,
    request_id: &str,
    answer: &Answer,
) -> Response<Vec<u8>> {
    let mut response = Response::builder()
        .header("content-type", format!("application/x-amz-json-{version}"))
        .header("x-amzn-requestid", request_id);
    let (status, body) = match answer {
        Ok(Value::Null) => (200, json!({})),
        Ok(output) => (200, output.clone()),
        Err(error) => {
            let mut kind = error.code.clone();
            if query_compatible {
                let fault = if error.status < 500 {
                    "Sender"
                } else {
                    "Receiver"
                };
                let code = former_code(&error.code);
                response = response.header("x-amzn-query-error", format!("{code};{fault}"));
                kind = format!("com.amazonaws.sqs#{kind}");
            }
            let body = json!({ "__type": kind, "message": error.message });
            (error.status, body)
        }
    };
    response
        .status(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .body(body.to_string().into_bytes())
        .expect("a well-formed response")
}

/// The code that an SQS error had in the query protocol (`awsQueryError` in the API model).
/// Clients such as boto3 still show it.
pub fn former_code(code: &str) -> String {
    match code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
        "QueueNameExists" => "QueueAlreadyExists".to_owned(),
        "AccessDeniedException" => "AccessDenied".to_owned(),
        "BatchEntryIdsNotDistinct"
        | "BatchRequestTooLong"
        | "EmptyBatchRequest"
        | "InvalidBatchEntryId"
        | "PurgeQueueInProgress"
        | "QueueDeletedRecently"
        | "TooManyEntriesInBatchRequest"
        | "UnsupportedOperation" => format!("AWS.SimpleQueueService.{code}"),
        other => other.to_owned(),
    }
}
