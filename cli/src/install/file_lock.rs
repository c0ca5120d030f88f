//! Locks files as cargo does, so that cargo and this client don't write to one at the same time.

use std::fs::{File, OpenOptions};
use std::path::Path;

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Opens a file, which is made if it is missing, and locks it for this process alone. `blocking` is called once if
/// another process holds the lock.
///
/// # Errors
/// If the file can't be opened or locked.
pub fn open_exclusive(path: &Path, blocking: impl FnOnce()) -> anyhow::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .with_context(|| format!("could not open `{}`", path.display()))?;
    let outcome = match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => {
            blocking();
            loop {
                match flock(&file, FlockOperation::LockExclusive) {
                    Err(Errno::INTR) => {}
                    other => break other,
                }
            }
        }
        other => other,
    };
    match outcome {
        // The file system has no locks. Cargo goes on without one, too.
        Ok(()) | Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => Ok(file),
        Err(error) => Err(error).with_context(|| format!("could not lock `{}`", path.display())),
    }
}
