//! The engine: what it knows of the machine, and how it runs an attempt.

use std::io;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use futures_util::FutureExt;
use protocol::{BuildResult, Capabilities, Outcome};

use crate::attempt::{AttemptError, AttemptRun, CargoOutcome, FinishedBuild};
use crate::stream::{Reporter, StreamConfig, StreamSummary};
use crate::tools::Tools;
use crate::{Attempt, Ending, EngineConfig, EngineError, History};

/// Runs builds on this machine, several at once if the backend asks for it.
pub struct Engine {
    pub(crate) config: EngineConfig,
    pub(crate) tools: Tools,
    /// The target triples that rustup can fetch a standard library for.
    offered: Vec<String>,
}

impl Engine {
    /// Creates the work folder and looks for cargo and its toolchains.
    ///
    /// # Errors
    /// When the work folder can't be used, or there is no working Rust toolchain.
    pub async fn new(mut config: EngineConfig) -> Result<Engine, EngineError> {
        let folder = config.work.clone();
        config.work = work_folder(&folder).map_err(|source| EngineError::Work { folder, source })?;
        let tools = Tools::find(&config).await?;
        let offered = tools.offered().await;
        Ok(Engine { config, tools, offered })
    }

    /// What this machine can build now. It changes when a standard library is fetched or the Android set-up has run.
    pub fn capabilities(&self) -> Capabilities {
        self.tools.capabilities(&self.config, &self.offered)
    }

    /// Runs one attempt. Always returns an ending, even when the engine panics. A caller that drops the future leaves no
    /// process of the build behind.
    pub async fn run(&self, attempt: Attempt) -> Ending {
        let log = attempt.output.join("log.jsonl");
        let (reporter, stream) = Reporter::start(StreamConfig {
            build: attempt.build.clone(),
            first_seq: attempt.first_seq,
            events: attempt.events.clone(),
            log: log.clone(),
            flush_interval: self.config.flush_interval,
            streamed_bytes: attempt.history.streamed_bytes,
        });
        let mut run = AttemptRun::new(self, &attempt, reporter);
        let finished = AssertUnwindSafe(run.run()).catch_unwind().await.unwrap_or_else(|_| {
            let why = "the engine failed because of a bug; the backend's log has the details. Please report it";
            Err(AttemptError::Crashed(why.to_owned()))
        });
        let (history, unsaved) = run.close().await;
        let stream = stream.await.unwrap_or_else(|error| StreamSummary {
            next_seq: attempt.first_seq,
            streamed_bytes: attempt.history.streamed_bytes,
            log: Err(io::Error::other(error)),
        });
        let history = History { streamed_bytes: stream.streamed_bytes, ..history };
        let (outcome, artifact) = match finished {
            Ok(FinishedBuild { outcome, artifact }) => (outcome, artifact),
            Err(AttemptError::OutOfTime { advanced, working_on }) => {
                drop(unsaved);
                return Ending::Paused { next_seq: stream.next_seq, log, history, advanced, working_on };
            }
            Err(AttemptError::Refused(why)) => (without_cargo(Outcome::Refused, Some(why)), None),
            Err(AttemptError::Crashed(why)) => (without_cargo(Outcome::Crashed, Some(why)), None),
            Err(AttemptError::Cancelled) => (without_cargo(Outcome::Cancelled, None), None),
        };
        let (info, artifact) = artifact.unzip();
        let mut result = BuildResult::new(attempt.build.clone(), outcome.outcome, stream.next_seq - 1);
        result.exit_code = outcome.exit_code;
        result.message = outcome.message;
        result.artifact = info;
        result.attempts = attempt.number;
        result.times = history.times;
        result.cache = history.cache;
        result.peak_memory = Some(history.peak_memory).filter(|peak| *peak > 0);
        if let Err(error) = stream.log {
            tracing::error!(%error, build = %attempt.build, "the build's log could not be written");
            let note = format!("the backend could not write the build's log: {error}");
            result.message = Some(result.message.map_or_else(|| note.clone(), |message| format!("{message}\n{note}")));
        }
        Ending::Finished { result, artifact, log, unsaved }
    }
}

/// The outcome of an attempt that ended for another reason than cargo's exit.
fn without_cargo(outcome: Outcome, message: Option<String>) -> CargoOutcome {
    CargoOutcome { outcome, exit_code: None, message }
}

/// Creates the work folder. Returns its path without symbolic links, because paths that cargo prints are compared with it.
fn work_folder(folder: &Path) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    std::fs::create_dir_all(folder.join("cargo-home"))?;
    Ok(folder)
}
