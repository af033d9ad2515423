//! What the targets of rules, of schedules and of SAM's events have in common.

use super::{Error, read};
use crate::events::{Input, MessageGroup, Path, Target, Transformer};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TargetDetails {
    input: Option<String>,
    input_path: Option<String>,
    input_transformer: Option<InputTransformer>,
    sqs_parameters: Option<SqsParameters>,
    dead_letter_config: Option<DeadLetterConfig>,
    /// Targets in the region refuse for good or not at all.
    #[serde(default, rename = "RetryPolicy")]
    _retry_policy: Option<IgnoredAny>,
}

const PROPERTIES: [&str; 6] = [
    "Input",
    "InputPath",
    "InputTransformer",
    "SqsParameters",
    "DeadLetterConfig",
    "RetryPolicy",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct InputTransformer {
    #[serde(default)]
    input_paths_map: BTreeMap<String, String>,
    input_template: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SqsParameters {
    message_group_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeadLetterConfig {
    arn: String,
}

impl TargetDetails {
    /// Takes the common properties out of `properties`; the rest is the caller's.
    pub(super) fn split(properties: Value, place: &str) -> Result<(Self, Value), Error> {
        let Value::Object(properties) = properties else {
            return Err(Error::new(place, "an object is expected"));
        };
        let (common, rest): (Map<String, Value>, Map<String, Value>) = properties
            .into_iter()
            .partition(|(name, _)| PROPERTIES.contains(&name.as_str()));
        Ok((read(&Value::Object(common), place)?, Value::Object(rest)))
    }

    pub(super) fn into_target(self, id: String, arn: String, place: &str) -> Result<Target, Error> {
        let refused = |problem: String| Error::new(place, problem);
        let message_group = self
            .sqs_parameters
            .map(|parameters| MessageGroup::parse(parameters.message_group_id))
            .transpose()
            .map_err(refused)?;
        let input = match (self.input, self.input_path, self.input_transformer) {
            (None, None, None) => Input::Event,
            (Some(text), None, None) => serde_json::from_str(&text)
                .map(Input::Constant)
                .map_err(|error| refused(format!("Input is not JSON: {error}")))?,
            (None, Some(path), None) => Path::parse(&path).map(Input::Part).map_err(refused)?,
            (None, None, Some(given)) => {
                Transformer::parse(&given.input_paths_map, &given.input_template)
                    .map(Input::Transformed)
                    .map_err(refused)?
            }
            _ => {
                return Err(refused(
                    "only one of Input, InputPath and InputTransformer is possible".to_owned(),
                ));
            }
        };
        Ok(Target {
            id,
            arn,
            input,
            message_group,
            dead_letter: self.dead_letter_config.map(|config| config.arn),
            role: None,
        })
    }
}
