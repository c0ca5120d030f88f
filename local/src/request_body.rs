//! A request's body that can still be read after the answer is known.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

/// The most bytes that are read of a refused body. A client sends less than this in one request.
const MAX_DRAINED: usize = 80 * 1024 * 1024;

/// How long a refused body is read.
const DRAIN_PATIENCE: Duration = Duration::from_secs(60);

/// A request's body. All clones share the same body.
#[derive(Debug, Clone)]
pub(crate) struct RequestBody(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    body: Mutex<Incoming>,
    /// Whether the client waits for `100 Continue` before it sends the body. Reading the body sends that answer.
    waits: bool,
    read: AtomicBool,
}

impl RequestBody {
    /// Wraps a body. `waits` says whether the request has the header `Expect: 100-continue`.
    pub fn new(body: Incoming, waits: bool) -> Self {
        Self(Arc::new(Shared { body: Mutex::new(body), waits, read: AtomicBool::new(false) }))
    }

    /// Reads the rest of a refused request's body. Many clients send everything before they read the answer; without
    /// this, they would see a closed connection instead of the reason.
    pub async fn drain(mut self) {
        if self.0.waits && !self.0.read.load(Ordering::Relaxed) {
            return;
        }
        let mut drained = 0;
        let reading = async {
            while let Some(Ok(frame)) = self.frame().await {
                drained += frame.data_ref().map_or(0, Bytes::len);
                if drained > MAX_DRAINED {
                    break;
                }
            }
        };
        // A client that takes longer gets the answer now, but may not read it.
        let _ = timeout(DRAIN_PATIENCE, reading).await;
    }

    fn body(&self) -> MutexGuard<'_, Incoming> {
        self.0.body.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.0.read.store(true, Ordering::Relaxed);
        Pin::new(&mut *self.body()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body().size_hint()
    }
}
