//! What a JSON Schema can say of the messages beyond their fields and types: limits that
//! [`crate::claim::Claim::parse`] checks in code. `tests/schemas` holds both against each other.
//!
//! Patterns are written for every dialect: no look-ahead, no class that dialects define differently.

use crate::claim::MAX_WORKING_DIRECTORY_BYTES;
use crate::create_target::{MAX_TAG_KEY, MAX_TAG_VALUE, MAX_TARGET_TAGS};
use crate::preferences::{MAX_NAME_BYTES, MAX_PREFERENCES};
use crate::variable;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// Neither empty nor blank: some character that Unicode does not call white space.
const NOT_BLANK: &str = "[^\\u0009-\\u000d\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

/// A point in time as RFC 3339 writes it, which is stricter than any pattern of it.
pub(crate) struct Moment;

impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}.[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
        })
    }
}

/// A moment, or so many seconds after one ([`crate::deadline`]).
pub(crate) struct Deadline;

impl JsonSchema for Deadline {
    fn schema_name() -> Cow<'static, str> {
        "Deadline".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let moment = Moment::json_schema(generator);
        json_schema!({
            "oneOf": [
                moment,
                {
                    "type": "object",
                    "properties": {
                        "seconds": {"type": "integer", "minimum": 0, "maximum": u32::MAX},
                        "after": moment,
                    },
                    "required": ["seconds", "after"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

/// Text without `{{`, NUL, U+FFFE and U+FFFF, and whatever else `and` asks.
fn text(and: &Schema) -> Schema {
    let mut schema = json_schema!({
        "type": "string",
        "not": {"pattern": "\\{\\{|[\\u0000\\ufffe\\uffff]"}
    });
    for (keyword, value) in and.as_object().into_iter().flatten() {
        schema.insert(keyword.clone(), value.clone());
    }
    schema
}

/// `init.commands`.
pub(crate) fn commands(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "minItems": 1,
        "contains": {"type": "string", "pattern": NOT_BLANK},
        // Of the first line no `#!` with a carriage return at its end.
        "prefixItems": [text(&json_schema!({
            "not": {"pattern": "\\{\\{|[\\u0000\\ufffe\\uffff]|^#![^\\n]*\\r(\\n|$)"}
        }))],
        "items": text(&json_schema!({}))
    })
}

/// `init.environment`.
pub(crate) fn environment(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = [&variable::SET[..], &variable::RUN, &variable::RUN_BY_NAME].concat();
    json_schema!({
        "type": "object",
        "propertyNames": {
            "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$",
            "not": {"anyOf": [{"pattern": "^(BASH|READY_POOL_)"}, {"enum": names}]}
        },
        "additionalProperties": text(&json_schema!({}))
    })
}

/// `init.working_directory`.
pub(crate) fn working_directory(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "null"],
        "pattern": "^/[^\\u0000-\\u001f\\u007f-\\u009f]*$",
        "not": {"type": "string", "pattern": "\\{\\{|[\\ufffe\\uffff]"},
        "maxLength": MAX_WORKING_DIRECTORY_BYTES
    })
}

/// `preferences.zones` and `preferences.instance_types`.
pub(crate) fn names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": MAX_PREFERENCES,
        "items": {"type": "string", "pattern": "^[a-z0-9.-]+$", "maxLength": MAX_NAME_BYTES}
    })
}

/// `create_target.tags`.
pub(crate) fn tags(_: &mut SchemaGenerator) -> Schema {
    const NO_CONTROL: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f\\ufffe\\uffff]*$";
    json_schema!({
        "type": "object",
        "maxProperties": MAX_TARGET_TAGS,
        "propertyNames": {
            "minLength": 1,
            "maxLength": MAX_TAG_KEY,
            "pattern": NO_CONTROL,
            "not": {"pattern": "^([Rr][Ee][Aa][Dd][Yy]-[Pp][Oo][Oo][Ll]|[Aa][Ww][Ss]):"}
        },
        "additionalProperties": {"type": "string", "maxLength": MAX_TAG_VALUE, "pattern": NO_CONTROL}
    })
}
