//! A family of two pools in one region.

use crate::operator::{run, run_as, words};
use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_operator::Exit;
use region::api::{Call, Service};
use region::world::World;
use serde_json::{Value, json};

/// The queue that both stacks answer on.
const OUTCOMES: &str = "ready-pool-outcome";

fn make_outcome_queue(world: &mut World) {
    let call = Call {
        service: Service::Sqs,
        operation: "CreateQueue".to_owned(),
        input: json!({ "QueueName": OUTCOMES }),
        caller: "operator".to_owned(),
    };
    world.answer(&call).expect("the queue can be made");
}

/// The family `ready-pool`: two small instances, one large one, and one queue for outcomes.
pub(crate) fn builder() -> HarnessBuilder {
    let arn = format!("arn:aws:sqs:eu-west-1:123456789012:{OUTCOMES}");
    Harness::builder()
        .stack("ready-pool-small")
        .parameter("OutcomeQueueArn", &arn)
        .prepare(make_outcome_queue)
        .beside(
            "ready-pool-large",
            &[("PoolSize", "1"), ("InstanceType", "m7g.large")],
        )
}

/// Both pools ready, and a target of each.
pub(crate) async fn harness() -> Harness {
    let harness = builder().start();
    ready(&harness).await;
    harness
}

/// Waits for both pools, and makes a target of each.
pub(crate) async fn ready(harness: &Harness) {
    harness.pool_is_ready(2).await;
    harness.group_is_ready("ready-pool-large-pool", 1).await;
    for pool in ["small", "large"] {
        let target = Target::named(&format!("tenant-{pool}"));
        let name = format!("ready-pool-{pool}-pool");
        harness.create(target.of(&name)).await;
        let input = json!({
            "AutoScalingGroupName": format!("tenant-{pool}"), "ScalingProcesses": ["AZRebalance"],
        });
        let suspended = harness.call(Service::AutoScaling, "SuspendProcesses", input);
        suspended.await.expect("the process can be suspended");
    }
}

fn send<'a>(target: &'a str, id: &'a str) -> [&'a str; 9] {
    [
        "send",
        "--family",
        "ready-pool",
        "--target",
        target,
        "--command",
        "true",
        "--id",
        id,
    ]
}

