//! The values of a template's parameters.

use super::Error;
use regex_lite::Regex;
use serde_json::Value;
use std::collections::BTreeMap;

/// Takes the given values over the declared defaults and checks them: allowed values, bounds, lengths and patterns.
/// CloudFormation's patterns are Java's regular expressions; one that only Java reads is an error.
pub(super) fn values(
    declared: &Value,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Value>, Error> {
    let none = serde_json::Map::new();
    let declared = declared.as_object().unwrap_or(&none);
    if let Some(unknown) = given.keys().find(|name| !declared.contains_key(*name)) {
        return Err(Error::new(
            "Parameters",
            format!("the template has no parameter {unknown}"),
        ));
    }
    declared
        .iter()
        .map(|(name, declaration)| {
            let place = format!("Parameters.{name}");
            let text = match given.get(name) {
                Some(text) => text.clone(),
                None => declaration
                    .get("Default")
                    .and_then(text_of)
                    .ok_or_else(|| Error::new(&place, "has no default and was not given"))?,
            };
            check(name, &text, declaration)?;
            Ok((name.clone(), typed(text, declaration)))
        })
        .collect()
}

/// A scalar as CloudFormation passes it on: a text.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Lists are written with commas; everything else stays a text.
fn typed(text: String, declaration: &Value) -> Value {
    let kind = declaration["Type"].as_str().unwrap_or("String");
    if kind == "CommaDelimitedList" || kind.starts_with("List<") {
        text.split(',')
            .map(|item| Value::from(item.trim()))
            .collect()
    } else {
        Value::String(text)
    }
}

/// Checks a value; what is wrong with it in CloudFormation's words ("Parameter 'X' must match pattern …"; Parameters
/// reference, `ConstraintDescription`).
fn check(name: &str, text: &str, declaration: &Value) -> Result<(), Error> {
    let Some(problem) = problem(text, declaration)? else {
        return Ok(());
    };
    let constraint = declaration.get("ConstraintDescription").and_then(text_of);
    Err(Error::new(
        "",
        match constraint {
            Some(constraint) => {
                format!(
                    "Parameter {name} failed to satisfy constraint: {constraint} (it is {text:?})"
                )
            }
            None => format!("Parameter '{name}' {problem} (it is {text:?})"),
        },
    ))
}

fn problem(text: &str, declaration: &Value) -> Result<Option<String>, Error> {
    if let Some(allowed) = declaration.get("AllowedValues").and_then(Value::as_array)
        && !allowed
            .iter()
            .any(|value| text_of(value).as_deref() == Some(text))
    {
        let allowed = Value::from(allowed.clone());
        return Ok(Some(format!("must be one of AllowedValues {allowed}")));
    }
    if declaration["Type"] == "Number" {
        let Ok(number) = text.parse::<f64>() else {
            return Ok(Some("must be a number".to_owned()));
        };
        let bound = |name: &str| {
            let bound = declaration.get(name).and_then(text_of)?;
            bound.parse::<f64>().ok()
        };
        if let Some(least) = bound("MinValue").filter(|least| number < *least) {
            return Ok(Some(format!("must be a number not less than {least}")));
        }
        if let Some(most) = bound("MaxValue").filter(|most| number > *most) {
            return Ok(Some(format!("must be a number not greater than {most}")));
        }
    }
    let length = |name: &str| declaration.get(name).and_then(text_of)?.parse().ok();
    let characters = text.chars().count();
    if let Some(least) = length("MinLength").filter(|least| characters < *least) {
        return Ok(Some(format!("must contain at least {least} characters")));
    }
    if let Some(most) = length("MaxLength").filter(|most| characters > *most) {
        return Ok(Some(format!("must contain at most {most} characters")));
    }
    if let Some(pattern) = declaration.get("AllowedPattern").and_then(text_of) {
        // Each value of a list, and each as a whole (Parameters reference).
        let whole = Regex::new(&format!("^(?:{pattern})$"));
        let whole = whole.map_err(|error| Error::new("AllowedPattern", error))?;
        let fits = match typed(text.to_owned(), declaration) {
            Value::Array(items) => items
                .iter()
                .filter_map(text_of)
                .all(|item| whole.is_match(&item)),
            _ => whole.is_match(text),
        };
        if !fits {
            return Ok(Some(format!("must match pattern {pattern}")));
        }
    }
    Ok(None)
}
