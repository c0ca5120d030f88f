//! A proxy between client and backend that can cut connections and forge answers.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// When the proxy cuts a connection.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// The proxy never cuts a connection.
    Never,
    /// It cuts each WebSocket after a number of bytes from the backend, a number of times.
    Socket {
        /// How many bytes pass before the cut.
        after: usize,
        /// How many connections are cut; later ones are not.
        times: usize,
    },
    /// It lets no WebSocket open.
    NoSocket,
    /// It cuts each download of the artifact after a number of bytes, a number of times.
    Download {
        /// How many bytes pass before the cut.
        after: usize,
        /// How many connections are cut.
        times: usize,
    },
    /// It answers requests itself: a request whose first line contains a text gets this answer.
    Forged {
        /// The text in the first line of the request.
        request: &'static str,
        /// The head of the proxy's own answer.
        head: &'static str,
        /// The body of the proxy's own answer.
        body: &'static [u8],
        /// Whether the body is repeated without end.
        endless: bool,
    },
    /// It answers WebSockets itself, with these messages.
    ForgedSocket(&'static [&'static str]),
}

/// A proxy that listens on a free port.
pub struct Proxy {
    port: u16,
    down: Arc<AtomicBool>,
    cuts: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Proxy {
    /// Starts a proxy in front of this port.
    pub fn before(port: u16, cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let proxy = Self {
            port: listener.local_addr().expect("an address").port(),
            down: Arc::default(),
            cuts: Arc::default(),
            stop: Arc::default(),
        };
        let (down, cuts, stop) = (proxy.down.clone(), proxy.cuts.clone(), proxy.stop.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                if down.load(Ordering::SeqCst) {
                    continue;
                }
                let cuts = cuts.clone();
                std::thread::spawn(move || carry(client, port, cut, &cuts));
            }
        });
        proxy
    }

    /// The port that the proxy listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections the proxy has cut.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }

    /// Blocks all connections from now on, or lets all through again.
    pub fn down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Reads the head of a request. The proxy handles one request for each connection, so that it sees all of them.
fn head_of(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        match client.read(&mut buffer) {
            Ok(n @ 1..) => head.extend_from_slice(&buffer[..n]),
            _ => return None,
        }
    }
    Some(head)
}

fn carry(mut client: TcpStream, port: u16, cut: Cut, cuts: &AtomicUsize) {
    let Ok(mut backend) = TcpStream::connect(("127.0.0.1", port)) else { return };
    let Some(mut head) = head_of(&mut client) else { return };
    let text = String::from_utf8_lossy(&head).to_lowercase();
    let first = text.lines().next().unwrap_or_default();
    let socket = text.contains("upgrade: websocket");
    let limit = match cut {
        Cut::NoSocket if socket => return,
        Cut::Socket { after, times } if socket && cuts.load(Ordering::SeqCst) < times => Some(after),
        Cut::Download { after, times } if first.contains("artifact.zip") && cuts.load(Ordering::SeqCst) < times => {
            Some(after)
        }
        Cut::Forged { request, head, body, endless } if first.contains(request) => {
            cuts.fetch_add(1, Ordering::SeqCst);
            return forge(&mut client, head, body, endless);
        }
        Cut::ForgedSocket(texts) if socket => {
            cuts.fetch_add(1, Ordering::SeqCst);
            return forge_socket(client, head, texts);
        }
        _ => None,
    };
    if !socket {
        let end = head.windows(2).position(|w| w == b"\r\n").unwrap_or_default();
        head.splice(end..end, *b"\r\nConnection: close");
    }
    if backend.write_all(&head).is_err() {
        return;
    }
    let (Ok(mut up_from), Ok(mut up_to)) = (client.try_clone(), backend.try_clone()) else { return };
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut up_from, &mut up_to);
        let _ = up_to.shutdown(Shutdown::Write);
    });
    let mut buffer = [0; 4096];
    let mut passed = 0;
    while let Ok(n @ 1..) = backend.read(&mut buffer) {
        let allowed = limit.map_or(n, |limit: usize| n.min(limit.saturating_sub(passed)));
        if client.write_all(&buffer[..allowed]).is_err() {
            break;
        }
        passed += n;
        if limit.is_some_and(|limit| passed >= limit) {
            cuts.fetch_add(1, Ordering::SeqCst);
            break;
        }
    }
    std::thread::sleep(Duration::from_millis(5));
    let _ = client.shutdown(Shutdown::Both);
    let _ = backend.shutdown(Shutdown::Both);
}

fn forge(client: &mut TcpStream, head: &str, body: &[u8], endless: bool) {
    if client.write_all(head.as_bytes()).is_err() {
        return;
    }
    while client.write_all(body).is_ok() && endless {}
    let _ = client.shutdown(Shutdown::Write);
}

fn forge_socket(client: TcpStream, head: Vec<u8>, texts: &[&str]) {
    let Ok(writer) = client.try_clone() else { return };
    let stream = Replayed { head: std::io::Cursor::new(head), stream: writer };
    let Ok(mut socket) = tungstenite::accept(stream) else { return };
    for text in texts {
        if socket.send(tungstenite::Message::text(*text)).is_err() {
            return;
        }
    }
    std::thread::sleep(Duration::from_millis(200));
    let _ = client.shutdown(Shutdown::Both);
}

/// A stream whose beginning was already read.
struct Replayed {
    head: std::io::Cursor<Vec<u8>>,
    stream: TcpStream,
}

impl Read for Replayed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.head.read(buffer)? {
            0 => self.stream.read(buffer),
            n => Ok(n),
        }
    }
}

impl Write for Replayed {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}
