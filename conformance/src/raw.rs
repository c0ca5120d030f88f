//! The backend's interfaces without the client, for requests of other and of hostile programs.

use std::io::{Cursor, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials as Identity;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use protocol::{BuildId, BuildResult, Frame};
use tungstenite::{Message, WebSocket};
use zip::write::SimpleFileOptions;

/// The addresses and keys in a client configuration.
#[derive(Debug, Clone)]
pub struct OwnerCredentials {
    endpoint: String,
    socket: String,
    region: String,
    owner: String,
    input: String,
    output: String,
    key: String,
    secret: String,
}

impl OwnerCredentials {
    /// Reads the keys from a client configuration.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a configuration");
        let config: toml::Table = text.parse().expect("TOML");
        let name = config["backend"].as_str().expect("a backend");
        let backend = &config["backends"][name];
        let field = |name: &str| backend[name].as_str().unwrap_or_else(|| panic!("no `{name}`")).to_owned();
        Self {
            endpoint: field("endpoint"),
            socket: field("socket"),
            region: field("region"),
            owner: field("owner"),
            input: field("input_bucket"),
            output: field("output_bucket"),
            key: field("access_key_id"),
            secret: field("secret_access_key"),
        }
    }

    /// The same keys with a wrong secret.
    pub fn with_secret(mut self, secret: &str) -> Self {
        secret.clone_into(&mut self.secret);
        self
    }

    fn sign(&self, service: &str, location: SignatureLocation, request: &mut http::Request<Vec<u8>>) {
        let identity = Identity::new(&self.key, &self.secret, None, None, "suite").into();
        let mut settings = SigningSettings::default();
        settings.signature_location = location;
        settings.expires_in = matches!(location, SignatureLocation::QueryParams).then_some(Duration::from_secs(60));
        if service == "s3" {
            settings.payload_checksum_kind = aws_sigv4::http_request::PayloadChecksumKind::XAmzSha256;
        }
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .expect("all parameters")
            .into();
        let uri = request.uri().to_string();
        let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII")));
        let body = SignableBody::Bytes(request.body());
        let signable = SignableRequest::new(request.method().as_str(), uri, headers, body).expect("a request");
        let (instructions, _) = sign(signable, &params).expect("a signature").into_parts();
        instructions.apply_to_request_http1x(request);
    }
}

/// An answer of the backend over HTTP.
#[derive(Debug)]
pub struct RawReply {
    /// The status code of the answer.
    pub status: u16,
    /// The whole body of the answer.
    pub body: Vec<u8>,
}

impl RawReply {
    /// The body as UTF-8 text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends requests of one owner, well formed or not.
pub struct RawClient {
    credentials: OwnerCredentials,
    agent: ureq::Agent,
}

impl RawClient {
    /// A client that signs with these keys.
    pub fn new(credentials: OwnerCredentials) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        Self { credentials, agent }
    }

    fn url(&self, bucket: &str, key: &str) -> String {
        format!("{}/{bucket}/{key}", self.credentials.endpoint)
    }

    fn send(&self, mut request: http::Request<Vec<u8>>, signed: bool) -> RawReply {
        let host = request.uri().authority().expect("a host").to_string();
        request.headers_mut().insert("host", host.parse().expect("a host"));
        if signed {
            self.credentials.sign("s3", SignatureLocation::Headers, &mut request);
        }
        let mut response = self.agent.run(request).expect("an answer");
        let status = response.status().as_u16();
        RawReply { status, body: response.body_mut().with_config().limit(1 << 30).read_to_vec().expect("a body") }
    }

    /// Sends a request with these headers to the input bucket, signed or not.
    pub fn input(&self, method: &str, key: &str, headers: &[(&str, &str)], body: Vec<u8>, signed: bool) -> RawReply {
        let mut request = http::Request::builder().method(method).uri(self.url(&self.credentials.input, key));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body).expect("a request"), signed)
    }

    /// Gets an object of the output bucket with a signed request.
    pub fn output(&self, key: &str) -> RawReply {
        let request = http::Request::get(self.url(&self.credentials.output, key)).body(Vec::new());
        self.send(request.expect("a request"), true)
    }

    /// Uploads an archive as a build of this owner, with this metadata.
    pub fn upload(&self, id: &BuildId, archive: Vec<u8>, metadata: &[(&str, &str)]) -> RawReply {
        let names: Vec<String> = metadata.iter().map(|(name, _)| format!("x-amz-meta-{name}")).collect();
        let mut headers: Vec<(&str, &str)> =
            names.iter().zip(metadata).map(|(name, (_, value))| (name.as_str(), *value)).collect();
        headers.push(("if-none-match", "*"));
        let key = format!("{}/{id}.zip", self.credentials.owner);
        self.input("PUT", &key, &headers, archive, true)
    }

    /// A new and unique build id.
    pub fn new_id() -> BuildId {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_nanos();
        let random: [u8; 16] = now.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes();
        let mut tail = [0; 10];
        tail.copy_from_slice(&random[..10]);
        BuildId::new(u64::try_from(now / 1_000_000).expect("this age"), tail)
    }

    /// The metadata of a simple build.
    pub fn metadata() -> Vec<(&'static str, &'static str)> {
        vec![("protocol", "1"), ("client", "0.0.0"), ("command", "build"), ("project", "raw-0123456789abcdef")]
    }

    /// Waits for the result of a build.
    pub fn result(&self, id: &BuildId) -> BuildResult {
        let key = format!("{}/{id}/result.json", self.credentials.owner);
        let began = Instant::now();
        loop {
            let reply = self.output(&key);
            if reply.status == 200 {
                return serde_json::from_slice(&reply.body).expect("a result");
            }
            assert!(began.elapsed() < Duration::from_secs(60), "no result: {} {}", reply.status, reply.text());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Opens the socket for a build of `owner`; the error is the status of the refusal.
    pub fn socket(&self, owner: &str, id: &str) -> Result<RawSocket, u16> {
        let url = format!("{}?build={id}&owner={owner}", self.credentials.socket);
        let host = url.split('/').nth(2).expect("a host").to_owned();
        let http_url = url.replacen("ws", "http", 1);
        let mut request = http::Request::get(http_url).header("host", &host).body(Vec::new()).expect("a request");
        self.credentials.sign("execute-api", SignatureLocation::QueryParams, &mut request);
        let url = request.uri().to_string().replacen("http", "ws", 1);
        let stream = TcpStream::connect(&host).expect("the backend");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
        match tungstenite::client(url, stream) {
            Ok((socket, _)) => Ok(RawSocket(socket)),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                Err(response.status().as_u16())
            }
            Err(error) => panic!("no handshake: {error}"),
        }
    }
}

