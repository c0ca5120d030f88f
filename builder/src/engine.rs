//! The engine: what it knows of the machine, and the frame around every attempt.

use std::io;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use futures_util::FutureExt;
use protocol::{BuildResult, Capabilities, Outcome};

use crate::build::{Build, Done, Fault};
use crate::stream::{Reporter, Sent, StreamConfig};
use crate::tools::Tools;
use crate::{Attempt, Ending, EngineConfig, EngineError};

/// Runs builds on this machine; several at once, if a backend likes.
pub struct Engine {
    pub(crate) config: EngineConfig,
    pub(crate) tools: Tools,
    /// Triples that rustup has a standard library for.
    offered: Vec<String>,
}

impl Engine {
    /// Makes the work folder and looks at the machine.
    pub async fn new(mut config: EngineConfig) -> Result<Engine, EngineError> {
        let folder = config.work.clone();
        config.work = work_folder(&folder).map_err(|source| EngineError::Work { folder, source })?;
        let tools = Tools::find(&config).await?;
        let offered = tools.offered().await;
        Ok(Engine { config, tools, offered })
    }

    /// What this machine can build now: it changes when a standard library is fetched or the set-up for Android has run.
    pub fn capabilities(&self) -> Capabilities {
        self.tools.capabilities(&self.config, &self.offered)
    }

    /// Runs one attempt. Comes back with an ending whatever happens; dropped halfway, it leaves no process behind.
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
        let mut build = Build::new(self, &attempt, reporter);
        let done = AssertUnwindSafe(build.run()).catch_unwind().await.unwrap_or_else(|_| {
            let why = "the engine itself failed; what it says of that is in the backend's log. Please report it";
            Err(Fault::Crashed(why.to_owned()))
        });
        let (history, unsaved) = build.close().await;
        let sent = stream.await.unwrap_or_else(|error| Sent {
            next_seq: attempt.first_seq,
            streamed_bytes: attempt.history.streamed_bytes,
            log: Err(io::Error::other(error)),
        });
        let history = crate::History { streamed_bytes: sent.streamed_bytes, ..history };
        let (mut result, artifact) = match done {
            Err(Fault::OutOfTime { advanced, working_on }) => {
                drop(unsaved);
                return Ending::Paused { next_seq: sent.next_seq, log, history, advanced, working_on };
            }
            Ok(done) => finished(&attempt, done),
            Err(fault) => (fault.result(&attempt), None),
        };
        result.last = sent.next_seq - 1;
        result.attempts = attempt.number;
        result.times = history.times;
        result.cache = history.cache;
        result.peak_memory = Some(history.peak_memory).filter(|peak| *peak > 0);
        if let Err(error) = sent.log {
            tracing::error!(%error, build = %attempt.build, "the build's log could not be written");
            let note = format!("the backend could not write the build's log: {error}");
            result.message = Some(result.message.map_or_else(|| note.clone(), |message| format!("{message}\n{note}")));
        }
        Ending::Finished { result, artifact, log, unsaved }
    }
}

fn finished(attempt: &Attempt, done: Done) -> (BuildResult, Option<PathBuf>) {
    let mut result = BuildResult::new(attempt.build.clone(), done.outcome, 0);
    result.exit_code = done.exit_code;
    result.message = done.message;
    let (info, path) = done.artifact.unzip();
    result.artifact = info;
    (result, path)
}

impl Fault {
    fn result(self, attempt: &Attempt) -> BuildResult {
        let result = |outcome| BuildResult::new(attempt.build.clone(), outcome, 0);
        match self {
            Fault::Refused(why) => result(Outcome::Refused).with_message(why),
            Fault::Crashed(why) => result(Outcome::Crashed).with_message(why),
            Fault::Cancelled => result(Outcome::Cancelled),
            Fault::OutOfTime { working_on, .. } => {
                result(Outcome::TimedOut).with_message(format!("out of time while it worked on {working_on}"))
            }
        }
    }
}

/// Makes the work folder; its path without links, because cargo's paths are compared with it.
fn work_folder(folder: &Path) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    std::fs::create_dir_all(folder.join("cargo-home"))?;
    Ok(folder)
}
