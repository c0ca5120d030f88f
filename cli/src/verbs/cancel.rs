//! `cargo cloud cancel`: ends a build of any device.

use std::time::{Duration, Instant};

use protocol::{Outcome, keys};

use crate::args::{CancelArgs, Invocation};
use crate::builds::{BuildRecords, BuildState, find, outcome_name, short_id};
use crate::config::config_folder;
use crate::interrupt::Interrupt;
use crate::pipeline::Session;
use crate::storage::StorageError;
use crate::terminal::Shell;

/// How long to wait for the end: a builder looks every few seconds, and then stores what it has printed.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How often the result is asked for.
const POLL: Duration = Duration::from_millis(400);

/// Ends a build. Returns the exit code, which is 0 whenever the build does not go on.
///
/// # Errors
/// If there is no such build, or the backend can't be reached.
pub fn cancel(shell: &Shell, interrupt: &Interrupt, invocation: &Invocation, args: &CancelArgs) -> anyhow::Result<u8> {
    let session = Session::open(shell, interrupt, invocation.cli.common.backend.as_deref())?;
    session.stop_on_interrupt();
    let owner = &session.backend.owner;
    let found = find(&session.storage, &session.clock, owner, &args.build)?;
    let id = short_id(&found.id);
    if let BuildState::Ended(result) = &found.state {
        shell.note(format!("build {id} has ended already: {}", outcome_name(result.outcome)));
        return Ok(0);
    }
    shell.status("Cancelling", format!("build {id}"));
    session.storage.delete_source(&keys::source(owner, &found.id))?;
    let started = Instant::now();
    while started.elapsed() < TIMEOUT {
        if let Some(result) = session.storage.result(owner, &found.id)? {
            shell.clear();
            match result.outcome {
                Outcome::Cancelled => shell.status("Cancelled", format!("build {id}")),
                _ => shell.note(format!("build {id} ended by itself before: {}", outcome_name(result.outcome))),
            }
            // Nothing is left to deliver.
            if result.outcome == Outcome::Cancelled {
                BuildRecords::beside(&config_folder()?).remove(&found.id);
            }
            return Ok(0);
        }
        shell.waiting("Waiting", "for the backend");
        std::thread::sleep(POLL);
        if interrupt.requested() {
            return Err(StorageError::Interrupted.into());
        }
    }
    shell.clear();
    shell.warn(format!(
        "the backend has not confirmed yet that build {id} has ended; its source is deleted, so it ends as soon as the builder looks"
    ));
    Ok(0)
}
