//! Requests to S3, with patience.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ureq::http::{Request, Response};
use ureq::{Agent, Body, SendBody};

use super::address::Address;
use super::clock::Clock;
use super::error::{StorageError, element};
use super::http;
use super::signature::{SignedRequest, Signer, encoded_path, encoded_query, sha256_hex};
use crate::config::Backend;

/// S3's error documents are a few hundred bytes.
const MAX_ERROR_BYTES: u64 = 64 * 1024;

/// Both buckets of a backend.
#[derive(Debug, Clone)]
pub struct Storage {
    agent: Agent,
    input: Arc<Address>,
    output: Arc<Address>,
    signer: Signer,
    clock: Clock,
    stop: Arc<AtomicBool>,
    /// Whether the backend ever answered: before that there is less patience.
    reached: Arc<AtomicBool>,
}

/// Which bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// Sources.
    Input,
    /// What comes back.
    Output,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// What is tried, as a verb with its object, for people.
    pub action: &'a str,
    /// `GET` and so on.
    pub method: &'a str,
    /// Where.
    pub bucket: Bucket,
    /// Which object.
    pub key: &'a str,
    /// Not encoded.
    pub query: &'a [(&'a str, &'a str)],
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: &'a [u8],
    /// Counts what is sent, up and, when a try failed, down again.
    pub sent: Option<&'a AtomicU64>,
}

/// How often a request is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryPolicy {
    /// Once; the caller asks again by itself.
    None,
    /// For about half a minute; for seconds, if the backend never answered yet.
    Long,
}

impl Storage {
    /// The buckets of a backend.
    pub fn new(backend: &Backend, clock: Clock) -> anyhow::Result<Self> {
        let input = Address::new(backend, &backend.input_bucket);
        Ok(Self {
            agent: http::agent(&input)?,
            output: Arc::new(Address::new(backend, &backend.output_bucket)),
            input: Arc::new(input),
            signer: Signer::new(backend.credentials.clone(), backend.region.clone(), clock.clone()),
            clock,
            stop: Arc::default(),
            reached: Arc::default(),
        })
    }

    /// Makes every request under way, and every later one, fail.
    pub fn shut_down(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.agent.clone().shutdown();
    }

    /// The same, but not shut down.
    pub(super) fn fresh(&self) -> anyhow::Result<Self> {
        Ok(Self { agent: http::agent(&self.input)?, stop: Arc::default(), ..self.clone() })
    }

    /// Fails after [`Storage::shut_down`].
    pub fn check(&self) -> Result<(), StorageError> {
        if self.stop.load(Ordering::Relaxed) { Err(StorageError::Interrupted) } else { Ok(()) }
    }

    /// Sends a request until it gets an answer that is worth having: any below 500 but for those that ask to try again.
    pub(super) fn call(&self, call: &Call, patience: RetryPolicy) -> Result<Response<Body>, StorageError> {
        let mut failures = 0;
        let mut corrected = false;
        loop {
            self.check()?;
            let counted = call.sent.map_or(0, |sent| sent.load(Ordering::Relaxed));
            let error = match self.attempt(call) {
                Ok(response) => {
                    self.reached.store(true, Ordering::Relaxed);
                    let moved = self.learn(&response);
                    let status = response.status().as_u16();
                    let again = match status {
                        403 if moved && !corrected => {
                            corrected = true;
                            true
                        }
                        408 | 409 | 429 | 500.. => {
                            failures += 1;
                            true
                        }
                        _ => false,
                    };
                    if !again {
                        return Ok(response);
                    }
                    refused(call.action, response)
                }
                Err(ureq::Error::Rustls(error)) => return Err(self.unreachable(call, error.to_string())),
                Err(error) => {
                    failures += 1;
                    self.unreachable(call, describe(&error))
                }
            };
            if let Some(sent) = call.sent {
                sent.store(counted, Ordering::Relaxed);
            }
            self.check()?;
            let tries = match patience {
                RetryPolicy::None => 1,
                RetryPolicy::Long if self.reached.load(Ordering::Relaxed) => 8,
                RetryPolicy::Long => 4,
            };
            if failures >= tries {
                return Err(error);
            }
            if failures > 0 {
                self.pause(failures)?;
            }
        }
    }

