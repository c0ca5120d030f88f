//! The WebSocket: kept open by a thread of its own, which starts again whenever it is lost.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

use protocol::limits::MAX_RECEIVED_MESSAGE_BYTES;
use protocol::{BuildId, Frame, Owner};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};

use super::line::{HostPort, Line};
use super::signal::Signal;
use crate::storage::{SignedRequest, Signer};

/// What goes to the thread.
#[derive(Debug)]
pub enum Command {
    /// Send this text.
    Send(String),
    /// Open another connection.
    Reconnect,
}

/// Where to connect, and as whom.
pub struct Endpoint {
    /// `ws://` or `wss://`.
    pub url: String,
    /// Whose build.
    pub owner: Owner,
    /// Which one.
    pub build: BuildId,
    /// Signs the query.
    pub signer: Signer,
}

/// The signature holds so long, in seconds; it is checked once, when the connection is opened.
const EXPIRES: u32 = 120;
/// Commands wait at most this long behind a read.
const READ_TIMEOUT: Duration = Duration::from_millis(100);
/// The longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(10);

impl Endpoint {
    /// Connects for ever, until whoever listens is gone.
    pub fn run(&self, commands: &Receiver<Command>, signals: &SyncSender<Signal>) {
        let mut pause = Duration::from_millis(250);
        loop {
            let begun = Instant::now();
            let (why, denied) = match self.connect() {
                Ok(mut socket) => {
                    if signals.send(Signal::Connected).is_err() {
                        return;
                    }
                    match converse(&mut socket, commands, signals) {
                        Some(why) => (why, false),
                        None => return,
                    }
                }
                Err(Error::Http(response)) => {
                    let status = response.status().as_u16();
                    (format!("it answered with status {status}"), matches!(status, 401 | 403 | 404))
                }
                Err(error) => (error.to_string(), false),
            };
            if signals.send(Signal::Disconnected { why, denied }).is_err() {
                return;
            }
            // A connection that stood for a while is opened again at once.
            pause = if begun.elapsed() > MAX_PAUSE { Duration::from_millis(250) } else { (pause * 2).min(MAX_PAUSE) };
            std::thread::sleep(pause);
            // What was meant for the old connection.
            while commands.try_recv().is_ok() {}
        }
    }

    /// Opens one connection.
    pub fn connect(&self) -> Result<WebSocket<Line>, Error> {
        let place = HostPort::of(&self.url);
        let query = [("build", self.build.as_str()), ("owner", self.owner.as_str())];
        let subject = SignedRequest { method: "GET", host: place.host, path: &place.path, query: &query };
        let query = self.signer.presign(&subject, EXPIRES);
        let scheme = if place.secure { "wss" } else { "ws" };
        let url = format!("{scheme}://{}{}?{query}", place.host, place.path);
        let line = Line::open(&place)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_RECEIVED_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_RECEIVED_MESSAGE_BYTES));
        let (socket, _) =
            tungstenite::client::client_with_config(url, line, Some(config)).map_err(|error| match error {
                tungstenite::HandshakeError::Failure(error) => error,
                tungstenite::HandshakeError::Interrupted(_) => Error::Io(io::ErrorKind::TimedOut.into()),
            })?;
        socket.get_ref().tcp().set_read_timeout(Some(READ_TIMEOUT))?;
        Ok(socket)
    }
}

/// Passes messages both ways. Ends with the reason the connection is gone, or with `None` when nobody listens.
fn converse(
    socket: &mut WebSocket<Line>,
    commands: &Receiver<Command>,
    signals: &SyncSender<Signal>,
) -> Option<String> {
    loop {
        loop {
            match commands.try_recv() {
                Ok(Command::Send(text)) => {
                    if let Err(error) = socket.send(Message::text(text)) {
                        return Some(error.to_string());
                    }
                }
                Ok(Command::Reconnect) => return Some("it fell silent".to_owned()),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return None,
            }
        }
        match socket.read() {
            // What is no frame is nothing: a backend that is newer, or hostile.
            Ok(Message::Text(text)) => {
                if let Ok(frame) = Frame::decode(text.as_str())
                    && signals.send(Signal::Frame(frame)).is_err()
                {
                    return None;
                }
            }
            Ok(_) => {}
            Err(Error::Io(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => return Some(error.to_string()),
        }
    }
}
