//! Reads a source archive. It comes from outside, so it is treated as hostile.

mod contents;
mod links;
mod names;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::limits::{MAX_ENTRIES, MAX_REQUEST_BYTES};
use protocol::{REQUEST_ENTRY, RequestFile, admit_size};
use thiserror::Error;
use zip::ZipReadOptions;
use zip::read::{Config, ZipArchive, ZipArchiveMetadata, ZipFile};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

pub(crate) use contents::{ArchiveEntry, EntryContent, too_large};

/// Why a source archive can't be read.
#[derive(Debug, Error)]
pub(crate) enum ArchiveError {
    /// It isn't what a client sends. The text tells its sender why.
    #[error("{0}")]
    Bad(String),
    /// The backend's own disk failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl ArchiveError {
    /// A refusal with this text for the sender.
    pub(crate) fn bad(why: impl Into<String>) -> Self {
        ArchiveError::Bad(why.into())
    }

    /// The error of a damaged archive, or of the disk that it is on. `what` names the part that was read.
    fn of_zip(error: ZipError, what: &str) -> Self {
        match error {
            // A truncated or corrupt archive gives one kind of error, a failing disk another.
            ZipError::Io(error) if !is_corruption(&error) => ArchiveError::Io(error),
            error => ArchiveError::Bad(format!(
                "the source archive is damaged ({what}: {error}); nothing was built. Send it again"
            )),
        }
    }
}

/// Whether a reader's error is about the data, and not about the disk that it comes from.
pub(crate) fn is_corruption(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof, Unsupported};
    error.raw_os_error().is_none()
        && matches!(error.kind(), UnexpectedEof | InvalidData | InvalidInput | Other | Unsupported)
}

/// An open source archive whose table of contents was checked.
#[derive(Debug)]
pub(crate) struct SourceArchive {
    path: PathBuf,
    metadata: Arc<ZipArchiveMetadata>,
    /// The entries of its source folder, sorted by path.
    pub entries: Vec<ArchiveEntry>,
    /// The build request, its first entry.
    pub request: RequestFile,
}

impl SourceArchive {
    /// Opens an archive, reads its request and checks all names and kinds in it. Unpacks no file.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let mut file = File::open(path)?;
        admit_size(file.metadata()?.len()).map_err(|error| ArchiveError::bad(error.to_string()))?;
        let whole = |error| ArchiveError::of_zip(error, "its table of contents");
        // Counted before they are kept, because a table of contents can be larger than the memory.
        let count = ZipIterable::try_new(&mut file, Config::default()).map_err(whole)?.len();
        if count > MAX_ENTRIES {
            return Err(ArchiveError::bad(format!(
                "the source has {count} files, the limit is {MAX_ENTRIES}: exclude folders with `exclude` under \
                 [workspace.metadata.cloud]; `cargo cloud package --list` shows what is sent"
            )));
        }
        let archive = ZipArchive::new(file).map_err(whole)?;
        if archive.has_duplicate_names() {
            return Err(ArchiveError::bad("the source archive contains a name twice; send it with cargo-cloud"));
        }
        let metadata = archive.metadata();
        let request = read_request(&metadata, path)?;
        let mut archive = SourceArchive { path: path.to_owned(), metadata, entries: Vec::new(), request };
        archive.entries = contents::list(&archive)?;
        Ok(archive)
    }

    /// Opens another reader of the archive, for another thread.
    pub fn reader(&self) -> io::Result<EntryReader<'_>> {
        Ok(EntryReader { metadata: &self.metadata, file: File::open(&self.path)? })
    }
}

/// Reads the contents of an archive's entries.
pub(crate) struct EntryReader<'a> {
    metadata: &'a ZipArchiveMetadata,
    file: File,
}

impl EntryReader<'_> {
    /// Opens the entry with this index. Reading its end fails if the checksum is wrong.
    pub fn entry(&mut self, index: usize, name: &str) -> Result<ZipFile<'_, File>, ArchiveError> {
        let entry = self.metadata.entry(index).map_err(|error| ArchiveError::of_zip(error, name))?;
        entry.with_reader(&mut self.file, ZipReadOptions::new()).map_err(|error| ArchiveError::of_zip(error, name))
    }
}

/// The error for a failure to read the content of the entry `name`.
pub(crate) fn content_error(error: io::Error, name: &str) -> ArchiveError {
    ArchiveError::of_zip(ZipError::Io(error), name)
}

fn read_request(metadata: &ZipArchiveMetadata, path: &Path) -> Result<RequestFile, ArchiveError> {
    let missing = || {
        ArchiveError::bad(format!("the source archive doesn't begin with {REQUEST_ENTRY}; send it with cargo-cloud"))
    };
    let mut reader = EntryReader { metadata, file: File::open(path)? };
    if metadata.is_empty() || metadata.entry(0).map_err(|_| missing())?.name_raw() != REQUEST_ENTRY.as_bytes() {
        return Err(missing());
    }
    let mut json = Vec::new();
    let content = reader.entry(0, REQUEST_ENTRY)?;
    content.take(MAX_REQUEST_BYTES + 1).read_to_end(&mut json).map_err(|error| content_error(error, REQUEST_ENTRY))?;
    if json.len() as u64 > MAX_REQUEST_BYTES {
        return Err(ArchiveError::bad(format!("{REQUEST_ENTRY} is over its limit of {MAX_REQUEST_BYTES} bytes")));
    }
    serde_json::from_slice(&json).map_err(|error| ArchiveError::bad(format!("{REQUEST_ENTRY} can't be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_compression_is_an_error_of_the_archive_and_a_full_disk_is_not() {
        assert!(is_corruption(&io::Error::new(io::ErrorKind::Unsupported, "compression method 8200")));
        assert!(!is_corruption(&io::Error::from_raw_os_error(28)));
    }
}
