//! Files locked as cargo locks them, so that it and we don't write at once.

use std::fs::{File, OpenOptions};
use std::path::Path;

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Opens a file, made where it is missing, for us alone; `blocking` is called once if that takes a while.
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
        // A file system without locks; cargo goes on without one too.
        Ok(()) | Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => Ok(file),
        Err(error) => Err(error).with_context(|| format!("could not lock `{}`", path.display())),
    }
}