    /// Waits a little longer each time: 0.3 s, 0.6 s … 10 s, less a random share so that clients don't march in step.
    pub fn pause(&self, failures: u32) -> Result<(), StorageError> {
        let full = (300u64 << failures.saturating_sub(1).min(6)).min(10_000);
        let mut left = full - self.clock.unix_ms() % (full / 3);
        while left > 0 {
            self.check()?;
            let step = left.min(50);
            std::thread::sleep(Duration::from_millis(step));
            left -= step;
        }
        Ok(())
    }

    /// Where the buckets are, input and output.
    pub fn addresses(&self) -> [&Address; 2] {
        [&self.input, &self.output]
    }

    /// Whether requests go through a proxy that the environment names.
    pub fn is_proxied(&self) -> bool {
        let uri = format!("{}://{}/", self.input.scheme, self.input.host).parse();
        let proxy = self.agent.config().proxy();
        proxy.is_some_and(|proxy| uri.map_or(true, |uri| !proxy.is_no_proxy(&uri)))
    }

    fn address(&self, bucket: Bucket) -> &Address {
        match bucket {
            Bucket::Input => &self.input,
            Bucket::Output => &self.output,
        }
    }

    fn unreachable(&self, call: &Call, why: String) -> StorageError {
        StorageError::Unreachable { address: self.address(call.bucket).host.clone(), why }
    }

    fn learn(&self, response: &Response<Body>) -> bool {
        let date = response.headers().get("date").and_then(|date| date.to_str().ok());
        date.is_some_and(|date| self.clock.learn(date))
    }

    fn attempt(&self, call: &Call) -> Result<Response<Body>, ureq::Error> {
        let address = self.address(call.bucket);
        let path = format!("{}{}", address.prefix, call.key);
        let mut headers = call.headers.clone();
        let subject = SignedRequest { method: call.method, host: &address.host, path: &path, query: call.query };
        self.signer.sign(&subject, &mut headers, &sha256_hex(call.body));
        let mut url = format!("{}://{}{}", address.scheme, address.host, encoded_path(&path));
        if !call.query.is_empty() {
            url = format!("{url}?{}", encoded_query(call.query));
        }
        let mut request = Request::builder().method(call.method).uri(url);
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        // S3 wants the length of a PUT even where it is 0, and knows no body with GET, HEAD and DELETE.
        if matches!(call.method, "PUT" | "POST") {
            request = request.header("content-length", call.body.len());
            let mut body = Counted { rest: call.body, sent: call.sent };
            self.agent.run(request.body(SendBody::from_reader(&mut body))?)
        } else {
            self.agent.run(request.body(())?)
        }
    }
}

/// A body that tells how much of it has gone.
struct Counted<'a> {
    rest: &'a [u8],
    sent: Option<&'a AtomicU64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        // Small steps, so that a bar moves on a slow line.
        let room = buffer.len().min(16 * 1024);
        let count = self.rest.read(&mut buffer[..room])?;
        if let Some(sent) = self.sent {
            sent.fetch_add(count as u64, Ordering::Relaxed);
        }
        Ok(count)
    }
}

/// The answer of S3 as an error.
pub(super) fn refused(action: &str, mut response: Response<Body>) -> StorageError {
    let status = response.status().as_u16();
    let xml = response.body_mut().with_config().limit(MAX_ERROR_BYTES).lossy_utf8(true).read_to_string();
    let xml = xml.unwrap_or_default();
    let code = element(&xml, "Code").unwrap_or_else(|| match status {
        301 | 307 => "PermanentRedirect".to_owned(),
        403 => "AccessDenied".to_owned(),
        _ => "no code".to_owned(),
    });
    let message = element(&xml, "Message").map(|message| format!(": {message}")).unwrap_or_default();
    StorageError::Refused { action: action.to_owned(), status, code, message }
}

fn describe(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "its name is not known (is there a network?)".to_owned(),
        ureq::Error::Timeout(_) => "it took too long to answer".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}
