//! Tags of groups. Changing one does not touch running instances.

use super::{Group, Tag, refusal};
use crate::api::{Answer, CallError};
use crate::paging::page;
use crate::world::World;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Tags per group, and tags per call of `CreateOrUpdateTags` and `DeleteTags`.
const MAX_TAGS_PER_GROUP: usize = 50;
const MAX_TAGS_PER_CALL: usize = 25;
/// What the keys of AWS's own tags begin with: its services write them, and they are not counted.
const AWS_PREFIX: &str = "aws:";

/// A tag as clients send it.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TagInput {
    resource_id: Option<String>,
    resource_type: Option<String>,
    key: String,
    #[serde(default)]
    value: String,
    /// AWS does not document the default; assumed true, as in its former command-line tools.
    propagate_at_launch: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tags {
    tags: Vec<TagInput>,
}

impl TagInput {
    /// Checks the tag at `position` of a list and returns its key and definition.
    fn into_tag(self, position: usize) -> Result<(String, Tag), CallError> {
        let parameter = |name: &str| format!("tags.{}.member.{name}", position + 1);
        let length = self.key.chars().count();
        if !(1..=128).contains(&length) {
            return Err(refusal::constraint(
                &self.key,
                &parameter("key"),
                "Member must have length between 1 and 128",
            ));
        }
        if self.value.chars().count() > 256 {
            return Err(refusal::constraint(
                &self.value,
                &parameter("value"),
                "Member must have length less than or equal to 256",
            ));
        }
        for (name, text) in [("key", &self.key), ("value", &self.value)] {
            if !text.chars().all(is_xml_character) {
                return Err(refusal::constraint(text, &parameter(name), XML_PATTERN));
            }
        }
        if is_of_aws(&self.key) {
            return Err(refusal::tag_of_aws());
        }
        let tag = Tag {
            value: self.value,
            propagate_at_launch: self.propagate_at_launch.unwrap_or(true),
        };
        Ok((self.key, tag))
    }
}

const XML_PATTERN: &str = "Member must satisfy regular expression pattern: \
     [\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*";

fn is_xml_character(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\t')
        || (character >= ' ' && !matches!(character, '\u{fffe}' | '\u{ffff}'))
}

/// Whether the key is reserved, in whatever case.
fn is_of_aws(key: &str) -> bool {
    key.to_ascii_lowercase().starts_with(AWS_PREFIX)
}

/// How many of these tags count towards a group's fifty.
fn counted(tags: &BTreeMap<String, Tag>) -> usize {
    let keys = tags.keys().filter(|key| !key.starts_with(AWS_PREFIX));
    keys.count()
}

/// Tags of AWS's own, as one of its services writes them on a group: nobody else can, or remove them.
pub fn write_tags_of_aws(world: &mut World, group: &str, tags: &[(&str, &str)]) {
    let Some(group) = world.autoscaling.groups.get_mut(group) else {
        return;
    };
    for (key, value) in tags {
        let tag = Tag {
            value: (*value).to_owned(),
            propagate_at_launch: true,
        };
        group.tags.insert(format!("{AWS_PREFIX}{key}"), tag);
    }
}

/// The tags of a group that is being created: they name no other resource.
pub(super) fn of_new_group(
    inputs: Vec<TagInput>,
    group: &str,
) -> Result<BTreeMap<String, Tag>, CallError> {
    let mut tags = BTreeMap::new();
    for (position, input) in inputs.into_iter().enumerate() {
        if input.resource_id.as_deref().is_some_and(|id| id != group) {
            return Err(CallError::validation(
                "The ResourceId of a tag must be the name of the group being created",
            ));
        }
        let (key, tag) = input.into_tag(position)?;
        tags.insert(key, tag);
    }
    if counted(&tags) > MAX_TAGS_PER_GROUP {
        return Err(refusal::too_many_tags(group));
    }
    Ok(tags)
}

