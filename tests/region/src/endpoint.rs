//! The region over HTTP: what an AWS endpoint is to the CLI, boto3, and real function binaries.

use crate::api::{Answer, Call, CallError};
use crate::region::Region;
use crate::settings::Settings;
use crate::wire::{self, Decoded};
use crate::world::World;
use axum::Router;
use axum::body::Bytes;
use http::header::ORIGIN;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long [`Endpoint::stop`] waits for requests that are being answered. Long polls may take
/// 20 s and are cut off.
const PATIENCE: Duration = Duration::from_millis(500);

/// A running HTTP server.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

impl Endpoint {
    /// Serves `region` on `listener`, on every path: SQS clients may post to a queue's URL.
    pub fn start(region: Region, listener: TcpListener) -> io::Result<Self> {
        Self::start_with(region, listener, Router::new())
    }

    /// The same, with routes of the caller's own (a page for people, say). Whatever they do not
    /// answer, another method of theirs included, is for AWS's services.
    pub fn start_with(region: Region, listener: TcpListener, own: Router) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let aws = move |method: Method, headers: HeaderMap, body: Bytes| {
            answer(region.clone(), method, headers, body)
        };
        let app = own.fallback(aws.clone()).method_not_allowed_fallback(aws);
        let serve = axum::serve(listener, app).with_graceful_shutdown(async {
            // A dropped handle stops the server as well.
            let _ = stopped.await;
        });
        Ok(Self {
            address,
            stop,
            server: tokio::spawn(serve.into_future()),
        })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more, lets running requests end (for half a second) and stops.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let server = self.server.abort_handle();
        if tokio::time::timeout(PATIENCE, self.server).await.is_err() {
            server.abort();
        }
    }
}

/// Answers one request. A body over axum's 2 MiB never gets here (AWS's largest is 1 MiB).
///
/// Commands sent to the region really run, so a web page that somebody visits must not be able to
/// send any. A browser names the page's `Origin` with every request that could; no SDK does.
async fn answer(
    region: Region,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response<axum::body::Body> {
    if headers.contains_key(ORIGIN) {
        let mut refusal = Response::new("the region does not answer web pages\n".into());
        *refusal.status_mut() = StatusCode::FORBIDDEN;
        return refusal;
    }
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.headers_mut() = headers;
    let decoded = wire::decode(&request);
    let is_here = |asked: &str| region.read(|world| world.settings.region_name == asked);
    let elsewhere = decoded.region.clone().filter(|asked| !is_here(asked));
    let response = write(&region, decoded, elsewhere).await;
    response.map(axum::body::Body::from)
}

/// Answers one request of a client in this process, whatever region it is signed for: the SDK's retry quota is one
/// for each region's name, and so clients in tests have names of their own.
pub(crate) async fn respond(
    region: &Region,
    request: &Request<impl AsRef<[u8]>>,
) -> Response<Vec<u8>> {
    write(region, wire::decode(request), None).await
}

async fn write(region: &Region, decoded: Decoded, elsewhere: Option<String>) -> Response<Vec<u8>> {
    let (operation, answer) = match decoded.call {
        Ok(call) => {
            let answer = match elsewhere {
                Some(asked) => {
                    answer_elsewhere(region.read(|world| world.settings.clone()), asked, &call)
                }
                None => region.call(call.clone()).await,
            };
            (call.operation, answer)
        }
        Err(error) => (String::new(), Err(error)),
    };
    let request_id = region.with(crate::world::World::uuid);
    wire::encode(decoded.protocol, &operation, &request_id, &answer)
}

/// In every region but the simulated one there is nothing, and nothing can be made.
fn answer_elsewhere(here: Settings, asked: String, call: &Call) -> Answer {
    let problem = format!(
        "the request is signed for {asked}; the simulated region is {} and there is no other",
        here.region_name
    );
    let settings = Settings {
        region_name: asked,
        ..here
    };
    let answer = World::new(settings, OffsetDateTime::UNIX_EPOCH).answer(call);
    let reads = ["Describe", "Get", "List"];
    match answer {
        Ok(_) if !reads.iter().any(|verb| call.operation.starts_with(verb)) => {
            Err(CallError::sender("InvalidAction", problem))
        }
        answer => answer,
    }
}

#[cfg(test)]
mod tests;
