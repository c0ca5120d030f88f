//! Everything that arrives over HTTP: requests to AWS's services, WebSocket handshakes, and the control interface.

mod authenticate;
mod refusals;
mod router;

use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tracing::{debug, warn};

pub use router::Router;

use super::control::{self, ScenarioControl};
use super::http::AwsReply;
use super::power::Power;
use super::socket::{self, Arrival, StageAddress};

/// How long the head of a request may take to arrive.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// The parts that answer requests.
pub struct Front {
    /// The router to the services of AWS.
    pub router: Router,
    /// The interface with which scenarios disturb the account.
    pub control: ScenarioControl,
    /// Without power AWS doesn't answer.
    pub power: Arc<Power>,
}

/// Answers all connections of a listener; it never returns. `plain`: the connections count as having no TLS.
pub async fn serve(front: Arc<Front>, listener: TcpListener, plain: bool) {
    loop {
        match listener.accept().await {
            Ok((stream, client)) => {
                tokio::spawn(connection(front.clone(), stream, Arrival { client, plain }));
            }
            Err(error) => {
                // Mostly a lack of file descriptors, some of which will become free.
                warn!(%error, "a connection can't be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(front: Arc<Front>, stream: TcpStream, arrival: Arrival) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(|request| answer(front.clone(), request, arrival));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = served.await {
        debug!(%error, "a connection broke off");
    }
}

/// An error that makes the server end the connection without an answer.
#[derive(Debug)]
struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection is broken on purpose")
    }
}

impl std::error::Error for Reset {}

async fn answer(front: Arc<Front>, request: Request<Incoming>, arrival: Arrival) -> Result<AwsReply, Reset> {
    if request.uri().path().starts_with(control::ROOT) {
        return Ok(front.control.answer(request).await);
    }
    // Without power only the control interface answers.
    let reply = tokio::select! {
        biased;
        () = front.power.off() => None,
        reply = answer_as_aws(&front, request, arrival) => reply,
    };
    reply.ok_or(Reset)
}

/// The answer of an AWS service; `None` breaks the connection.
async fn answer_as_aws(front: &Front, request: Request<Incoming>, arrival: Arrival) -> Option<AwsReply> {
    match StageAddress::of(request.uri().path()) {
        Some(address) if address.connection.is_none() => {
            Some(socket::connect(&front.router.gateway, request, &address, arrival).await)
        }
        address => front.router.answer(request, address, arrival.plain).await,
    }
}
