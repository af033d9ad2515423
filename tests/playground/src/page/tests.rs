//! The page's routes over a real socket. What a browser makes of them is tested in `tests/page`.

use super::*;
use crate::claims::TENANTS_TEMPLATE;
use crate::family;
use crate::start::Names;
use futures::FutureExt;
use futures::future::BoxFuture;
use ready_pool_core::group::OPT_IN_TAG;
use region::compute;
use region::endpoint::Endpoint;
use region::lambda::{Function, FunctionError, Invocation};
use region::region::{Builder, Region, TemplateSource};
use region::settings::Settings;
use serde_json::{Value, json};
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
        Self::of(region, Names::default()).await
    }

    /// Two pools, with functions that leave everything as it is.
    async fn start_family() -> Self {
        let settings = Settings::default();
        let parameters = [
            ("Subnets", "subnet-1a,subnet-1b"),
            ("SecurityGroups", "sg-1"),
            ("PoolSize", "2"),
        ];
        let source = TemplateSource {
            text: include_str!("../../../../template.yaml").to_owned(),
            stack_name: "s".to_owned(),
            parameters: (parameters.iter())
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let stacks = family::stacks(&source, &settings);
        let builder = Region::builder(settings, datetime!(2026-11-22 12:00 UTC))
            .prepare(|world| {
                family::make_outcome_queue(world, "s");
                compute::know_launch_template(world, TENANTS_TEMPLATE);
            })
            .functions(|_, _| Some(Arc::new(Idle)));
        let region = stacks.into_iter().fold(builder, Builder::template);
        let region = region.start().unwrap();
        let names = Names::of(&region, Some("s")).unwrap();
        Self::of(region, names).await
    }

    async fn of(region: Region, names: Names) -> Self {
        let page = Page::of(Client {
            region: region.clone(),
            names,
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

/// Takes its messages, and does nothing.
struct Idle;

impl Function for Idle {
    fn invoke(&self, _: Invocation) -> BoxFuture<'static, Result<Value, FunctionError>> {
        async { Ok(json!({ "batchItemFailures": [] })) }.boxed()
    }
}

#[tokio::test]
async fn a_family_shows_both_pools_and_takes_claims_for_either() {
    let served = Served::start_family().await;
    let get = "GET /_region/snapshots";
    let headers = "Host: 127.0.0.1\r\n";
    let shown = served.ask(get, headers, "", "\"title\":\"large\"").await;
    assert!(shown.contains("\"stack\":\"s\""), "{shown}");
    for pool in ["small", "large"] {
        let its = format!("\"name\":\"s-{pool}-pool\",\"title\":\"{pool}\"");
        assert!(shown.contains(&its), "{shown}");
    }
    let order = |pool: &str| {
        json!({ "count": 1, "script": "succeeds", "waits": true, "pool": pool }).to_string()
    };
    for (tenant, pool) in [
        ("tenant-2001", "s-large-pool"),
        ("tenant-2002", "s-small-pool"),
    ] {
        let said = served.act("/_region/claims", &order(pool)).await;
        assert!(said.contains("is sent"), "{said}");
        let of = served.region.read(|world| {
            world.autoscaling.groups[tenant].tags[OPT_IN_TAG]
                .value
                .clone()
        });
        assert_eq!(of, pool);
    }
    let refused = served.act("/_region/claims", &order("s-tiny-pool")).await;
    assert!(refused.contains("there is no such pool"), "{refused}");
    let outcome = served.region.read(|world| {
        let queues = world.sqs.queues.keys();
        queues
            .filter(|name| name.ends_with("outcome"))
            .cloned()
            .collect::<Vec<_>>()
    });
    assert_eq!(outcome, ["s-outcome"]);
    served.stop().await;
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
async fn older_claims_can_be_asked_for() {
    let served = Served::start().await;
    for path in ["/_region/older", "/_region/older/signup%2F1"] {
        let answer = served.get(path).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with(r#"{"found":0,"claims":[]}"#), "{answer}");
    }
    served.stop().await;
}

#[tokio::test]
async fn another_web_page_can_neither_read_nor_act() {
    let served = Served::start().await;
    let rebound = "Host: attacker.example\r\n";
    for path in [
        "/",
        "/_region/page.js",
        "/_region/snapshots",
        "/_region/older",
    ] {
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
