//! Runs a build: one attempt after the other, until the lifecycle concludes the build.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use builder::lifecycle::{
    Abort, AttemptEnd, AttemptLimits, AttemptStart, Decision, EndedAttempt, Lifecycle, StopReason, StorageReport,
};
use builder::{Attempt, Unsaved};
use protocol::{BuildResult, Frame};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use super::build::BuildHandle;
use super::outputs::io_reason;
use super::{Builds, Job};
use crate::files;
use crate::objects::blocking;

/// The most messages that wait between the engine and the event log. When the disk is further behind, the engine waits.
const EVENT_BACKLOG: usize = 64;

/// The limits that this backend sets for a build's attempts.
pub(super) const LIMITS: AttemptLimits = AttemptLimits::new("give the backend a longer --attempt-limit");

/// An attempt that has ended and whose outputs are stored.
struct StoredAttempt {
    end: AttemptEnd,
    stored: StorageReport,
    unsaved: Option<Unsaved>,
}

/// What the engine returned, and whether its events were written.
struct EngineRun {
    ended: Option<EndedAttempt>,
    events_lost: Option<String>,
}

/// The end of a build: its result, and the project's folder, which is saved after the result is published.
struct BuildEnd {
    result: BuildResult,
    unsaved: Option<Unsaved>,
}

impl Builds {
    /// Runs a build to its end. The result is published when this returns.
    pub(super) async fn run(&self, job: &Job) {
        let build = &job.build;
        info!(owner = %build.owner, build = %build.id, "started");
        let folder = self.folders.attempts.join(build.owner.as_str()).join(build.id.as_str());
        let BuildEnd { result, unsaved } = self.attempts(job, &folder).await;
        // Removed before the result is stored, to make room for it on a full disk.
        let rest = folder.clone();
        if let Err(error) = blocking(move || files::remove_folder_if_there(&rest)).await {
            warn!(folder = %folder.display(), %error, "the folder of the build's attempts can't be removed");
        }
        self.publish_result(build, result).await;
        if let Some(unsaved) = unsaved
            && let Err(error) = unsaved.save().await
        {
            warn!(build = %build.id, %error, "the project's folder can't be saved: its next build takes longer");
        }
    }

    async fn attempts(&self, job: &Job, folder: &Path) -> BuildEnd {
        let build = &job.build;
        let mut start = AttemptStart::first(build.last() + 1);
        start.carried.history.times.waiting = u64::try_from(job.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut life = Lifecycle::new(build.id.clone(), LIMITS, start);
        loop {
            let StoredAttempt { end, stored, unsaved } = match self.attempt(job, &mut life, folder).await {
                Ok(attempt) => attempt,
                Err(error) => {
                    error!(build = %build.id, %error, "an attempt can't be started");
                    let why = format!("the backend could not start the build: {}; build again", io_reason(&error));
                    let stored = StorageReport { last_delivered: build.last(), ..StorageReport::default() };
                    StoredAttempt { end: AttemptEnd::Aborted(Abort::Failed(why)), stored, unsaved: None }
                }
            };
            match life.ended(end, self.stop_reason(build).await, stored) {
                Decision::Conclude(result) => return BuildEnd { result: *result, unsaved },
                Decision::Next(next) => {
                    info!(build = %build.id, attempt = next.number, "the build continues in another attempt")
                }
            }
        }
    }

    /// Runs one attempt and stores its outputs.
    async fn attempt(&self, job: &Job, life: &mut Lifecycle, folder: &Path) -> io::Result<StoredAttempt> {
        let build = &job.build;
        let number = life.start().number;
        let Some(source) = self.source(build).await? else {
            let stored = StorageReport { last_delivered: build.last(), ..StorageReport::default() };
            return Ok(StoredAttempt { end: AttemptEnd::Aborted(Abort::Stopped), stored, unsaved: None });
        };
        let output = folder.join(number.to_string());
        self.note_attempt(build, &job.record, number, &output).await?;
        life.begin();
        let run = self.run_engine(job, life.start().clone(), source, output).await?;
        let mut stored = StorageReport { events_lost: run.events_lost, ..StorageReport::default() };
        stored.last_delivered = build.last();
        let Some(EndedAttempt { end, artifact, log, unsaved }) = run.ended else {
            return Ok(StoredAttempt { end: AttemptEnd::Aborted(Abort::EngineDied), stored, unsaved: None });
        };
        if let Some(artifact) = artifact {
            let begun = Instant::now();
            stored.artifact_lost = self.store_artifact(build, artifact).await.err().as_ref().map(io_reason);
            stored.uploading = begun.elapsed();
        }
        stored.log_lost = self.store_log(build, number, log).await.err().as_ref().map(io_reason);
        Ok(StoredAttempt { end, stored, unsaved })
    }

    async fn run_engine(
        &self,
        job: &Job,
        start: AttemptStart,
        source: PathBuf,
        output: PathBuf,
    ) -> io::Result<EngineRun> {
        let build = &job.build;
        let (events, received) = mpsc::channel(EVENT_BACKLOG);
        let attempt = Attempt {
            build: build.id.clone(),
            owner: build.owner.clone(),
            number: start.number,
            first_seq: start.first_seq,
            metadata: job.record.metadata.clone(),
            source,
            output,
            events,
            cancel: build.cancel.clone(),
            deadline: self.limits.attempt.and_then(|limit| Instant::now().checked_add(limit)),
            cache: self.projects.clone(),
            history: start.carried.history,
        };
        let log = tokio::spawn(log_events(build.clone(), received));
        let engine = self.engine.clone();
        // The engine runs in its own task, so that a panic in it ends this build and not the backend.
        let ending = tokio::spawn(async move { engine.run(attempt).await }).await;
        let events_lost = log.await.map_err(io::Error::other)?;
        let ended = match ending {
            Ok(ending) => Some(ending.into()),
            Err(error) => {
                error!(build = %build.id, %error, "the engine died");
                None
            }
        };
        Ok(EngineRun { ended, events_lost })
    }

    /// The reason why the build must stop; none if it may go on.
    pub(super) async fn stop_reason(&self, build: &BuildHandle) -> Option<StopReason> {
        match self.source(build).await {
            Ok(None) => Some(StopReason::SourceDeleted),
            _ if !build.cancel.is_cancelled() => None,
            _ if self.stopping.is_cancelled() => Some(StopReason::BackendStopping),
            _ => Some(StopReason::SourceDeleted),
        }
    }
}

/// Writes the engine's events into the event log. Returns the reason if that failed. The build continues even then,
/// because the attempt's own log has all events.
async fn log_events(build: Arc<BuildHandle>, mut received: mpsc::Receiver<Frame>) -> Option<String> {
    let mut lost = None;
    while let Some(frame) = received.recv().await {
        if lost.is_none()
            && let Err(error) = build.post(frame.events).await
        {
            error!(build = %build.id, %error, "the event log can't be written");
            lost = Some(io_reason(&error));
        }
    }
    lost
}