/// The outcomes on the queue that both share.
async fn outcomes(harness: &Harness) -> Vec<Value> {
    let input = json!({
        "QueueUrl": harness.region.stack().outputs["OutcomeQueueUrl"], "MaxNumberOfMessages": 10,
    });
    let answer = harness.call(Service::Sqs, "ReceiveMessage", input).await;
    let answer = answer.expect("the queue can be read");
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    messages
        .iter()
        .map(|message| {
            let body = message["Body"].as_str().expect("a body");
            serde_json::from_str(body).expect("an outcome is JSON")
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_served_by_its_target_s_pool_without_a_queue_s_name_and_one_consumer_tells_pools_apart()
 {
    let harness = harness().await;
    for pool in ["small", "large"] {
        let target = format!("tenant-{pool}");
        let line = [&send(&target, pool)[..], &["--wait"]].concat();
        run(&harness, &line).await.is(
            Exit::Done,
            &[
                &format!("Sent to pool ready-pool-{pool}-pool"),
                &format!("{pool}: ready: i-"),
            ],
        );
        assert_eq!(harness.in_service(&target).len(), 1);
    }
    let heard = outcomes(&harness).await;
    let mut heard: Vec<(&str, &str)> = heard
        .iter()
        .map(|outcome| {
            (
                outcome["claim_id"].as_str().unwrap(),
                outcome["pool"].as_str().unwrap(),
            )
        })
        .collect();
    heard.sort_unstable();
    assert_eq!(
        heard,
        [
            ("large", "ready-pool-large-pool"),
            ("small", "ready-pool-small-pool"),
        ]
    );
    let types = harness.region.with(|world| {
        ["tenant-small", "tenant-large"].map(|target| {
            let group = &world.autoscaling.groups[target];
            let instance = group.members.keys().next().expect("a member");
            world.compute.instances[instance].instance_type.clone()
        })
    });
    assert_eq!(types, ["t4g.small", "m7g.large"]);
    // Its story is found in whichever pool it has one.
    let story = run(&harness, &["claim", "large", "--family", "ready-pool"]).await;
    story.is(Exit::Done, &["large for tenant-large"]);
    assert!(!story.out.contains("no trace"), "{}", story.out);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_on_the_wrong_queue_hears_the_right_pool() {
    let harness = harness().await;
    harness.send(&claim("lost", "tenant-large")).await;
    harness.outcome("lost").await;
    let outcome = outcomes(&harness).await.remove(0);
    assert_eq!(outcome["reason"], "not_opted_in", "{outcome}");
    assert_eq!(outcome["pool"], "ready-pool-small-pool", "{outcome}");
    assert_eq!(outcome["opted_in_to"], "ready-pool-large-pool", "{outcome}");
    // The command line says it before anything is sent.
    let line = words("send --stack ready-pool-small --target tenant-large --command true");
    run(&harness, &line).await.is(
        Exit::Wrong,
        &["has opted in to ready-pool-large-pool", "--family"],
    );
    let asked = [&send("tenant-large", "c")[..], &["--pool", "small"]].concat();
    run(&harness, &asked)
        .await
        .is(Exit::Wrong, &["to the pool large, and not to small"]);
    let asked = [&send("tenant-large", "c")[..], &["--pool", "large"]].concat();
    run(&harness, &asked).await.is(Exit::Done, &[]);
    harness.outcome("c").await;
    assert_eq!(harness.in_service("tenant-large").len(), 1);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn status_shows_a_line_for_each_pool_and_the_sum() {
    let harness = harness().await;
    run(
        &harness,
        &["pause", "--family", "ready-pool", "--pool", "small"],
    )
    .await
    .is(Exit::Done, &["ready-pool-small-pool", "claims:"]);
    let line = ["status", "--family", "ready-pool"];
    let shown = run(&harness, &line).await;
    shown.is(
        Exit::Done,
        &[
            "ready-pool in eu-west-1, ",
            "ready  booting  wanted  most  waiting  open  targets",
            "large      1        0       1    50        0     0        1",
            "small      2        0       2    50        0     0        1",
            "sum        3        0       3   100        0     0        2",
            "paused      small: claims",
        ],
    );
    assert!(!shown.out.contains("look at"), "{}", shown.out);
    let shown = run(&harness, &[&line[..], &["--json"]].concat())
        .await
        .json();
    assert_eq!(shown[0]["pools"][0]["name"], "large", "{shown:?}");
    assert_eq!(shown[0]["pools"][1]["paused"]["claims"], true, "{shown:?}");
    assert_eq!(shown[0]["sum"]["ready"], 3, "{shown:?}");
    let one = run(&harness, &[&line[..], &["--pool", "small"]].concat()).await;
    one.is(Exit::Done, &["ready-pool-small in", "paused", "queues"]);
    // Only the pool that was named stands still.
    run(
        &harness,
        &[&send("tenant-large", "c")[..], &["--wait"]].concat(),
    )
    .await
    .is(Exit::Done, &["c: ready: i-"]);
    run(
        &harness,
        &["resume", "--family", "ready-pool", "--pool", "small"],
    )
    .await
    .is(Exit::Done, &["the pool works"]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_doctor_looks_at_each_stack_and_at_tags_that_name_no_pool() {
    let harness = harness().await;
    let line = ["doctor", "--family", "ready-pool"];
    run(&harness, &line).await.is(
        Exit::Done,
        &[
            "ready-pool-large in eu-west-1: 7 queues, pool ready-pool-large-pool, 1 target",
            "all is well",
            "ready-pool-small in eu-west-1: 7 queues",
            "all is well",
            "ready-pool in eu-west-1: 2 pools",
            "in all      nothing: all is well",
        ],
    );
    let misspelt = Target::named("misspelt").of("ready-pool-smal-pool");
    harness.create(misspelt).await;
    run(&harness, &line).await.is(
        Exit::Bad,
        &[
            "ready-pool in eu-west-1: 2 pools",
            "wrong       misspelt: it has opted in to ready-pool-smal-pool, and there is no such group",
            "in all      1 wrong, 0 to look at",
        ],
    );
    let asked = send("misspelt", "c");
    run(&harness, &asked).await.is(
        Exit::Wrong,
        &["no pool of the family ready-pool, but large, small"],
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_about_one_pool_needs_its_name() {
    let harness = harness().await;
    let said = |words: &'static [&'static str]| run_as(&harness, "operator", words);
    said(&["pause", "--family", "ready-pool"])
        .await
        .is(Exit::Wrong, &["name it with --pool", "large, small"]);
    said(&["resume", "--family", "ready-pool", "--pool", "tiny"])
        .await
        .is(Exit::Wrong, &["has no pool tiny, but large, small"]);
    said(&["status", "--family", "nosuch"]).await.is(
        Exit::NotDone,
        &["no queue is called nosuch-…-provision.fifo"],
    );
    harness.create(Target::named("new").not_opted_in()).await;
    said(&["opt-in", "new", "--family", "ready-pool", "--pool", "large"])
        .await
        .is(Exit::Done, &["it gets instances of ready-pool-large-pool"]);
    harness.end().await;
}
