//! What SQS promises, asked of a world.

use crate::api::{Answer, Call, Service};
use crate::settings::Settings;
use crate::world::World;
use serde_json::{Value, json};
use std::time::Duration;
use time::macros::datetime;

const URL: &str = "http://region.invalid/123456789012/";

fn world() -> World {
    World::new(Settings::default(), datetime!(2026-11-22 12:00 UTC))
}

fn call(world: &mut World, operation: &str, input: Value) -> Answer {
    world.answer(&Call {
        service: Service::Sqs,
        operation: operation.to_owned(),
        input,
        caller: "test".to_owned(),
    })
}

fn ok(world: &mut World, operation: &str, input: Value) -> Value {
    call(world, operation, input).unwrap()
}

fn refused(world: &mut World, operation: &str, input: Value) -> (String, String) {
    let error = call(world, operation, input).unwrap_err();
    (error.code, error.message)
}

/// A world with a FIFO queue `q.fifo` and its dead-letter queue `dead.fifo`.
fn with_fifo(attributes: &Value) -> World {
    let mut world = world();
    let fifo = json!({"FifoQueue": "true"});
    let dead = json!({"QueueName": "dead.fifo", "Attributes": fifo});
    ok(&mut world, "CreateQueue", dead);
    let mut all = json!({
        "FifoQueue": "true",
        "VisibilityTimeout": "30",
        "RedrivePolicy": json!({
            "deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:dead.fifo",
            "maxReceiveCount": 2,
        })
        .to_string(),
    });
    for (name, value) in attributes.as_object().unwrap() {
        all[name] = value.clone();
    }
    let queue = json!({"QueueName": "q.fifo", "Attributes": all});
    ok(&mut world, "CreateQueue", queue);
    world
}

fn with_standard(attributes: &Value) -> World {
    let mut world = world();
    let queue = json!({"QueueName": "q", "Attributes": attributes});
    ok(&mut world, "CreateQueue", queue);
    world
}

fn url(queue: &str) -> String {
    format!("{URL}{queue}")
}

fn send(world: &mut World, group: &str, id: &str) -> Value {
    let input = json!({
        "QueueUrl": url("q.fifo"), "MessageBody": id,
        "MessageGroupId": group, "MessageDeduplicationId": id,
    });
    ok(world, "SendMessage", input)
}

fn send_plain(world: &mut World, body: &str) {
    let input = json!({"QueueUrl": url("q"), "MessageBody": body});
    ok(world, "SendMessage", input);
}

fn receive(world: &mut World, queue: &str) -> Vec<Value> {
    let input = json!({
        "QueueUrl": url(queue), "MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["All"],
    });
    let answer = ok(world, "ReceiveMessage", input);
    answer["Messages"].as_array().cloned().unwrap_or_default()
}

fn bodies(messages: &[Value]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message["Body"].as_str().unwrap())
        .collect()
}

fn handle_input(queue: &str, message: &Value) -> Value {
    json!({"QueueUrl": url(queue), "ReceiptHandle": message["ReceiptHandle"]})
}

fn wait(world: &mut World, seconds: u64) {
    world.advance_to(world.now + Duration::from_secs(seconds));
}

#[test]
fn a_group_is_locked_while_one_of_its_messages_is_in_flight() {
    let mut world = with_fifo(&json!({}));
    for (group, id) in [("a", "a1"), ("b", "b1"), ("a", "a2")] {
        send(&mut world, group, id);
    }
    let first = receive(&mut world, "q.fifo");
    assert_eq!(
        bodies(&first),
        ["a1", "a2", "b1"],
        "a group first, in order"
    );
    send(&mut world, "a", "a3");
    send(&mut world, "c", "c1");
    assert_eq!(bodies(&receive(&mut world, "q.fifo")), ["c1"]);
    ok(
        &mut world,
        "DeleteMessage",
        handle_input("q.fifo", &first[0]),
    );
    assert!(receive(&mut world, "q.fifo").is_empty(), "a2 is in flight");
    ok(
        &mut world,
        "DeleteMessage",
        handle_input("q.fifo", &first[1]),
    );
    assert_eq!(bodies(&receive(&mut world, "q.fifo")), ["a3"]);
}

