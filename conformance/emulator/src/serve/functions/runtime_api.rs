//! The Lambda Runtime API (docs.aws.amazon.com/lambda, runtimes-api), for one sandbox.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::debug;

use super::invocation::FunctionInvocation;

/// The longest answer of a function in bytes (Lambda's quota).
const MAX_ANSWER_BYTES: usize = 6 * 1024 * 1024;

/// What the runtime reported about an invocation.
#[derive(Debug)]
pub enum HandlerAnswer {
    /// The handler returned this answer.
    Response(Bytes),
    /// The handler failed with this error.
    Error(Value),
}

/// The progress of an invocation that was offered to the runtime.
pub struct OfferedInvocation {
    /// Completes when the runtime has taken the invocation.
    pub taken: oneshot::Receiver<()>,
    /// Completes with the answer of the handler.
    pub answered: oneshot::Receiver<HandlerAnswer>,
}

/// An invocation on its way to the runtime.
struct Offer {
    invocation: FunctionInvocation,
    deadline: SystemTime,
    answer: oneshot::Sender<HandlerAnswer>,
    taken: oneshot::Sender<()>,
}

struct RuntimeState {
    function_arn: String,
    offer: Mutex<Option<Offer>>,
    offered: Notify,
    current: StdMutex<Option<(String, oneshot::Sender<HandlerAnswer>)>>,
    polled: watch::Sender<Option<Instant>>,
    init_error: StdMutex<Option<Value>>,
}

/// The API of one sandbox; it ends when this is dropped.
pub struct RuntimeApi {
    address: SocketAddr,
    state: Arc<RuntimeState>,
    server: JoinHandle<()>,
}

impl RuntimeApi {
    /// Listens on a free port of this machine.
    pub async fn listen(function_arn: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for a runtime API")?;
        let address = listener.local_addr().context("the runtime API has no address")?;
        let state = Arc::new(RuntimeState {
            function_arn: function_arn.to_owned(),
            offer: Mutex::default(),
            offered: Notify::new(),
            current: StdMutex::default(),
            polled: watch::Sender::new(None),
            init_error: StdMutex::default(),
        });
        let server = tokio::spawn(serve(listener, state.clone()));
        Ok(Self { address, state, server })
    }

    /// The value of the function's variable `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits until the runtime has asked for work for the first time, and returns when that was.
    pub async fn first_poll(&self) -> Instant {
        let mut polled = self.state.polled.subscribe();
        loop {
            if let Some(when) = *polled.borrow_and_update() {
                return when;
            }
            if polled.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The reason why the runtime can't start, if it reported one.
    pub fn init_error(&self) -> Option<Value> {
        self.state.init_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Offers an invocation to the runtime.
    pub async fn offer(&self, invocation: FunctionInvocation, timeout: Duration) -> OfferedInvocation {
        let ((answer, answered), (take, taken)) = (oneshot::channel(), oneshot::channel());
        let deadline = SystemTime::now() + timeout;
        *self.state.offer.lock().await = Some(Offer { invocation, deadline, answer, taken: take });
        self.state.offered.notify_one();
        OfferedInvocation { taken, answered }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<RuntimeState>) {
    // Connections end with this task.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        connections.spawn(async move {
            let service = service_fn(|request| {
                let state = state.clone();
                async move { answer(request, &state).await }
            });
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                debug!(%error, "a runtime's connection broke off");
            }
        });
    }
}

async fn answer(request: Request<Incoming>, state: &RuntimeState) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let Some(path) = head.uri.path().strip_prefix("/2018-06-01/runtime/") else {
        return Ok(reply(StatusCode::NOT_FOUND, json!({ "errorType": "NotFound" })));
    };
    if (&head.method, path) == (&Method::GET, "invocation/next") {
        return Ok(next(state).await);
    }
    let body = body.collect().await?.to_bytes();
    Ok(match (&head.method, path.split('/').collect::<Vec<_>>().as_slice()) {
        (&Method::POST, ["init", "error"]) => {
            let error = serde_json::from_slice(&body).unwrap_or_default();
            *state.init_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            reply(StatusCode::ACCEPTED, json!({ "status": "OK" }))
        }
        (&Method::POST, ["invocation", id, "response"]) if body.len() > MAX_ANSWER_BYTES => {
            let text = format!("Exceeded maximum allowed payload size ({MAX_ANSWER_BYTES} bytes).");
            let error = json!({ "errorType": "Function.ResponseSizeTooLarge", "errorMessage": text });
            finish(state, id, HandlerAnswer::Error(error.clone()));
            reply(StatusCode::PAYLOAD_TOO_LARGE, error)
        }
        (&Method::POST, ["invocation", id, "response"]) => accepted(finish(state, id, HandlerAnswer::Response(body))),
        (&Method::POST, ["invocation", id, "error"]) => {
            let error = serde_json::from_slice(&body)
                .unwrap_or_else(|_| json!({ "errorMessage": String::from_utf8_lossy(&body), "errorType": "Unknown" }));
            accepted(finish(state, id, HandlerAnswer::Error(error)))
        }
        _ => reply(StatusCode::NOT_FOUND, json!({ "errorType": "NotFound" })),
    })
}

async fn next(state: &RuntimeState) -> Response<Full<Bytes>> {
    state.polled.send_if_modified(|polled| polled.is_none().then(|| *polled = Some(Instant::now())).is_some());
    let offer = loop {
        if let Some(offer) = state.offer.lock().await.take() {
            break offer;
        }
        state.offered.notified().await;
    };
    let id = offer.invocation.id.clone();
    *state.current.lock().unwrap_or_else(PoisonError::into_inner) = Some((id.clone(), offer.answer));
    // The receiver is gone when the invocation was given up.
    let _ = offer.taken.send(());
    let deadline = offer.deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let trace = format!("Root=1-{:08x}-{};Parent={};Sampled=0", deadline / 1000, &id.replace('-', "")[..24], &id[..8]);
    Response::builder()
        .header("lambda-runtime-aws-request-id", &id)
        .header("lambda-runtime-deadline-ms", deadline.to_string())
        .header("lambda-runtime-invoked-function-arn", &state.function_arn)
        .header("lambda-runtime-trace-id", trace)
        .header("content-type", "application/json")
        .body(Full::from(offer.invocation.payload))
        .unwrap_or_default()
}

/// Hands over an answer; whether it belongs to the invocation that runs.
fn finish(state: &RuntimeState, id: &str, answer: HandlerAnswer) -> bool {
    let mut current = state.current.lock().unwrap_or_else(PoisonError::into_inner);
    match current.take() {
        Some((running, sender)) if running == id => sender.send(answer).is_ok(),
        other => {
            *current = other;
            false
        }
    }
}

fn accepted(was_running: bool) -> Response<Full<Bytes>> {
    match was_running {
        true => reply(StatusCode::ACCEPTED, json!({ "status": "OK" })),
        false => reply(StatusCode::BAD_REQUEST, json!({ "errorType": "InvalidRequestID" })),
    }
}

fn reply(status: StatusCode, body: Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    response
}
