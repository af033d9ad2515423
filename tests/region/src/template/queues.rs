//! `AWS::SQS::Queue`.

use super::parameters::text_of;
use super::{Attributes, Declaration, Error, Loader};
use crate::api::Service;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Makes a queue with `CreateQueue`: the properties are the API's attributes.
pub(super) fn make(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
) -> Result<Attributes, Error> {
    let mut attributes = Map::new();
    let mut name = loader.physical_name(declaration.name);
    let mut named = false;
    let mut tags = Value::Object(Map::new());
    let none = Map::new();
    for (property, value) in declaration.properties.as_object().unwrap_or(&none) {
        let place = format!("{}.{property}", declaration.place);
        match property.as_str() {
            "QueueName" => {
                name = text_of(value).ok_or_else(|| Error::new(&place, "a text is expected"))?;
                named = true;
            }
            "Tags" => tags = tags_of(value),
            "RedrivePolicy" | "RedriveAllowPolicy" => {
                attributes.insert(property.clone(), value.to_string().into());
            }
            // The API knows the attribute only to switch it on.
            "FifoQueue" if text_of(value).as_deref() == Some("false") => {}
            _ => {
                let value =
                    text_of(value).ok_or_else(|| Error::new(&place, "a scalar is expected"))?;
                attributes.insert(property.clone(), value.into());
            }
        }
    }
    if !named
        && attributes
            .get("FifoQueue")
            .is_some_and(|fifo| fifo == "true")
    {
        name.push_str(".fifo");
    }
    let input = json!({ "QueueName": name, "Attributes": attributes, "tags": tags });
    let answer = loader.call(Service::Sqs, "CreateQueue", input, &declaration.place)?;
    let url = answer["QueueUrl"].as_str().unwrap_or_default().to_owned();
    let arn = loader.world.sqs.queues[&name].arn.clone();
    Ok(Attributes {
        reference: url.clone(),
        attributes: BTreeMap::from([
            ("Arn".to_owned(), arn),
            ("QueueName".to_owned(), name),
            ("QueueUrl".to_owned(), url),
        ]),
    })
}

/// `[{Key: a, Value: b}]` as `{a: b}`.
pub(super) fn tags_of(list: &Value) -> Value {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|tag| {
            Some((
                text_of(&tag["Key"])?,
                Value::String(text_of(&tag["Value"])?),
            ))
        })
        .collect()
}
