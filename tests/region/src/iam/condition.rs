//! The conditions of statements.
//!
//! Source: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Multivalued
//! context keys". What is not known here is an error when a policy is read: a condition that is
//! passed over would allow or deny in silence.

use super::actions;
use super::document::strings;
use super::pattern::{matches, matches_arn};
use serde_json::Value;
use std::collections::BTreeMap;

/// The condition keys of a request, in lower case (they are compared without it), and their
/// values. A key that is not there is absent, which is something else than empty.
pub(super) type Context = BTreeMap<String, Vec<String>>;

/// One operator with one key.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    operator: Operator,
    qualifier: Qualifier,
    if_exists: bool,
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Like,
    /// `ArnEquals` and `ArnLike` are the same.
    Arn,
    Bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Compare(Comparison, Negated),
    Null,
}

type Negated = bool;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Qualifier {
    None,
    ForAllValues,
    ForAnyValue,
}

impl Operator {
    fn parse(name: &str) -> Option<Self> {
        let (comparison, negated) = match name {
            "StringEquals" => (Comparison::Equal, false),
            "StringNotEquals" => (Comparison::Equal, true),
            "StringLike" => (Comparison::Like, false),
            "StringNotLike" => (Comparison::Like, true),
            "ArnEquals" | "ArnLike" => (Comparison::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Comparison::Arn, true),
            "Bool" => (Comparison::Bool, false),
            "Null" => return Some(Self::Null),
            _ => return None,
        };
        Some(Self::Compare(comparison, negated))
    }
}

impl Comparison {
    fn holds(self, wanted: &str, is: &str) -> bool {
        match self {
            Self::Equal => wanted == is,
            Self::Like => matches(wanted, is),
            Self::Arn => matches_arn(wanted, is),
            Self::Bool => wanted.eq_ignore_ascii_case(is),
        }
    }
}

/// Reads a statement's `Condition`. `named` are the actions of the statement: a key that none of
/// them has would never be there.
pub(super) fn parse(block: &Value, named: &[String]) -> Result<Vec<Condition>, String> {
    let block = block
        .as_object()
        .ok_or("Condition: an object is expected")?;
    let mut conditions = Vec::new();
    for (operator, keys) in block {
        let keys = keys
            .as_object()
            .ok_or_else(|| format!("Condition.{operator}: an object is expected"))?;
        for (key, values) in keys {
            let place = format!("Condition.{operator}.{key}");
            let values = strings(values).map_err(|problem| format!("{place}: {problem}"))?;
            conditions.push(one(operator, key, values, named)?);
        }
    }
    Ok(conditions)
}

fn one(name: &str, key: &str, values: Vec<String>, named: &[String]) -> Result<Condition, String> {
    let (qualifier, rest) = match name.split_once(':') {
        None => (Qualifier::None, name),
        Some(("ForAllValues", rest)) => (Qualifier::ForAllValues, rest),
        Some(("ForAnyValue", rest)) => (Qualifier::ForAnyValue, rest),
        Some(_) => return Err(unknown_operator(name)),
    };
    let (rest, if_exists) = match rest.strip_suffix("IfExists") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let operator = Operator::parse(rest).ok_or_else(|| unknown_operator(name))?;
    if operator == Operator::Null && (if_exists || qualifier != Qualifier::None) {
        return Err(unknown_operator(name));
    }
    actions::check_key(key, named)?;
    if actions::is_multivalued(key) == (qualifier == Qualifier::None) && operator != Operator::Null
    {
        return Err(format!(
            "{name} does not fit the condition key {key}: ForAllValues and ForAnyValue are for \
             keys with many values"
        ));
    }
    if values.iter().any(|value| value.contains("${")) {
        return Err(format!(
            "{name}.{key}: policy variables are not known to the simulated region"
        ));
    }
    Ok(Condition {
        operator,
        qualifier,
        if_exists,
        key: key.to_lowercase(),
        values,
    })
}

fn unknown_operator(name: &str) -> String {
    format!("the condition operator {name} is not known to the simulated region")
}

impl Condition {
    /// Whether a request fulfils it.
    pub(super) fn holds(&self, context: &Context) -> bool {
        let values = context.get(&self.key).map_or(&[][..], Vec::as_slice);
        let (comparison, negated) = match self.operator {
            Operator::Null => {
                let wants_absence = self.values.iter().any(|value| value == "true");
                return values.is_empty() == wants_absence;
            }
            Operator::Compare(comparison, negated) => (comparison, negated),
        };
        if values.is_empty() {
            return match self.qualifier {
                Qualifier::ForAllValues => true,
                Qualifier::ForAnyValue => self.if_exists,
                Qualifier::None => self.if_exists || negated,
            };
        }
        let mut each = values.iter().map(|is| {
            let any = self
                .values
                .iter()
                .any(|wanted| comparison.holds(wanted, is));
            any != negated
        });
        match self.qualifier {
            Qualifier::ForAnyValue => each.any(|holds| holds),
            // A key with one value has one.
            Qualifier::None | Qualifier::ForAllValues => each.all(|holds| holds),
        }
    }
}
