//! `cargo cloud cancel`: ends a build, whoever began it.

use std::time::{Duration, Instant};

use protocol::{Outcome, keys};

use super::builds::outcome_of;
use crate::args::{CancelArgs, Invocation};
use crate::builds::{Records, State, find, short};
use crate::config::config_folder;
use crate::interrupt::Interrupt;
use crate::pipeline::Session;
use crate::storage::StorageError;
use crate::terminal::Shell;

/// The end is waited for this long: a builder looks every few seconds, and stores what it has printed.
const PATIENCE: Duration = Duration::from_secs(15);

const POLL: Duration = Duration::from_millis(400);

/// Ends a build. Returns the exit code: 0 whenever the build does not go on.
pub fn cancel(shell: &Shell, interrupt: &Interrupt, typed: &Invocation, args: &CancelArgs) -> anyhow::Result<u8> {
    let session = Session::open(shell, interrupt, typed.cli.common.backend.as_deref())?;
    session.give_up_on_interrupt();
    let owner = &session.backend.owner;
    let found = find(&session.storage, &session.clock, owner, &args.build)?;
    let short = short(&found.id);
    if let State::Ended(result) = &found.state {
        shell.note(format!("build {short} has ended already: {}", outcome_of(result)));
        return Ok(0);
    }
    shell.status("Cancelling", format!("build {short}"));
    session.storage.delete_source(&keys::source(owner, &found.id))?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(result) = session.storage.result(owner, &found.id)? {
            shell.clear();
            match result.outcome {
                Outcome::Cancelled => shell.status("Cancelled", format!("build {short}")),
                _ => shell.note(format!("build {short} ended by itself before: {}", outcome_of(&result))),
            }
            // Nobody will bring it back.
            if result.outcome == Outcome::Cancelled {
                Records::beside(&config_folder()?).remove(&found.id);
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
        "the backend has not said yet that build {short} has ended; its source is gone, so it ends as soon as it is looked at"
    ));
    Ok(0)
}
