//! One build: its attempts, one after the other, and what they leave behind.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use builder::{Attempt, Ending, History, Unsaved};
use protocol::messages::{self, SOURCE_DELETED};
use protocol::{BuildResult, Frame, Outcome, keys, limits};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::build::Build;
use super::record::Record;
use super::{Builds, Job};
use crate::files;
use crate::objects::{Bucket, PublishError, blocking};

/// Messages between the engine and the log: the engine waits when the disk is that far behind.
const EVENT_BACKLOG: usize = 64;

impl Builds {
    /// Runs a build to its end. Its result is out when this returns.
    pub(super) async fn run(&self, job: &Job) {
        let build = &job.build;
        info!(owner = %build.owner, build = %build.id, "started");
        let folder = self.folders.attempts.join(build.owner.as_str()).join(build.id.as_str());
        let (result, unsaved) = match self.attempts(job, &folder).await {
            Ok(ending) => ending,
            Err(why) => (crashed(build, &why), None),
        };
        // Before the result is stored: on a full disk this makes room for it.
        let rest = folder.clone();
        if let Err(error) = blocking(move || files::remove_folder_if_there(&rest)).await {
            warn!(folder = %folder.display(), %error, "what an attempt left can't be removed");
        }
        self.conclude(build, result).await;
        if let Some(unsaved) = unsaved
            && let Err(error) = unsaved.save().await
        {
            warn!(build = %build.id, %error, "the project's folder can't be saved: its next build takes longer");
        }
    }

    async fn attempts(&self, job: &Job, folder: &Path) -> io::Result<(BuildResult, Option<Unsaved>)> {
        let build = &job.build;
        let mut history = History::default();
        history.times.waiting = millis(job.since.elapsed());
        let mut number = 1;
        loop {
            let Some(source) = self.source(build).await? else {
                return Ok((cancelled(build, number - 1, SOURCE_DELETED), None));
            };
            let output = folder.join(number.to_string());
            self.note_attempt(build, &job.record, number, &output).await?;
            let (ending, logged) = self.attempt(job, number, source, output, history.clone()).await?;
            match ending {
                Ending::Finished { mut result, artifact, log, unsaved, .. } => {
                    let stored = self.store_outputs(build, number, artifact, log).await;
                    let uploading = match logged.and(stored) {
                        Ok(uploading) => uploading,
                        Err(why) => return Ok((BuildResult { attempts: number, ..crashed(build, &why) }, unsaved)),
                    };
                    // What is stored is what a follower can have.
                    result.last = build.last();
                    result.attempts = number;
                    result.times.uploading = millis(uploading);
                    if result.outcome == Outcome::Cancelled {
                        result.message = Some(self.why_cancelled(build).await?.to_owned());
                    }
                    return Ok((result, unsaved));
                }
                Ending::Paused { log, history: so_far, advanced, working_on, .. } => {
                    logged?;
                    self.store_outputs(build, number, None, log).await?;
                    if build.cancel.is_cancelled() {
                        return Ok((cancelled(build, number, self.why_cancelled(build).await?), None));
                    }
                    if !advanced || number == limits::MAX_ATTEMPTS {
                        return Ok((timed_out(build, number, advanced, &working_on, so_far), None));
                    }
                    info!(build = %build.id, attempt = number, "paused");
                    history = so_far;
                    number += 1;
                }
                _ => return Err(io::Error::other("the engine ended in a way this backend doesn't know")),
            }
        }
    }

    /// Runs the engine once. Comes with whether all its events are in the log.
    async fn attempt(
        &self,
        job: &Job,
        number: u32,
        source: PathBuf,
        output: PathBuf,
        history: History,
    ) -> io::Result<(Ending, io::Result<()>)> {
        let build = &job.build;
        let (events, received) = mpsc::channel(EVENT_BACKLOG);
        let cancel = build.cancel.child_token();
        let attempt = Attempt {
            build: build.id.clone(),
            owner: build.owner.clone(),
            number,
            first_seq: build.last() + 1,
            metadata: job.record.metadata.clone(),
            source,
            output,
            events,
            cancel: cancel.clone(),
            deadline: self.limits.attempt.and_then(|limit| Instant::now().checked_add(limit)),
            cache: self.projects.clone(),
            history,
        };
        let log = tokio::spawn(log_events(build.clone(), received, cancel));
        let engine = self.engine.clone();
        // A task of its own: a panic in the engine is the end of this build and not of the backend.
        let ending = tokio::spawn(async move { engine.run(attempt).await }).await;
        let logged = log.await.map_err(io::Error::other)?;
        let ending = ending.map_err(|error| {
            error!(build = %build.id, %error, "the engine died");
            io::Error::other("the engine died")
        })?;
        Ok((ending, logged))
    }

