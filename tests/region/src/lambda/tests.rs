//! Functions in process, on a clock that stands still unless everybody waits.

use super::{Function, FunctionError, Invocation, invoke_async, kill};
use crate::api::{Call, Service};
use crate::journal::Happening;
use crate::region::{Region, TemplateSource};
use crate::settings::Settings;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::OffsetDateTime;
use time::macros::datetime;

const ORIGIN: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);
const QUEUE: &str = "http://region.invalid/123456789012/s-Work.fifo";

const TEMPLATE: &str = r"
Resources:
  Work:
    Type: AWS::SQS::Queue
    Properties: {FifoQueue: true, ContentBasedDeduplication: true, VisibilityTimeout: 30}
  Failures: {Type: AWS::SQS::Queue}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 10
      Events:
        Work:
          Type: SQS
          Properties:
            Queue: !GetAtt Work.Arn
            BatchSize: 2
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 2}
  Listener:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 10
      ReservedConcurrentExecutions: 1
      EventInvokeConfig:
        DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Failures.Arn}}
";

/// What a function does with an invocation.
type Script = dyn Fn(Value) -> BoxFuture<'static, Result<Value, FunctionError>> + Send + Sync;

/// Remembers when it was invoked with what.
#[derive(Clone)]
struct Recorder {
    seen: Arc<Mutex<Vec<(Duration, Value)>>>,
    region: Region,
    script: Arc<Script>,
}

impl Function for Recorder {
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Result<Value, FunctionError>> {
        let since = (self.region.clock().now() - ORIGIN).unsigned_abs();
        let payload = invocation.payload;
        self.seen.lock().unwrap().push((since, payload.clone()));
        (self.script)(payload)
    }
}

type Seen = Arc<Mutex<Vec<(Duration, Value)>>>;

