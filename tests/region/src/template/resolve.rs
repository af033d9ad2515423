//! CloudFormation's functions.

use super::Error;
use super::parameters::text_of;
use super::yaml::join;
use crate::settings::Settings;
use aws_smithy_types::base64;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What `Ref` and `GetAtt` give for one resource.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    /// `Ref`.
    pub reference: String,
    /// `GetAtt`, by attribute name.
    pub attributes: BTreeMap<String, String>,
}

/// Everything that expressions can refer to.
pub(super) struct Scope {
    parameters: BTreeMap<String, Value>,
    conditions: Map<String, Value>,
    pseudo: BTreeMap<&'static str, String>,
    /// The resources that exist so far.
    pub(super) resources: BTreeMap<String, Attributes>,
}

impl Scope {
    pub(super) fn new(
        parameters: BTreeMap<String, Value>,
        conditions: Map<String, Value>,
        stack_name: &str,
        settings: &Settings,
    ) -> Self {
        let resource = format!("stack/{stack_name}/simulated");
        let stack_id = settings.arn("cloudformation", &resource);
        let pseudo = BTreeMap::from([
            ("AWS::Region", settings.region_name.clone()),
            ("AWS::AccountId", settings.account_id.clone()),
            ("AWS::Partition", settings.partition().to_owned()),
            ("AWS::URLSuffix", settings.url_suffix().to_owned()),
            ("AWS::StackName", stack_name.to_owned()),
            ("AWS::StackId", stack_id),
        ]);
        Self {
            parameters,
            conditions,
            pseudo,
            resources: BTreeMap::new(),
        }
    }

    /// The stack's name and id.
    pub(super) fn stack(&self) -> (&str, &str) {
        let pseudo = |name| self.pseudo.get(name).map_or("", String::as_str);
        (pseudo("AWS::StackName"), pseudo("AWS::StackId"))
    }

