//! The query protocol: a form in, XML out.

use super::xml::Xml;
use super::{AUTO_SCALING, Protocol, Shape};
use crate::api::{Answer, Call, CallError, Service};
use http::{Response, StatusCode};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Version, service and namespace of each API that speaks this protocol here.
const APIS: [(&str, Service, Protocol); 2] = [
    ("2011-01-01", Service::AutoScaling, AUTO_SCALING),
    ("2011-06-15", Service::Sts, STS),
];
const STS: Protocol = Protocol::Query {
    namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
};

/// Reads a form. The caller is filled in later.
pub(super) fn decode(body: &[u8], service: Option<&str>) -> (Protocol, Result<Call, CallError>) {
    let version = form_urlencoded::parse(body).find(|(key, _)| key == "Version");
    let version = version.map(|(_, version)| version).unwrap_or_default();
    match APIS.into_iter().find(|(known, ..)| *known == version) {
        Some((_, service, protocol)) => (protocol, read(body, service)),
        None if service == Some("ec2") => {
            (Protocol::Other(Shape::Ec2), read_unknown(body, service))
        }
        None => (AUTO_SCALING, read_unknown(body, service)),
    }
}

/// The form of another service, or of another version.
fn read_unknown(body: &[u8], service: Option<&str>) -> Result<Call, CallError> {
    let call = read(body, Service::AutoScaling)?;
    let problem = super::unknown(service, &call.operation);
    let code = match service {
        None | Some("autoscaling" | "sts") => "NoSuchVersion",
        Some(_) => "InvalidAction",
    };
    Err(CallError::sender(code, problem))
}

fn read(body: &[u8], service: Service) -> Result<Call, CallError> {
    let mut root = Node::default();
    let mut action = None;
    for (key, value) in form_urlencoded::parse(body) {
        match key.as_ref() {
            "Action" => action = Some(value.into_owned()),
            "Version" => {}
            path => root.insert(path, value.into_owned())?,
        }
    }
    let action = action.filter(|action| !action.is_empty()).ok_or_else(|| {
        CallError::sender(
            "MissingAction",
            "The request must contain the parameter Action",
        )
    })?;
    let input = match root.into_value("")? {
        Value::String(_) => Value::Object(Map::new()),
        value => value,
    };
    Ok(super::call(service, &action, input))
}

/// Writes an answer.
pub(super) fn encode(
    namespace: &str,
    operation: &str,
    request_id: &str,
    answer: &Answer,
) -> Response<Vec<u8>> {
    let mut xml = Xml::default();
    let status = match answer {
        Ok(output) => {
            let response = format!("{operation}Response");
            xml.open_in(&response, namespace);
            if !output.is_null() {
                xml.value(&format!("{operation}Result"), output);
            }
            xml.open("ResponseMetadata");
            xml.text("RequestId", request_id);
            xml.close("ResponseMetadata");
            xml.close(&response);
            200
        }
        Err(error) => {
            xml.open_in("ErrorResponse", namespace);
            xml.open("Error");
            let sender = error.status < 500;
            xml.text("Type", if sender { "Sender" } else { "Receiver" });
            xml.text("Code", &error.code);
            xml.text("Message", &error.message);
            xml.close("Error");
            xml.text("RequestId", request_id);
            xml.close("ErrorResponse");
            error.status
        }
    };
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .header("content-type", "text/xml")
        .header("x-amzn-requestid", request_id)
        .body(xml.finish().into_bytes())
        .expect("a well-formed response")
}

/// A place in the tree that the dotted names of a form describe.
#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn insert(&mut self, path: &str, text: String) -> Result<(), CallError> {
        let mut node = self;
        for name in path.split('.') {
            if name.is_empty() {
                return Err(malformed(path));
            }
            node = node.children.entry(name.to_owned()).or_default();
        }
        if node.text.replace(text).is_some() {
            return Err(malformed(path));
        }
        Ok(())
    }

    /// A node with `member.N` below it is a list, ordered by N; another one with children is a
    /// structure.
    fn into_value(self, path: &str) -> Result<Value, CallError> {
        match (self.text, self.children.is_empty()) {
            (Some(text), true) => Ok(Value::String(text)),
            (Some(_), false) => Err(malformed(path)),
            (None, _) => {
                let mut children = self.children;
                if children.len() == 1
                    && let Some(members) = children.remove("member")
                {
                    return members.into_list(path);
                }
                let mut object = Map::new();
                for (name, node) in children {
                    let below = format!("{path}.{name}");
                    object.insert(name, node.into_value(&below)?);
                }
                Ok(Value::Object(object))
            }
        }
    }

    fn into_list(self, path: &str) -> Result<Value, CallError> {
        let mut members = BTreeMap::new();
        for (number, node) in self.children {
            let position: u32 = number.parse().map_err(|_| malformed(path))?;
            members.insert(position, node.into_value(path)?);
        }
        Ok(Value::Array(members.into_values().collect()))
    }
}

fn malformed(path: &str) -> CallError {
    CallError::sender(
        "MalformedQueryString",
        format!(
            "The query string contains a syntax error at {}",
            path.trim_start_matches('.')
        ),
    )
}
