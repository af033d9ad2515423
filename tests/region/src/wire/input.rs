//! Reads an operation's input into its typed structure.
//!
//! The query protocol has only strings, so numbers, flags and empty lists are read from strings
//! too; and strings from numbers, because templates are lax about them. What is missing or not supported is answered in AWS's words where AWS has words for it:
//! derive inputs with `deny_unknown_fields`, so no parameter is silently ignored.

use crate::api::CallError;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;
use std::fmt;

/// Reads `value`. `code` is the service's catch-all: `ValidationError` in Auto Scaling,
/// `ValidationException` in SSM.
pub fn read<T: DeserializeOwned>(value: &Value, code: &str) -> Result<T, CallError> {
    T::deserialize(Lenient(value)).map_err(|problem| CallError::sender(code, problem.0))
}

/// A value whose strings also serve as numbers, flags and empty lists.
#[derive(Clone, Copy)]
struct Lenient<'v>(&'v Value);

#[derive(Debug)]
struct Problem(String);

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Problem {}

impl serde::de::Error for Problem {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        let mut name = field.to_owned();
        name[..1].make_ascii_lowercase();
        Self(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: \
             Member must not be null"
        ))
    }

    fn unknown_field(field: &str, _expected: &'static [&'static str]) -> Self {
        Self(format!(
            "the simulated region does not support the parameter {field}"
        ))
    }
}

macro_rules! from_text {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            match self.0 {
                Value::String(text) => match text.parse::<$type>() {
                    Ok(value) => visitor.$visit(value),
                    Err(_) => Err(serde::de::Error::invalid_value(
                        Unexpected::Str(text),
                        &visitor,
                    )),
                },
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Lenient<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::Number(number) => {
                if let Some(number) = number.as_u64() {
                    visitor.visit_u64(number)
                } else if let Some(number) = number.as_i64() {
                    visitor.visit_i64(number)
                } else {
                    visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN))
                }
            }
            Value::String(text) => visitor.visit_str(text),
            Value::Array(items) => {
                visitor.visit_seq(SeqDeserializer::new(items.iter().map(Lenient)))
            }
            Value::Object(members) => visitor.visit_map(MapDeserializer::new(
                members
                    .iter()
                    // A null is an absent member, as in AWS JSON.
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| (name.as_str(), Lenient(value))),
            )),
        }
    }

    from_text! {
        deserialize_bool visit_bool bool;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_f64 visit_f64 f64;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.0 {
            // `InstanceIds=` is how the query protocol writes an empty list.
            Value::String(text) if text.is_empty() => {
                visitor.visit_seq(SeqDeserializer::new(std::iter::empty::<Self>()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.0 {
            Value::Number(number) => visitor.visit_string(number.to_string()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u128 f32 char bytes byte_buf unit unit_struct tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_, Problem> for Lenient<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Input {
        group_name: String,
        size: Option<u32>,
        #[serde(default)]
        ids: Vec<String>,
        honor: Option<bool>,
    }

    fn read(value: &Value) -> Result<Input, String> {
        super::read(value, "ValidationError").map_err(|error| error.message)
    }

    #[test]
    fn strings_serve_as_numbers_flags_and_empty_lists() {
        let expected = |ids: &[&str]| Input {
            group_name: "7".to_owned(),
            size: Some(3),
            ids: ids.iter().map(ToString::to_string).collect(),
            honor: Some(true),
        };
        let form = json!({"GroupName": "7", "Size": "3", "Ids": "", "Honor": "true"});
        assert_eq!(read(&form), Ok(expected(&[])));
        let typed = json!({"GroupName": 7, "Size": 3, "Ids": ["a"], "Honor": true});
        assert_eq!(read(&typed), Ok(expected(&["a"])));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(
            read(&json!({})).unwrap_err(),
            "1 validation error detected: Value null at 'groupName' failed to satisfy \
             constraint: Member must not be null"
        );
        assert_eq!(
            read(&json!({"GroupName": "g", "Colour": "red"})).unwrap_err(),
            "the simulated region does not support the parameter Colour"
        );
        assert!(
            read(&json!({"GroupName": "g", "Size": "many"}))
                .unwrap_err()
                .contains("\"many\"")
        );
    }
}
