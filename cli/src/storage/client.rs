//! Signed requests to S3, with retries.

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

/// Limit of an error document in bytes; S3's have a few hundred.
const MAX_ERROR_BYTES: u64 = 64 * 1024;

/// Access to both buckets of a backend.
#[derive(Debug, Clone)]
pub struct Storage {
    agent: Agent,
    input: Arc<Address>,
    output: Arc<Address>,
    signer: Signer,
    clock: Clock,
    stop: Arc<AtomicBool>,
    /// Whether the backend has ever answered. Before its first answer there are fewer retries.
    reached: Arc<AtomicBool>,
}

/// The two buckets of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// The bucket of the sources.
    Input,
    /// The bucket of results and artifacts.
    Output,
}

/// One request, before it is signed.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// What the request does, as a verb with its object, for error messages.
    pub action: &'a str,
    /// The HTTP method, in capitals.
    pub method: &'a str,
    /// The bucket that the request is for.
    pub bucket: Bucket,
    /// Key of the object, not encoded; empty for the bucket itself.
    pub key: &'a str,
    /// Names and values of the query, not encoded.
    pub query: &'a [(&'a str, &'a str)],
    /// Headers, with their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, empty for most methods.
    pub body: &'a [u8],
    /// Counts the bytes sent. When an attempt fails, its bytes are subtracted.
    pub sent: Option<&'a AtomicU64>,
}

/// How often a request is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryPolicy {
    /// The request is sent once; the caller tries again itself.
    None,
    /// The request is repeated for about half a minute, or only for seconds if the backend has never answered.
    Long,
}

impl Storage {
    /// Creates the access to the buckets of a backend.
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

    /// Makes all requests fail, both running and later ones.
    pub fn shut_down(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.agent.clone().shutdown();
    }

    /// A copy of this storage that is not shut down.
    pub(super) fn fresh(&self) -> anyhow::Result<Self> {
        Ok(Self { agent: http::agent(&self.input)?, stop: Arc::default(), ..self.clone() })
    }

    /// Fails with `Interrupted` after [`Storage::shut_down`].
    pub fn check(&self) -> Result<(), StorageError> {
        if self.stop.load(Ordering::Relaxed) { Err(StorageError::Interrupted) } else { Ok(()) }
    }

    /// Sends a request, and again until it is answered with a status below 500 that doesn't ask to retry.
    pub(super) fn call(&self, call: &Call, retries: RetryPolicy) -> Result<Response<Body>, StorageError> {
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
            let tries = match retries {
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

    /// Waits longer after each failure: 0.3 s, 0.6 s … 10 s, minus a random part so that clients don't retry at the
    /// same time.
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

    /// The addresses of the input and the output bucket.
    pub fn addresses(&self) -> [&Address; 2] {
        [&self.input, &self.output]
    }

    /// Whether requests go through a proxy, as set in the environment.
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
        // S3 requires the length of a PUT even if it is 0, and accepts no body for GET, HEAD and DELETE.
        if matches!(call.method, "PUT" | "POST") {
            request = request.header("content-length", call.body.len());
            let mut body = Counted { rest: call.body, sent: call.sent };
            self.agent.run(request.body(SendBody::from_reader(&mut body))?)
        } else {
            self.agent.run(request.body(())?)
        }
    }
}

/// A body that counts how much of it was sent.
struct Counted<'a> {
    rest: &'a [u8],
    sent: Option<&'a AtomicU64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        // Small steps keep the progress bar moving on a slow connection.
        let room = buffer.len().min(16 * 1024);
        let count = self.rest.read(&mut buffer[..room])?;
        if let Some(sent) = self.sent {
            sent.fetch_add(count as u64, Ordering::Relaxed);
        }
        Ok(count)
    }
}

/// Converts S3's error answer into an error.
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
        ureq::Error::HostNotFound => "its name is unknown (is the network up?)".to_owned(),
        ureq::Error::Timeout(_) => "it took too long to answer".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}
