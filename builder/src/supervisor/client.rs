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

use super::{ARGUMENT, Exit, Report, Spec, orphans};

/// A report is one short line.
const MAX_REPORT_BYTES: u64 = 64 * 1024;

/// Why there is no report of a command.
#[derive(Debug, Error)]
pub(crate) enum SupervisorError {
    /// The supervisor couldn't be started.
    #[error("can't start the process that watches over the build: {0}")]
    Start(#[source] io::Error),
    /// The command couldn't be started.
    #[error("{0}")]
    Command(String),
    /// The supervisor was killed.
    #[error("the process that watches over the build was killed, and the build with it; most likely memory ran out")]
    Killed,
}

/// A command that runs under a supervisor. Dropping it ends the command and all that descends from it.
pub(crate) struct Supervised {
    child: Child,
    reports: OwnedReadHalf,
    /// Dropping it ends the command and all that descends from it; [`Supervised::wait`] tells when that is done.
    pub control: Option<OwnedWriteHalf>,
    /// The command's standard output; taken once.
    pub stdout: Option<ChildStdout>,
    /// The command's standard error; taken once.
    pub stderr: Option<ChildStderr>,
    pid: i32,
}

/// What came of a command that could be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// How it ended.
    pub exit: Exit,
    /// The most memory all its processes held at once, in bytes.
    pub peak_memory: u64,
    /// Processes that outlived it and were ended.
    pub survivors: u64,
}

impl Supervised {
    /// Starts a command.
    pub async fn start(spec: &Spec) -> Result<Self, SupervisorError> {
        Self::spawn(spec).await.map_err(SupervisorError::Start)
    }

    async fn spawn(spec: &Spec) -> io::Result<Self> {
        let mut order = serde_json::to_vec(spec)?;
        order.push(b'\n');
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
        // The parent's copy of the other end: while it is open, the end of the supervisor would go unnoticed.
        drop(command);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (reports, control) = UnixStream::from_std(ours)?.into_split();
        let mut supervised = Supervised { child, reports, control: None, stdout, stderr, pid };
        supervised.control.insert(control).write_all(&order).await?;
        Ok(supervised)
    }

    /// Waits for the end of the command and of all that descends from it.
    pub async fn wait(&mut self) -> Result<Outcome, SupervisorError> {
        let mut line = Vec::new();
        let read = (&mut self.reports).take(MAX_REPORT_BYTES).read_to_end(&mut line).await;
        let _ = self.child.wait().await;
        orphans::unregister(self.pid);
        let report = read.ok().and_then(|_| serde_json::from_slice::<Report>(&line).ok());
        match report {
            Some(Report { exit: Ok(exit), peak_memory, survivors }) => Ok(Outcome { exit, peak_memory, survivors }),
            Some(Report { exit: Err(why), .. }) => Err(SupervisorError::Command(why)),
            None => {
                let _ = tokio::task::spawn_blocking(orphans::end).await;
                Err(SupervisorError::Killed)
            }
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        orphans::unregister(self.pid);
    }
}

/// The program of this very process, also when its file was replaced since.
fn own_program() -> io::Result<std::path::PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}
