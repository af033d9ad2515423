//! How the services that the region does not have write an error, so that their clients show what it says.

use super::json;
use super::xml::Xml;
use crate::api::CallError;
use http::{Response, StatusCode};
use serde_json::json;

/// The shape of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// EC2's query protocol.
    Ec2,
    /// S3.
    S3,
    /// REST and JSON: Lambda, EventBridge Scheduler and most others.
    Rest,
}

impl Shape {
    /// Of a request with the operation in method and path.
    pub(super) fn of_path(service: Option<&str>) -> Self {
        match service {
            Some("s3") => Self::S3,
            _ => Self::Rest,
        }
    }

    pub(super) fn encode(self, request_id: &str, error: &CallError) -> Response<Vec<u8>> {
        let response = Response::builder()
            .status(StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST))
            .header("x-amzn-requestid", request_id);
        let mut xml = Xml::default();
        let (content_type, body) = match self {
            Self::Ec2 => {
                for name in ["Response", "Errors", "Error"] {
                    xml.open(name);
                }
                xml.text("Code", &error.code);
                xml.text("Message", &error.message);
                xml.close("Error");
                xml.close("Errors");
                xml.text("RequestID", request_id);
                xml.close("Response");
                ("text/xml", xml.finish())
            }
            Self::S3 => {
                xml.open("Error");
                xml.text("Code", &error.code);
                xml.text("Message", &error.message);
                xml.text("RequestId", request_id);
                xml.close("Error");
                ("application/xml", xml.finish())
            }
            Self::Rest => {
                let body = json!({ "message": error.message });
                ("application/json", body.to_string())
            }
        };
        response
            .header("content-type", content_type)
            .header(json::ERROR_TYPE, &error.code)
            .body(body.into_bytes())
            .expect("a well-formed response")
    }
}
