//! A TCP connection to a host of the backend, with or without TLS.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::storage::tls_config;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The host, port and path of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort<'a> {
    /// Whether the connection uses TLS.
    pub secure: bool,
    /// The host as in the URL, with the port if there is one.
    pub host: &'a str,
    /// The path; it begins with `/`.
    pub path: String,
}

impl<'a> HostPort<'a> {
    /// Splits a URL with the scheme `ws`, `wss`, `http` or `https`.
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

    /// The name of the host without port and brackets.
    pub fn bare_name(&self) -> &'a str {
        self.name_and_port().0.trim_matches(['[', ']'])
    }

    /// Looks up the addresses of the host. The operating system decides how long that takes.
    ///
    /// # Errors
    /// If the name is unknown.
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

/// Splits the host of a URL into name and port.
fn host_and_port(host: &str, default: u16) -> (&str, u16) {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => match port.parse() {
            Ok(port) => (name, port),
            Err(_) => (host, default),
        },
        _ => (host, default),
    }
}

/// An open connection, with or without TLS.
pub enum HostConnection {
    /// A connection that is not encrypted.
    Plain(TcpStream),
    /// A connection that is encrypted by TLS.
    Secure(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl HostConnection {
    /// Connects to a host. With TLS, the handshake happens when the first byte is written or read.
    ///
    /// # Errors
    /// If no address of the host answers within 10 seconds.
    pub fn open(host: &HostPort) -> io::Result<Self> {
        let stream = host.dial()?;
        stream.set_read_timeout(Some(CONNECT_TIMEOUT))?;
        stream.set_write_timeout(Some(CONNECT_TIMEOUT))?;
        stream.set_nodelay(true)?;
        if !host.secure {
            return Ok(HostConnection::Plain(stream));
        }
        let config = tls_config().map_err(|error| io::Error::other(format!("{error:#}")))?;
        let name = ServerName::try_from(host.bare_name().to_owned()).map_err(io::Error::other)?;
        let session = ClientConnection::new(config, name).map_err(io::Error::other)?;
        Ok(HostConnection::Secure(Box::new(StreamOwned::new(session, stream))))
    }

    /// Completes the TLS handshake now, if there is one.
    ///
    /// # Errors
    /// If the host's certificate is refused, or the connection is lost.
    pub fn complete_handshake(&mut self) -> io::Result<()> {
        if let HostConnection::Secure(stream) = self {
            let StreamOwned { conn, sock } = &mut **stream;
            while conn.is_handshaking() {
                conn.complete_io(sock)?;
            }
        }
        Ok(())
    }

    /// The TCP connection below TLS.
    pub fn tcp(&self) -> &TcpStream {
        match self {
            HostConnection::Plain(stream) => stream,
            HostConnection::Secure(stream) => &stream.sock,
        }
    }
}

impl Read for HostConnection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            HostConnection::Plain(stream) => stream.read(buffer),
            HostConnection::Secure(stream) => stream.read(buffer),
        }
    }
}

impl Write for HostConnection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            HostConnection::Plain(stream) => stream.write(bytes),
            HostConnection::Secure(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            HostConnection::Plain(stream) => stream.flush(),
            HostConnection::Secure(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HostPort, host_and_port};

    #[test]
    fn a_host_is_split_into_name_and_port() {
        assert_eq!(host_and_port("h", 443), ("h", 443));
        assert_eq!(host_and_port("127.0.0.1:4100", 80), ("127.0.0.1", 4100));
        assert_eq!(host_and_port("[::1]:41", 80), ("[::1]", 41));
        assert_eq!(host_and_port("[::1]", 80), ("[::1]", 80));
    }

    #[test]
    fn urls_are_split_into_host_and_path() {
        let host_port = |secure, host, path: &str| HostPort { secure, host, path: path.to_owned() };
        assert_eq!(HostPort::of("wss://h.example/prod"), host_port(true, "h.example", "/prod"));
        assert_eq!(HostPort::of("http://[::1]:7"), host_port(false, "[::1]:7", "/"));
        assert_eq!(HostPort::of("http://[::1]:7").bare_name(), "::1");
    }
}
