//! AWS's wire protocols: HTTP request to [`Call`], [`Answer`] to HTTP response.
//!
//! Auto Scaling speaks the query protocol (form in, XML out), SSM AWS JSON 1.1 and SQS AWS
//! JSON 1.0. STS, of which there is one operation, speaks the query protocol, too. A request that
//! cannot be understood is answered in the protocol it came in, with the codes AWS uses for it;
//! one for another service hears which ones there are.

pub mod input;
mod json;
mod others;
mod query;
pub mod timestamp;
mod xml;

use crate::api::{Answer, Call, CallError, Service};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use http::{Method, Request, Response};
pub use json::former_code;
pub use others::Shape;

/// How an answer is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Form in, XML out.
    Query {
        /// Of the XML.
        namespace: &'static str,
    },
    /// JSON in and out, the operation in a header.
    Json {
        /// `1.0` or `1.1`, as in the content type.
        version: &'static str,
        /// SQS adds its former query-protocol error code in a header.
        query_compatible: bool,
    },
    /// That of a service which the region does not have.
    Other(Shape),
}

const AUTO_SCALING: Protocol = Protocol::Query {
    namespace: "http://autoscaling.amazonaws.com/doc/2011-01-01/",
};
const JSON_1_0: Protocol = Protocol::Json {
    version: "1.0",
    query_compatible: true,
};
const JSON_1_1: Protocol = Protocol::Json {
    version: "1.1",
    query_compatible: false,
};

/// A request as it was understood: the protocol to answer in, and the call or what is wrong.
#[derive(Debug)]
pub struct Decoded {
    /// The protocol of the answer.
    pub protocol: Protocol,
    /// The region that it is signed for.
    pub region: Option<String>,
    /// The call.
    pub call: Result<Call, CallError>,
}

/// Reads a request. The path is ignored: SQS clients may post to the queue's URL.
pub fn decode(request: &Request<impl AsRef<[u8]>>) -> Decoded {
    let headers = request.headers();
    let body = request.body().as_ref();
    let region = scope(headers, 2).map(str::to_owned);
    if let Some(target) = text(headers, "x-amz-target") {
        let (protocol, call) = json::decode(target, body, service_of(headers));
        return Decoded {
            protocol,
            region,
            call: call.and_then(|call| signed(call, headers)),
        };
    }
    if request.method() == Method::POST && is_form(headers) {
        let (protocol, call) = query::decode(body, service_of(headers));
        return Decoded {
            protocol,
            region,
            call: call.and_then(|call| signed(call, headers)),
        };
    }
    // Neither an X-Amz-Target header nor a form: S3, Lambda and others put the operation into method and path.
    let service = service_of(headers);
    let problem = unknown(service, request.method().as_str());
    let (protocol, code) = match service {
        None | Some("autoscaling" | "sts" | "ssm" | "sqs") => (AUTO_SCALING, "MissingAction"),
        _ => (Protocol::Other(Shape::of_path(service)), UNKNOWN),
    };
    Decoded {
        protocol,
        region,
        call: Err(CallError::sender(code, problem)),
    }
}

/// The code for an operation that is not there, in all protocols but the query protocols.
const UNKNOWN: &str = "UnknownOperationException";

/// What the region says of a request that is for another service.
fn unknown(service: Option<&str>, operation: &str) -> String {
    // `AWSEvents.PutEvents`: the service stands before it already.
    let operation = operation.rsplit('.').next().unwrap_or(operation);
    let asked = match service {
        Some(service) => format!("{service}:{operation}"),
        None => operation.to_owned(),
    };
    format!(
        "the simulated region does not support {asked}: it has autoscaling, ssm, sqs and sts:GetCallerIdentity"
    )
}

/// The service that a request is signed for.
fn service_of(headers: &HeaderMap) -> Option<&str> {
    scope(headers, 3)
}

/// A part of what a request is signed for: `Credential=<key>/<day>/<region>/<service>/aws4_request`.
fn scope(headers: &HeaderMap, part: usize) -> Option<&str> {
    let authorization = text(headers, AUTHORIZATION.as_str())?;
    let (_, scope) = authorization.split_once("Credential=")?;
    scope.split(',').next()?.split('/').nth(part)
}

/// Writes the answer to `operation`. `request_id` goes where AWS puts it.
pub fn encode(
    protocol: Protocol,
    operation: &str,
    request_id: &str,
    answer: &Answer,
) -> Response<Vec<u8>> {
    match protocol {
        Protocol::Query { namespace } => query::encode(namespace, operation, request_id, answer),
        Protocol::Json {
            version,
            query_compatible,
        } => json::encode(version, query_compatible, request_id, answer),
        Protocol::Other(shape) => match answer {
            Err(error) => shape.encode(request_id, error),
            // What the region does not have it never answers.
            Ok(_) => json::encode("1.1", false, request_id, answer),
        },
    }
}

/// Adds the caller: the access key id in the signature. Signatures are not verified.
fn signed(mut call: Call, headers: &HeaderMap) -> Result<Call, CallError> {
    let missing = |code: &str, message: &str| CallError {
        status: 403,
        ..CallError::sender(code, message)
    };
    let authorization = text(headers, AUTHORIZATION.as_str()).ok_or_else(|| {
        missing(
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        )
    })?;
    let caller = authorization
        .split_once("Credential=")
        .and_then(|(_, rest)| rest.split(['/', ',']).next())
        .filter(|key| !key.is_empty())
        .ok_or_else(|| {
            missing(
                "IncompleteSignature",
                "Authorization header requires 'Credential' parameter.",
            )
        })?;
    caller.clone_into(&mut call.caller);
    Ok(call)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_form(headers: &HeaderMap) -> bool {
    text(headers, CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

fn call(service: Service, operation: &str, input: serde_json::Value) -> Call {
    Call {
        service,
        operation: operation.to_owned(),
        input,
        caller: String::new(),
    }
}

#[cfg(test)]
mod tests;
