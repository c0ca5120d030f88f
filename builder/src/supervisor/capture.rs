//! Runs short commands and returns what they print.

use tokio::io::{AsyncRead, AsyncReadExt};

use super::{CommandSpec, Exit, SupervisedCommand, SupervisorError};

/// How many bytes of each output are kept; the rest is read and dropped.
const MAX_CAPTURED_BYTES: u64 = 32 * 1024 * 1024;

/// The output of a short command, and how it ended.
#[derive(Debug)]
pub(crate) struct Captured {
    /// The exit code or signal of the command.
    pub exit: Exit,
    /// Everything that it printed on standard output.
    pub stdout: Vec<u8>,
    /// Everything that it printed on standard error.
    pub stderr: Vec<u8>,
}

impl Captured {
    /// Standard output as text.
    ///
    /// # Errors
    /// When the command failed; the error is the end of its standard error, at most 2,000 characters.
    pub fn text(self) -> Result<String, String> {
        if self.exit == Exit::Code(0) {
            return Ok(String::from_utf8_lossy(&self.stdout).into_owned());
        }
        let error = String::from_utf8_lossy(&self.stderr);
        let error = error.trim();
        let start = error.char_indices().rev().nth(1999).map_or(0, |(at, _)| at);
        Err(error[start..].to_owned())
    }
}

/// Runs a command under a supervisor and returns what it prints. Dropping the future ends the command.
pub(crate) async fn capture(spec: &CommandSpec) -> Result<Captured, SupervisorError> {
    let mut command = SupervisedCommand::start(spec).await?;
    let (stdout, stderr) = (command.stdout.take(), command.stderr.take());
    let (stdout, stderr, ended) = tokio::join!(read(stdout), read(stderr), command.wait());
    Ok(Captured { exit: ended?.exit, stdout, stderr })
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut pipe) = pipe {
        // An error means that the pipe has ended.
        let _ = (&mut pipe).take(MAX_CAPTURED_BYTES).read_to_end(&mut kept).await;
        let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    kept
}
