//! A connection, with TLS or without.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::storage::tls_config;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort<'a> {
    /// Whether with TLS.
    pub secure: bool,
    /// With the port, if the URL names one.
    pub host: &'a str,
    /// Begins with `/`.
    pub path: String,
}

impl<'a> HostPort<'a> {
    /// Reads `ws:`, `wss:`, `http:` and `https:` URLs.
    pub fn of(url: &'a str) -> Self {
        let (secure, rest) = match url.split_once("://") {
            Some(("ws" | "http", rest)) => (false, rest),
            Some((_, rest)) => (true, rest),
            None => (true, url),
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        Self { secure, host, path: format!("/{path}") }
    }

    fn name_and_port(&self) -> (&'a str, u16) {
        host_and_port(self.host, if self.secure { 443 } else { 80 })
    }

    /// The host's name without port and brackets.
    pub fn bare_name(&self) -> &'a str {
        self.name_and_port().0.trim_matches(['[', ']'])
    }

    /// The addresses of its name; this may take as long as the system likes.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        Ok((self.bare_name(), self.name_and_port().1).to_socket_addrs()?.collect())
    }

    fn dial(&self) -> io::Result<TcpStream> {
        let name = self.bare_name();
        let mut last = io::Error::new(io::ErrorKind::NotFound, format!("`{name}` has no address"));
        for address in self.addresses()? {
            match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Name and port of a host as it stands in a URL.
fn host_and_port(host: &str, default: u16) -> (&str, u16) {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => match port.parse() {
            Ok(port) => (name, port),
            Err(_) => (host, default),
        },
        _ => (host, default),
    }
}

/// The transport, with TLS or without.
pub enum Line {
    /// Without.
    Plain(TcpStream),
    /// With.
    Secure(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Line {
    /// Connects; with TLS the handshake comes with the first byte that is written or read.
    pub fn open(place: &HostPort) -> io::Result<Self> {
        let stream = place.dial()?;
        stream.set_read_timeout(Some(CONNECT_TIMEOUT))?;
        stream.set_write_timeout(Some(CONNECT_TIMEOUT))?;
        stream.set_nodelay(true)?;
        if !place.secure {
            return Ok(Line::Plain(stream));
        }
        let config = tls_config().map_err(|error| io::Error::other(format!("{error:#}")))?;
        let name = ServerName::try_from(place.bare_name().to_owned()).map_err(io::Error::other)?;
        let session = ClientConnection::new(config, name).map_err(io::Error::other)?;
        Ok(Line::Secure(Box::new(StreamOwned::new(session, stream))))
    }

    /// Does the handshake now, where there is one.
    pub fn shake_hands(&mut self) -> io::Result<()> {
        if let Line::Secure(stream) = self {
            let StreamOwned { conn, sock } = &mut **stream;
            while conn.is_handshaking() {
                conn.complete_io(sock)?;
            }
        }
        Ok(())
    }

    /// The connection below it.
    pub fn tcp(&self) -> &TcpStream {
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
    use super::{HostPort, host_and_port};

    #[test]
    fn hosts_have_ports() {
        assert_eq!(host_and_port("h", 443), ("h", 443));
        assert_eq!(host_and_port("127.0.0.1:4100", 80), ("127.0.0.1", 4100));
        assert_eq!(host_and_port("[::1]:41", 80), ("[::1]", 41));
        assert_eq!(host_and_port("[::1]", 80), ("[::1]", 80));
    }

    #[test]
    fn urls_lead_to_places() {
        let place = |secure, host, path: &str| HostPort { secure, host, path: path.to_owned() };
        assert_eq!(HostPort::of("wss://h.example/prod"), place(true, "h.example", "/prod"));
        assert_eq!(HostPort::of("http://[::1]:7"), place(false, "[::1]:7", "/"));
        assert_eq!(HostPort::of("http://[::1]:7").bare_name(), "::1");
    }
}
