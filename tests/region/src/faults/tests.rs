use super::*;
use crate::autoscaling;
use crate::settings::Settings;
use crate::world::World;
use serde_json::{Value, json};
use std::time::Duration;
use time::macros::datetime;

fn call(operation: &str, caller: &str) -> Call {
    Call {
        service: Service::Ssm,
        operation: operation.to_owned(),
        input: json!({}),
        caller: caller.to_owned(),
    }
}

fn world() -> World {
    World::new(Settings::default(), datetime!(2026-11-22 12:00 UTC))
}

fn ask(world: &mut World, service: Service, operation: &str, input: Value) -> Answer {
    world.answer(&Call {
        service,
        operation: operation.to_owned(),
        input,
        caller: "test".to_owned(),
    })
}

fn strike(faults: &mut Faults, call: &Call) -> Option<String> {
    let now = datetime!(2026-11-22 12:00 UTC);
    match faults.strike(call, now, &mut fastrand::Rng::with_seed(1))? {
        Strike::Fails(_, error) => Some(error.code),
        Strike::ReadsThePast => Some("stale".to_owned()),
    }
}

#[test]
fn a_fault_strikes_as_often_as_asked_and_only_whom_it_concerns() {
    let mut faults = Faults::default();
    let throttle = Fault::throttle(Service::Ssm, "SendCommand", 2);
    faults.add(Fault {
        calls: throttle.calls.clone().by("a"),
        ..throttle
    });
    assert_eq!(strike(&mut faults, &call("ListCommands", "a")), None);
    assert_eq!(strike(&mut faults, &call("SendCommand", "b")), None);
    for _ in 0..2 {
        let code = strike(&mut faults, &call("SendCommand", "a"));
        assert_eq!(code.as_deref(), Some("ThrottlingException"));
    }
    assert_eq!(strike(&mut faults, &call("SendCommand", "a")), None);
}

#[test]
fn the_nth_call_is_counted_from_one() {
    let mut faults = Faults::default();
    faults.add(Fault::nth(
        Calls::default().by("a"),
        3,
        Moment::AfterTheEffect,
        Failure::Kill,
    ));
    for struck in [None, None, Some("CallerKilled".to_owned()), None] {
        assert_eq!(strike(&mut faults, &call("ListCommands", "a")), struck);
    }
    assert_eq!(faults.waiting(), 0);
}

#[test]
fn a_rate_strikes_by_chance() {
    let mut world = world();
    world.faults.rates.push(Rate {
        calls: Calls::of(Service::Ssm, "ListCommands"),
        chance: 0.25,
        moment: Moment::BeforeTheEffect,
        failure: Failure::Internal,
    });
    let failed = (0..1000)
        .filter(|_| ask(&mut world, Service::Ssm, "ListCommands", json!({})).is_err())
        .count();
    assert!((200..300).contains(&failed), "{failed}");
}

#[test]
fn a_service_that_is_down_comes_back() {
    let mut world = world();
    let until = world.now + Duration::from_mins(2);
    world.faults.outages.push(Outage {
        service: Service::Ssm,
        until,
    });
    let error = ask(&mut world, Service::Ssm, "ListCommands", json!({})).unwrap_err();
    assert_eq!(
        (error.status, error.code.as_str()),
        (500, "InternalServerError")
    );
    let groups = json!({});
    ask(
        &mut world,
        Service::AutoScaling,
        "DescribeAutoScalingGroups",
        groups,
    )
    .unwrap();
    world.advance_to(until);
    ask(&mut world, Service::Ssm, "ListCommands", json!({})).unwrap();
}

fn create(world: &mut World, name: &str) {
    let input = json!({
        "AutoScalingGroupName": name, "MinSize": "0", "MaxSize": "1",
        "AvailabilityZones": ["eu-west-1a"], "LaunchConfigurationName": "lc",
    });
    ask(world, Service::AutoScaling, "CreateAutoScalingGroup", input).unwrap();
}

fn names(world: &mut World) -> usize {
    let answer = ask(
        world,
        Service::AutoScaling,
        "DescribeAutoScalingGroups",
        json!({}),
    );
    answer.unwrap()["AutoScalingGroups"]
        .as_array()
        .unwrap()
        .len()
}

#[test]
fn one_read_shows_the_state_before_the_newest_write() {
    let mut world = world();
    world.faults.add(Fault::nth(
        Calls::of(Service::AutoScaling, "DescribeAutoScalingGroups"),
        2,
        Moment::BeforeTheEffect,
        Failure::Stale,
    ));
    create(&mut world, "a");
    create(&mut world, "b");
    assert_eq!(names(&mut world), 2);
    assert_eq!(names(&mut world), 1, "the stale one");
    assert_eq!(names(&mut world), 2);
}

