//! `status`.

use crate::operator::{harness, run, run_for};
use end_to_end::{Harness, Target, claim};
use ready_pool_operator::Exit;
use region::api::{Call, Service};
use region::commands::Pretence;
use region::compute;
use region::faults::{Calls, Failure, Fault, Moment};
use region::world::World;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_ready_is_shown_by_zone() {
    let harness = harness(Harness::builder()).await;
    let shown = run(&harness, &["status"]).await;
    shown.is(
        Exit::Done,
        &[
            "ready-pool in eu-west-1, 2026-11-22 20:0",
            "pool        2 ready of 2 wanted, at most 50 (ready-pool-pool)",
            "ready  booting",
            "eu-west-1a      1        0",
            "queues      provision 0; init 0; outcome 0",
            "claims      0 open, on 1 target",
        ],
    );
    assert!(!shown.out.contains("look at"), "{}", shown.out);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn open_claims_and_what_lies_on_queues_are_shown() {
    let slow = |_: &region::commands::CommandRun| Pretence {
        takes: Some(Duration::from_mins(5)),
        ..Pretence::default()
    };
    let harness = harness(Harness::builder().scripts(slow)).await;
    harness.create(Target::named("full").max_size(0)).await;
    harness.send(&claim("works", "tenant")).await;
    harness.send(&claim("rejected", "full")).await;
    harness.pass(Duration::from_secs(30)).await;
    let shown = run(&harness, &["status"]).await;
    shown.is(
        Exit::Done,
        &[
            "rejected 1;",
            "claims      1 open, on 2 targets",
            "works for tenant: i-",
            "attempt 1, until 20:30:00 (in ",
            "look at     there is 1 message on ready-pool-rejected",
        ],
    );
    let json = run(&harness, &["status", "--json"]).await.json().remove(0);
    assert_eq!(json["open_claims"][0]["claim_id"], "works");
    assert_eq!(json["queues"]["rejected"]["visible"], 1);
    assert_eq!(json["pool"]["group"], "ready-pool-pool");
    harness.outcome("works").await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_looks_again_and_survives_a_busy_moment() {
    let harness = harness(Harness::builder()).await;
    // The second look: the SDK tries three times.
    harness.break_next(Fault {
        calls: Calls::of(Service::Ssm, "DescribeInstanceInformation").by("operator"),
        skip: 1,
        times: 3,
        moment: Moment::BeforeTheEffect,
        failure: Failure::Throttled,
    });
    let words = ["status", "--watch", "--every", "10"];
    let shown = run_for(&harness, "operator", &words, Some(Duration::from_secs(39))).await;
    assert_eq!(
        shown.out.matches("2 ready of 2 wanted").count(),
        3,
        "{shown:?}"
    );
    assert_eq!(shown.errors.matches("throttled: ").count(), 1, "{shown:?}");
    assert!(
        shown.out.starts_with("ready-pool in eu-west-1"),
        "{shown:?}"
    );
    harness.end().await;
}

fn fleet(world: &mut World) {
    let tags = BTreeMap::from([("ready-pool:stack".to_owned(), "ready-pool".to_owned())]);
    compute::register_launch_template(world, "fleet", "m7g.medium", tags);
    let call = Call {
        service: Service::AutoScaling,
        operation: "CreateAutoScalingGroup".to_owned(),
        input: json!({
            "AutoScalingGroupName": "fleet", "MinSize": 0, "MaxSize": 20, "DesiredCapacity": 2,
            "AvailabilityZones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"],
            "LaunchTemplate": { "LaunchTemplateName": "fleet", "Version": "1" },
        }),
        caller: "operator".to_owned(),
    };
    world.answer(&call).expect("the group can be created");
}

#[tokio::test(start_paused = true)]
async fn a_pool_with_a_name_of_its_own_is_found() {
    let builder = Harness::builder()
        .prepare(fleet)
        .parameter("ExistingPoolGroup", "fleet");
    let harness = harness(builder).await;
    let shown = run(&harness, &["status"]).await;
    shown.is(Exit::Done, &["2 ready of 2 wanted, at most 20 (fleet)"]);
    harness.end().await;
}

fn all_outcome(world: &mut World) {
    let call = Call {
        service: Service::Sqs,
        operation: "CreateQueue".to_owned(),
        input: json!({ "QueueName": "all-outcome" }),
        caller: "operator".to_owned(),
    };
    world.answer(&call).expect("the queue can be created");
}

#[tokio::test(start_paused = true)]
async fn an_outcome_queue_that_stacks_share_is_found() {
    let arn = "arn:aws:sqs:eu-west-1:123456789012:all-outcome";
    let builder = Harness::builder()
        .prepare(all_outcome)
        .parameter("OutcomeQueueArn", arn);
    let harness = harness(builder).await;
    harness.send(&claim("c-1", "tenant")).await;
    harness.outcome("c-1").await;
    run(&harness, &["status"])
        .await
        .is(Exit::Done, &["outcome 1"]);
    run(&harness, &["doctor"])
        .await
        .is(Exit::Done, &["7 queues"]);
    harness.end().await;
}
