//! Short commands, run for what they print.

use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Exit, Spec, Supervised, SupervisorError};

/// What is kept of each output; the rest is read and dropped.
const MAX_CAPTURED_BYTES: u64 = 32 * 1024 * 1024;

/// What a short command came to.
#[derive(Debug)]
pub(crate) struct Captured {
    /// How it ended.
    pub exit: Exit,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained.
    pub stderr: Vec<u8>,
}

impl Captured {
    /// Standard output as text, if the command succeeded; otherwise the last of what it complained.
    pub fn text(self) -> Result<String, String> {
        if self.exit == Exit::Code(0) {
            return Ok(String::from_utf8_lossy(&self.stdout).into_owned());
        }
        let complaint = String::from_utf8_lossy(&self.stderr);
        let complaint = complaint.trim();
        let start = complaint.char_indices().rev().nth(2000).map_or(0, |(at, _)| at);
        Err(complaint[start..].to_owned())
    }
}

/// Runs a command under a supervisor and keeps what it prints. Dropping the future ends it.
pub(crate) async fn capture(spec: &Spec) -> Result<Captured, SupervisorError> {
    let mut command = Supervised::start(spec).await?;
    let (stdout, stderr) = (command.stdout.take(), command.stderr.take());
    let (stdout, stderr, outcome) = tokio::join!(read(stdout), read(stderr), command.wait());
    Ok(Captured { exit: outcome?.exit, stdout, stderr })
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut pipe) = pipe {
        // A pipe that breaks has ended.
        let _ = (&mut pipe).take(MAX_CAPTURED_BYTES).read_to_end(&mut kept).await;
        let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    kept
}
