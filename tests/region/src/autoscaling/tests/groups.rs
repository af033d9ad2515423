//! Creating, describing, updating and deleting groups.

use super::{call, create, create_in_service, refused, wait, world};
use serde_json::{Value, json};

fn describe(world: &mut crate::world::World, input: Value) -> Value {
    call(world, "DescribeAutoScalingGroups", input).unwrap()
}

fn names(answer: &Value) -> Vec<&str> {
    answer["AutoScalingGroups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["AutoScalingGroupName"].as_str().unwrap())
        .collect()
}

#[test]
fn names_filters_and_pages_select_groups() {
    let mut world = world();
    for name in ["a", "b", "c"] {
        create(&mut world, name, 0, 1);
    }
    for (group, team) in [("a", "x"), ("c", "y")] {
        let tag = json!({"ResourceId": group, "ResourceType": "auto-scaling-group",
            "Key": "team", "Value": team, "PropagateAtLaunch": "false"});
        call(&mut world, "CreateOrUpdateTags", json!({ "Tags": [tag] })).unwrap();
    }
    let answer = describe(
        &mut world,
        json!({"AutoScalingGroupNames": ["b", "unknown"]}),
    );
    assert_eq!(names(&answer), ["b"]);
    let filter = |name: &str, values: Value| json!({"Filters": [{"Name": name, "Values": values}]});
    for (name, values, expected) in [
        ("tag-key", json!(["team"]), vec!["a", "c"]),
        ("tag-value", json!(["y"]), vec!["c"]),
        ("tag:team", json!(["x", "z"]), vec!["a"]),
        ("tag:team", json!(["X"]), vec![]),
    ] {
        let answer = describe(&mut world, filter(name, values));
        assert_eq!(names(&answer), expected, "{name}");
    }
    let first = describe(&mut world, json!({"MaxRecords": "2"}));
    assert_eq!(names(&first), ["a", "b"]);
    let token = first["NextToken"].as_str().unwrap();
    let second = describe(&mut world, json!({"MaxRecords": "2", "NextToken": token}));
    assert_eq!(names(&second), ["c"]);
    assert_eq!(second["NextToken"], Value::Null);
}

#[test]
fn a_group_shows_its_members() {
    let mut world = world();
    let ids = create_in_service(&mut world, "pool", 1, 5);
    let group = &describe(&mut world, json!({}))["AutoScalingGroups"][0].clone();
    let member = &group["Instances"][0];
    assert_eq!(member["InstanceId"], json!(ids[0]));
    assert_eq!(member["HealthStatus"], json!("Healthy"));
    assert_eq!(member["LifecycleState"], json!("InService"));
    let without = describe(&mut world, json!({"IncludeInstances": "false"}));
    assert_eq!(without["AutoScalingGroups"][0]["Instances"], json!([]));
    let instances = call(
        &mut world,
        "DescribeAutoScalingInstances",
        json!({"InstanceIds": [ids[0], "i-00000000000000000"]}),
    )
    .unwrap();
    assert_eq!(
        instances["AutoScalingInstances"].as_array().unwrap().len(),
        1
    );
    // In capitals here.
    assert_eq!(
        instances["AutoScalingInstances"][0]["HealthStatus"],
        json!("HEALTHY")
    );
}

#[test]
fn bad_groups_are_refused() {
    let mut world = world();
    create(&mut world, "taken", 0, 1);
    let good = json!({"AutoScalingGroupName": "g", "MinSize": "0", "MaxSize": "1",
        "AvailabilityZones": ["eu-west-1a"], "LaunchTemplate": {"LaunchTemplateName": "lt"}});
    let mut with = |key: &str, value: Value| {
        let mut input = good.clone();
        input[key] = value;
        call(&mut world, "CreateAutoScalingGroup", input).unwrap_err()
    };
    let error = with("AutoScalingGroupName", json!("taken"));
    assert_eq!(error.code, "AlreadyExists");
    assert_eq!(
        error.message,
        "AutoScalingGroup by this name already exists - A group with the name taken already exists"
    );
    assert!(
        with("AutoScalingGroupName", json!("a:b"))
            .message
            .contains("'a:b'")
    );
    assert_eq!(
        with("DesiredCapacity", json!("2")).message,
        "Desired capacity:2 must be between the specified min size:0 and max size:1"
    );
    assert_eq!(
        with("AvailabilityZones", json!("")).message,
        "At least one Availability Zone or VPC Subnet is required."
    );
    assert!(
        with("AvailabilityZones", json!(["us-east-1a"]))
            .message
            .contains("us-east-1a")
    );
    assert!(
        with("LaunchTemplate", Value::Null)
            .message
            .starts_with("Valid requests must")
    );
    assert_eq!(
        with("CapacityRebalance", json!(true)).message,
        "the simulated region does not support the parameter CapacityRebalance"
    );
    assert_eq!(
        with("MaxSize", Value::Null).message,
        "1 validation error detected: Value null at 'maxSize' failed to satisfy constraint: \
         Member must not be null"
    );
}

#[test]
fn subnets_stand_for_their_zones() {
    let mut world = world();
    let input = json!({"AutoScalingGroupName": "g", "MinSize": "2", "MaxSize": "2",
        "VPCZoneIdentifier": "subnet-1a,subnet-2b", "LaunchConfigurationName": "lc"});
    call(&mut world, "CreateAutoScalingGroup", input).unwrap();
    let subnets: Vec<_> = world
        .compute
        .instances
        .values()
        .map(|instance| (instance.zone.clone(), instance.subnet.clone()))
        .collect();
    assert!(subnets.contains(&("eu-west-1a".to_owned(), Some("subnet-1a".to_owned()))));
    assert!(subnets.contains(&("eu-west-1b".to_owned(), Some("subnet-2b".to_owned()))));
}

#[test]
fn new_bounds_move_the_desired_capacity() {
    let mut world = world();
    create_in_service(&mut world, "g", 3, 5);
    let input = json!({"AutoScalingGroupName": "g", "MaxSize": "2"});
    call(&mut world, "UpdateAutoScalingGroup", input).unwrap();
    wait(&mut world, 90);
    assert_eq!(world.autoscaling.groups["g"].members.len(), 2);
    assert_eq!(
        refused(
            &mut world,
            "SetDesiredCapacity",
            json!({"AutoScalingGroupName": "g", "DesiredCapacity": "3"})
        ),
        "New SetDesiredCapacity value 3 is above max value 2 for the AutoScalingGroup."
    );
}

#[test]
fn a_group_with_instances_is_only_deleted_by_force() {
    let mut world = world();
    create_in_service(&mut world, "g", 2, 5);
    let plain = json!({"AutoScalingGroupName": "g"});
    let error = call(&mut world, "DeleteAutoScalingGroup", plain.clone()).unwrap_err();
    assert_eq!(error.code, "ResourceInUse");
    let forced = json!({"AutoScalingGroupName": "g", "ForceDelete": "true"});
    call(&mut world, "DeleteAutoScalingGroup", forced).unwrap();
    let group = &describe(&mut world, json!({}))["AutoScalingGroups"][0].clone();
    assert_eq!(group["Status"], json!("Delete in progress"));
    wait(&mut world, 60);
    assert!(world.autoscaling.groups.is_empty());
    assert_eq!(
        refused(&mut world, "DeleteAutoScalingGroup", plain),
        "AutoScalingGroup name not found - AutoScalingGroup: g not found"
    );
}

#[test]
fn what_the_region_does_not_know_is_named() {
    let mut world = world();
    let error = call(&mut world, "StartInstanceRefresh", json!({})).unwrap_err();
    assert!(error.message.contains("StartInstanceRefresh"));
}

#[test]
fn a_launch_template_and_its_version_must_be_there() {
    let mut world = world();
    create(&mut world, "g", 0, 1);
    let mut refuses = |template: Value| {
        let mut input = json!({"AutoScalingGroupName": "new", "MinSize": "0", "MaxSize": "1",
            "AvailabilityZones": ["eu-west-1a"]});
        input["LaunchTemplate"] = template.clone();
        let made = refused(&mut world, "CreateAutoScalingGroup", input);
        let input = json!({"AutoScalingGroupName": "g", "LaunchTemplate": template});
        assert_eq!(refused(&mut world, "UpdateAutoScalingGroup", input), made);
        made
    };
    let words = "You must use a valid fully-formed launch template. ";
    assert_eq!(
        refuses(json!({"LaunchTemplateName": "no-such"})),
        format!(
            "{words}The specified launch template, with template name no-such, does not exist."
        )
    );
    assert_eq!(
        refuses(json!({"LaunchTemplateId": "lt-0"})),
        format!("{words}The specified launch template, with template ID lt-0, does not exist.")
    );
    for version in ["0", "2", "x"] {
        let template = json!({"LaunchTemplateName": "lt", "Version": version});
        assert!(refuses(template).starts_with(words), "{version}");
    }
}

#[test]
fn an_account_has_so_many_groups() {
    let mut world = world();
    world.settings.max_groups = 1;
    create(&mut world, "g", 0, 1);
    let input = json!({"AutoScalingGroupName": "new", "MinSize": "0", "MaxSize": "1",
        "AvailabilityZones": ["eu-west-1a"], "LaunchTemplate": {"LaunchTemplateName": "lt"}});
    let error = call(&mut world, "CreateAutoScalingGroup", input).unwrap_err();
    assert_eq!((error.status, error.code.as_str()), (400, "LimitExceeded"));
}

#[test]
fn a_new_group_s_tags_have_the_limits_of_all_tags() {
    let mut world = world();
    let mut makes = |tags: Vec<Value>| {
        let input = json!({"AutoScalingGroupName": "new", "MinSize": "0", "MaxSize": "1",
            "AvailabilityZones": ["eu-west-1a"], "LaunchTemplate": {"LaunchTemplateName": "lt"},
            "Tags": tags});
        call(&mut world, "CreateAutoScalingGroup", input).map_err(|error| error.code)
    };
    let tag = |key: &str| json!({"Key": key, "Value": "x", "PropagateAtLaunch": "false"});
    let many = |count: usize| (0..count).map(|n| tag(&format!("k-{n}"))).collect();
    assert_eq!(makes(vec![tag("aws:x")]), Err("ValidationError".to_owned()));
    assert_eq!(makes(vec![tag("")]), Err("ValidationError".to_owned()));
    assert_eq!(makes(many(51)), Err("LimitExceeded".to_owned()));
    assert_eq!(makes(many(50)), Ok(Value::Null));
    assert_eq!(makes(many(1)), Err("AlreadyExists".to_owned()));
}

#[test]
fn a_mixed_instances_policy_names_the_launch_template_and_its_types_take_turns() {
    let mut world = world();
    let policy = json!({"LaunchTemplate": {
        "LaunchTemplateSpecification": {"LaunchTemplateName": "lt", "Version": "1"},
        "Overrides": [{"InstanceType": "m7g.medium"}, {"InstanceType": "m6g.medium"}]}});
    let input = json!({"AutoScalingGroupName": "g", "MinSize": "0", "MaxSize": "5",
        "DesiredCapacity": "2", "AvailabilityZones": ["eu-west-1a"],
        "MixedInstancesPolicy": policy});
    call(&mut world, "CreateAutoScalingGroup", input).unwrap();
    wait(&mut world, 60);
    let answer = describe(&mut world, json!({}));
    let group = &answer["AutoScalingGroups"][0];
    assert_eq!(group["LaunchTemplate"], Value::Null);
    let shown = &group["MixedInstancesPolicy"]["LaunchTemplate"];
    assert_eq!(shown["LaunchTemplateSpecification"]["Version"], "1");
    assert_eq!(shown["Overrides"][1]["InstanceType"], "m6g.medium");
    let members = group["Instances"].as_array().unwrap();
    let mut types: Vec<&str> = members
        .iter()
        .map(|member| member["InstanceType"].as_str().unwrap())
        .collect();
    types.sort_unstable();
    assert_eq!(types, ["m6g.medium", "m7g.medium"]);
    assert_eq!(members[0]["LaunchTemplate"]["Version"], "1");
}