#[test]
fn a_message_comes_back_when_its_visibility_ends() {
    let mut world = with_fifo(&json!({}));
    send(&mut world, "a", "a1");
    send(&mut world, "a", "a2");
    let first = receive(&mut world, "q.fifo");
    assert_eq!(first[0]["Attributes"]["ApproximateReceiveCount"], "1");
    wait(&mut world, 29);
    assert!(receive(&mut world, "q.fifo").is_empty());
    wait(&mut world, 1);
    let again = receive(&mut world, "q.fifo");
    assert_eq!(bodies(&again), ["a1", "a2"], "the order is kept");
    assert_eq!(again[0]["Attributes"]["ApproximateReceiveCount"], "2");
    assert_eq!(
        again[0]["Attributes"]["ApproximateFirstReceiveTimestamp"],
        first[0]["Attributes"]["ApproximateFirstReceiveTimestamp"]
    );
    let (code, message) = refused(
        &mut world,
        "DeleteMessage",
        handle_input("q.fifo", &first[0]),
    );
    assert_eq!(code, "InvalidParameterValue");
    assert!(message.ends_with("Reason: The receipt handle has expired."));
}

#[test]
fn an_expired_fifo_handle_changes_nothing_even_before_the_next_receive() {
    let mut world = with_fifo(&json!({}));
    send(&mut world, "a", "a1");
    let message = receive(&mut world, "q.fifo").remove(0);
    wait(&mut world, 30);
    let mut input = handle_input("q.fifo", &message);
    refused(&mut world, "DeleteMessage", input.clone());
    input["VisibilityTimeout"] = json!(10);
    let (code, _) = refused(&mut world, "ChangeMessageVisibility", input);
    assert_eq!(code, "InvalidParameterValue");
}

#[test]
fn visibility_can_be_changed_while_in_flight() {
    let mut world = with_fifo(&json!({}));
    send(&mut world, "a", "a1");
    let message = receive(&mut world, "q.fifo").remove(0);
    let mut input = handle_input("q.fifo", &message);
    input["VisibilityTimeout"] = json!(100);
    ok(&mut world, "ChangeMessageVisibility", input.clone());
    wait(&mut world, 99);
    assert!(receive(&mut world, "q.fifo").is_empty());
    input["VisibilityTimeout"] = json!(0);
    ok(&mut world, "ChangeMessageVisibility", input.clone());
    assert_eq!(receive(&mut world, "q.fifo").len(), 1);
    input["VisibilityTimeout"] = json!(43_201);
    let (code, _) = refused(&mut world, "ChangeMessageVisibility", input);
    assert_eq!(code, "InvalidParameterValue");
}

#[test]
fn a_repeated_deduplication_id_is_swallowed_for_five_minutes_from_the_send() {
    let mut world = with_fifo(&json!({}));
    let first = send(&mut world, "a", "x");
    let message = receive(&mut world, "q.fifo").remove(0);
    ok(
        &mut world,
        "DeleteMessage",
        handle_input("q.fifo", &message),
    );
    wait(&mut world, 299);
    let again = send(&mut world, "other-group", "x");
    assert_eq!(again["MessageId"], first["MessageId"]);
    assert_eq!(again["SequenceNumber"], first["SequenceNumber"]);
    assert!(receive(&mut world, "q.fifo").is_empty());
    wait(&mut world, 1);
    let fresh = send(&mut world, "a", "x");
    assert_ne!(fresh["MessageId"], first["MessageId"]);
    assert_eq!(receive(&mut world, "q.fifo").len(), 1);
}

#[test]
fn content_can_stand_in_for_a_deduplication_id() {
    let mut world = with_fifo(&json!({}));
    let input =
        |body: &str| json!({"QueueUrl": url("q.fifo"), "MessageBody": body, "MessageGroupId": "a"});
    let (code, _) = refused(&mut world, "SendMessage", input("x"));
    assert_eq!(code, "InvalidParameterValue");
    let mut world = with_fifo(&json!({"ContentBasedDeduplication": "true"}));
    for body in ["x", "x", "y"] {
        ok(&mut world, "SendMessage", input(body));
    }
    assert_eq!(bodies(&receive(&mut world, "q.fifo")), ["x", "y"]);
}

