//! The HTTP server, over a real socket.

use super::Endpoint;
use crate::region::Region;
use crate::settings::Settings;
use time::macros::datetime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn start() -> (Region, Endpoint) {
    let region = Region::start(Settings::default(), datetime!(2026-11-22 12:00 UTC));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::start(region.clone(), listener).unwrap();
    (region, endpoint)
}

async fn post(endpoint: &Endpoint, path: &str, headers: &str, body: &str) -> String {
    post_to("eu-west-1", endpoint, path, headers, body).await
}

async fn post_to(
    region: &str,
    endpoint: &Endpoint,
    path: &str,
    headers: &str,
    body: &str,
) -> String {
    let mut stream = TcpStream::connect(endpoint.address()).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: region\r\nConnection: close\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=KEY/20261122/{region}/y/aws4_request\r\n\
         Content-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn it_answers_on_every_path_and_stops() {
    let (region, endpoint) = start().await;
    let form = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";
    let body = "Action=DescribeAutoScalingGroups&Version=2011-01-01";
    let answer = post(&endpoint, "/", form, body).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("<AutoScalingGroups/>"), "{answer}");

    let target = "X-Amz-Target: AmazonSQS.GetQueueUrl\r\n";
    let body = r#"{"QueueName":"none"}"#;
    let answer = post(&endpoint, "/123456789012/some-queue", target, body).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(
        answer.contains("com.amazonaws.sqs#QueueDoesNotExist"),
        "{answer}"
    );

    let answer = post(&endpoint, "/", "", "").await;
    assert!(answer.contains("UnknownOperationException"), "{answer}");

    let address = endpoint.address();
    endpoint.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
    region.stop().await;
}

#[tokio::test]
async fn in_another_region_there_is_nothing_and_nothing_can_be_made() {
    let (region, endpoint) = start().await;
    let target = |operation: &str| format!("X-Amz-Target: AmazonSQS.{operation}\r\n");
    let body = r#"{"QueueName":"here"}"#;
    let create = target("CreateQueue");
    let made = post(&endpoint, "/", &create, body).await;
    assert!(made.starts_with("HTTP/1.1 200"), "{made}");
    let answer = post_to("nonsense", &endpoint, "/", &target("GetQueueUrl"), body).await;
    assert!(answer.contains("QueueDoesNotExist"), "{answer}");
    let answer = post_to("nonsense", &endpoint, "/", &target("ListQueues"), "{}").await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && !answer.contains("here"),
        "{answer}"
    );
    let answer = post_to("nonsense", &endpoint, "/", &create, body).await;
    assert!(
        answer.contains("signed for nonsense; the simulated region is eu-west-1"),
        "{answer}"
    );
    endpoint.stop().await;
    region.stop().await;
}

#[tokio::test]
async fn web_pages_get_no_answer() {
    let (region, endpoint) = start().await;
    for origin in ["https://elsewhere.example", "http://region", "null"] {
        let headers =
            format!("Origin: {origin}\r\nContent-Type: application/x-www-form-urlencoded\r\n");
        let body = "Action=DescribeAutoScalingGroups&Version=2011-01-01";
        let answer = post(&endpoint, "/", &headers, body).await;
        assert!(answer.starts_with("HTTP/1.1 403 Forbidden"), "{answer}");
    }
    assert_eq!(
        region.read(|world| world.journal.end()),
        0,
        "nothing was called"
    );
    endpoint.stop().await;
    region.stop().await;
}

#[tokio::test]
async fn own_routes_leave_the_rest_to_aws() {
    let region = Region::start(Settings::default(), datetime!(2026-11-22 12:00 UTC));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = axum::Router::new().route("/", axum::routing::get(|| async { "mine" }));
    let endpoint = Endpoint::start_with(region.clone(), listener, own).unwrap();
    let mut stream = TcpStream::connect(endpoint.address()).await.unwrap();
    let request = "GET / HTTP/1.1\r\nHost: region\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("mine"), "{answer}");
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let body = "Action=DescribeAutoScalingGroups&Version=2011-01-01";
    for path in ["/", "/123456789012/some-queue"] {
        let answer = post(&endpoint, path, form, body).await;
        assert!(answer.contains("<AutoScalingGroups/>"), "{answer}");
    }
    endpoint.stop().await;
    region.stop().await;
}
