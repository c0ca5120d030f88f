//! Starts the backend as a process, and provides a client with real signatures.
#![allow(dead_code, missing_docs, clippy::unwrap_used, reason = "each test file uses a part of it, and may fail")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use futures_util::{SinkExt, StreamExt};
use protocol::{BuildId, BuildResult, ClientMessage, Event, EventKind, Frame};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

pub const PATIENCE: Duration = Duration::from_secs(60);

/// A backend process in its own folder. Dropping it kills the process.
pub struct BackendProcess {
    pub folder: PathBuf,
    pub address: String,
    child: Child,
    _owned: Option<tempfile::TempDir>,
}

impl BackendProcess {
    pub fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut backend = Self::start_in(folder.path(), arguments);
        backend._owned = Some(folder);
        backend
    }

    /// Starts a backend with client configurations for `me` and `other`.
    pub fn start_in(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cargo-cloud-local"))
            .arg("--data")
            .arg(folder.join("data"))
            .arg("--client-config")
            .arg(folder.join("me.toml"))
            .arg("--client-config")
            .arg(format!("other={}", folder.join("other.toml").display()))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect("the first line tells the address");
        Self { folder: folder.to_owned(), address: address.to_owned(), child, _owned: None }
    }

    pub fn client(&self, owner: &str) -> TestClient {
        let text = std::fs::read_to_string(self.folder.join(format!("{owner}.toml"))).unwrap();
        let config: toml_edit::DocumentMut = text.parse().unwrap();
        let field = |name: &str| config["backends"]["local"][name].as_str().unwrap().to_owned();
        TestClient {
            endpoint: field("endpoint"),
            socket: field("socket"),
            owner: field("owner"),
            id: field("access_key_id"),
            secret: field("secret_access_key"),
            skew: 0,
        }
    }

    /// Kills the process with SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops the process with SIGTERM and returns its exit code.
    pub fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the backend does not stop");
    }
}

impl Drop for BackendProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A complete HTTP answer.
#[derive(Debug)]
pub struct HttpAnswer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl HttpAnswer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn code(&self) -> String {
        self.element("Code")
    }

    pub fn element(&self, name: &str) -> String {
        let text = self.text();
        let rest = text.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
        rest.split_once(&format!("</{name}>")).map_or("", |(value, _)| value).replace("&quot;", "\"")
    }
}

#[derive(Debug, Clone)]
pub struct TestClient {
    pub endpoint: String,
    pub socket: String,
    pub owner: String,
    pub id: String,
    pub secret: String,
    /// Seconds that are added to this client's clock.
    pub skew: i64,
}

impl TestClient {
    pub fn now(&self) -> SystemTime {
        let offset = Duration::from_secs(self.skew.unsigned_abs());
        if self.skew < 0 { SystemTime::now() - offset } else { SystemTime::now() + offset }
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> HttpAnswer {
        self.send_altered(method, path, headers, body, |request| request)
    }

    /// Sends a request that `alter` changes after it was signed.
    pub fn send_altered(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        alter: impl FnOnce(hyper::Request<Vec<u8>>) -> hyper::Request<Vec<u8>>,
    ) -> HttpAnswer {
        let url = format!("{}/{path}", self.endpoint);
        let identity = Credentials::new(&self.id, &self.secret, None, None, "test").into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("s3")
            .time(self.now())
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let signable =
            SignableRequest::new(method, url.as_str(), headers.iter().copied(), SignableBody::Bytes(body)).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        let mut request = hyper::Request::builder().method(method).uri(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body.to_vec()).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        send(alter(request))
    }

    pub fn put_source(&self, id: &BuildId, metadata: &[(&str, &str)], body: &[u8]) -> HttpAnswer {
        let mut headers = vec![("if-none-match", "*")];
        headers.extend(metadata);
        self.send("PUT", &self.source(id), &headers, body)
    }

    pub fn source(&self, id: &BuildId) -> String {
        format!("input/{}/{id}.zip", self.owner)
    }

    pub fn output(&self, id: &BuildId, name: &str) -> String {
        format!("output/{}/{id}/{name}", self.owner)
    }

    /// Waits for the result in the output bucket.
    pub fn result(&self, id: &BuildId) -> BuildResult {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let answer = self.send("GET", &self.output(id, "result.json"), &[], b"");
            if answer.status == 200 {
                return serde_json::from_slice(&answer.body).unwrap();
            }
            assert_eq!(answer.status, 404, "{}", answer.text());
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("no result of {id}");
    }

    /// The socket's address, signed for `owner`'s build.
    pub fn socket_url(&self, owner: &str, build: &str) -> String {
        let url = format!("{}?build={build}&owner={owner}", self.socket);
        let identity = Credentials::new(&self.id, &self.secret, None, None, "test").into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(60));
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("execute-api")
            .time(self.now())
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let signable = SignableRequest::new("GET", url.as_str(), std::iter::empty(), SignableBody::Bytes(&[])).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        let mut request = hyper::Request::builder().uri(&url).body(()).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        request.uri().to_string()
    }

    pub async fn follow(&self, id: &BuildId) -> Result<TestFollower, SocketError> {
        let url = self.socket_url(&self.owner, id.as_str());
        tokio_tungstenite::connect_async(url).await.map(|(socket, _)| TestFollower { socket })
    }
}

/// Sends a request without signing it.
pub fn send(request: hyper::Request<Vec<u8>>) -> HttpAnswer {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut response = agent.run(request).unwrap();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let mut body = Vec::new();
    response.body_mut().as_reader().read_to_end(&mut body).unwrap();
    HttpAnswer { status: response.status().as_u16(), headers, body }
}

pub struct TestFollower {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl TestFollower {
    pub async fn resume(&mut self, after: u64) {
        self.socket.send(Message::Text(ClientMessage::Resume { after }.encode().into())).await.unwrap();
    }

    /// Returns the events of the next frame; none if the connection is closed.
    pub async fn frame(&mut self) -> Option<Vec<Event>> {
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("something comes")? {
                Ok(Message::Text(text)) => return Some(Frame::decode(&text).unwrap().events),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Returns all events up to the frame with the first event that `last` accepts.
    pub async fn until(&mut self, last: impl Fn(&EventKind) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            events.extend(self.frame().await.expect("the connection stays open"));
            if events.iter().any(|event| last(&event.kind)) {
                return events;
            }
        }
    }
}

/// A new build id for the current time.
pub fn new_id() -> BuildId {
    let mut random = [0; 10];
    getrandom::fill(&mut random).unwrap();
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    BuildId::new(since.as_millis() as u64, random)
}

/// Metadata of a valid request.
pub const METADATA: [(&str, &str); 4] = [
    ("x-amz-meta-protocol", "1"),
    ("x-amz-meta-client", "test"),
    ("x-amz-meta-command", "build"),
    ("x-amz-meta-project", "demo-00ff"),
];
