//! What a claim may say of a target that is made for it: how large it may grow, and its tags. What it is made of,
//! the stack says.

use crate::claim::{Malformed, field};
use crate::group::AWS_PREFIX;
#[cfg(feature = "schema")]
use crate::schema;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Largest maximum size of a target that is made.
pub const MAX_TARGET_SIZE: u16 = 1000;
/// Most tags of a target that is made: AWS allows a group 50, and each open claim needs one.
pub const MAX_TARGET_TAGS: usize = 20;
/// Longest key of a tag, characters (Auto Scaling API model).
pub(crate) const MAX_TAG_KEY: usize = 128;
/// Longest value of a tag, characters (Auto Scaling API model).
pub(crate) const MAX_TAG_VALUE: usize = 256;
/// What the keys of our own tags begin with.
const OUR_PREFIX: &str = "ready-pool:";

/// A target that is made where it does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub struct CreateTarget {
    /// The group's maximum size.
    #[serde(deserialize_with = "size")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MAX_TARGET_SIZE)))]
    pub max_size: u16,
    /// The group's tags. They are not propagated to instances.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::tags"))]
    pub tags: BTreeMap<String, String>,
}

impl CreateTarget {
    pub(crate) fn check(&self) -> Result<(), Malformed> {
        if !(1..=MAX_TARGET_SIZE).contains(&self.max_size) {
            return Err(field("create_target.max_size", "must be 1 to 1000"));
        }
        if self.tags.len() > MAX_TARGET_TAGS {
            return Err(field(
                "create_target.tags",
                &format!(
                    "must be at most {MAX_TARGET_TAGS}: AWS allows a group 50, and each of its open claims needs one"
                ),
            ));
        }
        self.tags
            .iter()
            .try_for_each(|(key, value)| check_tag(key, value))
    }
}

fn check_tag(key: &str, value: &str) -> Result<(), Malformed> {
    let path = format!("create_target.tags.{key}");
    let is_reserved = |prefix: &str| {
        let beginning = key.get(..prefix.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(prefix))
    };
    if is_reserved(OUR_PREFIX) || is_reserved(AWS_PREFIX) {
        return Err(field(
            &path,
            "must not begin with `ready-pool:` or `aws:`: those tags are ready-pool's and AWS's",
        ));
    }
    if !(1..=MAX_TAG_KEY).contains(&key.chars().count()) || !key.chars().all(is_tag_character) {
        return Err(field(
            &path,
            "must have a key of 1 to 128 characters, none of them a control character",
        ));
    }
    if value.chars().count() > MAX_TAG_VALUE || !value.chars().all(is_tag_character) {
        return Err(field(
            &path,
            "must be at most 256 characters, none of them a control character",
        ));
    }
    Ok(())
}

/// Auto Scaling takes line breaks as well; nobody means them.
fn is_tag_character(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{fffe}' | '\u{ffff}')
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    struct Size;

    impl Visitor<'_> for Size {
        type Value = u16;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a whole number, 1 to 1000")
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<u16, E> {
            u16::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<u16, E> {
            Err(E::invalid_value(Unexpected::Signed(number), &self))
        }
    }

    deserializer.deserialize_u16(Size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn problem(asked: Value) -> Option<String> {
        let asked: CreateTarget = match serde_json::from_value(asked) {
            Ok(asked) => asked,
            Err(error) => return Some(error.to_string()),
        };
        asked.check().err().map(|problem| problem.to_string())
    }

    #[test]
    fn a_size_and_tags_are_enough() {
        assert_eq!(problem(json!({"max_size": 4})), None);
        assert_eq!(
            problem(json!({"max_size": 1000, "tags": {"org": "1337", "Name": ""}})),
            None
        );
        let whole = json!({"max_size": 4, "tags": {"org": "1337"}});
        let read: CreateTarget = serde_json::from_value(whole.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), whole);
    }

    #[test]
    fn what_the_stack_says_no_claim_can_say() {
        for name in [
            "launch_template",
            "launch_template_id",
            "version",
            "role",
            "subnets",
            "vpc_zone_identifier",
            "min_size",
            "desired_capacity",
        ] {
            let mut asked = json!({"max_size": 4});
            asked[name] = json!("x");
            let said = problem(asked).unwrap();
            assert!(said.contains(&format!("unknown field `{name}`")), "{said}");
        }
        for key in [
            "ready-pool:pool",
            "ready-pool:claim/a",
            "Ready-Pool:pause",
            "aws:x",
            "AWS:x",
        ] {
            let said = problem(json!({"max_size": 4, "tags": {key: "x"}})).unwrap();
            assert!(said.contains("must not begin with"), "{key}: {said}");
        }
    }

    #[test]
    fn each_limit_is_said() {
        let tags = |count: usize| -> Value {
            let tags = (0..count).map(|n| (format!("tag-{n}"), json!("x")));
            tags.collect::<serde_json::Map<_, _>>().into()
        };
        assert_eq!(problem(json!({"max_size": 1, "tags": tags(20)})), None);
        for (asked, expected) in [
            (json!({}), "missing field `max_size`"),
            (json!({"max_size": 0}), "1 to 1000"),
            (json!({"max_size": 1001}), "1 to 1000"),
            (json!({"max_size": -1}), "1 to 1000"),
            (json!({"max_size": 70000}), "1 to 1000"),
            (json!({"max_size": "4"}), "1 to 1000"),
            (json!({"max_size": 4, "tags": tags(21)}), "at most 20"),
            (json!({"max_size": 4, "tags": {"": "x"}}), "1 to 128"),
            (
                json!({"max_size": 4, "tags": {"k".repeat(129): "x"}}),
                "1 to 128",
            ),
            (json!({"max_size": 4, "tags": {"a\nb": "x"}}), "1 to 128"),
            (
                json!({"max_size": 4, "tags": {"k": "v".repeat(257)}}),
                "at most 256",
            ),
            (
                json!({"max_size": 4, "tags": {"k": "\u{0}"}}),
                "at most 256",
            ),
        ] {
            let said = problem(asked.clone()).unwrap();
            assert!(said.contains(expected), "{asked}: {said}");
            assert!(!said.contains("u16"), "{said}");
        }
    }
}
