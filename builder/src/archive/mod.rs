//! Reading a source archive, which comes from outside and is taken for hostile.

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

pub(crate) use contents::{Content, Entry, too_large};

/// Why an archive can't be read.
#[derive(Debug, Error)]
pub(crate) enum ArchiveError {
    /// It isn't what a client sends: the message is for the person who sent it.
    #[error("{0}")]
    Bad(String),
    /// The backend's own disk.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl ArchiveError {
    pub(crate) fn bad(why: impl Into<String>) -> Self {
        ArchiveError::Bad(why.into())
    }

    /// What a broken archive comes to, where reading `what`.
    fn of_zip(error: ZipError, what: &str) -> Self {
        match error {
            // A truncated or corrupt archive shows as one of these, the disk's own errors as others.
            ZipError::Io(error) if !is_corruption(&error) => ArchiveError::Io(error),
            error => ArchiveError::Bad(format!(
                "the source archive is damaged ({what}: {error}); nothing was built, send it again"
            )),
        }
    }
}

/// Whether a reader's error speaks of the data, and not of the disk it comes from.
pub(crate) fn is_corruption(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof, Unsupported};
    error.raw_os_error().is_none()
        && matches!(error.kind(), UnexpectedEof | InvalidData | InvalidInput | Other | Unsupported)
}

/// An opened source archive: its table of contents, checked.
#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    metadata: Arc<ZipArchiveMetadata>,
    /// What it holds, by path.
    pub entries: Vec<Entry>,
    /// The request.
    pub request: RequestFile,
}

impl Archive {
    /// Opens an archive, reads its request and checks every name and kind in it. No content is unpacked yet.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let mut file = File::open(path)?;
        admit_size(file.metadata()?.len()).map_err(|error| ArchiveError::bad(error.to_string()))?;
        let whole = |error| ArchiveError::of_zip(error, "its table of contents");
        // Counted before they are kept: a table of contents can be larger than memory.
        let count = ZipIterable::try_new(&mut file, Config::default()).map_err(whole)?.len();
        if count > MAX_ENTRIES {
            return Err(ArchiveError::bad(format!(
                "the source has {count} files, the limit is {MAX_ENTRIES}: leave folders out with `exclude` under \
                 [workspace.metadata.cloud]; `cargo cloud package --list` shows what is sent"
            )));
        }
        let archive = ZipArchive::new(file).map_err(whole)?;
        if archive.has_duplicate_names() {
            return Err(ArchiveError::bad("the source archive holds a name twice; send it with cargo-cloud"));
        }
        let metadata = archive.metadata();
        let request = read_request(&metadata, path)?;
        let mut archive = Archive { path: path.to_owned(), metadata, entries: Vec::new(), request };
        archive.entries = contents::list(&archive)?;
        Ok(archive)
    }

    /// Another reader of the same archive, for a thread of its own.
    pub fn reader(&self) -> io::Result<Reader<'_>> {
        Ok(Reader { metadata: &self.metadata, file: File::open(&self.path)? })
    }
}

/// Reads entries.
pub(crate) struct Reader<'a> {
    metadata: &'a ZipArchiveMetadata,
    file: File,
}

impl Reader<'_> {
    /// The content of the entry with this index; its checksum is compared at its end.
    pub fn entry(&mut self, index: usize, name: &str) -> Result<ZipFile<'_, File>, ArchiveError> {
        let entry = self.metadata.entry(index).map_err(|error| ArchiveError::of_zip(error, name))?;
        entry.with_reader(&mut self.file, ZipReadOptions::new()).map_err(|error| ArchiveError::of_zip(error, name))
    }
}

/// An error while reading the content of `name`.
pub(crate) fn content_error(error: io::Error, name: &str) -> ArchiveError {
    ArchiveError::of_zip(ZipError::Io(error), name)
}

fn read_request(metadata: &ZipArchiveMetadata, path: &Path) -> Result<RequestFile, ArchiveError> {
    let missing = || {
        ArchiveError::bad(format!("the source archive doesn't begin with {REQUEST_ENTRY}; send it with cargo-cloud"))
    };
    let mut reader = Reader { metadata, file: File::open(path)? };
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
    fn an_unknown_compression_is_the_archives_fault_and_a_full_disk_is_not() {
        assert!(is_corruption(&io::Error::new(io::ErrorKind::Unsupported, "compression method 8200")));
        assert!(!is_corruption(&io::Error::from_raw_os_error(28)));
    }
}
