//! Event patterns.
//!
//! Source: EventBridge User Guide, "Creating event patterns". An operator that is not known here
//! is an error when the pattern is read, never ignored.

use serde_json::{Map, Number, Value};

/// What a rule accepts.
#[derive(Clone, Debug)]
pub struct Pattern {
    fields: Vec<(String, Node)>,
    /// `$or` at this level: each list needs one pattern that matches.
    alternatives: Vec<Vec<Pattern>>,
}

#[derive(Clone, Debug)]
enum Node {
    /// The field is an object (or a list of them) that matches.
    Nested(Pattern),
    /// The field has a value that one of these accepts.
    AnyOf(Vec<Matcher>),
}

#[derive(Clone, Debug)]
enum Matcher {
    Exactly(Value),
    Exists(bool),
    Prefix(String),
    PrefixIgnoringCase(String),
    Suffix(String),
    SuffixIgnoringCase(String),
    EqualsIgnoringCase(String),
    Wildcard(String),
    Numeric(Vec<(Comparison, f64)>),
    AnythingBut(Vec<Matcher>),
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(pattern: &Value) -> Result<Self, String> {
        let object = pattern
            .as_object()
            .ok_or_else(|| format!("an event pattern is an object, not {pattern}"))?;
        if object.is_empty() {
            return Err("an event pattern must not be empty".to_owned());
        }
        let mut parsed = Self {
            fields: Vec::new(),
            alternatives: Vec::new(),
        };
        for (name, value) in object {
            if name == "$or" {
                let list = value
                    .as_array()
                    .filter(|list| list.len() > 1)
                    .ok_or("`$or` takes a list of at least two patterns")?;
                let patterns = list.iter().map(Self::parse).collect::<Result<_, _>>()?;
                parsed.alternatives.push(patterns);
                continue;
            }
            let node = match value {
                Value::Object(_) => {
                    Node::Nested(Self::parse(value).map_err(|error| format!("{name}: {error}"))?)
                }
                Value::Array(list) if !list.is_empty() => Node::AnyOf(
                    list.iter()
                        .map(Matcher::parse)
                        .collect::<Result<_, _>>()
                        .map_err(|error| format!("{name}: {error}"))?,
                ),
                other => {
                    return Err(format!(
                        "{name}: a field is matched by a non-empty list or an object, not {other}"
                    ));
                }
            };
            parsed.fields.push((name.clone(), node));
        }
        Ok(parsed)
    }

    /// Whether it accepts the event.
    pub fn matches(&self, event: &Value) -> bool {
        let object = event.as_object();
        self.fields.iter().all(|(name, node)| {
            let value = object.and_then(|object| object.get(name));
            match node {
                Node::Nested(pattern) => match value {
                    Some(Value::Array(items)) => items.iter().any(|item| pattern.matches(item)),
                    Some(value) => pattern.matches(value),
                    None => pattern.matches(&Value::Null),
                },
                Node::AnyOf(matchers) => matchers.iter().any(|matcher| matcher.matches(value)),
            }
        }) && self
            .alternatives
            .iter()
            .all(|patterns| patterns.iter().any(|pattern| pattern.matches(event)))
    }
}

impl Matcher {
    fn parse(value: &Value) -> Result<Self, String> {
        match value {
            Value::Object(operator) => Self::parse_operator(operator),
            Value::Array(_) => Err(format!("{value}: a list in a list is no pattern")),
            scalar => Ok(Self::Exactly(scalar.clone())),
        }
    }

