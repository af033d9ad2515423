//! The part of JSON path that EventBridge knows: `$.detail.instance-id`, `$.resources[0]`.

use serde_json::Value;

/// A path into an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
}

impl Path {
    /// Reads a path.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused = || format!("`{text}` is not a path of the form $.field.field[0]");
        let rest = text.strip_prefix('$').ok_or_else(refused)?;
        let mut steps = Vec::new();
        if rest.is_empty() {
            return Ok(Self { steps });
        }
        for part in rest.strip_prefix('.').ok_or_else(refused)?.split('.') {
            let mut pieces = part.split('[');
            let field = pieces.next().unwrap_or_default();
            let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if field.is_empty() || !field.chars().all(fine) {
                return Err(refused());
            }
            steps.push(Step::Field(field.to_owned()));
            for piece in pieces {
                let index = piece
                    .strip_suffix(']')
                    .and_then(|digits| digits.parse().ok())
                    .ok_or_else(refused)?;
                steps.push(Step::Index(index));
            }
        }
        Ok(Self { steps })
    }

    /// What it points at.
    pub fn find<'event>(&self, event: &'event Value) -> Option<&'event Value> {
        self.steps.iter().try_fold(event, |value, step| match step {
            Step::Field(name) => value.get(name),
            Step::Index(index) => value.get(index),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths() {
        let event = json!({"detail": {"instance-id": "i-1"}, "resources": ["a", "b"]});
        let find = |path: &str| Path::parse(path).unwrap().find(&event).cloned();
        assert_eq!(find("$.detail.instance-id"), Some(json!("i-1")));
        assert_eq!(find("$.resources[1]"), Some(json!("b")));
        assert_eq!(find("$.detail.x"), None);
        assert_eq!(find("$"), Some(event.clone()));
        assert!(Path::parse("detail").is_err());
        assert!(Path::parse("$..x").is_err());
    }
}