    /// The source archive; none when it was deleted.
    async fn source(&self, build: &Build) -> io::Result<Option<PathBuf>> {
        let key = object_key(&keys::source(&build.owner, &build.id))?;
        Ok(self.objects.find(Bucket::Input, &key).await?.map(|object| object.path))
    }

    /// Writes down that an attempt begins, for this backend and for whoever looks into the bucket, and makes its folder.
    async fn note_attempt(&self, build: &Build, record: &Record, number: u32, output: &Path) -> io::Result<()> {
        let claim = object_key(&keys::claim(&build.owner, &build.id, number))?;
        match self.objects.publish_bytes(Bucket::Output, &claim, b"{}".to_vec()).await {
            Ok(()) | Err(PublishError::Exists) => {}
            Err(PublishError::Io(error)) => return Err(error),
        }
        let record = Record { attempt: number, ..record.clone() };
        let (folder, output) = (build.folder().to_owned(), output.to_owned());
        blocking(move || {
            record.save(&folder)?;
            files::make_private_folder(&output)
        })
        .await
    }

    /// Stores what an attempt made, the log also when the artifact can't be. Gives the time it took.
    async fn store_outputs(
        &self,
        build: &Build,
        number: u32,
        artifact: Option<PathBuf>,
        log: PathBuf,
    ) -> io::Result<Duration> {
        let begun = Instant::now();
        let artifact = match artifact {
            Some(artifact) => self.store(build, &keys::artifact(&build.owner, &build.id), artifact).await,
            None => Ok(()),
        };
        let log = self.store(build, &keys::log(&build.owner, &build.id, number), log).await;
        artifact.and(log).map(|()| begun.elapsed())
    }

    async fn store(&self, build: &Build, key: &str, file: PathBuf) -> io::Result<()> {
        match self.objects.publish(Bucket::Output, &object_key(key)?, file, None).await {
            Ok(()) => Ok(()),
            Err(PublishError::Exists) => {
                warn!(build = %build.id, key, "is there already, and stays as it is");
                Ok(())
            }
            Err(PublishError::Io(error)) => Err(error),
        }
    }

    async fn why_cancelled(&self, build: &Build) -> io::Result<&'static str> {
        let wanted = self.source(build).await?.is_some();
        Ok(if wanted && self.stopping.is_cancelled() {
            "the backend was stopped while this was building; start it again once the backend runs"
        } else {
            SOURCE_DELETED
        })
    }
}

/// Writes the engine's events into the log. When that fails, the attempt is cancelled: what can't be followed is not
/// built behind the client's back.
async fn log_events(
    build: Arc<Build>,
    mut received: mpsc::Receiver<Frame>,
    cancel: CancellationToken,
) -> io::Result<()> {
    let mut written = Ok(());
    while let Some(frame) = received.recv().await {
        if written.is_ok() {
            written = build.post(frame.events).await;
            if let Err(error) = &written {
                error!(build = %build.id, %error, "the event log can't be written");
                cancel.cancel();
            }
        }
    }
    written
}

fn object_key(key: &str) -> io::Result<crate::objects::ObjectKey> {
    key.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("`{key}` is no key")))
}

fn crashed(build: &Build, why: &io::Error) -> BuildResult {
    let message = if files::is_full(why) {
        "the backend's disk is full: free some space for its data folder, then build again".to_owned()
    } else {
        format!("the backend failed: {why}; its own output tells more")
    };
    let result = BuildResult::new(build.id.clone(), Outcome::Crashed, build.last()).with_message(message);
    BuildResult { complete: false, ..result }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn cancelled(build: &Build, attempts: u32, why: &str) -> BuildResult {
    let result = BuildResult::new(build.id.clone(), Outcome::Cancelled, build.last()).with_message(why);
    BuildResult { attempts, ..result }
}

fn timed_out(build: &Build, attempts: u32, advanced: bool, working_on: &str, history: History) -> BuildResult {
    let longer = "give the backend a longer --attempt-limit";
    let message = messages::timed_out(attempts, advanced, working_on, longer);
    let result = BuildResult::new(build.id.clone(), Outcome::TimedOut, build.last()).with_message(message);
    BuildResult {
        attempts,
        times: history.times,
        cache: history.cache,
        peak_memory: (history.peak_memory > 0).then_some(history.peak_memory),
        ..result
    }
}