#[test]
fn stale_reads_are_no_older_than_asked() {
    let mut world = world();
    world.faults.staleness = Some(Staleness {
        chance: 1.0,
        at_most: Duration::from_secs(1),
    });
    create(&mut world, "a");
    world.advance_to(world.now + Duration::from_secs(3));
    create(&mut world, "b");
    let seen: Vec<usize> = (0..4)
        .map(|_| {
            world.advance_to(world.now + Duration::from_millis(100));
            names(&mut world)
        })
        .collect();
    assert!(seen.contains(&1) && !seen.contains(&0), "{seen:?}");
    world.advance_to(world.now + Duration::from_secs(1));
    assert_eq!(names(&mut world), 2);
}

#[test]
fn tags_are_wiped_by_their_beginning() {
    let mut world = world();
    create(&mut world, "a");
    for key in ["ours/1", "ours/2", "theirs"] {
        let tag = json!({ "ResourceId": "a", "ResourceType": "auto-scaling-group", "Key": key,
                          "Value": "", "PropagateAtLaunch": "false" });
        let input = json!({ "Tags": [tag] });
        ask(
            &mut world,
            Service::AutoScaling,
            "CreateOrUpdateTags",
            input,
        )
        .unwrap();
    }
    assert_eq!(wipe_tags(&mut world, "a", "ours/"), 2);
    assert_eq!(world.autoscaling.groups["a"].tags.len(), 1);
}

#[test]
fn capacity_returns_by_itself() {
    let mut world = world();
    refuse_capacity(&mut world, Duration::from_mins(5));
    world.advance_to(world.now + Duration::from_mins(4));
    assert!(world.compute.capacity_refused);
    world.advance_to(world.now + Duration::from_mins(1));
    assert!(!world.compute.capacity_refused);
}

#[test]
fn a_command_waits_for_the_end_of_an_outage() {
    let mut world = world();
    let settings = json!({
        "AutoScalingGroupName": "a", "MinSize": "1", "MaxSize": "1", "DesiredCapacity": "1",
        "AvailabilityZones": ["eu-west-1a"], "LaunchConfigurationName": "lc",
    });
    ask(
        &mut world,
        Service::AutoScaling,
        "CreateAutoScalingGroup",
        settings,
    )
    .unwrap();
    world.advance_to(world.now + Duration::from_mins(5));
    let instance = world.compute.instances.keys().next().unwrap().clone();
    assert_eq!(
        autoscaling::AutoScaling::group_of(&world.autoscaling, &instance)
            .unwrap()
            .name,
        "a"
    );
    let input = json!({
        "InstanceIds": [instance], "DocumentName": "AWS-RunShellScript",
        "Parameters": { "commands": ["true"] },
    });
    ask(&mut world, Service::Ssm, "SendCommand", input).unwrap();
    let until = world.now + Duration::from_secs(40);
    world.faults.outages.push(Outage {
        service: Service::Ssm,
        until,
    });
    let started = |world: &World| {
        let command = world.ssm.commands.values().next().unwrap();
        command.invocations.values().next().unwrap().started_at
    };
    world.advance_to(world.now + Duration::from_secs(39));
    assert_eq!(started(&world), None);
    world.advance_to(until);
    assert_eq!(started(&world), Some(until));
}

fn standard_queue(world: &mut World) -> String {
    let input = json!({ "QueueName": "q" });
    let answer = ask(world, Service::Sqs, "CreateQueue", input).unwrap();
    answer["QueueUrl"].as_str().unwrap().to_owned()
}

#[test]
fn a_standard_queue_may_deliver_twice_at_once() {
    let mut world = world();
    let url = standard_queue(&mut world);
    let send = json!({ "QueueUrl": url, "MessageBody": "hello" });
    let answer = ask(&mut world, Service::Sqs, "SendMessage", send).unwrap();
    world.faults.deliveries.received_again = 1.0;
    let receive = json!({ "QueueUrl": url });
    for _ in 0..2 {
        let answer = ask(&mut world, Service::Sqs, "ReceiveMessage", receive.clone()).unwrap();
        assert_eq!(answer["Messages"][0]["Body"], "hello");
    }
    // And a sender may send twice.
    send_again(&mut world, answer["MessageId"].as_str().unwrap()).unwrap();
    assert_eq!(world.sqs.queues["q"].messages(world.now).count(), 2);
}

#[test]
fn a_lost_delete_is_counted() {
    let mut deliveries = Deliveries::default();
    let mut rng = fastrand::Rng::with_seed(1);
    deliveries.lose_nth_delete("q", 2);
    let lost: Vec<bool> = (0..4)
        .map(|_| deliveries.loses_delete("q", &mut rng))
        .collect();
    assert_eq!(lost, [false, true, false, false]);
    assert!(!deliveries.loses_delete("other", &mut rng));
}
