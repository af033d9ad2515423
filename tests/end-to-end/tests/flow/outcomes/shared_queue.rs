//! One outcome queue for several stacks.

use end_to_end::{Harness, Target, claim};
use region::api::{Call, Service};
use region::world::World;
use serde_json::{Value, json};

const ARN: &str = "arn:aws:sqs:eu-west-1:123456789012:all-outcome";

fn make_queue(world: &mut World) {
    let call = Call {
        service: Service::Sqs,
        operation: "CreateQueue".to_owned(),
        input: json!({ "QueueName": "all-outcome" }),
        caller: "operator".to_owned(),
    };
    world.answer(&call).expect("the queue can be made");
}

#[tokio::test(start_paused = true)]
async fn outcomes_go_to_the_queue_that_the_stack_is_given_and_name_their_pool() {
    let harness = Harness::builder()
        .pool_size(1)
        .prepare(make_queue)
        .parameter("OutcomeQueueArn", ARN)
        .start();
    let resources = &harness.region.stack().resources;
    assert!(
        !resources.contains_key("OutcomeQueue"),
        "an own one is made"
    );
    harness.pool_is_ready(1).await;
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("c", "asg-1")).await;
    harness.send(&claim("unknown", "asg-2")).await;
    for claim_id in ["c", "unknown"] {
        harness.outcome(claim_id).await;
    }
    let input = json!({ "QueueName": "all-outcome" });
    let answer = harness
        .call(Service::Sqs, "GetQueueUrl", input)
        .await
        .unwrap();
    let input = json!({ "QueueUrl": answer["QueueUrl"], "MaxNumberOfMessages": 10,
        "MessageAttributeNames": ["All"] });
    let answer = harness
        .call(Service::Sqs, "ReceiveMessage", input)
        .await
        .unwrap();
    let messages = answer["Messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2);
    for message in messages {
        let body: Value = serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
        assert_eq!(body["pool"], harness.pool);
        let attribute = &message["MessageAttributes"]["pool"]["StringValue"];
        assert_eq!(*attribute, harness.pool);
    }
    harness.end().await;
}
