//! The WebSocket: kept open by a thread of its own, which starts again whenever it is lost.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

use protocol::limits::MAX_RECEIVED_MESSAGE_BYTES;
use protocol::{BuildId, Frame, Owner};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};

use super::signal::Signal;
use crate::storage::{SignatureSubject, Signer, tls_config};

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
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
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

    fn connect(&self) -> Result<WebSocket<Line>, Error> {
        let (secure, rest) = match self.url.split_once("://") {
            Some(("wss", rest)) => (true, rest),
            Some((_, rest)) => (false, rest),
            None => (true, self.url.as_str()),
        };
        let (host, path) =
            rest.split_once('/').map_or((rest, "/".to_owned()), |(host, path)| (host, format!("/{path}")));
        let (name, port) = host_and_port(host, if secure { 443 } else { 80 });
        let query = [("build", self.build.as_str()), ("owner", self.owner.as_str())];
        let subject = SignatureSubject { method: "GET", host, path: &path, query: &query };
        let url =
            format!("{}://{host}{path}?{}", if secure { "wss" } else { "ws" }, self.signer.presign(&subject, EXPIRES));
        let stream = dial(name, port)?;
        stream.set_read_timeout(Some(CONNECT_TIMEOUT))?;
        stream.set_write_timeout(Some(CONNECT_TIMEOUT))?;
        stream.set_nodelay(true)?;
        let line = if secure {
            let config = tls_config().map_err(|error| io::Error::other(format!("{error:#}")))?;
            let name = ServerName::try_from(name.trim_matches(['[', ']']).to_owned()).map_err(io::Error::other)?;
            let session = ClientConnection::new(config, name).map_err(io::Error::other)?;
            Line::Secure(Box::new(StreamOwned::new(session, stream)))
        } else {
            Line::Plain(stream)
        };
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

fn host_and_port(host: &str, default: u16) -> (&str, u16) {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => match port.parse() {
            Ok(port) => (name, port),
            Err(_) => (host, default),
        },
        _ => (host, default),
    }
}

fn dial(name: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, format!("`{name}` has no address"));
    for address in (name.trim_matches(['[', ']']), port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The transport, with TLS or without.
enum Line {
    Plain(TcpStream),
    Secure(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Line {
    fn tcp(&self) -> &TcpStream {
        match self {
            Line::Plain(stream) => stream,
            Line::Secure(stream) => &stream.sock,
        }
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Line::Plain(stream) => stream.read(buffer),
            Line::Secure(stream) => stream.read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Line::Plain(stream) => stream.write(bytes),
            Line::Secure(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Line::Plain(stream) => stream.flush(),
            Line::Secure(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::host_and_port;

    #[test]
    fn hosts_have_ports() {
        assert_eq!(host_and_port("h", 443), ("h", 443));
        assert_eq!(host_and_port("127.0.0.1:4100", 80), ("127.0.0.1", 4100));
        assert_eq!(host_and_port("[::1]:41", 80), ("[::1]", 41));
        assert_eq!(host_and_port("[::1]", 80), ("[::1]", 80));
    }
}