#[test]
fn a_message_received_too_often_moves_and_frees_its_group() {
    let mut world = with_fifo(&json!({}));
    send(&mut world, "a", "poison");
    for _ in 0..2 {
        assert_eq!(bodies(&receive(&mut world, "q.fifo")), ["poison"]);
        wait(&mut world, 30);
    }
    send(&mut world, "a", "next");
    assert_eq!(bodies(&receive(&mut world, "q.fifo")), ["next"]);
    let dead = receive(&mut world, "dead.fifo");
    assert_eq!(bodies(&dead), ["poison"]);
    let attributes = &dead[0]["Attributes"];
    assert_eq!(
        attributes["DeadLetterQueueSourceArn"],
        "arn:aws:sqs:eu-west-1:123456789012:q.fifo"
    );
    let now = world.now.unix_timestamp() * 1_000;
    assert_eq!(
        attributes["SentTimestamp"],
        now.to_string(),
        "FIFO resets it"
    );
}

#[test]
fn a_fifo_queue_asks_for_its_parameters() {
    let mut world = with_fifo(&json!({}));
    let base = json!({"QueueUrl": url("q.fifo"), "MessageBody": "x"});
    assert_eq!(
        refused(&mut world, "SendMessage", base.clone()),
        (
            "MissingParameter".to_owned(),
            "The request must contain the parameter MessageGroupId.".to_owned()
        )
    );
    let mut delayed = base;
    delayed["MessageGroupId"] = json!("a");
    delayed["MessageDeduplicationId"] = json!("a");
    delayed["DelaySeconds"] = json!(5);
    let (code, _) = refused(&mut world, "SendMessage", delayed);
    assert_eq!(code, "InvalidParameterValue");
}

#[test]
fn a_standard_queue_delays_single_messages_and_takes_older_handles() {
    let mut world = with_standard(&json!({"VisibilityTimeout": "10"}));
    let input = json!({"QueueUrl": url("q"), "MessageBody": "late", "DelaySeconds": 5});
    ok(&mut world, "SendMessage", input);
    assert!(receive(&mut world, "q").is_empty());
    wait(&mut world, 5);
    let first = receive(&mut world, "q").remove(0);
    let mut input = handle_input("q", &first);
    wait(&mut world, 10);
    input["VisibilityTimeout"] = json!(1);
    // It is visible again, and stays so.
    ok(&mut world, "ChangeMessageVisibility", input);
    assert_eq!(receive(&mut world, "q").len(), 1);
    ok(&mut world, "DeleteMessage", handle_input("q", &first));
    ok(&mut world, "DeleteMessage", handle_input("q", &first));
    wait(&mut world, 10);
    assert!(receive(&mut world, "q").is_empty());
}

#[test]
fn messages_expire() {
    let mut world = with_standard(&json!({"MessageRetentionPeriod": "60"}));
    send_plain(&mut world, "x");
    wait(&mut world, 60);
    assert!(receive(&mut world, "q").is_empty());
}

#[test]
fn counts_tell_visible_in_flight_and_delayed_apart() {
    let mut world = with_standard(&json!({}));
    send_plain(&mut world, "a");
    receive(&mut world, "q");
    send_plain(&mut world, "b");
    let delayed = json!({"QueueUrl": url("q"), "MessageBody": "c", "DelaySeconds": 60});
    ok(&mut world, "SendMessage", delayed);
    let input = json!({"QueueUrl": url("q"), "AttributeNames": ["All"]});
    let attributes = ok(&mut world, "GetQueueAttributes", input);
    let attributes = &attributes["Attributes"];
    assert_eq!(attributes["ApproximateNumberOfMessages"], "1");
    assert_eq!(attributes["ApproximateNumberOfMessagesNotVisible"], "1");
    assert_eq!(attributes["ApproximateNumberOfMessagesDelayed"], "1");
    assert_eq!(attributes["VisibilityTimeout"], "30");
}

#[test]
fn a_batch_fails_entry_by_entry_or_as_a_whole() {
    let mut world = with_fifo(&json!({}));
    let entry = |id: &str, group: Value| json!({"Id": id, "MessageBody": "x", "MessageGroupId": group, "MessageDeduplicationId": id});
    let batch = |entries: Vec<Value>| json!({"QueueUrl": url("q.fifo"), "Entries": entries});
    let answer = ok(
        &mut world,
        "SendMessageBatch",
        batch(vec![entry("1", json!("a")), entry("2", json!("a b"))]),
    );
    assert_eq!(answer["Successful"][0]["Id"], "1");
    assert_eq!(answer["Failed"][0]["Id"], "2");
    assert_eq!(answer["Failed"][0]["Code"], "InvalidParameterValue");
    assert_eq!(answer["Failed"][0]["SenderFault"], true);
    let mut code = |entries| refused(&mut world, "SendMessageBatch", batch(entries)).0;
    let without_group = vec![entry("1", json!("a")), entry("2", Value::Null)];
    assert_eq!(code(without_group), "InvalidParameterValue");
    assert_eq!(code(vec![]), "EmptyBatchRequest");
    let same = || entry("1", json!("a"));
    assert_eq!(code(vec![same(), same()]), "BatchEntryIdsNotDistinct");
    let many = (0..11).map(|id| entry(&id.to_string(), json!("a")));
    assert_eq!(code(many.collect()), "TooManyEntriesInBatchRequest");
    assert_eq!(code(vec![entry("a b", json!("a"))]), "InvalidBatchEntryId");
}