/// The WebSocket of a follower.
pub struct RawSocket(WebSocket<TcpStream>);

impl RawSocket {
    /// Sends a message as it is.
    pub fn send(&mut self, message: Message) {
        self.0.send(message).expect("a message goes out");
    }

    /// The next message as text; `None` when the backend closed the socket or sends nothing.
    pub fn text(&mut self) -> Option<String> {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Waits until the backend closes the socket, and returns its code, if it gave one.
    pub fn closed(&mut self) -> Option<u16> {
        loop {
            match self.0.read() {
                Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// The next frame; `None` when the backend closed the socket.
    pub fn frame(&mut self) -> Option<Frame> {
        let text = self.text()?;
        assert!(text.len() <= protocol::limits::MAX_MESSAGE_BYTES, "a frame of {} bytes", text.len());
        Some(Frame::decode(&text).expect("a frame"))
    }
}

/// A source archive, well formed or not.
pub struct RawArchive {
    entries: Vec<(String, Vec<u8>, u32)>,
    zeros: Vec<(String, u64)>,
}

impl RawArchive {
    /// An archive with a simple request and no other entry.
    pub fn new() -> Self {
        let request = br#"{"v":1,"options":{},"details":{"root":"","directory":""}}"#;
        Self { entries: vec![("request.json".to_owned(), request.to_vec(), 0o100_644)], zeros: Vec::new() }
    }

    /// An archive with a program that prints `hello`.
    pub fn program() -> Self {
        Self::new()
            .entry("source/Cargo.toml", crate::program("raw"))
            .entry("source/src/main.rs", "fn main() { println!(\"hello\"); }\n")
    }

    /// Adds a regular file to the archive.
    pub fn entry(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.entries.push((name.to_owned(), content.as_ref().to_vec(), 0o100_644));
        self
    }

    /// Adds an entry that consists of zeros. `size` is in bytes.
    pub fn zeros(mut self, name: &str, size: u64) -> Self {
        self.zeros.push((name.to_owned(), size));
        self
    }

    /// Adds a symbolic link to the archive.
    pub fn link(mut self, name: &str, target: &str) -> Self {
        self.entries.push((name.to_owned(), target.as_bytes().to_vec(), 0o120_777));
        self
    }

    /// The archive as a zip file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content, mode) in &self.entries {
            let options = SimpleFileOptions::default().unix_permissions(*mode);
            if mode & 0o170_000 == 0o120_000 {
                let target = String::from_utf8_lossy(content);
                writer.add_symlink(name.as_str(), target, options).expect("a link");
            } else {
                writer.start_file(name.as_str(), options).expect("an entry");
                writer.write_all(content).expect("its content");
            }
        }
        for (name, size) in &self.zeros {
            let options = SimpleFileOptions::default().large_file(true);
            writer.start_file(name.as_str(), options).expect("an entry");
            std::io::copy(&mut std::io::repeat(0).take(*size), &mut writer).expect("its content");
        }
        writer.finish().expect("an archive").into_inner()
    }

    /// The archive as a zip file in which one name is replaced by another of the same length, such as no archiver writes.
    pub fn renamed(&self, from: &str, to: &str) -> Vec<u8> {
        assert_eq!(from.len(), to.len());
        let mut bytes = self.bytes();
        let mut found = 0;
        for at in 0..bytes.len() - from.len() {
            if &bytes[at..at + from.len()] == from.as_bytes() {
                bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
                found += 1;
            }
        }
        assert_eq!(found, 2, "the name is in the entry's header and in the directory");
        bytes
    }
}

impl Default for RawArchive {
    fn default() -> Self {
        Self::new()
    }
}
