//! The WebSocket: whether it opens, and whether the backend answers on it.

use std::time::{Duration, Instant};

use protocol::{BuildId, ClientMessage, EventKind, Frame};
use tungstenite::{Error, Message};

use super::CheckOutcome;
use crate::config::Backend;
use crate::follow::Endpoint;
use crate::storage::Signer;

/// How long an answer may take; a relay function that starts cold needs a second or two.
const PATIENCE: Duration = Duration::from_secs(15);

/// Opens the socket for a build that doesn't exist, and asks for its events.
pub fn socket(backend: &Backend, build: &BuildId, signer: Signer) -> CheckOutcome {
    let Some(url) = backend.socket.clone() else {
        return CheckOutcome::Warning(
            "none is configured: builds show their output only when they end".to_owned(),
            "configure this device again with the line that the backend prints".to_owned(),
        );
    };
    let endpoint = Endpoint { url, owner: backend.owner.clone(), build: build.clone(), signer };
    let begun = Instant::now();
    match converse(&endpoint) {
        Ok(true) => CheckOutcome::Ok(format!("opens and answers ({} ms)", begun.elapsed().as_millis())),
        Ok(false) => CheckOutcome::failed(
            format_args!("opens, but there was no answer for {} s", PATIENCE.as_secs()),
            "read the backend's log (on AWS: the function `relay`); until then builds show their output only when they end",
        ),
        Err(Error::Http(response)) => {
            let status = response.status().as_u16();
            CheckOutcome::failed(format_args!("refused with status {status} at {}", endpoint.url), advice(status))
        }
        Err(error) => CheckOutcome::failed(
            format_args!("{error} at {}", endpoint.url),
            "check `socket` in the configuration; a proxy or a firewall may block WebSockets",
        ),
    }
}

fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 => {
            "the keys don't allow following this owner's builds: check `owner` and the keys in the configuration"
        }
        400 | 404 | 405 | 426 | 501 => "check `socket` in the configuration",
        _ => "read the backend's log (on AWS: the function `connect`), then try again",
    }
}

/// Asks for a build's events; true if the answer came in time.
fn converse(endpoint: &Endpoint) -> Result<bool, Error> {
    let mut socket = endpoint.connect()?;
    socket.send(Message::text(ClientMessage::Resume { after: 0 }.encode()))?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match socket.read() {
            Ok(Message::Text(text)) => {
                let events = Frame::decode(text.as_str()).map(|frame| frame.events).unwrap_or_default();
                if events.iter().any(|event| matches!(event.kind, EventKind::CaughtUp { .. })) {
                    let _ = socket.close(None);
                    return Ok(true);
                }
            }
            Ok(_) => {}
            Err(Error::Io(error))
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}
