//! moto, which keeps the state of the account: what `terraform apply` made, and what the scenario adds.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BucketListing {
    buckets: BucketMembers,
}

#[derive(Deserialize)]
struct BucketMembers {
    #[serde(rename = "Bucket", default)]
    members: Vec<NamedBucket>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NamedBucket {
    name: String,
}

/// A copy of the account, for this process alone.
pub struct Moto {
    client: Client<HttpConnector, Full<Bytes>>,
    port: u16,
    region: String,
    /// The copy of moto ends when this connection closes.
    _lifeline: Option<TcpStream>,
}

impl Moto {
    /// The moto that listens on `port`.
    pub fn at(port: u16, region: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .build(connector);
        Self { client, port, region: region.to_owned(), _lifeline: None }
    }

    /// Asks the server that `platform` started for a copy of its account (conformance/moto/server.py).
    pub async fn fork(control: u16, region: &str) -> Result<Self> {
        let why = "moto gives no copy of the account; is `aws-emulator platform` still running?";
        let mut lifeline = TcpStream::connect(("127.0.0.1", control)).await.context(why)?;
        lifeline.write_all(b"POST /fork HTTP/1.1\r\n\r\n").await.context(why)?;
        let mut answer = Vec::new();
        // The connection stays open, so the answer is checked after each read.
        let port = loop {
            ensure!(lifeline.read_buf(&mut answer).await.context(why)? > 0, why);
            let text = String::from_utf8_lossy(&answer);
            let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            if let Ok(answer) = serde_json::from_str::<Value>(body) {
                let port = answer["port"].as_u64().and_then(|port| u16::try_from(port).ok());
                break port.with_context(|| format!("{why} It says: {text}"))?;
            }
        };
        let mut copy = Self::at(port, region);
        copy._lifeline = Some(lifeline);
        Ok(copy)
    }

    /// The port that moto listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sends a request whose URI is only a path and a query, and reads the whole answer.
    pub async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Bytes>> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        *request.uri_mut() = format!("http://127.0.0.1:{}{path}", self.port).parse().context("no URI")?;
        request.headers_mut().insert(HOST, HeaderValue::from_str(&format!("127.0.0.1:{}", self.port))?);
        let response = self.client.request(request).await.context("moto doesn't answer")?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.context("moto's answer broke off")?.to_bytes();
        Ok(Response::from_parts(head, body))
    }

    /// The header that tells moto which service a request is for.
    pub fn authorization(&self, service: &str) -> HeaderValue {
        let text = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAEMULATOR/20260101/{}/{service}/aws4_request, SignedHeaders=host, Signature=0",
            self.region
        );
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// Calls a service that takes JSON and the name of the action in a header, for example `dynamodb` and
    /// `DynamoDB_20120810.Query`. Returns the status and the body of the answer.
    pub async fn forward_json(&self, service: &str, target: &str, body: &Value) -> Result<(StatusCode, Bytes)> {
        let request = Request::post("/")
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.1")
            .header(AUTHORIZATION, self.authorization(service))
            .body(Full::from(body.to_string()))?;
        let answer = self.send(request).await?;
        Ok((answer.status(), answer.into_body()))
    }

    /// The same as [`Self::forward_json`], where any status but 200 is an error.
    pub async fn json(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let (status, body) = self.forward_json(service, target, body).await?;
        if status != StatusCode::OK {
            bail!("moto refuses {target}: {status} {}", String::from_utf8_lossy(&body));
        }
        serde_json::from_slice(&body).with_context(|| format!("moto's answer to {target} is not JSON"))
    }

    /// Calls a service that takes forms and answers in XML, for example `iam` and `ListUsers`.
    pub async fn form(&self, service: &str, version: &str, action: &str, fields: &[(&str, &str)]) -> Result<String> {
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let mut body = format!("Action={action}&Version={version}");
        for (name, value) in fields {
            body.push_str(&format!("&{}={}", encode(name), encode(value)));
        }
        let request = Request::post("/")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .header(AUTHORIZATION, self.authorization(service))
            .body(Full::from(body))?;
        let answer = self.send(request).await?;
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        ensure!(answer.status() == StatusCode::OK, "moto refuses {action}: {} {text}", answer.status());
        Ok(text)
    }

    /// Gets a path of a service (`lambda`, `apigateway`, `s3`); `None` when moto answers 404.
    pub async fn get(&self, service: &str, path: &str) -> Result<Option<Bytes>> {
        let request = Request::builder().method(Method::GET).uri(path);
        let request = request.header(AUTHORIZATION, self.authorization(service)).body(Full::default())?;
        let answer = self.send(request).await?;
        match answer.status() {
            StatusCode::OK => Ok(Some(answer.into_body())),
            StatusCode::NOT_FOUND => Ok(None),
            status => bail!("moto refuses GET {path}: {status} {}", String::from_utf8_lossy(answer.body())),
        }
    }

    /// The names of all buckets.
    pub async fn bucket_names(&self) -> Result<Vec<String>> {
        let list = self.get("s3", "/").await?.context("moto lists no buckets")?;
        let list: BucketListing = quick_xml::de::from_reader(&*list).context("the list of buckets can't be read")?;
        Ok(list.buckets.members.into_iter().map(|bucket| bucket.name).collect())
    }

    /// The same as [`Self::get`], where the answer is JSON.
    pub async fn get_json(&self, service: &str, path: &str) -> Result<Option<Value>> {
        let Some(body) = self.get(service, path).await? else { return Ok(None) };
        let value =
            serde_json::from_slice(&body).with_context(|| format!("moto's answer to GET {path} is not JSON"))?;
        Ok(Some(value))
    }
}