#[test]
fn whole_batches_of_receipts() {
    let mut world = with_fifo(&json!({}));
    send(&mut world, "a", "a1");
    send(&mut world, "b", "b1");
    let messages = receive(&mut world, "q.fifo");
    let entries: Vec<Value> = messages
        .iter()
        .enumerate()
        .map(|(id, message)| {
            json!({
                "Id": id.to_string(), "ReceiptHandle": message["ReceiptHandle"],
                "VisibilityTimeout": 0,
            })
        })
        .collect();
    let input = json!({"QueueUrl": url("q.fifo"), "Entries": entries});
    let answer = ok(&mut world, "ChangeMessageVisibilityBatch", input);
    assert_eq!(answer["Successful"].as_array().unwrap().len(), 2);
    let messages = receive(&mut world, "q.fifo");
    let entries = json!([
        {"Id": "a", "ReceiptHandle": messages[0]["ReceiptHandle"]},
        {"Id": "b", "ReceiptHandle": "nonsense"},
    ]);
    let input = json!({"QueueUrl": url("q.fifo"), "Entries": entries});
    let answer = ok(&mut world, "DeleteMessageBatch", input);
    assert_eq!(answer["Successful"], json!([{"Id": "a"}]));
    assert_eq!(answer["Failed"][0]["Code"], "ReceiptHandleIsInvalid");
}

#[test]
fn a_queue_can_be_created_again_alike_but_not_differently() {
    let mut world = with_standard(&json!({"VisibilityTimeout": "45"}));
    let create =
        |seconds: &str| json!({"QueueName": "q", "Attributes": {"VisibilityTimeout": seconds}});
    ok(&mut world, "CreateQueue", create("45"));
    let (code, message) = refused(&mut world, "CreateQueue", create("46"));
    assert_eq!(code, "QueueNameExists");
    assert!(message.ends_with("attribute VisibilityTimeout"));
}

#[test]
fn what_is_not_known_is_named() {
    let mut world = with_standard(&json!({}));
    let (code, message) = refused(&mut world, "AddPermission", json!({}));
    assert_eq!(code, "UnknownOperationException");
    assert!(message.contains("AddPermission"));
    let input = json!({"QueueUrl": url("q"), "MessageBody": "x", "Colour": "red"});
    let (_, message) = refused(&mut world, "SendMessage", input);
    assert!(message.contains("Colour"), "{message}");
    let input = json!({"QueueUrl": url("none"), "MessageBody": "x"});
    assert_eq!(
        refused(&mut world, "SendMessage", input).0,
        "QueueDoesNotExist"
    );
    let input = json!({"QueueName": "w", "Attributes": {"Colour": "red"}});
    assert_eq!(
        refused(&mut world, "CreateQueue", input).0,
        "InvalidAttributeName"
    );
}

#[test]
fn message_attributes_come_back_with_their_digest() {
    let mut world = with_standard(&json!({}));
    let attributes = json!({
        "pool": {"DataType": "String", "StringValue": "p"},
        "size": {"DataType": "Number", "StringValue": "2"},
    });
    let input = json!({"QueueUrl": url("q"), "MessageBody": "x", "MessageAttributes": attributes});
    let sent = ok(&mut world, "SendMessage", input);
    let input = json!({"QueueUrl": url("q"), "MessageAttributeNames": ["All"]});
    let received = ok(&mut world, "ReceiveMessage", input);
    let message = &received["Messages"][0];
    assert_eq!(message["MessageAttributes"], attributes);
    assert_eq!(
        message["MD5OfMessageAttributes"],
        sent["MD5OfMessageAttributes"]
    );
    assert_eq!(message["MD5OfBody"], sent["MD5OfMessageBody"]);
    assert!(message.get("Attributes").is_none(), "not asked for");
}

