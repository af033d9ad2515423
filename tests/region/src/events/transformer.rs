//! Input transformers: a target's own text made of parts of the event.
//!
//! Source: EventBridge User Guide, "Amazon EventBridge input transformation".

use super::path::Path;
use serde_json::Value;
use std::collections::BTreeMap;

/// Named parts of the event, and the template they are put into.
#[derive(Clone, Debug)]
pub struct Transformer {
    paths: BTreeMap<String, Path>,
    template: String,
}

impl Transformer {
    /// Reads a transformer. Every `<name>` of the template must be one of `paths`.
    pub fn parse(paths: &BTreeMap<String, String>, template: &str) -> Result<Self, String> {
        let parsed = paths
            .iter()
            .map(|(name, path)| Ok((name.clone(), Path::parse(path)?)))
            .collect::<Result<BTreeMap<_, _>, String>>()?;
        let transformer = Self {
            paths: parsed,
            template: template.to_owned(),
        };
        for piece in transformer.pieces() {
            if let Piece::Name(name) = piece
                && !transformer.paths.contains_key(name)
            {
                return Err(format!(
                    "input template: `<{name}>` is not in InputPathsMap (nor, as far as the \
                     simulated region knows, reserved)"
                ));
            }
        }
        Ok(transformer)
    }

    /// The input for one event. A text inside quotes of the template is put in as it is, anything
    /// else as JSON; what the event does not have becomes nothing.
    pub fn apply(&self, event: &Value) -> String {
        let mut output = String::new();
        for piece in self.pieces() {
            match piece {
                Piece::Text(text) => output.push_str(text),
                Piece::Name(name) => {
                    let quoted = output.matches('"').count() % 2 == 1;
                    match self.paths[name].find(event) {
                        Some(Value::String(text)) if quoted => {
                            let json = Value::from(text.as_str()).to_string();
                            output.push_str(&json[1..json.len() - 1]);
                        }
                        Some(value) => output.push_str(&value.to_string()),
                        None => {}
                    }
                }
            }
        }
        output
    }

    fn pieces(&self) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        let mut rest = self.template.as_str();
        while let Some(start) = rest.find('<') {
            let Some(length) = rest[start..].find('>') else {
                break;
            };
            pieces.push(Piece::Text(&rest[..start]));
            pieces.push(Piece::Name(&rest[start + 1..start + length]));
            rest = &rest[start + length + 1..];
        }
        pieces.push(Piece::Text(rest));
        pieces
    }
}

enum Piece<'template> {
    Text(&'template str),
    Name(&'template str),
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_of_the_event_go_into_the_template() {
        let paths = BTreeMap::from([
            ("name".to_owned(), "$.detail.alarmName".to_owned()),
            ("id".to_owned(), "$.id".to_owned()),
        ]);
        let template = r#"{"order": "alarm-<id>", "name": <name>}"#;
        let transformer = Transformer::parse(&paths, template).unwrap();
        assert_eq!(
            transformer.apply(&json!({"id": "7", "detail": {"alarmName": "a\"b"}})),
            r#"{"order": "alarm-7", "name": "a\"b"}"#
        );
        assert!(Transformer::parse(&paths, "<other>").is_err());
    }
}
