//! Message attributes, and the digests over them that the SDKs verify.

use super::errors::{invalid, invalid_value};
use crate::api::CallError;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One attribute, as the JSON protocol writes it; a binary value is base64 text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, with an optional `.suffix`.
    pub data_type: String,
    /// The value of a `String` or `Number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// The value of a `Binary`, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

impl MessageAttribute {
    /// A text.
    pub fn string(value: impl Into<String>) -> Self {
        Self {
            data_type: "String".to_owned(),
            string_value: Some(value.into()),
            binary_value: None,
        }
    }

    fn is_binary(&self) -> bool {
        self.data_type.split('.').next() == Some("Binary")
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        if self.is_binary() {
            aws_smithy_types::base64::decode(self.binary_value.as_ref()?).ok()
        } else {
            self.string_value.clone().map(String::into_bytes)
        }
    }
}

/// The attributes of one message.
pub type MessageAttributes = BTreeMap<String, MessageAttribute>;

/// What the attributes add to the size of their message, in bytes: names, types and values.
pub(super) fn size(attributes: &MessageAttributes) -> usize {
    attributes
        .iter()
        .map(|(name, attribute)| {
            name.len() + attribute.data_type.len() + attribute.bytes().map_or(0, |b| b.len())
        })
        .sum()
}

/// Checks count, types and values.
pub(super) fn check(attributes: &MessageAttributes) -> Result<(), CallError> {
    if attributes.len() > 10 {
        return Err(invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [10].",
            attributes.len()
        )));
    }
    for (name, attribute) in attributes {
        let kind = attribute.data_type.split('.').next().unwrap_or_default();
        if !matches!(kind, "String" | "Number" | "Binary") {
            return Err(invalid(format!(
                "The type of message (user) attribute '{name}' is invalid. You must use only \
                 the following supported type prefixes: Binary, Number, String."
            )));
        }
        match attribute.bytes() {
            Some(bytes) if !bytes.is_empty() => {}
            _ => {
                return Err(invalid(format!(
                    "Message (user) attribute '{name}' must contain a non-empty value of type \
                     '{kind}'."
                )));
            }
        }
        if kind == "Number"
            && attribute
                .string_value
                .as_ref()
                .is_some_and(|text| text.parse::<f64>().is_err())
        {
            return Err(invalid_value(
                attribute.string_value.as_deref().unwrap_or_default(),
                name,
                "Can't cast the value of message (user) attribute to a number.",
            ));
        }
    }
    Ok(())
}

/// MD5 of a text, in hex.
pub fn md5_of_body(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

/// MD5 over the attributes, in hex; `None` when there are none. Algorithm: SQS Developer Guide,
/// "Calculating the MD5 message digest for message attributes".
pub fn md5_of_attributes(attributes: &MessageAttributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    let part = |digest: &mut Md5, bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).expect("messages are small");
        digest.update(length.to_be_bytes());
        digest.update(bytes);
    };
    for (name, attribute) in attributes {
        part(&mut digest, name.as_bytes());
        part(&mut digest, attribute.data_type.as_bytes());
        digest.update([if attribute.is_binary() { 2 } else { 1 }]);
        part(&mut digest, &attribute.bytes().unwrap_or_default());
    }
    Some(hex(&digest.finalize()))
}

/// Bytes in hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_that_boto3_expects() {
        assert_eq!(md5_of_body("hello"), "5d41402abc4b2a76b9719d911017c592");
        assert_eq!(md5_of_attributes(&MessageAttributes::new()), None);
        // As in moto's test `test_message_with_attributes_have_labels`.
        let attributes = MessageAttributes::from([(
            "timestamp".to_owned(),
            MessageAttribute {
                data_type: "Number.java.lang.Long".to_owned(),
                string_value: Some("1493147359900".to_owned()),
                binary_value: None,
            },
        )]);
        assert_eq!(
            md5_of_attributes(&attributes).as_deref(),
            Some("2e2e4876d8e0bd6b8c2c8f556831c349")
        );
    }

    #[test]
    fn a_type_that_sqs_does_not_know_is_refused() {
        let attributes = MessageAttributes::from([(
            "a".to_owned(),
            MessageAttribute {
                data_type: "Date".to_owned(),
                string_value: Some("x".to_owned()),
                binary_value: None,
            },
        )]);
        assert!(check(&attributes).is_err());
    }
}
