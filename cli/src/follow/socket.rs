//! The WebSocket. A separate thread keeps it open and reconnects whenever the connection is lost.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

use protocol::limits::MAX_RECEIVED_MESSAGE_BYTES;
use protocol::{BuildId, Frame, Owner};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};

use super::connection::{HostConnection, HostPort};
use super::signal::Signal;
use crate::storage::{SignedRequest, Signer};

/// A command from the follower to the socket's thread.
#[derive(Debug)]
pub enum SocketCommand {
    /// Send this message to the backend.
    Send(String),
    /// Close the connection and open another one.
    Reconnect,
}

/// The WebSocket of one build: its address, and the signer to open it with.
pub struct Endpoint {
    /// The URL, with the scheme `ws` or `wss`.
    pub url: String,
    /// The owner of the build.
    pub owner: Owner,
    /// The build whose events are sent.
    pub build: BuildId,
    /// Signs the query of the opening request.
    pub signer: Signer,
}

/// How long the signature is valid, in seconds. It is checked once, when the connection is opened.
const EXPIRES: u32 = 120;
/// How long one read may block, and so the longest delay of a command.
const READ_TIMEOUT: Duration = Duration::from_millis(100);
/// The longest pause between two attempts to connect.
const MAX_PAUSE: Duration = Duration::from_secs(10);

impl Endpoint {
    /// Keeps a connection open until nobody receives `signals` any more.
    pub fn run(&self, commands: &Receiver<SocketCommand>, signals: &SyncSender<Signal>) {
        let mut pause = Duration::from_millis(250);
        loop {
            let started = Instant::now();
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
            // A connection that was open for a while is replaced at once.
            pause = if started.elapsed() > MAX_PAUSE { Duration::from_millis(250) } else { (pause * 2).min(MAX_PAUSE) };
            std::thread::sleep(pause);
            // Drop commands that were meant for the old connection.
            while commands.try_recv().is_ok() {}
        }
    }

    /// Opens one connection and sets its time-outs.
    ///
    /// # Errors
    /// If the host can't be reached, or the backend refuses the connection.
    pub fn connect(&self) -> Result<WebSocket<HostConnection>, Error> {
        let host = HostPort::of(&self.url);
        let query = [("build", self.build.as_str()), ("owner", self.owner.as_str())];
        let subject = SignedRequest { method: "GET", host: host.host, path: &host.path, query: &query };
        let query = self.signer.presign(&subject, EXPIRES);
        let scheme = if host.secure { "wss" } else { "ws" };
        let url = format!("{scheme}://{}{}?{query}", host.host, host.path);
        let connection = HostConnection::open(&host)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_RECEIVED_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_RECEIVED_MESSAGE_BYTES));
        let (socket, _) =
            tungstenite::client::client_with_config(url, connection, Some(config)).map_err(|error| match error {
                tungstenite::HandshakeError::Failure(error) => error,
                tungstenite::HandshakeError::Interrupted(_) => Error::Io(io::ErrorKind::TimedOut.into()),
            })?;
        socket.get_ref().tcp().set_read_timeout(Some(READ_TIMEOUT))?;
        Ok(socket)
    }
}

/// Passes messages both ways. Returns why the connection was lost, or `None` if nobody receives `signals` any more.
fn converse(
    socket: &mut WebSocket<HostConnection>,
    commands: &Receiver<SocketCommand>,
    signals: &SyncSender<Signal>,
) -> Option<String> {
    loop {
        loop {
            match commands.try_recv() {
                Ok(SocketCommand::Send(text)) => {
                    if let Err(error) = socket.send(Message::text(text)) {
                        return Some(error.to_string());
                    }
                }
                Ok(SocketCommand::Reconnect) => return Some("the backend went silent".to_owned()),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return None,
            }
        }
        match socket.read() {
            // Text that is no valid frame is ignored: it may come from a newer backend or a hostile one.
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
