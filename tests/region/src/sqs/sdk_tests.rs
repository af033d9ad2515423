//! The unmodified SDK client, which verifies digests and parses errors, on the paused clock.

use crate::clock::Clock;
use crate::connector::Connector;
use crate::region::Region;
use crate::settings::Settings;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region as RegionName};
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use aws_smithy_async::time::TimeSource;
use std::time::{Duration, SystemTime};
use time::macros::datetime;

#[derive(Debug)]
struct RegionTime(Clock);

impl TimeSource for RegionTime {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

fn client(region: &Region) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(RegionName::new("eu-west-1"))
        .credentials_provider(Credentials::new("CALLER", "secret", None, None, "test"))
        .http_client(Connector::to(region.clone()))
        .time_source(RegionTime(region.clock()))
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

#[tokio::test(start_paused = true)]
async fn a_message_goes_in_and_out() {
    let region = Region::start(Settings::default(), datetime!(2026-11-22 12:00 UTC));
    let client = client(&region);
    let created = client
        .create_queue()
        .queue_name("q.fifo")
        .attributes(QueueAttributeName::FifoQueue, "true")
        .send()
        .await
        .unwrap();
    let url = created.queue_url().unwrap();
    let attribute = MessageAttributeValue::builder()
        .data_type("String")
        .string_value("p")
        .build()
        .unwrap();
    let sent = client
        .send_message()
        .queue_url(url)
        .message_body("hello")
        .message_group_id("g")
        .message_deduplication_id("1")
        .message_attributes("pool", attribute)
        .send()
        .await
        .unwrap();
    let entry = SendMessageBatchRequestEntry::builder()
        .id("a")
        .message_body("second")
        .message_group_id("g")
        .message_deduplication_id("2")
        .build()
        .unwrap();
    let batch = client
        .send_message_batch()
        .queue_url(url)
        .entries(entry)
        .send()
        .await
        .unwrap();
    assert_eq!(batch.successful()[0].id(), "a");
    let received = client
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .wait_time_seconds(20)
        .message_attribute_names("All")
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await
        .unwrap();
    let message = &received.messages()[0];
    assert_eq!(message.message_id(), sent.message_id());
    let system = message.attributes().unwrap();
    assert_eq!(system[&MessageSystemAttributeName::SenderId], "CALLER");
    assert_eq!(
        system[&MessageSystemAttributeName::SequenceNumber],
        sent.sequence_number().unwrap()
    );
    for message in received.messages() {
        client
            .delete_message()
            .queue_url(url)
            .receipt_handle(message.receipt_handle().unwrap())
            .send()
            .await
            .unwrap();
    }
    region.stop().await;
}

#[tokio::test(start_paused = true)]
async fn errors_arrive_as_the_sdk_models_them() {
    let region = Region::start(Settings::default(), datetime!(2026-11-22 12:00 UTC));
    let client = client(&region);
    let error = client
        .send_message()
        .queue_url("http://region.invalid/123456789012/none")
        .message_body("x")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.is_queue_does_not_exist(), "{error:?}");
    client.create_queue().queue_name("q").send().await.unwrap();
    let url = "http://region.invalid/123456789012/q";
    let error = client
        .change_message_visibility()
        .queue_url(url)
        .receipt_handle("nonsense")
        .visibility_timeout(1)
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.is_receipt_handle_is_invalid(), "{error:?}");
    let error = client
        .send_message()
        .queue_url(url)
        .message_body("x")
        .message_deduplication_id("1")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    region.stop().await;
}

#[tokio::test(start_paused = true)]
async fn long_polls_end_by_themselves() {
    let region = Region::start(Settings::default(), datetime!(2026-11-22 12:00 UTC));
    let client = client(&region);
    let started = region.clock().now();
    client.create_queue().queue_name("q").send().await.unwrap();
    let received = client
        .receive_message()
        .queue_url("http://region.invalid/123456789012/q")
        .wait_time_seconds(20)
        .send()
        .await
        .unwrap();
    assert!(received.messages().is_empty());
    assert!(region.clock().now() - started >= Duration::from_secs(20));
    region.stop().await;
}
