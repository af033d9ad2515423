//! The files are what the types say. After a change: `UPDATE_SCHEMAS=1 cargo test --test schemas`.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// A path in the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// The schema with this name, as it is checked in.
pub(crate) fn checked_in(name: &str) -> Value {
    let path = repository(&format!("docs/schemas/{name}.json"));
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn each_file_is_what_its_type_says() {
    let generated = schemas::all();
    let folder = repository("docs/schemas");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        for (name, schema) in &generated {
            let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
            fs::write(folder.join(format!("{name}.json")), text).unwrap();
        }
    }
    let files: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    assert_eq!(files, generated.keys().cloned().collect());
    for (name, schema) in generated {
        assert!(
            checked_in(&name) == schema,
            "docs/schemas/{name}.json is not what the types say; see the change after\n\
             UPDATE_SCHEMAS=1 cargo test --test schemas"
        );
    }
}

#[test]
fn a_schema_stands_alone_and_is_for_people_too() {
    for (name, schema) in schemas::all() {
        assert!(!schema.to_string().contains("\"$ref\""), "{name}");
        assert!(schema["description"].is_string(), "{name}");
        assert!(schema["title"].is_string(), "{name}");
    }
}