/// A region in which every function does the same, and what they saw.
fn region<F>(script: impl Fn(Value) -> F + Send + Sync + 'static) -> (Region, Seen)
where
    F: Future<Output = Result<Value, FunctionError>> + Send + 'static,
{
    let seen = Seen::default();
    let script: Arc<Script> = Arc::new(move |payload| script(payload).boxed());
    let shared = Arc::clone(&seen);
    let region = Region::builder(Settings::default(), ORIGIN)
        .template(TemplateSource {
            text: TEMPLATE.to_owned(),
            stack_name: "s".to_owned(),
            parameters: BTreeMap::new(),
        })
        .functions(move |region, _| {
            Some(Arc::new(Recorder {
                seen: Arc::clone(&shared),
                region: region.clone(),
                script: Arc::clone(&script),
            }))
        })
        .start()
        .unwrap();
    (region, seen)
}

fn send(region: &Region, group: &str, body: &str) {
    let call = Call {
        service: Service::Sqs,
        operation: "SendMessage".to_owned(),
        input: json!({"QueueUrl": QUEUE, "MessageGroupId": group, "MessageBody": body}),
        caller: "test".to_owned(),
    };
    region.with(|world| world.answer(&call)).unwrap();
}

/// The bodies of every batch seen, with the second it was seen in.
fn batches(seen: &Seen) -> Vec<(u64, Vec<String>)> {
    let seen = seen.lock().unwrap();
    seen.iter()
        .map(|(since, event)| {
            let records = event["Records"].as_array().unwrap();
            let bodies = records
                .iter()
                .map(|record| record["body"].as_str().unwrap().to_owned())
                .collect();
            (since.as_secs(), bodies)
        })
        .collect()
}

async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_in_flight_per_group_and_successes_are_deleted() {
    let (region, seen) = region(async |_| {
        pause(5).await;
        Ok(Value::Null)
    });
    for (group, body) in [("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1")] {
        send(&region, group, body);
    }
    pause(20).await;
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
    assert_eq!(
        batches(&seen),
        [
            (0, words(&["a1", "a2"])),
            (0, words(&["b1"])),
            (5, words(&["a3"])),
        ]
    );
    let left = region.with(|world| world.sqs.queues["s-Work.fifo"].messages(world.now).count());
    assert_eq!(left, 0);
    region.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_event_is_as_lambda_writes_it() {
    let (region, seen) = region(async |_| Ok(Value::Null));
    send(&region, "a", "hello");
    pause(1).await;
    let event = seen.lock().unwrap()[0].1.clone();
    let record = &event["Records"][0];
    assert_eq!(record["body"], "hello");
    assert_eq!(record["md5OfBody"], "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(record["attributes"]["MessageGroupId"], "a");
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(
        record["eventSourceARN"],
        "arn:aws:sqs:eu-west-1:123456789012:s-Work.fifo"
    );
    region.stop().await;
}

#[tokio::test(start_paused = true)]
async fn reported_failures_come_back_when_their_visibility_ends() {
    let (region, seen) = region(async |event: Value| {
        let failed: Vec<Value> = event["Records"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|record| record["body"] == "bad")
            .filter(|record| record["attributes"]["ApproximateReceiveCount"] == "1")
            .map(|record| json!({"itemIdentifier": record["messageId"]}))
            .collect();
        Ok(json!({ "batchItemFailures": failed }))
    });
    send(&region, "a", "good");
    send(&region, "a", "bad");
    send(&region, "a", "next");
    pause(40).await;
    let bodies = |list: &[&str]| {
        list.iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        batches(&seen),
        [
            (0, bodies(&["good", "bad"])),
            (30, bodies(&["bad", "next"]))
        ]
    );
    region.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_time_out_kills_and_fails_the_whole_batch() {
    let (region, seen) = region(async |_| {
        pause(11).await;
        panic!("not reached: it is killed after ten seconds");
    });
    send(&region, "a", "x");
    pause(35).await;
    assert_eq!(batches(&seen).len(), 2);
    let error = first_error(&region);
    assert!(
        error.contains("Task timed out after 10.00 seconds"),
        "{error}"
    );
    region.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nonsense_in_the_answer_and_panics_fail_the_whole_batch() {
    let answers = Arc::new(Mutex::new(vec![
        Ok(Value::Null),
        Err(FunctionError::new("Error", "handled")),
        Ok(json!({"batchItemFailures": [{"itemIdentifier": ""}]})),
        Ok(json!({"batchItemFailures": [{"itemIdentifier": "unknown"}]})),
        Ok(json!("done")),
    ]));
    let (region, seen) = region(move |_| {
        let answer = answers.lock().unwrap().pop().unwrap();
        async move { answer }
    });
    send(&region, "a", "x");
    pause(200).await;
    assert_eq!(batches(&seen).len(), 5, "four failures and a success");
    region.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_is_tried_three_times_and_then_reported() {
    let (region, seen) = region(async |_| Err(FunctionError::new("Broken", "always")));
    region.with(|world| invoke_async(world, "s-Listener", json!({"n": 1})));
    pause(300).await;
    let times: Vec<u64> = {
        let seen = seen.lock().unwrap();
        seen.iter().map(|(since, _)| since.as_secs()).collect()
    };
    assert_eq!(times, [0, 60, 180]);
    let report = region.with(|world| {
        let queue = &world.sqs.queues["s-Failures"];
        let message = queue.messages(world.now).next().unwrap();
        serde_json::from_str::<Value>(&message.body).unwrap()
    });
    assert_eq!(report["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(report["requestPayload"], json!({"n": 1}));
    region.stop().await;
}

#[tokio::test(start_paused = true)]
async fn reserved_concurrency_makes_events_wait() {
    let (region, seen) = region(async |_| {
        pause(4).await;
        Ok(Value::Null)
    });
    for n in 0..3 {
        region.with(|world| invoke_async(world, "s-Listener", json!({ "n": n })));
    }
    pause(60).await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    for pair in seen.windows(2) {
        assert!(pair[1].0 >= pair[0].0 + Duration::from_secs(4));
    }
}

#[tokio::test(start_paused = true)]
async fn a_running_invocation_can_be_killed() {
    let (region, _) = region(async |_| {
        pause(9).await;
        Ok(Value::Null)
    });
    send(&region, "a", "x");
    pause(1).await;
    region.with(|world| {
        let running = world.lambda.running("s-Worker");
        kill(world, &running[0]);
    });
    pause(1).await;
    assert!(first_error(&region).starts_with("Runtime.ExitError"));
    region.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_receive_waits_for_a_message() {
    let (region, _) = region(async |_| Ok(Value::Null));
    let url = "http://region.invalid/123456789012/s-Failures";
    let call = |operation: &str, input: Value| Call {
        service: Service::Sqs,
        operation: operation.to_owned(),
        input,
        caller: "test".to_owned(),
    };
    let receive = call(
        "ReceiveMessage",
        json!({"QueueUrl": url, "WaitTimeSeconds": 20}),
    );
    let waiting = tokio::spawn({
        let (region, receive) = (region.clone(), receive.clone());
        async move { region.call(receive).await }
    });
    pause(7).await;
    assert!(!waiting.is_finished());
    let send = call("SendMessage", json!({"QueueUrl": url, "MessageBody": "x"}));
    region.call(send).await.unwrap();
    let answer = waiting.await.unwrap().unwrap();
    assert_eq!(answer["Messages"][0]["Body"], "x");
    let waited = region.clock().now() - ORIGIN;
    assert!(waited < Duration::from_secs(8), "{waited}");
    let answer = region.call(receive).await.unwrap();
    assert_eq!(answer, json!({}));
    let waited = region.clock().now() - ORIGIN;
    assert!(waited > Duration::from_secs(27), "{waited}");
    region.stop().await;
}

fn first_error(region: &Region) -> String {
    region.with(|world| {
        world
            .journal
            .entries()
            .find_map(|entry| match &entry.what {
                Happening::Returned {
                    result: Err(error), ..
                } => Some(error.clone()),
                _ => None,
            })
            .unwrap()
    })
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_starts_late_was_received_again_meanwhile() {
    let (region, seen) = region(async |_| {
        pause(5).await;
        Ok(Value::Null)
    });
    region.with(|world| {
        let late = Duration::from_secs(33);
        world
            .faults
            .deliveries
            .start_nth_late("s-Work.fifo", 2, late);
    });
    send(&region, "a", "first");
    pause(10).await;
    send(&region, "a", "late");
    pause(60).await;
    let one = |body: &str| vec![body.to_owned()];
    // Received at 10 and again at 40, when its visibility time-out ends.
    assert_eq!(
        batches(&seen),
        [(0, one("first")), (40, one("late")), (43, one("late"))]
    );
    let counts: Vec<Value> = {
        let seen = seen.lock().unwrap();
        let count = |(_, event): &(Duration, Value)| {
            event["Records"][0]["attributes"]["ApproximateReceiveCount"].clone()
        };
        seen.iter().map(count).collect()
    };
    assert_eq!(counts, ["1", "2", "1"]);
    // The receipt of the late one is worth nothing any more, and the other's is.
    let left = region.with(|world| world.sqs.queues["s-Work.fifo"].messages(world.now).count());
    assert_eq!(left, 0);
    region.stop().await;
}
