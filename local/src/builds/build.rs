//! A build as followers see it: what its log holds, how far it is, and how it ended.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use protocol::{BuildId, BuildResult, Event, EventKind, Owner, Status, unix_millis};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::log::{Extent, LogReader, LogWriter, extent_of};

/// The file of the event log in a build's folder.
const LOG_FILE: &str = "events.jsonl";

/// Where a build is, at one moment. All it says of the log was written before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pulse {
    /// How far the log goes.
    pub log: Extent,
    /// The latest progress.
    pub progress: Option<Arc<Event>>,
    /// How it ended: the log grows no more.
    pub result: Option<Arc<BuildResult>>,
}

/// A build.
#[derive(Debug)]
pub(crate) struct BuildHandle {
    pub owner: Owner,
    pub id: BuildId,
    /// Ends it.
    pub cancel: CancellationToken,
    folder: PathBuf,
    log: Mutex<Option<LogWriter>>,
    pulse: watch::Sender<Pulse>,
}

impl BuildHandle {
    /// The build whose folder this is. It need not be there yet: who asks early sees it come.
    pub async fn open(owner: Owner, id: BuildId, folder: PathBuf, result: Option<BuildResult>) -> io::Result<Self> {
        let log = extent_of(folder.join(LOG_FILE)).await?;
        let pulse = Pulse { log, progress: None, result: result.map(Arc::new) };
        let pulse = watch::Sender::new(pulse);
        Ok(Self { owner, id, cancel: CancellationToken::new(), folder, log: Mutex::new(None), pulse })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it is, now and from now on.
    pub fn follow(&self) -> watch::Receiver<Pulse> {
        self.pulse.subscribe()
    }

    /// The highest number given out.
    pub fn last(&self) -> u64 {
        self.pulse.borrow().log.last
    }

    /// Whether it is over.
    pub fn has_ended(&self) -> bool {
        self.pulse.borrow().result.is_some()
    }

    /// Its log from the beginning.
    pub fn log(&self) -> LogReader {
        LogReader::new(self.folder.join(LOG_FILE))
    }

    /// Stores what is numbered, then shows it, and progress, to the followers.
    pub async fn post(&self, events: Vec<Event>) -> io::Result<()> {
        let mut log = self.log.lock().await;
        self.post_locked(&mut log, events).await
    }

    /// The build went on to something else. Gives the event its number.
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
                // Opened anew for what comes next: a build that could not even be noted loses its folder.
                *log = None;
            }
            Some(appended?)
        };
        // `alive` is said to each follower by whoever serves it.
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

    /// It is over: tells the followers. The first ending counts.
    pub async fn end(&self, result: BuildResult) {
        // Whoever still writes has finished then; the file is given back.
        self.log.lock().await.take();
        self.pulse.send_modify(|pulse| {
            pulse.progress = None;
            pulse.result.get_or_insert_with(|| Arc::new(result));
        });
    }
}
