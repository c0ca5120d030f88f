//! The engine's side of a supervisor.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::Stdio;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::{ARGUMENT, CommandSpec, Exit, ExitReport, orphans};

/// The longest report of a supervisor, in bytes; a real one is a short line.
const MAX_REPORT_BYTES: u64 = 64 * 1024;

/// Why it is unknown how a command ended.
#[derive(Debug, Error)]
pub(crate) enum SupervisorError {
    /// The supervisor itself could not be started.
    #[error("the backend can't start the build's supervisor process: {0}")]
    Start(#[source] io::Error),
    /// The supervisor could not start the command.
    #[error("{0}")]
    Command(String),
    /// The supervisor was killed, with all its processes.
    #[error("the build's supervisor process was killed, and the build with it, most likely because memory ran out")]
    Killed,
}

/// A command that runs under a supervisor. Dropping it ends the command and all its descendants.
pub(crate) struct SupervisedCommand {
    child: Child,
    reports: OwnedReadHalf,
    /// The socket to the supervisor. Dropping it ends the command and all its descendants; [`SupervisedCommand::wait`]
    /// returns when that is done.
    pub control: Option<OwnedWriteHalf>,
    /// The command's standard output, to be taken once.
    pub stdout: Option<ChildStdout>,
    /// The command's standard error, to be taken once.
    pub stderr: Option<ChildStderr>,
    pid: i32,
}

/// How a command ended, and what it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommandOutcome {
    /// The exit code or signal of the command.
    pub exit: Exit,
    /// The most memory that all its processes held at once, in bytes.
    pub peak_memory: u64,
    /// Number of processes that outlived the command and were ended.
    pub survivors: u64,
}

impl SupervisedCommand {
    /// Starts a supervisor, which runs the command.
    pub async fn start(spec: &CommandSpec) -> Result<Self, SupervisorError> {
        Self::spawn(spec).await.map_err(SupervisorError::Start)
    }

    async fn spawn(spec: &CommandSpec) -> io::Result<Self> {
        let mut json = serde_json::to_vec(spec)?;
        json.push(b'\n');
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = Command::new(own_program()?);
        command.arg(ARGUMENT).env_clear().process_group(0);
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (mut child, pid) = orphans::register(|| {
            let child = command.spawn()?;
            let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
            Ok((pid, (child, pid)))
        })?;
        // Closes this process's copy of the supervisor's end: while it is open, the socket would not end with the
        // supervisor.
        drop(command);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (reports, control) = UnixStream::from_std(ours)?.into_split();
        let mut supervised = SupervisedCommand { child, reports, control: None, stdout, stderr, pid };
        supervised.control.insert(control).write_all(&json).await?;
        Ok(supervised)
    }

    /// Waits until the command and all its descendants have ended.
    pub async fn wait(&mut self) -> Result<CommandOutcome, SupervisorError> {
        let mut line = Vec::new();
        let read = (&mut self.reports).take(MAX_REPORT_BYTES).read_to_end(&mut line).await;
        let _ = self.child.wait().await;
        orphans::unregister(self.pid);
        let report = read.ok().and_then(|_| serde_json::from_slice::<ExitReport>(&line).ok());
        match report {
            Some(ExitReport { exit: Ok(exit), peak_memory, survivors }) => {
                Ok(CommandOutcome { exit, peak_memory, survivors })
            }
            Some(ExitReport { exit: Err(why), .. }) => Err(SupervisorError::Command(why)),
            None => {
                let _ = tokio::task::spawn_blocking(orphans::end).await;
                Err(SupervisorError::Killed)
            }
        }
    }
}

impl Drop for SupervisedCommand {
    fn drop(&mut self) {
        orphans::unregister(self.pid);
    }
}

/// The program of this process, even if its file was replaced since the start.
fn own_program() -> io::Result<std::path::PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}