    fn parse_operator(operator: &Map<String, Value>) -> Result<Self, String> {
        let mut entries = operator.iter();
        let (Some((name, value)), None) = (entries.next(), entries.next()) else {
            return Err(format!("{operator:?}: one operator is expected"));
        };
        let text = |value: &Value| {
            value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| format!("operator `{name}` takes a text, not {value}"))
        };
        let ignoring_case = || value.get("equals-ignore-case").map(text).transpose();
        match name.as_str() {
            "exists" => value
                .as_bool()
                .map(Self::Exists)
                .ok_or_else(|| format!("operator `exists` takes true or false, not {value}")),
            "prefix" => match ignoring_case()? {
                Some(prefix) => Ok(Self::PrefixIgnoringCase(prefix)),
                None => text(value).map(Self::Prefix),
            },
            "suffix" => match ignoring_case()? {
                Some(suffix) => Ok(Self::SuffixIgnoringCase(suffix)),
                None => text(value).map(Self::Suffix),
            },
            "equals-ignore-case" => text(value).map(Self::EqualsIgnoringCase),
            "wildcard" => text(value).map(Self::Wildcard),
            "numeric" => parse_numeric(value).map(Self::Numeric),
            "anything-but" => Self::parse_anything_but(value),
            unknown => Err(format!(
                "operator `{unknown}` is not known to the simulated region"
            )),
        }
    }

    fn parse_anything_but(value: &Value) -> Result<Self, String> {
        let refused = match value {
            Value::Array(list) => list.iter().map(Self::parse).collect::<Result<_, _>>()?,
            // {"anything-but": {"prefix": ["a", "b"]}} lists alternatives inside the operator.
            Value::Object(operator) => match operator.iter().next() {
                Some((name, Value::Array(list))) if name != "numeric" => list
                    .iter()
                    .map(|item| {
                        let single = Map::from_iter([(name.clone(), item.clone())]);
                        Self::parse_operator(&single)
                    })
                    .collect::<Result<_, _>>()?,
                _ => vec![Self::parse_operator(operator)?],
            },
            scalar => vec![Self::Exactly(scalar.clone())],
        };
        Ok(Self::AnythingBut(refused))
    }

    /// A list has any of its values match; `exists` and `anything-but` look at the whole field.
    /// (The user guide does not say what `anything-but` makes of a list: assumed, none of it may
    /// be refused.)
    fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            // Only leaves exist: an object does not.
            (Self::Exists(wanted), value) => {
                value.is_some_and(|value| !value.is_object()) == *wanted
            }
            (_, None) => false,
            (Self::AnythingBut(refused), Some(Value::Array(items))) => items
                .iter()
                .all(|item| refused.iter().all(|matcher| !matcher.matches_scalar(item))),
            (_, Some(Value::Array(items))) => items.iter().any(|item| self.matches_scalar(item)),
            (_, Some(value)) => self.matches_scalar(value),
        }
    }

    fn matches_scalar(&self, value: &Value) -> bool {
        let text = value.as_str();
        let lower = || text.map(str::to_lowercase);
        match self {
            Self::Exactly(Value::Number(wanted)) => value
                .as_number()
                .is_some_and(|number| same_number(wanted, number)),
            Self::Exactly(wanted) => value == wanted,
            Self::Exists(wanted) => *wanted,
            Self::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix)),
            Self::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix)),
            Self::PrefixIgnoringCase(prefix) => {
                lower().is_some_and(|text| text.starts_with(&prefix.to_lowercase()))
            }
            Self::SuffixIgnoringCase(suffix) => {
                lower().is_some_and(|text| text.ends_with(&suffix.to_lowercase()))
            }
            Self::EqualsIgnoringCase(wanted) => {
                lower().is_some_and(|text| text == wanted.to_lowercase())
            }
            Self::Wildcard(wildcard) => text.is_some_and(|text| wildcard_matches(wildcard, text)),
            Self::Numeric(conditions) => value.as_f64().is_some_and(|number| {
                conditions
                    .iter()
                    .all(|(comparison, limit)| comparison.holds(number, *limit))
            }),
            Self::AnythingBut(refused) => {
                !value.is_object() && !refused.iter().any(|matcher| matcher.matches_scalar(value))
            }
        }
    }
}

impl Comparison {
    #[allow(clippy::float_cmp, reason = "equality is what the pattern asks for")]
    fn holds(self, number: f64, limit: f64) -> bool {
        match self {
            Self::Less => number < limit,
            Self::LessOrEqual => number <= limit,
            Self::Equal => number == limit,
            Self::GreaterOrEqual => number >= limit,
            Self::Greater => number > limit,
        }
    }
}

