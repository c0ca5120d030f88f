//! The source folder on disk. An upload changes only the files that differ, because cargo compares modification times.

mod commit;
mod file_action;
mod manifest;
mod stage;

use std::time::{SystemTime, UNIX_EPOCH};

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::archive::{ArchiveError, SourceArchive};
use crate::project::{ProjectFolder, remove};

use manifest::UploadManifest;
pub(crate) use manifest::{FileStamp, PostBuildState};
pub(crate) use stage::hash_file;

/// Why an upload could not be applied to the source folder.
#[derive(Debug, Error)]
pub(crate) enum ApplyError {
    /// The archive is bad, or the disk failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The build was cancelled; the source folder is unchanged.
    #[error("cancelled")]
    Cancelled,
}

impl From<std::io::Error> for ApplyError {
    fn from(error: std::io::Error) -> Self {
        ApplyError::Archive(ArchiveError::Io(error))
    }
}

/// How much an upload changed in the source folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct UploadChanges {
    /// Number of files that are new, different or removed.
    pub files: u64,
}

/// Changes the source folder to the content of the archive, and leaves every file alone that cargo should find
/// unchanged.
///
/// First everything that must be written is unpacked into another folder, so that a bad archive or a full disk changes
/// nothing. Then the change is announced in a file and made, and the announcement becomes the new manifest. If the
/// engine ends halfway, the next upload finds the announcement and compares the content of all files.
pub(crate) fn apply_upload(
    archive: &SourceArchive,
    project: &ProjectFolder,
    cancel: &CancellationToken,
) -> Result<UploadChanges, ApplyError> {
    let before = UploadManifest::load(project)?;
    if before.manifest.is_none() && before.announced.is_none() {
        // It is unknown where these files come from, and cargo could take an old one for a module.
        remove(&project.source)?;
        std::fs::create_dir(&project.source)?;
    }
    let stamp = before.stamp_after(now_ns());
    let changes = stage::stage(archive, project, &before, stamp, cancel)
        .and_then(|staged| Ok(commit::commit(project, &before, staged)?));
    // After an error too, so that a full disk gets its space back.
    remove(&project.staging)?;
    changes
}

/// The present time in nanoseconds since 1970.
fn now_ns() -> i64 {
    to_ns(SystemTime::now())
}

/// Converts a file's time to nanoseconds since 1970.
fn to_ns(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
    }
}

/// Converts nanoseconds since 1970 to a file's time.
fn from_ns(ns: i64) -> SystemTime {
    let distance = std::time::Duration::from_nanos(ns.unsigned_abs());
    if ns >= 0 { UNIX_EPOCH + distance } else { UNIX_EPOCH - distance }
}

#[cfg(test)]
mod tests;
