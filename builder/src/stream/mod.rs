//! The stream of a build's events: output is gathered, and events are numbered, logged and sent.

mod batch;
mod split;
mod task;

use std::path::PathBuf;
use std::time::Duration;

use protocol::{BuildId, Frame, Status, Stream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub(crate) use task::StreamSummary;

use crate::output::Utf8Decoder;

/// How many pieces of output may wait for the task; when there are more, cargo waits.
const QUEUE: usize = 32;

/// What a reporter sends to the stream's task.
#[derive(Debug)]
pub(super) enum ReporterMessage {
    Status(Status),
    Output { stream: Stream, text: String },
    Progress { done: u64, total: u64, current: String },
}

/// The settings of one attempt's stream.
pub(crate) struct StreamConfig {
    pub build: BuildId,
    pub first_seq: u64,
    pub events: mpsc::Sender<Frame>,
    pub log: PathBuf,
    pub flush_interval: Duration,
    /// How many encoded bytes of output earlier attempts sent.
    pub streamed_bytes: u64,
}

/// Sends output and statuses to a stream. Clones use the same stream.
#[derive(Debug, Clone)]
pub(crate) struct Reporter(mpsc::Sender<ReporterMessage>);

impl Reporter {
    /// Starts a stream. Its task ends when the last reporter is dropped, and returns what it sent.
    pub fn start(config: StreamConfig) -> (Self, JoinHandle<StreamSummary>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), tokio::spawn(task::run(config, receiver)))
    }

    /// Reports the phase that the build is in.
    pub async fn status(&self, status: Status) {
        self.send(ReporterMessage::Status(status)).await;
    }

    /// Passes output on. Waits while the receiver is slow.
    pub async fn output(&self, stream: Stream, decoder: &mut Utf8Decoder, bytes: &[u8]) {
        self.text(stream, decoder.decode(bytes)).await;
    }

    /// Passes text on. Waits while the receiver is slow.
    pub async fn text(&self, stream: Stream, text: String) {
        if !text.is_empty() {
            self.send(ReporterMessage::Output { stream, text }).await;
        }
    }

    /// Reports how many units cargo has finished. It may be lost when much is going on.
    pub fn progress(&self, done: u64, total: u64, current: String) {
        let _ = self.0.try_send(ReporterMessage::Progress { done, total, current });
    }

    async fn send(&self, input: ReporterMessage) {
        // This can't fail: the task ends only after the last reporter.
        let _ = self.0.send(input).await;
    }
}
