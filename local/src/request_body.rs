//! A request's body that is still there when the answer is known.

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

/// What is read of a refused body: more than a client sends in one request.
const MAX_DRAINED: usize = 80 * 1024 * 1024;

/// How long it is read.
const DRAIN_PATIENCE: Duration = Duration::from_secs(60);

/// A request's body. A clone is the same body.
#[derive(Debug, Clone)]
pub(crate) struct RequestBody(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    body: Mutex<Incoming>,
    /// Whether the client sends nothing before it is told to go on, which happens when the body is read.
    waits: bool,
    read: AtomicBool,
}

impl RequestBody {
    /// `waits`: the request says `Expect: 100-continue`.
    pub fn new(body: Incoming, waits: bool) -> Self {
        Self(Arc::new(Shared { body: Mutex::new(body), waits, read: AtomicBool::new(false) }))
    }

    /// Reads what a refused request still sends. Many clients send everything before they look for an answer, and
    /// would meet a closed connection in the place of the reason.
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
        // Whoever takes longer gets the answer anyway, and perhaps sees it.
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
