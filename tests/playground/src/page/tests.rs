//! The page's routes over a real socket. What a browser makes of them is tested in `tests/page`.

use super::*;
use crate::start::Names;
use region::endpoint::Endpoint;
use region::region::Region;
use region::settings::Settings;
use time::macros::datetime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

struct Served {
    region: Region,
    endpoint: Endpoint,
}

impl Served {
    async fn start() -> Self {
        let region = Region::start(Settings::default(), datetime!(2026-11-22 12:00 UTC));
        let page = Page::of(Client {
            region: region.clone(),
            names: Names::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::start_with(region.clone(), listener, page.routes()).unwrap();
        Self { region, endpoint }
    }

    /// Sends a request with these headers; returns all of the answer that comes until the server
    /// closes, or until `enough` of it is there.
    async fn ask(&self, line: &str, headers: &str, body: &str, enough: &str) -> String {
        let mut stream = TcpStream::connect(self.endpoint.address()).await.unwrap();
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let read = stream.read(&mut buffer).await.unwrap();
            answer.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&answer);
            if read == 0 || !enough.is_empty() && text.contains(enough) {
                return text.into_owned();
            }
        }
    }

    async fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path}"), "Host: localhost\r\n", "", "")
            .await
    }

    async fn post(&self, path: &str, origin: &str, body: &str) -> String {
        let address = self.endpoint.address();
        let headers =
            format!("Host: {address}\r\nOrigin: {origin}\r\nContent-Type: application/json\r\n");
        self.ask(&format!("POST {path}"), &headers, body, "").await
    }

    async fn act(&self, path: &str, body: &str) -> String {
        let own = format!("http://{}", self.endpoint.address());
        self.post(path, &own, body).await
    }

    async fn stop(self) {
        self.endpoint.stop().await;
        self.region.stop().await;
    }
}

#[tokio::test]
async fn every_file_that_the_page_names_is_there_and_nothing_else_is_loaded() {
    let served = Served::start().await;
    let document = served.get("/").await;
    assert!(document.starts_with("HTTP/1.1 200 OK"), "{document}");
    assert!(
        document.contains("default-src 'none'; script-src 'self'"),
        "{document}"
    );
    for (name, kind, text) in FILES {
        let answer = served.get(&format!("/_region/{name}")).await.to_lowercase();
        assert!(
            answer.contains(&format!("content-type: {kind}")),
            "{answer}"
        );
        assert!(
            answer.contains("x-content-type-options: nosniff"),
            "{answer}"
        );
        let is_used = document.contains(&format!("\"/_region/{name}\""))
            || FILES
                .iter()
                .any(|(.., text)| text.contains(&format!("\"./{name}\"")));
        assert!(is_used, "{name}");
        for outside in ["https://", "http://", "//cdn", "@import"] {
            let own = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!own.contains(outside), "{name} names {outside}");
        }
    }
    assert!(
        served
            .get("/_region/none.js")
            .await
            .starts_with("HTTP/1.1 404")
    );
    served.stop().await;
}

#[tokio::test]
async fn a_snapshot_comes_at_once_and_another_when_something_changes() {
    let served = Served::start().await;
    let first = "\"events_to_drop\":0";
    let headers = "Host: 127.0.0.1\r\n";
    let get = "GET /_region/snapshots";
    let answer = served.ask(get, headers, "", first).await;
    assert!(answer.contains("text/event-stream"), "{answer}");
    let watching = served.ask(get, headers, "", "\"events_to_drop\":1");
    let breaking = async {
        let body = r#"{"trouble":"drop_next_event"}"#;
        served.act("/_region/troubles", body).await
    };
    let (watched, said) = tokio::join!(watching, breaking);
    assert!(watched.contains("\"events_to_drop\":1"), "{watched}");
    assert!(
        said.contains(r#"{"said":"the next event will be lost"}"#),
        "{said}"
    );
    served.stop().await;
}

#[tokio::test]
async fn another_web_page_can_neither_read_nor_act() {
    let served = Served::start().await;
    let rebound = "Host: attacker.example\r\n";
    for path in ["/", "/_region/page.js", "/_region/snapshots"] {
        let answer = served.ask(&format!("GET {path}"), rebound, "", "").await;
        assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
    }
    let drop_events = r#"{"trouble":"drop_events","on":true}"#;
    for path in ["/_region/troubles", "/_region/claims"] {
        let answer = served
            .post(path, "http://attacker.example", drop_events)
            .await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    let dropped = |world: &region::world::World| world.events.unreliability.drop > 0.0;
    assert!(!served.region.read(dropped));
    served.act("/_region/troubles", drop_events).await;
    assert!(served.region.read(dropped));
    served.stop().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let served = Served::start().await;
    for (path, body, problem) in [
        (
            "/_region/troubles",
            r#"{"trouble":"rain"}"#,
            "unknown variant",
        ),
        (
            "/_region/troubles",
            r#"{"trouble":"kill_agent","instance":"i-1"}"#,
            "there is no instance i-1",
        ),
        (
            "/_region/claims",
            r#"{"count":51,"script":"succeeds","waits":true}"#,
            "1 to 50 claims",
        ),
        (
            "/_region/claims",
            r#"{"count":1,"script":"dances","waits":true}"#,
            "unknown variant",
        ),
    ] {
        let answer = served.act(path, body).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.contains(problem), "{answer}");
    }
    served.stop().await;
}
