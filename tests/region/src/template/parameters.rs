//! The values of a template's parameters.

use super::Error;
use serde_json::Value;
use std::collections::BTreeMap;

/// Takes the given values over the declared defaults and checks them: allowed values, bounds and
/// lengths. `AllowedPattern` is not checked (CloudFormation's are Java's regular expressions).
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
            check(&text, declaration).map_err(|problem| Error::new(&place, problem))?;
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

fn check(text: &str, declaration: &Value) -> Result<(), String> {
    if let Some(allowed) = declaration.get("AllowedValues").and_then(Value::as_array)
        && !allowed
            .iter()
            .any(|value| text_of(value).as_deref() == Some(text))
    {
        return Err(format!(
            "{text:?} is not one of {}",
            Value::from(allowed.clone())
        ));
    }
    if declaration["Type"] == "Number" {
        let number: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
        let bound = |name: &str| {
            let bound = declaration.get(name).and_then(text_of)?;
            bound.parse::<f64>().ok()
        };
        if let Some(least) = bound("MinValue").filter(|least| number < *least) {
            return Err(format!("{text} is below its MinValue, {least}"));
        }
        if let Some(most) = bound("MaxValue").filter(|most| number > *most) {
            return Err(format!("{text} is above its MaxValue, {most}"));
        }
    }
    let length = |name: &str| declaration.get(name)?.as_u64();
    let characters = text.chars().count() as u64;
    if length("MinLength").is_some_and(|least| characters < least)
        || length("MaxLength").is_some_and(|most| characters > most)
    {
        return Err(format!("{text:?} has a length that is not allowed"));
    }
    Ok(())
}
