//! The message formats as JSON Schemas (draft 2020-12), made from the types that read and write
//! them. The files are in `docs/schemas`; this crate's tests keep them true.
#![allow(
    clippy::indexing_slicing,
    reason = "of JSON, where what is absent reads as null"
)]

use ready_pool_core::claim::Claim;
use ready_pool_core::message::Message;
use ready_pool_core::outcome::Outcome;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Every schema by the name of its file in `docs/schemas`, without `.json`.
pub fn all() -> BTreeMap<String, Value> {
    let mut schemas = BTreeMap::from([
        ("claim".to_owned(), what_is_read::<Claim>()),
        ("outcome".to_owned(), what_is_written::<Outcome>()),
    ]);
    schemas.extend(between_functions());
    schemas
}

/// One schema for each kind of message between our functions, named by its tag.
fn between_functions() -> BTreeMap<String, Value> {
    let any = what_is_read::<Message>();
    let kinds = any["oneOf"].as_array().cloned().unwrap_or_default();
    kinds
        .into_iter()
        .map(|mut kind| {
            let name = kind["properties"]["ready_pool"]["const"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            kind["$schema"] = any["$schema"].clone();
            kind["title"] = json!(name);
            (name, kind)
        })
        .collect()
}

/// The schema of what a type is read from.
fn what_is_read<T: JsonSchema>() -> Value {
    schema::<T>(SchemaSettings::draft2020_12().for_deserialize())
}

/// The schema of what a type is written as.
fn what_is_written<T: JsonSchema>() -> Value {
    schema::<T>(SchemaSettings::draft2020_12().for_serialize())
}

/// Whole in itself: a reader follows no references.
fn schema<T: JsonSchema>(settings: SchemaSettings) -> Value {
    settings
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}
