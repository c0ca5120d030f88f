//! A build as followers see it: its event log, its progress and its result.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use protocol::{BuildId, BuildResult, Event, EventKind, Owner, Status, unix_millis};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::log::{Extent, LogReader, LogWriter, extent_of};

/// Name of the event log in a build's folder.
const LOG_FILE: &str = "events.jsonl";

/// The state of a build at one moment. The part of the log that it describes is already on disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pulse {
    /// Size and last sequence number of the event log.
    pub log: Extent,
    /// The latest progress event, if there was one since the last status.
    pub progress: Option<Arc<Event>>,
    /// The result, once the build has ended. After that, the log no longer grows.
    pub result: Option<Arc<BuildResult>>,
}

/// A build that is open in this process, for its runner and its followers.
#[derive(Debug)]
pub(crate) struct BuildHandle {
    pub owner: Owner,
    pub id: BuildId,
    /// Cancel this token to stop the build.
    pub cancel: CancellationToken,
    folder: PathBuf,
    log: Mutex<Option<LogWriter>>,
    pulse: watch::Sender<Pulse>,
}

impl BuildHandle {
    /// Opens the build in this folder. The folder may be missing, because a follower can connect before the source is
    /// uploaded.
    pub async fn open(owner: Owner, id: BuildId, folder: PathBuf, result: Option<BuildResult>) -> io::Result<Self> {
        let log = extent_of(folder.join(LOG_FILE)).await?;
        let pulse = Pulse { log, progress: None, result: result.map(Arc::new) };
        let pulse = watch::Sender::new(pulse);
        Ok(Self { owner, id, cancel: CancellationToken::new(), folder, log: Mutex::new(None), pulse })
    }

    /// The folder that holds the build's record and event log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Subscribes to the state of the build.
    pub fn follow(&self) -> watch::Receiver<Pulse> {
        self.pulse.subscribe()
    }

    /// The highest sequence number in the event log, 0 for none.
    pub fn last(&self) -> u64 {
        self.pulse.borrow().log.last
    }

    /// Whether the build has its result.
    pub fn has_ended(&self) -> bool {
        self.pulse.borrow().result.is_some()
    }

    /// Creates a reader at the beginning of the event log.
    pub fn log(&self) -> LogReader {
        LogReader::new(self.folder.join(LOG_FILE))
    }

    /// Appends the numbered events to the log, then notifies the followers of them and of the latest progress.
    pub async fn post(&self, events: Vec<Event>) -> io::Result<()> {
        let mut log = self.log.lock().await;
        self.post_locked(&mut log, events).await
    }

    /// Posts a status event with the next sequence number.
    pub async fn post_status(&self, status: Status) -> io::Result<()> {
        let mut log = self.log.lock().await;
        let seq = self.last() + 1;
        let event = Event::new(self.id.clone(), Some(seq), unix_millis(SystemTime::now()), EventKind::Status(status));
        self.post_locked(&mut log, vec![event]).await
    }

    async fn post_locked(&self, log: &mut Option<LogWriter>, events: Vec<Event>) -> io::Result<()> {
        let (numbered, passing): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| event.seq.is_some());
        let extent = if numbered.is_empty() {
            None
        } else {
            let writer = match log {
                Some(writer) => writer,
                None => log.insert(LogWriter::open(&self.folder.join(LOG_FILE)).await?),
            };
            let appended = writer.append(&numbered).await;
            if appended.is_err() {
                // The next event opens the file again, because the folder of a build that could not be recorded is
                // removed.
                *log = None;
            }
            Some(appended?)
        };
        // `alive` is sent to each follower by the task that serves it.
        let progress =
            passing.into_iter().rfind(|event| matches!(event.kind, EventKind::Progress { .. })).map(Arc::new);
        if extent.is_some() || progress.is_some() {
            self.pulse.send_modify(|pulse| {
                pulse.log = extent.unwrap_or(pulse.log);
                pulse.progress = progress.or(pulse.progress.take());
            });
        }
        Ok(())
    }

    /// Ends the build and notifies the followers of its result. If there is a result already, that one stays.
    pub async fn end(&self, result: BuildResult) {
        // Waits for a writer, and closes the file.
        self.log.lock().await.take();
        self.pulse.send_modify(|pulse| {
            pulse.progress = None;
            pulse.result.get_or_insert_with(|| Arc::new(result));
        });
    }
}
