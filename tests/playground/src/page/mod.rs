//! The page: the pool, the line and every claim on its way, live in a browser; with buttons to
//! send claims and to break things.
//!
//! It is plain HTML, CSS and JavaScript in `assets/`, without a build. A [`Snapshot`] of all it
//! shows is sent whenever something has changed (Server-Sent Events); the browser only draws.

mod guard;
pub(crate) mod machines;
mod sizing;
mod snapshot;
mod troubles;

use crate::claims::{Claim, Script};
use crate::moment::Moment;
use crate::progress::Progress;
use crate::start::Client;
use crate::story::{Line, Story};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::{Stream, StreamExt, stream};
use guard::{Actor, Reader};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use ready_pool_core::attach_when::AttachWhen;
use serde::{Deserialize, Serialize};
use snapshot::{Older, Snapshot};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use troubles::{Trouble, cause};

/// How often it is seen whether something has changed.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// Lines of the story that are shown.
const STORY_SHOWN: usize = 60;
/// The first organisation that a click signs up: after those of `demo`.
const FIRST_ORGANISATION: usize = 2001;
/// Most claims of one click.
const MOST_AT_ONCE: usize = 50;

/// The files of the page: path, type, text.
const FILES: [(&str, &str, &str); 7] = [
    ("page.css", "text/css", include_str!("assets/page.css")),
    ("page.js", "text/javascript", include_str!("assets/page.js")),
    ("dom.js", "text/javascript", include_str!("assets/dom.js")),
    (
        "machines.js",
        "text/javascript",
        include_str!("assets/machines.js"),
    ),
    (
        "claims.js",
        "text/javascript",
        include_str!("assets/claims.js"),
    ),
    ("plot.js", "text/javascript", include_str!("assets/plot.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];
const DOCUMENT: &str = include_str!("assets/page.html");

/// Nothing but this server's own files is loaded, run or asked, and no other page frames it.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        http::header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (http::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (http::header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (CACHE_CONTROL, "no-store"),
];

/// The page of a stack. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Page {
    client: Client,
    seen: Arc<Mutex<Seen>>,
}

/// What was read of the journal.
struct Seen {
    cursor: usize,
    progress: Progress,
    /// One for each pool.
    sizing: Vec<sizing::Follower>,
    story: Story,
    lines: VecDeque<Line>,
    /// The organisation that signs up next.
    next: usize,
}

impl Page {
    /// The page of the client's stack.
    pub(crate) fn of(client: Client) -> Self {
        let story = Story::new(client.names.clone(), client.polling_functions());
        let seen = Seen {
            cursor: 0,
            progress: Progress::new(client.names.clone()),
            sizing: (client.names.all())
                .map(|names| sizing::Follower::of(&names.pool))
                .collect(),
            story,
            lines: VecDeque::new(),
            next: FIRST_ORGANISATION,
        };
        Self {
            client,
            seen: Arc::new(Mutex::new(seen)),
        }
    }

    /// Its routes.
    pub(crate) fn routes(&self) -> Router {
        Router::new()
            .route("/", get(document))
            .route("/_region/{file}", get(file))
            .route("/_region/snapshots", get(snapshots))
            .route("/_region/claims", post(send_claims))
            .route("/_region/older", get(older_claims))
            .route("/_region/older/{text}", get(older_claims))
            .route("/_region/troubles", post(cause_trouble))
            .with_state(self.clone())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present snapshot.
    fn snapshot(&self) -> Snapshot {
        let mut seen = self.seen();
        let names = &self.client.names;
        // At the present time, too: what nobody asks for is not even due before.
        let (entries, cursor) = self
            .client
            .region
            .with(|world| world.journal.since(seen.cursor));
        seen.cursor = cursor;
        for entry in &entries {
            seen.progress.follow(entry);
            for sizing in &mut seen.sizing {
                sizing.follow(entry);
            }
            if let Some(line) = seen.story.tell(entry) {
                seen.lines.push_back(line);
            }
        }
        let superfluous = seen.lines.len().saturating_sub(STORY_SHOWN);
        seen.lines.drain(..superfluous);
        let Seen {
            progress,
            sizing,
            lines,
            ..
        } = &*seen;
        self.client
            .region
            .read(|world| Snapshot::of(world, names, progress, sizing, lines))
    }

    /// The snapshot now, then one whenever it has changed.
    fn changes(self) -> impl Stream<Item = Frame> {
        let clock = tokio::time::interval(LOOK_EVERY);
        stream::unfold((self, clock, None), |(page, mut clock, last)| async move {
            loop {
                clock.tick().await;
                let snapshot = page.snapshot();
                if last.as_ref() != Some(&snapshot) {
                    let frame = Frame {
                        now: Moment::from(page.client.region.clock().now()),
                        snapshot: snapshot.clone(),
                    };
                    return Some((frame, (page, clock, Some(snapshot))));
                }
            }
        })
    }
}

/// A snapshot on its way, with the region's time: the browser's clock may be another.
#[derive(Serialize)]
struct Frame {
    now: Moment,
    #[serde(flatten)]
    snapshot: Snapshot,
}

fn with_headers(kind: &'static str, text: &'static str) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn document(_: Reader) -> Response {
    with_headers("text/html; charset=utf-8", DOCUMENT)
}

async fn file(_: Reader, Path(file): Path<String>) -> Response {
    match FILES.iter().find(|(name, ..)| *name == file) {
        Some((_, kind, text)) => with_headers(kind, text),
        None => (StatusCode::NOT_FOUND, "there is no such file\n").into_response(),
    }
}

async fn snapshots(_: Reader, State(page): State<Page>) -> impl IntoResponse {
    let events = page.changes().map(|frame| {
        let data = serde_json::to_string(&frame).unwrap_or_default();
        Ok::<_, Infallible>(Event::default().data(data))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

/// Claims that have ended and are no longer in the timeline, those with this text in them.
async fn older_claims(_: Reader, text: Option<Path<String>>, State(page): State<Page>) -> Response {
    let text = text.map(|Path(text)| text).unwrap_or_default();
    let older = Older::of(&page.seen().progress, &text);
    json(StatusCode::OK, &older)
}

/// Claims to send.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    count: usize,
    script: Script,
    waits: bool,
    #[serde(default)]
    attach_when: AttachWhen,
    /// The pool's group, where there are several.
    #[serde(default)]
    pool: Option<String>,
}

async fn send_claims(_: Actor, State(page): State<Page>, body: Bytes) -> Response {
    let order: Order = match serde_json::from_slice(&body) {
        Ok(order) => order,
        Err(error) => return refused(&error.to_string()),
    };
    if !(1..=MOST_AT_ONCE).contains(&order.count) {
        return refused(&format!("1 to {MOST_AT_ONCE} claims can be sent at once"));
    }
    let names = &page.client.names;
    let asked = order.pool.as_deref();
    let Some(names) = asked.map_or(Some(names), |pool| names.of_pool(pool)) else {
        return refused("there is no such pool");
    };
    let client = Client {
        region: page.client.region.clone(),
        names: names.clone(),
    };
    let mut ids = Vec::new();
    for _ in 0..order.count {
        let claim = page.next_claim(&order);
        let sending = async {
            claim.create_target(&client).await?;
            claim.send(&client).await
        };
        if let Err(failure) = sending.await {
            return refused(&failure.to_string());
        }
        ids.push(claim.id);
    }
    match ids.as_slice() {
        [only] => said(&format!("{only} is sent")),
        [first, .., last] => said(&format!("{first} to {last} are sent")),
        [] => said("nothing was sent"),
    }
}

impl Page {
    fn next_claim(&self, order: &Order) -> Claim {
        let mut seen = self.seen();
        let mut claim = Claim::of_organisation(seen.next);
        claim.script = order.script;
        claim.waits = order.waits;
        claim.attach_when = order.attach_when;
        seen.next += 1;
        claim
    }
}

async fn cause_trouble(_: Actor, State(page): State<Page>, body: Bytes) -> Response {
    let trouble: Trouble = match serde_json::from_slice(&body) {
        Ok(trouble) => trouble,
        Err(error) => return refused(&error.to_string()),
    };
    match page.client.region.with(|world| cause(world, &trouble)) {
        Ok(text) => said(&text),
        Err(problem) => refused(&problem),
    }
}

/// What the page tells whoever clicked.
#[derive(Serialize)]
struct Said<'t> {
    said: &'t str,
}

fn said(text: &str) -> Response {
    answer(StatusCode::OK, text)
}

fn refused(text: &str) -> Response {
    answer(StatusCode::BAD_REQUEST, text)
}

fn answer(status: StatusCode, said: &str) -> Response {
    json(status, &Said { said })
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let body = serde_json::to_string(value).unwrap_or_default();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests;
