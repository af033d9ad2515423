//! Where each field of a claim must also be: what `CONTRIBUTING.md` marks in "Add a claim option".

use crate::files::{checked_in, repository};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// The fields of a claim and of its `init`, as the schema has them.
fn fields() -> BTreeSet<String> {
    let schema = checked_in("claim");
    let named = |object: &Value| -> Vec<String> {
        let properties = object["properties"].as_object().unwrap();
        properties.keys().cloned().collect()
    };
    let mut fields: BTreeSet<String> = named(&schema).into_iter().collect();
    fields.extend(named(&schema["properties"]["init"]));
    assert!(fields.len() >= 11, "{fields:?}");
    fields
}

fn text(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap()
}

#[test]
fn the_full_example_has_every_option() {
    let example: Value =
        serde_json::from_str(&text("docs/schemas/examples/claim.full.json")).unwrap();
    for field in fields() {
        assert!(
            example.get(&field).is_some() || example["init"].get(&field).is_some(),
            "no {field} in docs/schemas/examples/claim.full.json"
        );
    }
}

#[test]
fn the_page_of_claims_explains_every_option() {
    let claims = text("docs/claims.md");
    for field in fields() {
        let explained = claims.lines().any(|line| {
            line.starts_with(&format!("| `{field}` |"))
                || line.starts_with(&format!("| `init.{field}` |"))
                || field == "init"
        });
        assert!(explained, "no row for {field} in docs/claims.md");
    }
}

#[test]
fn the_fuzzers_know_every_option() {
    let dictionary = text("tests/fuzz/dictionary");
    for field in fields() {
        let word = format!(r#""\"{field}\":""#);
        assert!(
            dictionary.lines().any(|line| line == word),
            "no {word} in tests/fuzz/dictionary"
        );
    }
}
