//! A JSON Schema validator that nobody here wrote.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

/// One compiled schema.
pub(crate) struct Validator {
    schemas: Schemas,
    schema: SchemaIndex,
}

impl Validator {
    /// The schema with this name, from `docs/schemas`.
    pub(crate) fn of(name: &str) -> Self {
        let url = format!("http://schemas.invalid/{name}.json");
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler
            .add_resource(&url, crate::files::checked_in(name))
            .unwrap();
        let schema = compiler.compile(&url, &mut schemas).unwrap();
        Self { schemas, schema }
    }

    /// Why the message does not fit the schema, if so.
    pub(crate) fn check(&self, message: &Value) -> Result<(), String> {
        self.schemas
            .validate(message, self.schema)
            .map_err(|error| error.to_string())
    }
}
