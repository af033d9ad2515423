//! The Lambda Runtime API, as one execution environment sees it.
//!
//! Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".

use super::function::{FunctionError, Invocation};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// What an invocation ends with.
pub type InvocationResult = Result<Value, FunctionError>;

/// Largest answer of a synchronous invocation (Lambda quotas).
const LARGEST_ANSWER: usize = 6 * 1024 * 1024;

/// The environment's side of the API: hands over invocations, one at a time.
#[derive(Debug)]
pub struct RuntimeApi {
    address: String,
    invocations: mpsc::Sender<Invocation>,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    next: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    /// The invocation that the function works on.
    current: Mutex<Option<Current>>,
}

#[derive(Debug)]
struct Current {
    request_id: String,
    /// Who waits for its result.
    waiting: oneshot::Sender<InvocationResult>,
    /// Whether the function has it.
    fetched: bool,
}

impl RuntimeApi {
    /// Serves on a free port of the loopback interface.
    pub async fn serve() -> std::io::Result<Self> {
        Self::serve_on(0).await
    }

    /// Serves on this port of the loopback interface; 0 takes a free one.
    pub async fn serve_on(port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?.to_string();
        let (invocations, next) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            next: tokio::sync::Mutex::new(next),
            current: Mutex::new(None),
        });
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next_invocation))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(response),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::max(LARGEST_ANSWER))
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // It only ends with an error of the listener: the function then exits and says so.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self {
            address,
            invocations,
            shared,
            server,
        })
    }

    /// Host and port: the value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Hands over an invocation; the result comes through the receiver. The receiver fails when
    /// the environment is dropped first.
    pub fn hand_over(&self, invocation: Invocation) -> oneshot::Receiver<InvocationResult> {
        let (waiting, receiver) = oneshot::channel();
        *self.shared.lock() = Some(Current {
            request_id: invocation.request_id.clone(),
            waiting,
            fetched: false,
        });
        self.invocations
            .try_send(invocation)
            .expect("an environment has one invocation at a time");
        receiver
    }

    /// Takes an invocation back for which nobody waits any more. The function may work on it
    /// still; its answer is refused.
    pub fn withdraw(&self) {
        *self.shared.lock() = None;
        // Whoever holds the lock waits for an invocation: then there is none to take back.
        if let Ok(mut next) = self.shared.next.try_lock() {
            let _ = next.try_recv();
        }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the current invocation; `id` must be its, where given.
    fn end(&self, id: Option<&str>, result: InvocationResult) -> Response {
        if let Some(current) = self
            .lock()
            .take_if(|current| id.is_none_or(|id| id == current.request_id))
        {
            // Nobody waits any more when the time-out came first.
            let _ = current.waiting.send(result);
            return (StatusCode::ACCEPTED, r#"{"status":"OK"}"#).into_response();
        }
        (
            StatusCode::BAD_REQUEST,
            r#"{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}"#,
        )
            .into_response()
    }

    /// Whoever asks for the next invocation has ended the one before; without an answer, only a
    /// program that was started anew does.
    fn end_unanswered(&self) {
        if let Some(current) = self.lock().take_if(|current| current.fetched) {
            let error = FunctionError::exited(&current.request_id, "started anew");
            let _ = current.waiting.send(Err(error));
        }
    }

    fn fetched(&self, id: &str) {
        if let Some(current) = self.lock().as_mut().filter(|it| it.request_id == id) {
            current.fetched = true;
        }
    }
}

async fn next_invocation(State(shared): State<Arc<Shared>>) -> Response {
    shared.end_unanswered();
    let Some(invocation) = shared.next.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    shared.fetched(&invocation.request_id);
    let deadline = invocation.deadline.unix_timestamp_nanos() / 1_000_000;
    let trace = invocation.trace_header();
    (
        [
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", deadline.to_string()),
            (
                "Lambda-Runtime-Invoked-Function-Arn",
                invocation.function_arn,
            ),
            ("Lambda-Runtime-Trace-Id", trace),
            ("Content-Type", "application/json".to_owned()),
        ],
        invocation.payload.to_string(),
    )
        .into_response()
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let result = if body.is_empty() {
        Ok(Value::Null)
    } else {
        serde_json::from_slice(&body).map_err(|error| {
            FunctionError::new("Runtime.InvalidResponse", format!("no JSON: {error}"))
        })
    };
    shared.end(Some(&id), result)
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    shared.end(Some(&id), Err(read_error(&headers, &body)))
}

async fn init_error(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    shared.end(None, Err(read_error(&headers, &body)))
}

fn read_error(headers: &HeaderMap, body: &Bytes) -> FunctionError {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let header = headers
        .get("Lambda-Runtime-Function-Error-Type")
        .and_then(|value| value.to_str().ok());
    FunctionError::new(
        text("errorType").or(header).unwrap_or("Unhandled"),
        text("errorMessage").unwrap_or_default(),
    )
}
