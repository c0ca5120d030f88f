//! The verbs that send the project: build, check, clippy, test, bench, doc, run and fmt.

use crate::args::{BuildCommand, Invocation};
use crate::interrupt::Interrupt;
use crate::pipeline::{self, BuildJob, Session};
use crate::terminal::Shell;

/// Runs a command with the project in the current folder. Returns the exit code.
///
/// # Errors
/// If the command can't be carried out; cargo's own errors are in the exit code.
pub fn build(
    shell: &Shell,
    interrupt: &Interrupt,
    invocation: &Invocation,
    command: &BuildCommand,
) -> anyhow::Result<u8> {
    let job = BuildJob::of_project(shell, invocation, command)?;
    let session = Session::open(shell, interrupt, invocation.cli.common.backend.as_deref())?;
    pipeline::run(&session, job, &invocation.words, command.cloud.detach)
}
