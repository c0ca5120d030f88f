//! The build's events on their way out: numbered, logged, gathered, sent.

mod batch;
mod split;
mod task;

use std::path::PathBuf;
use std::time::Duration;

use protocol::{BuildId, Frame, Status, Stream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub(crate) use task::Sent;

use crate::output::Decoder;

/// Pieces of output on their way to the task; more make cargo wait.
const QUEUE: usize = 32;

/// What is given to the task.
#[derive(Debug)]
pub(super) enum Input {
    Status(Status),
    Output { stream: Stream, text: String },
    Progress { done: u64, total: u64, current: String },
}

/// What the task needs to know.
pub(crate) struct StreamConfig {
    pub build: BuildId,
    pub first_seq: u64,
    pub events: mpsc::Sender<Frame>,
    pub log: PathBuf,
    pub flush_interval: Duration,
    /// Encoded bytes of output sent by earlier attempts.
    pub streamed_bytes: u64,
}

/// Takes events. Clones write to the same stream.
#[derive(Debug, Clone)]
pub(crate) struct Reporter(mpsc::Sender<Input>);

impl Reporter {
    /// Starts a stream. It ends when the last reporter is dropped; the task then tells what it has sent.
    pub fn start(config: StreamConfig) -> (Self, JoinHandle<Sent>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), tokio::spawn(task::run(config, receiver)))
    }

    /// Says where the build is.
    pub async fn status(&self, status: Status) {
        self.send(Input::Status(status)).await;
    }

    /// Passes output on; slow receivers make it wait.
    pub async fn output(&self, stream: Stream, decoder: &mut Decoder, bytes: &[u8]) {
        self.text(stream, decoder.decode(bytes)).await;
    }

    /// The same with text.
    pub async fn text(&self, stream: Stream, text: String) {
        if !text.is_empty() {
            self.send(Input::Output { stream, text }).await;
        }
    }

    /// Says how far cargo is. May be lost.
    pub fn progress(&self, done: u64, total: u64, current: String) {
        let _ = self.0.try_send(Input::Progress { done, total, current });
    }

    async fn send(&self, input: Input) {
        // The task ends after the last reporter, so it takes everything.
        let _ = self.0.send(input).await;
    }
}