    /// Resolves every function in `value`; `None` where it is `AWS::NoValue`.
    pub(super) fn resolve(&self, value: &Value, place: &str) -> Result<Option<Value>, Error> {
        match value {
            Value::Object(object) => {
                if let Some((name, argument)) = function(object) {
                    return self.call(name, argument, &join(place, name));
                }
                let mut resolved = Map::new();
                for (key, value) in object {
                    if let Some(value) = self.resolve(value, &join(place, key))? {
                        resolved.insert(key.clone(), value);
                    }
                }
                Ok(Some(Value::Object(resolved)))
            }
            Value::Array(items) => {
                let mut resolved = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    resolved.extend(self.resolve(item, &format!("{place}[{index}]"))?);
                }
                Ok(Some(Value::Array(resolved)))
            }
            scalar => Ok(Some(scalar.clone())),
        }
    }

    fn call(&self, name: &str, argument: &Value, place: &str) -> Result<Option<Value>, Error> {
        let value = match name {
            "Ref" => {
                let target = argument
                    .as_str()
                    .ok_or_else(|| Error::new(place, "a name is expected"))?;
                if target == "AWS::NoValue" {
                    return Ok(None);
                }
                self.reference(target, place)?
            }
            "Fn::GetAtt" => self.attribute_of(argument, place)?,
            "Fn::Sub" => self.substitute(argument, place)?,
            "Fn::If" => {
                let [condition, yes, no] = arguments(argument, place)?;
                let condition = condition
                    .as_str()
                    .ok_or_else(|| Error::new(place, "the name of a condition is expected"))?;
                let chosen = if self.condition(condition, place)? {
                    yes
                } else {
                    no
                };
                return self.resolve(chosen, place);
            }
            "Fn::Join" => {
                let [separator, items] = arguments(argument, place)?;
                let separator = self.text(separator, place)?;
                Value::String(self.texts(items, place)?.join(&separator))
            }
            "Fn::Select" => {
                let [index, items] = arguments(argument, place)?;
                let items = self.texts(items, place)?;
                let item = self
                    .text(index, place)?
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| items.get(index))
                    .ok_or_else(|| Error::new(place, "no such item"))?;
                Value::String(item.clone())
            }
            "Fn::Split" => {
                let [separator, text] = arguments(argument, place)?;
                let separator = self.text(separator, place)?;
                let text = self.text(text, place)?;
                text.split(separator.as_str()).map(Value::from).collect()
            }
            "Fn::Base64" => Value::String(base64::encode(self.text(argument, place)?)),
            "Fn::GetAZs" => {
                let region = &self.pseudo["AWS::Region"];
                ["a", "b", "c"]
                    .map(|zone| Value::String(format!("{region}{zone}")))
                    .into_iter()
                    .collect()
            }
            unknown => {
                return Err(Error::new(
                    place,
                    format!("function {unknown} is not known to the simulated region"),
                ));
            }
        };
        Ok(Some(value))
    }

    fn reference(&self, target: &str, place: &str) -> Result<Value, Error> {
        if let Some(value) = self.pseudo.get(target) {
            return Ok(Value::String(value.clone()));
        }
        if let Some(value) = self.parameters.get(target) {
            return Ok(value.clone());
        }
        match self.resources.get(target) {
            Some(resource) => Ok(Value::String(resource.reference.clone())),
            None => Err(Error::new(
                place,
                format!("{target} is neither a parameter nor a resource"),
            )),
        }
    }

    fn attribute_of(&self, argument: &Value, place: &str) -> Result<Value, Error> {
        let [resource, attribute] = arguments(argument, place)?;
        let (resource, attribute) = (self.text(resource, place)?, self.text(attribute, place)?);
        self.attribute(&resource, &attribute, place)
    }

    fn attribute(&self, resource: &str, attribute: &str, place: &str) -> Result<Value, Error> {
        let known = self
            .resources
            .get(resource)
            .ok_or_else(|| Error::new(place, format!("there is no resource {resource}")))?;
        known
            .attributes
            .get(attribute)
            .map(|value| Value::String(value.clone()))
            .ok_or_else(|| {
                let names: Vec<&str> = known.attributes.keys().map(String::as_str).collect();
                Error::new(
                    place,
                    format!("{resource} has no attribute {attribute}, only {names:?}"),
                )
            })
    }

    fn substitute(&self, argument: &Value, place: &str) -> Result<Value, Error> {
        let (template, variables) = match argument {
            Value::String(template) => (template.as_str(), Map::new()),
            Value::Array(items) => match items.as_slice() {
                [Value::String(template), Value::Object(variables)] => {
                    (template.as_str(), variables.clone())
                }
                _ => return Err(Error::new(place, "a text and an object are expected")),
            },
            _ => return Err(Error::new(place, "a text is expected")),
        };
        let mut output = String::new();
        for piece in pieces(template) {
            match piece {
                Piece::Text(text) => output.push_str(text),
                Piece::Name(name) => {
                    let value = match (variables.get(name), name.split_once('.')) {
                        (Some(value), _) => Value::String(self.text(value, place)?),
                        (None, Some((resource, attribute))) => {
                            self.attribute(resource, attribute, place)?
                        }
                        (None, None) => self.reference(name, place)?,
                    };
                    let text = text_of(&value)
                        .ok_or_else(|| Error::new(place, format!("${{{name}}} is no text")))?;
                    output.push_str(&text);
                }
            }
        }
        Ok(Value::String(output))
    }

    /// Whether a condition holds.
    pub(super) fn condition(&self, name: &str, place: &str) -> Result<bool, Error> {
        let definition = self
            .conditions
            .get(name)
            .ok_or_else(|| Error::new(place, format!("there is no condition {name}")))?;
        self.holds(definition, &format!("Conditions.{name}"))
    }

    /// Whether an expression of conditions or of rules holds.
    pub(super) fn holds(&self, expression: &Value, place: &str) -> Result<bool, Error> {
        let (name, argument) = expression
            .as_object()
            .filter(|object| object.len() == 1)
            .and_then(|object| object.iter().next())
            .ok_or_else(|| Error::new(place, "a condition function is expected"))?;
        match name.as_str() {
            "Condition" => {
                let other = argument
                    .as_str()
                    .ok_or_else(|| Error::new(place, "the name of a condition is expected"))?;
                self.condition(other, place)
            }
            "Fn::Equals" => {
                let [left, right] = arguments(argument, place)?;
                Ok(self.text(left, place)? == self.text(right, place)?)
            }
            // Rules only.
            "Fn::EachMemberEquals" => {
                let [items, wanted] = arguments(argument, place)?;
                let wanted = self.text(wanted, place)?;
                Ok(self.texts(items, place)?.iter().all(|item| *item == wanted))
            }
            "Fn::Not" => {
                let [negated] = arguments(argument, place)?;
                Ok(!self.holds(negated, place)?)
            }
            "Fn::And" | "Fn::Or" => {
                let items = argument
                    .as_array()
                    .ok_or_else(|| Error::new(place, "a list is expected"))?;
                let mut results = Vec::new();
                for item in items {
                    results.push(self.holds(item, place)?);
                }
                Ok(if name == "Fn::And" {
                    results.iter().all(|holds| *holds)
                } else {
                    results.iter().any(|holds| *holds)
                })
            }
            unknown => Err(Error::new(
                place,
                format!("{unknown} is no condition function"),
            )),
        }
    }

    fn text(&self, value: &Value, place: &str) -> Result<String, Error> {
        self.resolve(value, place)?
            .as_ref()
            .and_then(text_of)
            .ok_or_else(|| Error::new(place, format!("{value} is no text")))
    }

    fn texts(&self, value: &Value, place: &str) -> Result<Vec<String>, Error> {
        let resolved = self.resolve(value, place)?;
        let items = resolved
            .as_ref()
            .and_then(Value::as_array)
            .ok_or_else(|| Error::new(place, format!("{value} is no list")))?;
        items.iter().map(|item| self.text(item, place)).collect()
    }
}

/// The function that an object with one key stands for, and its argument.
pub(super) fn function(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = object.iter().next().filter(|_| object.len() == 1)?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

fn arguments<'value, const COUNT: usize>(
    argument: &'value Value,
    place: &str,
) -> Result<&'value [Value; COUNT], Error> {
    argument
        .as_array()
        .and_then(|items| items.as_slice().try_into().ok())
        .ok_or_else(|| Error::new(place, format!("a list of {COUNT} is expected")))
}

/// A part of a text for `Fn::Sub`.
pub(super) enum Piece<'text> {
    Text(&'text str),
    Name(&'text str),
}

/// Splits a text at its `${Name}`s; `${!Name}` stands for `${Name}` itself.
pub(super) fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else {
            break;
        };
        let name = &rest[start + 2..start + length];
        pieces.push(Piece::Text(&rest[..start]));
        if let Some(literal) = name.strip_prefix('!') {
            pieces.push(Piece::Text("${"));
            pieces.push(Piece::Text(literal));
            pieces.push(Piece::Text("}"));
        } else {
            pieces.push(Piece::Name(name));
        }
        rest = &rest[start + length + 1..];
    }
    pieces.push(Piece::Text(rest));
    pieces
}
