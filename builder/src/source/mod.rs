//! The source on disk: what an upload changes in it, and nothing more, because cargo goes by modification times.

mod commit;
mod decide;
mod manifest;
mod stage;

use std::time::{SystemTime, UNIX_EPOCH};

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::archive::{Archive, ArchiveError};
use crate::project::{Project, remove};

use manifest::Manifest;
pub(crate) use manifest::{Aftermath, Look};
pub(crate) use stage::hash_file;

/// Why an upload didn't become the source on disk.
#[derive(Debug, Error)]
pub(crate) enum ReceiveError {
    /// The archive's fault, or the disk's while the source was still untouched.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Told to stop; the source is untouched.
    #[error("cancelled")]
    Cancelled,
}

impl From<std::io::Error> for ReceiveError {
    fn from(error: std::io::Error) -> Self {
        ReceiveError::Archive(ArchiveError::Io(error))
    }
}

/// What an upload changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Files that are new, different or gone.
    pub files: u64,
}

/// Makes the source on disk what the archive holds, and leaves everything cargo should find unchanged as it is.
///
/// First all that is to be written is unpacked beside the source, so that a bad archive or a full disk changes nothing;
/// then the change is announced in a file, made, and the announcement becomes the new manifest. Whoever finds an
/// announcement knows that the source may be half of each, and compares content.
pub(crate) fn receive(
    archive: &Archive,
    project: &Project,
    cancel: &CancellationToken,
) -> Result<Changes, ReceiveError> {
    let before = Manifest::load(project)?;
    if before.manifest.is_none() && before.announced.is_none() {
        // Nobody knows what these files are; an old one could be taken for a module.
        remove(&project.source)?;
        std::fs::create_dir(&project.source)?;
    }
    let stamp = before.stamp_after(now_ns());
    let changes = stage::stage(archive, project, &before, stamp, cancel)
        .and_then(|staged| Ok(commit::commit(project, &before, staged)?));
    // Also after an error: a full disk gets its room back.
    remove(&project.staging)?;
    changes
}

/// Nanoseconds since 1970.
fn now_ns() -> i64 {
    to_ns(SystemTime::now())
}

/// A file's time in nanoseconds since 1970.
fn to_ns(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
    }
}

/// The inverse of [`to_ns`].
fn from_ns(ns: i64) -> SystemTime {
    let distance = std::time::Duration::from_nanos(ns.unsigned_abs());
    if ns >= 0 { UNIX_EPOCH + distance } else { UNIX_EPOCH - distance }
}

#[cfg(test)]
mod tests;
