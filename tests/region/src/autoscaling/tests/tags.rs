//! Tags of groups.

use super::{call, create, refused, world};
use crate::autoscaling::write_tags_of_aws;
use crate::world::World;
use serde_json::{Value, json};

fn tag(group: &str, key: &str, value: &str) -> Value {
    json!({"ResourceId": group, "ResourceType": "auto-scaling-group", "Key": key,
        "Value": value, "PropagateAtLaunch": "false"})
}

fn put(world: &mut World, tags: &[Value]) -> crate::api::Answer {
    call(world, "CreateOrUpdateTags", json!({ "Tags": tags }))
}

fn count(world: &World, group: &str) -> usize {
    world.autoscaling.groups[group].tags.len()
}

#[test]
fn tags_are_put_replaced_filtered_and_deleted() {
    let mut world = world();
    create(&mut world, "a", 0, 1);
    create(&mut world, "b", 0, 1);
    put(&mut world, &[tag("a", "k", "1"), tag("b", "k", "2")]).unwrap();
    put(&mut world, &[tag("a", "k", "3")]).unwrap();
    let filter = json!({"Filters": [{"Name": "auto-scaling-group", "Values": ["a"]}]});
    let answer = call(&mut world, "DescribeTags", filter).unwrap();
    let mut expected = tag("a", "k", "3");
    expected["PropagateAtLaunch"] = json!(false);
    assert_eq!(answer["Tags"], json!([expected]));
    let gone = json!({"Tags": [tag("a", "k", ""), tag("a", "unknown", "")]});
    assert_eq!(call(&mut world, "DeleteTags", gone), Ok(Value::Null));
    assert_eq!((count(&world, "a"), count(&world, "b")), (0, 1));
}

#[test]
fn a_call_that_is_refused_changes_nothing() {
    let mut world = world();
    create(&mut world, "a", 0, 1);
    let good = tag("a", "good", "1");
    let long = "k".repeat(129);
    for bad in [
        tag("nowhere", "k", "v"),
        tag("a", "", "v"),
        tag("a", &long, "v"),
        tag("a", "k", &"v".repeat(257)),
        tag("a", "bell\u{7}", "v"),
        tag("a", "aws:mine", "v"),
        json!({"ResourceId": "a", "ResourceType": "instance", "Key": "k"}),
    ] {
        let input = json!({ "Tags": [good, bad] });
        refused(&mut world, "CreateOrUpdateTags", input);
        assert_eq!(count(&world, "a"), 0);
    }
}

/// CloudFormation and EKS write them, and nobody else can change them.
#[test]
fn tags_of_aws_are_reserved_and_not_counted() {
    let mut world = world();
    create(&mut world, "a", 0, 1);
    let of_aws = [("cloudformation:stack-name", "s"), ("eks:cluster", "c")];
    write_tags_of_aws(&mut world, "a", &of_aws);
    let tags: Vec<Value> = (0..50)
        .map(|number| tag("a", &format!("k{number}"), "v"))
        .collect();
    put(&mut world, &tags[..25]).unwrap();
    put(&mut world, &tags[25..]).unwrap();
    assert_eq!(count(&world, "a"), 52);
    for key in ["aws:eks:cluster", "AWS:mine"] {
        let input = json!({"Tags": [tag("a", "k0", "v"), tag("a", key, "c")]});
        refused(&mut world, "CreateOrUpdateTags", input.clone());
        refused(&mut world, "DeleteTags", input);
    }
    assert_eq!(count(&world, "a"), 52);
}

#[test]
fn fifty_tags_a_group_and_twenty_five_a_call() {
    let mut world = world();
    create(&mut world, "a", 0, 1);
    let tags: Vec<Value> = (0..51)
        .map(|number| tag("a", &format!("k{number}"), "v"))
        .collect();
    assert_eq!(
        put(&mut world, &tags[..26]).unwrap_err().code,
        "ValidationError"
    );
    put(&mut world, &tags[..25]).unwrap();
    put(&mut world, &tags[25..50]).unwrap();
    assert_eq!(
        put(&mut world, &tags[50..]).unwrap_err().code,
        "LimitExceeded"
    );
    put(&mut world, &tags[..1]).unwrap();
    assert_eq!(count(&world, "a"), 50);
}
