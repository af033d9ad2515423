//! YAML with CloudFormation's tags, as JSON with the long forms of its functions.

use super::Error;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Number, Value, json};

/// Reads a YAML document. `!Sub x` becomes `{"Fn::Sub": "x"}`, `!GetAtt a.b` becomes
/// `{"Fn::GetAtt": ["a", "b"]}`.
pub(super) fn parse(text: &str) -> Result<Value, Error> {
    let mut documents = Yaml::load_from_str(text).map_err(|error| Error::new("", error))?;
    if documents.len() != 1 {
        return Err(Error::new("", "one YAML document is expected"));
    }
    to_json(&documents.remove(0), "")
}

fn to_json(yaml: &Yaml<'_>, place: &str) -> Result<Value, Error> {
    match yaml {
        Yaml::Value(scalar) => scalar_to_json(scalar, place),
        Yaml::Sequence(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| to_json(item, &format!("{place}[{index}]")))
            .collect(),
        Yaml::Mapping(mapping) => {
            let mut object = Map::new();
            for (key, value) in mapping {
                let key = match to_json(key, place)? {
                    Value::String(key) => key,
                    Value::Number(key) => key.to_string(),
                    other => return Err(Error::new(place, format!("{other} is no key"))),
                };
                let value = to_json(value, &join(place, &key))?;
                object.insert(key, value);
            }
            Ok(Value::Object(object))
        }
        Yaml::Tagged(tag, node) => {
            let value = to_json(node, place)?;
            if tag.handle != "!" {
                return Err(Error::new(place, format!("unknown tag {tag}")));
            }
            long_form(&tag.suffix, value, place)
        }
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            Err(Error::new(place, "malformed YAML"))
        }
    }
}

fn scalar_to_json(scalar: &Scalar<'_>, place: &str) -> Result<Value, Error> {
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(flag) => Value::Bool(*flag),
        Scalar::Integer(number) => json!(number),
        Scalar::FloatingPoint(number) => Number::from_f64(number.into_inner())
            .map(Value::Number)
            .ok_or_else(|| Error::new(place, "not a number"))?,
        Scalar::String(text) => Value::String(text.to_string()),
    })
}

fn long_form(tag: &str, value: Value, place: &str) -> Result<Value, Error> {
    let name = match tag {
        "Ref" | "Condition" => tag.to_owned(),
        "GetAtt" => {
            let value = match value {
                Value::String(text) => match text.split_once('.') {
                    Some((resource, attribute)) => json!([resource, attribute]),
                    None => return Err(Error::new(place, "!GetAtt takes Resource.Attribute")),
                },
                list => list,
            };
            return Ok(json!({ "Fn::GetAtt": value }));
        }
        other => format!("Fn::{other}"),
    };
    Ok(json!({ name: value }))
}

/// `Resources.Queue` + `Type`.
pub(super) fn join(place: &str, key: &str) -> String {
    if place.is_empty() {
        key.to_owned()
    } else {
        format!("{place}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_become_long_ones() {
        let text = "a: !Sub '${X}-y'\nb: !GetAtt Queue.Arn\nc: !If [Big, !Ref A, 2]\nd: '0'\n";
        assert_eq!(
            parse(text).unwrap(),
            json!({
                "a": {"Fn::Sub": "${X}-y"},
                "b": {"Fn::GetAtt": ["Queue", "Arn"]},
                "c": {"Fn::If": ["Big", {"Ref": "A"}, 2]},
                "d": "0",
            })
        );
    }

    #[test]
    fn a_key_twice_is_an_error() {
        assert!(parse("a: 1\na: 2\n").is_err());
    }
}
