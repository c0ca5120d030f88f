//! What comes in over HTTP: who sent it, whether they may, and who answers.

mod authenticate;
mod reply;
mod request;
mod service;
pub mod signature;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tracing::{debug, warn};

pub use reply::{Reply, json_error, json_reply, xml_error};
pub use request::Signed;

use super::control;
use super::emulator::Emulator;
use super::socket;

/// How long a request's head may take.
const HEADER_PATIENCE: Duration = Duration::from_secs(30);

/// Answers connections for good. `plain`: they count as having no TLS.
pub async fn serve(emulator: Arc<Emulator>, listener: TcpListener, plain: bool) {
    loop {
        match listener.accept().await {
            Ok((stream, client)) => {
                tokio::spawn(connection(emulator.clone(), stream, client, plain));
            }
            Err(error) => {
                // Out of file descriptors, mostly: some will come free.
                warn!(%error, "a connection can't be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(emulator: Arc<Emulator>, stream: TcpStream, client: SocketAddr, plain: bool) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(|request| answer(emulator.clone(), request, client, plain));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = served.await {
        debug!(%error, "a connection broke off");
    }
}

/// An error ends the connection without an answer.
#[derive(Debug)]
struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection is broken on purpose")
    }
}

impl std::error::Error for Reset {}

async fn answer(
    emulator: Arc<Emulator>,
    request: Request<Incoming>,
    client: SocketAddr,
    plain: bool,
) -> Result<Reply, Reset> {
    if request.uri().path().starts_with(control::ROOT) {
        return Ok(control::answer(&emulator, request).await);
    }
    // The control is answered without power, nothing else is.
    let reply = tokio::select! {
        biased;
        () = emulator.power.off() => None,
        reply = of_aws(&emulator, request, client, plain) => reply,
    };
    reply.ok_or(Reset)
}

/// `None` breaks the connection.
async fn of_aws(
    emulator: &Arc<Emulator>,
    request: Request<Incoming>,
    client: SocketAddr,
    plain: bool,
) -> Option<Reply> {
    match socket::Address::of(request.uri().path()) {
        Some(address) if address.connection.is_none() => {
            Some(socket::connect(emulator, request, &address, client, plain).await)
        }
        address => service::answer(emulator, request, address, plain).await,
    }
}
