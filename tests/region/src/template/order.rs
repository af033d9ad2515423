//! In which order resources are made: what is referred to comes first.

use super::Error;
use super::resolve::{Piece, function, pieces};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Names of all resources, each after those that it needs.
pub(super) fn of(resources: &Map<String, Value>) -> Result<Vec<String>, Error> {
    let needs: BTreeMap<&str, BTreeSet<String>> = resources
        .iter()
        .map(|(name, resource)| {
            let mut needed = BTreeSet::new();
            collect(
                resource.get("Properties").unwrap_or(&Value::Null),
                &mut needed,
            );
            match resource.get("DependsOn") {
                Some(Value::String(other)) => {
                    needed.insert(other.clone());
                }
                Some(Value::Array(others)) => {
                    needed.extend(others.iter().filter_map(Value::as_str).map(str::to_owned));
                }
                _ => {}
            }
            // Parameters and what is misspelt are found out when the expressions are resolved.
            needed.retain(|other| resources.contains_key(other));
            (name.as_str(), needed)
        })
        .collect();
    let mut order = Vec::new();
    let mut done = BTreeSet::new();
    for name in resources.keys() {
        visit(name, &needs, &mut Vec::new(), &mut done, &mut order)?;
    }
    Ok(order)
}

fn visit(
    name: &str,
    needs: &BTreeMap<&str, BTreeSet<String>>,
    path: &mut Vec<String>,
    done: &mut BTreeSet<String>,
    order: &mut Vec<String>,
) -> Result<(), Error> {
    if done.contains(name) {
        return Ok(());
    }
    if path.iter().any(|other| other == name) {
        return Err(Error::new(
            "Resources",
            format!("{name} needs itself, by way of {path:?}"),
        ));
    }
    path.push(name.to_owned());
    for other in &needs[name] {
        visit(other, needs, path, done, order)?;
    }
    path.pop();
    done.insert(name.to_owned());
    order.push(name.to_owned());
    Ok(())
}

/// Every name that `value` refers to.
fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            match function(object) {
                Some(("Ref", Value::String(name))) => {
                    names.insert(name.clone());
                }
                Some(("Fn::GetAtt", Value::Array(items))) => {
                    names.extend(items.first().and_then(Value::as_str).map(str::to_owned));
                }
                Some(("Fn::Sub", argument)) => {
                    let template = match argument {
                        Value::Array(items) => items.first().unwrap_or(argument),
                        other => other,
                    };
                    for piece in pieces(template.as_str().unwrap_or_default()) {
                        if let Piece::Name(name) = piece {
                            let resource = name.split('.').next().unwrap_or_default();
                            names.insert(resource.to_owned());
                        }
                    }
                }
                _ => {}
            }
            for value in object.values() {
                collect(value, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn order(resources: &Value) -> Result<Vec<String>, Error> {
        of(resources.as_object().unwrap())
    }

    #[test]
    fn what_is_needed_comes_first() {
        let resources = json!({
            "A": {"Properties": {"x": {"Fn::Sub": "${B.Arn}-${AWS::Region}"}}},
            "B": {"Properties": {"x": [{"Fn::GetAtt": ["C", "Arn"]}]}},
            "C": {"DependsOn": "D"},
            "D": {"Properties": {"x": {"Ref": "SomeParameter"}}},
        });
        assert_eq!(order(&resources).unwrap(), ["D", "C", "B", "A"]);
    }

    #[test]
    fn a_circle_is_an_error() {
        let resources = json!({
            "A": {"Properties": {"x": {"Ref": "B"}}},
            "B": {"Properties": {"x": {"Ref": "A"}}},
        });
        assert!(order(&resources).is_err());
    }
}
