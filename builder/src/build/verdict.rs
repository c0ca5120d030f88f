//! What cargo's end means for the build.

use std::path::Path;

use protocol::Outcome;

use crate::cargo::CargoRun;
use crate::supervisor::Exit;

/// What cargo's end means.
pub(super) fn verdict(exit: Exit, run: &CargoRun, peak: u64, work: &Path) -> (Outcome, Option<i32>, Option<String>) {
    let mib = peak / (1024 * 1024);
    match exit {
        Exit::Code(0) => (Outcome::Succeeded, Some(0), None),
        Exit::Code(code) if run.told.disk_full => {
            let message = format!("the backend's disk is full: make room in {} and build again", work.display());
            (Outcome::Crashed, Some(code), Some(message))
        }
        Exit::Code(code) if run.told.killed => {
            let message = format!(
                "a compiler process was killed, most likely because memory ran out (the build held {mib} MiB at its peak): \
                 try `-j 1`, or less optimisation (`--config profile.release.lto=false`)"
            );
            (Outcome::Crashed, Some(code), Some(message))
        }
        Exit::Code(code) => (Outcome::Failed, Some(code), None),
        Exit::Signal(signal) => {
            let message = format!("cargo was killed by signal {signal}; the build held {mib} MiB at its peak");
            (Outcome::Crashed, None, Some(message))
        }
    }
}
