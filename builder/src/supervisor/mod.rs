//! One small process per command of a build, between the backend and what the build runs: it adopts every process the
//! command leaves behind, so that all of them can be found and ended, and ends them when the backend dies.

mod capture;
mod client;
mod duty;
mod orphans;
mod processes;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::environment::Environment;

pub(crate) use capture::capture;
pub(crate) use client::{Supervised, SupervisorError};

/// The argument that makes a backend's program the supervisor.
const ARGUMENT: &str = "--cargo-cloud-supervisor";

/// First thing in a backend's `main`, before any thread exists: when this process was started as the engine's
/// supervisor, does that job and never returns.
pub fn supervisor_main_if_asked() {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == ARGUMENT) {
        std::process::exit(duty::run());
    }
}

/// What the supervisor is to run: one line of JSON on its control socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// The program.
    program: PathBuf,
    /// Its arguments.
    args: Vec<OsString>,
    /// Its whole environment.
    env: Vec<(OsString, OsString)>,
    /// Where it runs.
    directory: PathBuf,
}

impl Spec {
    /// To run `program` in `directory`.
    pub fn new(
        program: &Path,
        args: impl IntoIterator<Item = impl Into<OsString>>,
        env: &Environment,
        directory: &Path,
    ) -> Self {
        Self {
            program: program.to_owned(),
            args: args.into_iter().map(Into::into).collect(),
            env: env.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            directory: directory.to_owned(),
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// What came of it: one line of JSON, the last thing a supervisor does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// How the command ended; or why it never began.
    pub exit: Result<Exit, String>,
    /// The most memory all its processes held at once, in bytes.
    pub peak_memory: u64,
    /// Processes that outlived the command and were ended.
    pub survivors: u64,
}