/// `CreateOrUpdateTags`: all tags or none.
pub(super) fn create_or_update(world: &mut World, input: Tags) -> Answer {
    let by_group = by_group(world, input, "CreateOrUpdateTags")?;
    let mut merged = BTreeMap::new();
    for (name, inputs) in by_group {
        let mut tags = world.autoscaling.get(&name)?.tags.clone();
        for (position, input) in inputs {
            let (key, tag) = input.into_tag(position)?;
            tags.insert(key, tag);
        }
        if counted(&tags) > MAX_TAGS_PER_GROUP {
            return Err(refusal::too_many_tags(&name));
        }
        merged.insert(name, tags);
    }
    for (name, tags) in merged {
        world.autoscaling.get_mut(&name)?.tags = tags;
    }
    Ok(Value::Null)
}

/// `DeleteTags`: a tag that is not there, or has another value, is no error.
pub(super) fn delete(world: &mut World, input: Tags) -> Answer {
    let by_group = by_group(world, input, "DeleteTags")?;
    if by_group
        .values()
        .flatten()
        .any(|(_, tag)| is_of_aws(&tag.key))
    {
        return Err(refusal::tag_of_aws());
    }
    for (name, inputs) in by_group {
        let group = world.autoscaling.get_mut(&name)?;
        for (_, input) in inputs {
            group.tags.remove(&input.key);
        }
    }
    Ok(Value::Null)
}

type TagsByGroup = BTreeMap<String, Vec<(usize, TagInput)>>;

fn by_group(world: &World, input: Tags, operation: &str) -> Result<TagsByGroup, CallError> {
    if input.tags.len() > MAX_TAGS_PER_CALL {
        return Err(CallError::validation(format!(
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member \
             must have length less than or equal to {MAX_TAGS_PER_CALL} ({operation})"
        )));
    }
    let mut groups = TagsByGroup::new();
    for (position, tag) in input.tags.into_iter().enumerate() {
        let kind = tag.resource_type.as_deref().unwrap_or_default();
        if kind != "auto-scaling-group" {
            return Err(CallError::validation(format!(
                "Only the ResourceType auto-scaling-group is supported, not '{kind}'"
            )));
        }
        let name = tag.resource_id.clone().unwrap_or_default();
        world.autoscaling.get(&name)?;
        groups.entry(name).or_default().push((position, tag));
    }
    Ok(groups)
}

/// A tag as the API shows it.
pub(super) fn output(group: &Group, key: &str, tag: &Tag) -> Value {
    json!({
        "ResourceId": group.name,
        "ResourceType": "auto-scaling-group",
        "Key": key,
        "Value": tag.value,
        "PropagateAtLaunch": tag.propagate_at_launch,
    })
}

/// A filter of a describe call: OR within its values, AND with the other filters.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Filter {
    pub(super) name: String,
    #[serde(default)]
    pub(super) values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DescribeTags {
    #[serde(default)]
    filters: Vec<Filter>,
    next_token: Option<String>,
    max_records: Option<usize>,
}

pub(super) fn describe(world: &World, input: &DescribeTags) -> Answer {
    let mut tags = Vec::new();
    for group in world.autoscaling.groups.values() {
        for (key, tag) in &group.tags {
            let mut matches = true;
            for filter in &input.filters {
                let field = match filter.name.as_str() {
                    "auto-scaling-group" => group.name.clone(),
                    "key" => key.clone(),
                    "value" => tag.value.clone(),
                    "propagate-at-launch" => tag.propagate_at_launch.to_string(),
                    other => return Err(unknown_filter(other)),
                };
                matches &= filter.values.contains(&field);
            }
            if matches {
                tags.push(output(group, key, tag));
            }
        }
    }
    let size = page_size(input.max_records, 50, 100)?;
    let token = input.next_token.as_deref();
    let (tags, next) =
        page(tags, size, token).ok_or_else(|| refusal::invalid_token(token.unwrap_or_default()))?;
    Ok(json!({ "Tags": tags, "NextToken": next }))
}

pub(super) fn unknown_filter(name: &str) -> CallError {
    CallError::validation(format!("Filter type {name} is not correct"))
}

/// `MaxRecords` with its default and limit.
pub(super) fn page_size(
    asked: Option<usize>,
    default: usize,
    limit: usize,
) -> Result<usize, CallError> {
    let size = asked.unwrap_or(default);
    if !(1..=limit).contains(&size) {
        return Err(refusal::constraint(
            &size.to_string(),
            "maxRecords",
            &format!("Member must be between 1 and {limit}"),
        ));
    }
    Ok(size)
}