fn parse_numeric(value: &Value) -> Result<Vec<(Comparison, f64)>, String> {
    let refused = || format!("operator `numeric` takes comparisons and numbers, not {value}");
    let list = value.as_array().ok_or_else(refused)?;
    if list.is_empty() || list.len() % 2 == 1 {
        return Err(refused());
    }
    list.chunks(2)
        .map(|pair| {
            let comparison = match pair[0].as_str() {
                Some("<") => Comparison::Less,
                Some("<=") => Comparison::LessOrEqual,
                Some("=") => Comparison::Equal,
                Some(">=") => Comparison::GreaterOrEqual,
                Some(">") => Comparison::Greater,
                _ => return Err(refused()),
            };
            Ok((comparison, pair[1].as_f64().ok_or_else(refused)?))
        })
        .collect()
}

#[allow(clippy::float_cmp, reason = "JSON numbers are compared as written")]
fn same_number(left: &Number, right: &Number) -> bool {
    left == right || left.as_f64() == right.as_f64()
}

fn wildcard_matches(wildcard: &str, text: &str) -> bool {
    let mut parts = wildcard.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matches(pattern: &Value, event: &Value) -> bool {
        Pattern::parse(pattern).unwrap().matches(event)
    }

    #[test]
    fn fields_are_all_needed_and_values_are_alternatives() {
        let pattern = json!({"source": ["aws.ssm"], "detail": {"status": ["Success", "Failed"]}});
        let event = |status| json!({"source": "aws.ssm", "detail": {"status": status}});
        assert!(matches(&pattern, &event("Failed")));
        assert!(!matches(&pattern, &event("InProgress")));
        assert!(!matches(
            &pattern,
            &json!({"detail": {"status": "Success"}})
        ));
    }

    #[test]
    fn a_list_matches_by_any_of_its_values() {
        let event = json!({"resources": ["arn:a", "arn:b"]});
        assert!(matches(&json!({"resources": ["arn:b"]}), &event));
        assert!(matches(&json!({"resources": [{"prefix": "arn:"}]}), &event));
        assert!(!matches(
            &json!({"resources": [{"anything-but": "arn:a"}]}),
            &event
        ));
    }

    #[test]
    fn operators() {
        let name = |pattern: Value| matches(&json!({"n": [pattern]}), &json!({"n": "Pool-1"}));
        assert!(name(json!({"prefix": "Pool"})));
        assert!(name(json!({"prefix": {"equals-ignore-case": "pool"}})));
        assert!(name(json!({"suffix": "-1"})));
        assert!(name(json!({"equals-ignore-case": "POOL-1"})));
        assert!(name(json!({"wildcard": "P*l-*"})));
        assert!(!name(json!({"wildcard": "P*x"})));
        assert!(name(json!({"anything-but": ["Pool-2", "Pool-3"]})));
        assert!(!name(json!({"anything-but": {"prefix": "Pool"}})));
        assert!(!name(json!({"anything-but": {"prefix": ["x", "Pool"]}})));
        assert!(name(json!({"exists": true})));
        assert!(!name(json!({"exists": false})));
        assert!(matches(
            &json!({"m": [{"exists": false}]}),
            &json!({"n": 1})
        ));
        assert!(!matches(
            &json!({"m": [{"anything-but": "x"}]}),
            &json!({"n": 1})
        ));
        let between = json!({"n": [{"numeric": [">", 0, "<=", 5]}]});
        assert!(matches(&between, &json!({"n": 5})));
        assert!(!matches(&between, &json!({"n": 0})));
        assert!(matches(&json!({"n": [1]}), &json!({"n": 1.0})));
    }

    #[test]
    fn or_needs_one_side() {
        let pattern = json!({"$or": [{"a": [1]}, {"b": [2]}]});
        assert!(matches(&pattern, &json!({"a": 0, "b": 2})));
        assert!(!matches(&pattern, &json!({"a": 0, "b": 0})));
    }

    #[test]
    fn an_unknown_operator_is_an_error() {
        let error = Pattern::parse(&json!({"detail": {"ip": [{"cidr": "10.0.0.0/8"}]}}));
        assert_eq!(
            error.unwrap_err(),
            "detail: ip: operator `cidr` is not known to the simulated region"
        );
        assert!(Pattern::parse(&json!({"source": "aws.ssm"})).is_err());
        assert!(Pattern::parse(&json!({})).is_err());
    }
}
