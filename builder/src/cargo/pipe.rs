//! Reads one of cargo's output pipes to its end.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::sync::CancellationToken;

/// Number of bytes to read from a pipe at a time.
const CHUNK: usize = 16 * 1024;

/// How much a pipe can hold by default (/proc/sys/fs/pipe-max-size), in bytes. When all writers have ended, no more than
/// this can be left in it.
const MAX_IN_PIPE: usize = 1024 * 1024;

/// A pipe that ends at the latest when its writers are gone: a process that escaped may hold it open.
pub(super) struct OutputPipe<'a, R> {
    pipe: Option<R>,
    gone: &'a CancellationToken,
    drain_time: Duration,
    late: usize,
    buffer: Vec<u8>,
}

impl<'a, R: AsyncRead + Unpin> OutputPipe<'a, R> {
    /// `gone` is cancelled when cargo has ended; what is still in the pipe is then read for `drain_time` at most.
    pub fn new(pipe: Option<R>, drain_time: Duration, gone: &'a CancellationToken) -> Self {
        Self { pipe, gone, drain_time, late: 0, buffer: vec![0; CHUNK] }
    }

    /// The next bytes, or `None` at the end.
    pub async fn read(&mut self) -> Option<&[u8]> {
        let pipe = self.pipe.as_mut()?;
        let over = async {
            self.gone.cancelled().await;
            tokio::time::sleep(self.drain_time).await;
        };
        let read = tokio::select! {
            biased;
            read = pipe.read(&mut self.buffer) => read.ok().filter(|read| *read > 0),
            () = over => None,
        };
        if self.gone.is_cancelled() {
            self.late += read.unwrap_or_default();
        }
        match read {
            Some(read) if self.late <= MAX_IN_PIPE => Some(&self.buffer[..read]),
            _ => {
                self.pipe = None;
                None
            }
        }
    }
}