#[test]
fn a_message_has_a_largest_size() {
    let mut world = with_standard(&json!({}));
    let input = json!({"QueueUrl": url("q"), "MessageBody": "x".repeat(1_048_577)});
    assert_eq!(
        refused(&mut world, "SendMessage", input).0,
        "InvalidParameterValue"
    );
}

#[test]
fn a_redrive_brings_messages_back_as_new_ones() {
    let mut world = with_fifo(&json!({"VisibilityTimeout": "1"}));
    send(&mut world, "g", "one");
    for _ in 0..3 {
        receive(&mut world, "q.fifo");
        world.advance_to(world.now + Duration::from_secs(2));
    }
    let dead = &world.sqs.queues["dead.fifo"];
    let old: Vec<String> = dead.messages(world.now).map(|it| it.id.clone()).collect();
    assert_eq!(old.len(), 1);

    let arn = |queue: &str| format!("arn:aws:sqs:eu-west-1:123456789012:{queue}");
    let start = json!({"SourceArn": arn("dead.fifo"), "MaxNumberOfMessagesPerSecond": 1});
    let started = ok(&mut world, "StartMessageMoveTask", start.clone());
    assert!(started["TaskHandle"].is_string());
    let (code, _) = refused(&mut world, "StartMessageMoveTask", start);
    assert_eq!(code, "UnsupportedOperation");
    world.advance_to(world.now + Duration::from_secs(5));
    let list = json!({"SourceArn": arn("dead.fifo"), "MaxResults": 10});
    let tasks = ok(&mut world, "ListMessageMoveTasks", list);
    assert_eq!(tasks["Results"][0]["Status"], "COMPLETED");
    assert_eq!(tasks["Results"][0]["ApproximateNumberOfMessagesMoved"], 1);

    let again = receive(&mut world, "q.fifo");
    assert_eq!(bodies(&again), ["one"]);
    assert_ne!(again[0]["MessageId"], old[0].as_str());
    assert_eq!(again[0]["Attributes"]["ApproximateReceiveCount"], "1");
}

#[test]
fn only_a_dead_letter_queue_is_redriven_and_a_task_can_be_cancelled() {
    let mut world = with_fifo(&json!({}));
    let arn = |queue: &str| format!("arn:aws:sqs:eu-west-1:123456789012:{queue}");
    let source = |queue: &str| json!({ "SourceArn": arn(queue) });
    let (code, _) = refused(&mut world, "StartMessageMoveTask", source("q.fifo"));
    assert_eq!(code, "UnsupportedOperation");
    let (code, _) = refused(&mut world, "StartMessageMoveTask", source("none"));
    assert_eq!(code, "ResourceNotFoundException");
    let task = ok(&mut world, "StartMessageMoveTask", source("dead.fifo"));
    let cancel = json!({ "TaskHandle": task["TaskHandle"] });
    ok(&mut world, "CancelMessageMoveTask", cancel.clone());
    let (code, _) = refused(&mut world, "CancelMessageMoveTask", cancel);
    assert_eq!(code, "UnsupportedOperation");
    let tasks = ok(&mut world, "ListMessageMoveTasks", source("dead.fifo"));
    assert_eq!(tasks["Results"][0]["Status"], "CANCELLED");
}

#[test]
fn queues_are_listed_by_prefix_and_in_pages_where_a_size_is_asked_for() {
    let mut world = world();
    for name in ["prod-a", "prod-b", "prod-c", "other"] {
        ok(&mut world, "CreateQueue", json!({"QueueName": name}));
    }
    let prefix = json!({"QueueNamePrefix": "prod-"});
    let all = ok(&mut world, "ListQueues", prefix.clone());
    assert_eq!(
        all,
        json!({"QueueUrls": [url("prod-a"), url("prod-b"), url("prod-c")]})
    );
    let mut page = prefix;
    page["MaxResults"] = json!(2);
    let first = ok(&mut world, "ListQueues", page.clone());
    assert_eq!(first["QueueUrls"], json!([url("prod-a"), url("prod-b")]));
    page["NextToken"] = first["NextToken"].clone();
    let second = ok(&mut world, "ListQueues", page.clone());
    assert_eq!(second, json!({"QueueUrls": [url("prod-c")]}));
    page["NextToken"] = json!("nonsense");
    let (code, _) = refused(&mut world, "ListQueues", page);
    assert_eq!(code, "InvalidParameterValue");
}
