//! One attempt of a build, phase by phase.

mod cargo_outcome;
mod clean;
mod compile;
mod ending;
mod error;
mod input;
mod install;
mod prepare;
mod program_check;
mod project;
mod result;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use protocol::{ArtifactInfo, Command, Request};
use tokio_util::sync::CancellationToken;

use self::prepare::Prepared;
use self::project::LockedProject;
use crate::Engine;
use crate::archive::SourceArchive;
use crate::cache::Unsaved;
use crate::stream::Reporter;

pub(crate) use self::cargo_outcome::CargoOutcome;
pub use self::ending::Ending;
pub(crate) use self::error::AttemptError;
pub use self::input::{Attempt, History};

/// A build that cargo has finished, well or badly.
pub(crate) struct FinishedBuild {
    /// Outcome, exit code and message for the result.
    pub outcome: CargoOutcome,
    /// Digest and path of `artifact.zip`, if there is anything for the device.
    pub artifact: Option<(ArtifactInfo, PathBuf)>,
}

/// The engine at work on one attempt.
pub(crate) struct AttemptRun<'a> {
    engine: &'a Engine,
    attempt: &'a Attempt,
    reporter: Reporter,
    history: History,
    locked: Option<LockedProject>,
    /// How long before the deadline saving begins, in addition to the time that saving takes.
    margin: Duration,
    /// When work has to stop, so that there is time to save.
    stop_at: Option<Instant>,
    begun: SystemTime,
}

impl<'a> AttemptRun<'a> {
    /// Prepares to run `attempt`; its time begins now.
    pub fn new(engine: &'a Engine, attempt: &'a Attempt, reporter: Reporter) -> Self {
        let left = attempt.deadline.map(|at| at.saturating_duration_since(Instant::now())).unwrap_or_default();
        // A short attempt must not lose most of its time to the margin.
        let margin = engine.config.pause_margin.min(left / 4);
        let stop_at = attempt.deadline.map(|at| at.checked_sub(margin).unwrap_or(at));
        Self {
            engine,
            attempt,
            reporter,
            history: attempt.history.clone(),
            locked: None,
            margin,
            stop_at,
            begun: SystemTime::now(),
        }
    }

    /// Runs all phases, from reading the source to packing the artifact.
    pub async fn run(&mut self) -> Result<FinishedBuild, AttemptError> {
        let path = self.attempt.source.clone();
        let archive = self.blocking("reading the source", move |_| Ok(SourceArchive::open(&path)?)).await?;
        let request = Request::decode(&self.attempt.metadata, archive.request.clone())
            .map_err(|error| AttemptError::Refused(error.to_string()))?;
        if request.command == Command::Clean {
            return self.clean(&request).await;
        }
        let project = self.open_project(&request).await?;
        self.unpack(archive, &project).await?;
        let prepared = self.prepare(request, project).await?;
        let compiled = self.compile(&prepared).await?;
        self.produce_result(&prepared, compiled).await
    }

    /// Ends the event stream, and returns what outlives the attempt.
    pub async fn close(self) -> (History, Option<Unsaved>) {
        let cache = Arc::clone(&self.attempt.cache);
        let unsaved = self.locked.map(|LockedProject { cached, lock }| Unsaved { cache, project: cached, lock });
        (self.history, unsaved)
    }

    /// Does `work` until the build is cancelled or out of time. `what` names the work in the message to the user.
    async fn guarded<T>(&self, what: &str, work: impl Future<Output = T>) -> Result<T, AttemptError> {
        let time = async {
            match self.stop_at {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.attempt.cancel.cancelled() => Err(AttemptError::Cancelled),
            done = work => Ok(done),
            () = time => Err(AttemptError::OutOfTime { advanced: false, working_on: what.to_owned() }),
        }
    }

    /// Like [`AttemptRun::guarded`], for work that blocks a thread. It is told to stop and then waited for, because it
    /// works in the project's folder.
    async fn blocking<T: Send + 'static>(
        &self,
        what: &str,
        work: impl FnOnce(&CancellationToken) -> Result<T, AttemptError> + Send + 'static,
    ) -> Result<T, AttemptError> {
        let stop = self.attempt.cancel.child_token();
        let token = stop.clone();
        let mut handle = tokio::task::spawn_blocking(move || work(&token));
        let guarded = self.guarded(what, &mut handle).await;
        let joined = match guarded {
            Ok(joined) => joined,
            Err(error) => {
                stop.cancel();
                let _ = handle.await;
                return Err(error);
            }
        };
        joined.unwrap_or_else(|error| Err(AttemptError::Crashed(format!("the engine failed while {what}: {error}"))))
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(Duration::as_millis(&since.elapsed())).unwrap_or(u64::MAX)
}
