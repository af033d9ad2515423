//! The question to the region, over a real socket.

use super::super::*;
use crate::page::Page;
use crate::start::{Client as RegionClient, Names};
use crate::testing::ZERO;
use region::endpoint::Endpoint;
use region::region::Region;
use region::settings::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn found(endpoint: impl Into<String>) -> Found {
    Found {
        endpoint: endpoint.into(),
        from: "--endpoint".to_owned(),
    }
}

#[tokio::test]
async fn a_region_is_asked_over_http_for_any_id() {
    let region = Region::start(Settings::default(), ZERO);
    let page = Page::of(RegionClient {
        region: region.clone(),
        names: Names::default(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::start_with(region.clone(), listener, page.routes()).unwrap();
    let here = found(format!("http://{}", endpoint.address()));
    for id in ["nobody", "a b/c?d=e&f#ü"] {
        let body = ask(&here, id).await.unwrap();
        let answer: Answer = serde_json::from_slice(&body).unwrap();
        assert_eq!((answer.claim_id.as_str(), answer.claims.len()), (id, 0));
        assert_eq!(answer.looked_at.len(), 4);
    }
    let refusal = ask(&here, "").await.unwrap_err().to_string();
    assert!(refusal.contains("which claim?"), "{refusal}");
    // A region that was killed has left its address behind.
    let candidates = vec![found("http://127.0.0.1:1"), here.clone()];
    let (answered, _) = ask_any(candidates, "nobody").await.unwrap();
    assert_eq!(answered, here);
    let nowhere = ask_any(Vec::new(), "nobody").await.unwrap_err();
    assert!(nowhere.to_string().contains("no region is known"));
    let failure = run(ClaimOptions {
        id: "nobody".to_owned(),
        endpoint: Some(here.endpoint),
        json: false,
    })
    .await;
    assert!(matches!(failure, Err(Failure::UnknownClaim(_))));
    endpoint.stop().await;
    region.stop().await;
}

/// Answers one request with this text.
async fn answering(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer).await;
        let _ = stream.write_all(text.as_bytes()).await;
    });
    format!("http://{address}")
}

#[tokio::test]
async fn whatever_is_no_region_is_said_to_be_none() {
    let ask_at = async |endpoint: String| {
        let failure = run(ClaimOptions {
            id: "c-1".to_owned(),
            endpoint: Some(endpoint),
            json: false,
        })
        .await;
        assert!(matches!(failure, Err(Failure::NoRegion(_))), "{failure:?}");
        failure.unwrap_err().to_string()
    };
    for (said, expected) in [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nno\x1b\n",
            "404 Not Found: no",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "no region of this version",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
            "no region answers",
        ),
        ("hello\r\n\r\n", "no region answers"),
        ("", "no region answers"),
    ] {
        let failure = ask_at(answering(said).await).await;
        assert!(failure.contains(expected), "{said:?}: {failure}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let failure = ask_at(format!("http://{address}")).await;
    assert!(
        failure.contains("no region answers at http://127.0.0.1:"),
        "{failure}"
    );
    for (endpoint, expected) in [
        ("rubbish", "this is no address"),
        ("a b", "this is no address"),
        ("https://127.0.0.1", "http:// is expected"),
    ] {
        let failure = ask_at(endpoint.to_owned()).await;
        assert!(failure.contains(expected), "{endpoint}: {failure}");
    }
}
