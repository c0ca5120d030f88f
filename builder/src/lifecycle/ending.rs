//! What a backend tells of an attempt that has ended.

use std::path::PathBuf;
use std::time::Duration;

use protocol::{BuildResult, messages};

use crate::{Ending, History, Unsaved};

/// How an attempt ended, from the backend's point of view.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptEnd {
    /// The engine came to a result, whatever its outcome.
    Finished(Box<BuildResult>),
    /// The attempt ran out of time.
    Paused(Pause),
    /// The engine was never called, or it gave no ending.
    Aborted(Abort),
}

/// What the engine says of an attempt that ran out of time: [`Ending::Paused`].
#[derive(Debug, Clone, PartialEq)]
pub struct Pause {
    /// The sequence number of the next attempt's first event.
    pub next_seq: u64,
    /// Times, cache use and memory of all attempts so far.
    pub history: History,
    /// Whether the attempt finished anything that an earlier one had not.
    pub advanced: bool,
    /// What was in work when the time ran out: crate names as cargo lists them, or a phase of the engine's.
    pub working_on: String,
}

/// Why the engine was never called, or gave no ending.
#[derive(Debug, Clone, PartialEq)]
pub enum Abort {
    /// The build was stopped before; the [`StopReason`] says why.
    Stopped,
    /// The request or its source can't be built as asked: what to tell the person.
    Refused(String),
    /// The month's budget has too little left.
    OverBudget(BudgetSpent),
    /// The backend could not prepare the attempt: what to tell the person, with what to do.
    Failed(String),
    /// An earlier attempt ran out of time, and this one could not be ordered: why.
    NotOrdered(String),
    /// The engine failed with a panic.
    EngineDied,
    /// The whole backend ended while the attempt ran, and has been started again.
    BackendDied,
}

/// A month's budget that one more attempt could exceed.
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetSpent {
    /// The month of the budget, as `YYYY-MM`.
    pub month: String,
    /// The month's limit in GB-seconds.
    pub limit: f64,
    /// The most that one attempt can cost, in GB-seconds.
    pub attempt: f64,
}

/// Why a backend told an attempt to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The source object was deleted: that is how a client cancels.
    SourceDeleted,
    /// The source object is another one now.
    SourceReplaced,
    /// The backend is shutting down.
    BackendStopping,
}

impl StopReason {
    /// The text that the user reads in the result.
    pub(super) fn message(self) -> &'static str {
        match self {
            StopReason::SourceDeleted => messages::SOURCE_DELETED,
            StopReason::SourceReplaced => messages::SOURCE_REPLACED,
            StopReason::BackendStopping => messages::BACKEND_STOPPING,
        }
    }
}

/// What became of what an attempt left. The default: there was nothing, or everything is stored and delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorageReport {
    /// Why the artifact could not be stored, if there was one and it couldn't.
    pub artifact_lost: Option<String>,
    /// Why the attempt's log could not be stored, if it couldn't.
    pub log_lost: Option<String>,
    /// Why numbered events didn't reach the followers' event log, if some didn't.
    pub events_lost: Option<String>,
    /// The highest sequence number in the followers' event log.
    pub last_delivered: u64,
    /// How long storing the artifact took.
    pub uploading: Duration,
}

/// An [`Ending`] taken apart: what the life of the build depends on, and the files to store.
pub struct EndedAttempt {
    /// How the attempt ended, without its files.
    pub end: AttemptEnd,
    /// `artifact.zip` in the attempt's output folder, when there is something to bring home.
    pub artifact: Option<PathBuf>,
    /// The attempt's log, one numbered event a line.
    pub log: PathBuf,
    /// The project's folder, to be saved once the result is out.
    pub unsaved: Option<Unsaved>,
}

impl From<Ending> for EndedAttempt {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Finished { result, artifact, log, unsaved } => {
                Self { end: AttemptEnd::Finished(Box::new(result)), artifact, log, unsaved }
            }
            Ending::Paused { next_seq, log, history, advanced, working_on } => {
                let end = AttemptEnd::Paused(Pause { next_seq, history, advanced, working_on });
                Self { end, artifact: None, log, unsaved: None }
            }
        }
    }
}

impl EndedAttempt {
    /// Takes a sequence number for an event that the backend adds after the engine's last one: only a finished attempt
    /// has room for it.
    pub fn take_seq(&mut self) -> Option<u64> {
        let AttemptEnd::Finished(result) = &mut self.end else { return None };
        result.last += 1;
        Some(result.last)
    }
}
