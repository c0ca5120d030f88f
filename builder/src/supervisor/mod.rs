//! The supervisor: a small process between the backend and each command of a build. It adopts the processes that the command
//! leaves behind, so that all of them can be found and ended, and it ends them when the backend dies.

mod capture;
mod client;
mod orphans;
mod processes;
mod supervise;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::environment::Environment;

pub(crate) use capture::capture;
pub(crate) use client::{SupervisedCommand, SupervisorError};

/// The argument with which a backend starts its own program as a supervisor.
const ARGUMENT: &str = "--cargo-cloud-supervisor";

/// Turns this process into a supervisor if the engine started it as one; then it never returns. Call it at the beginning of
/// a backend's `main`, before there is any thread.
pub fn supervisor_main_if_asked() {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == ARGUMENT) {
        std::process::exit(supervise::run());
    }
}

/// The command that a supervisor runs: one line of JSON on its control socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CommandSpec {
    /// Path of the program to run.
    program: PathBuf,
    /// The arguments, without the program's name.
    args: Vec<OsString>,
    /// All variables of its environment.
    env: Vec<(OsString, OsString)>,
    /// The working directory of the program.
    directory: PathBuf,
}

impl CommandSpec {
    /// The command that runs `program` in `directory`, with `env` as its whole environment.
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

/// The exit code of a process, or the signal that killed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Exit {
    /// It ended by itself with this exit code.
    Code(i32),
    /// The signal with this number killed it.
    Signal(i32),
}

/// What a supervisor reports at its end: one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExitReport {
    /// How the command ended, or why it could not be started.
    pub exit: Result<Exit, String>,
    /// The most memory that all its processes held at once, in bytes.
    pub peak_memory: u64,
    /// Number of processes that outlived the command and were ended.
    pub survivors: u64,
}
