//! The HTTP server. Requests to `/socket` go to the WebSocket, all others to the S3 interface.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::service::S3Service;
use s3s::{Body, S3Error, s3_error};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::request_body::RequestBody;
use crate::socket::{self, Socket};

/// The most connections that are served at the same time; further ones wait.
const MAX_CONNECTIONS: usize = 1024;

/// How long a client may take to send a request's head.
const HEADER_PATIENCE: Duration = Duration::from_secs(30);

/// The two interfaces that answer requests on one port.
pub(crate) struct Interfaces {
    pub s3: S3Service,
    pub socket: Arc<Socket>,
}

/// Accepts and answers connections until `stop` is cancelled.
pub(crate) async fn serve(listener: TcpListener, interfaces: Interfaces, stop: CancellationToken) {
    let interfaces = Arc::new(interfaces);
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let interfaces = interfaces.clone();
                tokio::spawn(async move {
                    connection(stream, interfaces).await;
                    drop(permit);
                });
            }
            Err(error) => {
                // Usually the process has no free file descriptor; after a pause some may be free again.
                warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, interfaces: Arc<Interfaces>) {
    // Events are small and should arrive without delay.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "could not set TCP_NODELAY");
    }
    let service = service_fn(move |request| {
        let interfaces = interfaces.clone();
        async move { Ok::<_, Infallible>(answer(request, &interfaces).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        debug!(%error, "a connection was lost");
    }
}

async fn answer(request: Request<Incoming>, interfaces: &Interfaces) -> Response<Body> {
    if request.uri().path() == socket::PATH {
        return interfaces.socket.serve(request).await;
    }
    if let Some(error) = refuse(&request) {
        return of_error(error);
    }
    let (head, body) = request.into_parts();
    let upload = RequestBody::new(body, head.headers.contains_key("expect"));
    let request = Request::from_parts(head, Body::http_body(upload.clone()));
    let response = match interfaces.s3.call(request).await {
        Ok(response) => response,
        Err(error) => {
            warn!(?error, "could not answer a request");
            of_error(s3_error!(InternalError))
        }
    };
    if response.status().is_client_error() || response.status().is_server_error() {
        upload.drain().await;
    }
    response
}

/// Refuses what `s3s` accepts and the platform doesn't: `s3s` reads form uploads into memory before it checks the
/// signature, and signatures of version 2 are accepted without a check of the time.
fn refuse(request: &Request<Incoming>) -> Option<S3Error> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if request.method() == Method::POST && header("content-type").to_ascii_lowercase().starts_with("multipart/") {
        return Some(s3_error!(MethodNotAllowed, "this backend accepts no form uploads"));
    }
    let query = request.uri().query().unwrap_or_default();
    let version_2 = header("authorization").starts_with("AWS ")
        || query.split('&').any(|pair| pair.split('=').next() == Some("Signature"));
    version_2.then(|| s3_error!(InvalidRequest, "sign the request with AWS4-HMAC-SHA256"))
}

fn of_error(error: S3Error) -> Response<Body> {
    error.to_http_response().unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
