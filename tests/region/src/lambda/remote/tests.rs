//! An emulator of `Invoke`: a server on a socket of its own.

use super::RemoteFunction;
use crate::lambda::process::tests::{invoke, region_with};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::json;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Answers with the payload, unless that says to fail, to break or to hang.
async fn emulator(body: String) -> (StatusCode, HeaderMap, String) {
    let mut headers = HeaderMap::new();
    match body.as_str() {
        r#""hang""# => std::future::pending().await,
        r#""break""# => (
            StatusCode::BAD_GATEWAY,
            headers,
            "no such function".to_owned(),
        ),
        r#""fail""# => {
            headers.insert("X-Amz-Function-Error", "Unhandled".parse().unwrap());
            let error = r#"{"errorType":"Broken","errorMessage":"as asked"}"#;
            (StatusCode::OK, headers, error.to_owned())
        }
        r#""fail otherwise""# => {
            let error = r#"{"errorType":"Broken","errorMessage":"in another way"}"#;
            (StatusCode::INTERNAL_SERVER_ERROR, headers, error.to_owned())
        }
        _ => (StatusCode::OK, headers, format!(r#"{{"echo":{body}}}"#)),
    }
}

#[tokio::test]
async fn an_emulators_answer_is_the_functions() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = format!("http://{}/invoke", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let routes = Router::new().route("/invoke", post(emulator));
        axum::serve(listener, routes).await.unwrap();
    });
    let region = region_with(move |_, _| Arc::new(RemoteFunction::new(address.parse().unwrap())));

    let answer = invoke(&region, json!({"n": 1})).await.unwrap();
    assert_eq!(answer, json!({"echo": {"n": 1}}));
    let error = invoke(&region, json!("fail")).await.unwrap_err();
    assert_eq!(error, "Broken: as asked");
    let error = invoke(&region, json!("fail otherwise")).await.unwrap_err();
    assert_eq!(error, "Broken: in another way");
    let error = invoke(&region, json!("break")).await.unwrap_err();
    assert!(
        error.contains("502 Bad Gateway: no such function"),
        "{error}"
    );
    let error = invoke(&region, json!("hang")).await.unwrap_err();
    assert!(error.contains("timed out after 2.00 seconds"), "{error}");

    server.abort();
    let _ = server.await;
    let error = invoke(&region, json!({})).await.unwrap_err();
    assert!(error.starts_with("Runtime.Unreachable"), "{error}");
    region.stop().await;
}
