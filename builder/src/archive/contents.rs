//! An archive's table of contents, checked as a whole.

use std::collections::BTreeMap;
use std::io::Read;

use protocol::limits::MAX_UNPACKED_BYTES;

use super::links::Links;
use super::names::{refuse, source_path};
use super::{Archive, ArchiveError, content_error};

/// A link's target is a path; this is what Linux takes (PATH_MAX).
const MAX_LINK_BYTES: u64 = 4096;

/// The bits of a Unix mode that tell a file's kind (inode(7)).
const KIND: u32 = 0o170_000;

/// One entry below the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its place in the archive.
    pub index: usize,
    /// Its path below the source, `/` between parts.
    pub path: String,
    /// What it is.
    pub content: Content,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// A file; `size` in bytes is what the archive claims.
    File { size: u64, executable: bool },
    /// A symbolic link that stays inside the source.
    Link { target: String },
    /// A folder.
    Folder,
}

/// Lists and checks everything after the request.
pub(super) fn list(archive: &Archive) -> Result<Vec<Entry>, ArchiveError> {
    let mut reader = archive.reader()?;
    let mut entries = BTreeMap::new();
    let mut claimed = 0u64;
    for index in 1..archive.metadata.len() {
        let (name, mode, size, folder) = {
            let entry =
                archive.metadata.entry(index).map_err(|error| ArchiveError::of_zip(error, "its table of contents"))?;
            (entry.name_raw().to_vec(), entry.unix_mode().unwrap_or(0), entry.size(), entry.name_raw().ends_with(b"/"))
        };
        let path = source_path(&name)?;
        if path.is_empty() {
            continue;
        }
        let content = match mode & KIND {
            0o120_000 if !folder => Content::Link { target: read_link(&mut reader, index, &path)? },
            0o040_000 => Content::Folder,
            0o100_000 | 0 if folder => Content::Folder,
            0o100_000 | 0 => Content::File { size, executable: mode & 0o111 != 0 },
            _ => return Err(refuse(&path, "is neither file, folder nor link")),
        };
        if matches!(content, Content::File { .. }) {
            claimed = claimed.saturating_add(size);
        }
        if claimed > MAX_UNPACKED_BYTES {
            return Err(too_large());
        }
        if entries.insert(path.clone(), Entry { index, path: path.clone(), content }).is_some() {
            return Err(refuse(&path, "is there twice"));
        }
    }
    check_tree(&entries)?;
    Ok(entries.into_values().collect())
}

/// The refusal of a source that is too large, whether it says so or not.
pub(crate) fn too_large() -> ArchiveError {
    ArchiveError::bad(format!(
        "the source is over the limit of {} MiB unpacked: leave large folders out with `exclude` under \
         [workspace.metadata.cloud]; `cargo cloud package --list` shows what is sent",
        MAX_UNPACKED_BYTES / (1024 * 1024)
    ))
}

fn read_link(reader: &mut super::Reader<'_>, index: usize, path: &str) -> Result<String, ArchiveError> {
    let mut target = Vec::new();
    let content = reader.entry(index, path)?;
    content.take(MAX_LINK_BYTES + 1).read_to_end(&mut target).map_err(|error| content_error(error, path))?;
    match String::from_utf8(target) {
        Ok(target) if !target.is_empty() && target.len() as u64 <= MAX_LINK_BYTES && !target.contains('\0') => {
            Ok(target)
        }
        _ => Err(refuse(path, "is a link to something that is no path")),
    }
}

/// Nothing lies below a file or a link, and every link stays inside.
fn check_tree(entries: &BTreeMap<String, Entry>) -> Result<(), ArchiveError> {
    let mut links = Links::default();
    for entry in entries.values() {
        if let Content::Link { target } = &entry.content {
            links.insert(&entry.path, target);
        }
        for (at, _) in entry.path.match_indices('/') {
            let above = entries.get(&entry.path[..at]);
            if above.is_some_and(|above| above.content != Content::Folder) {
                return Err(refuse(&entry.path, "lies below something that is no folder"));
            }
        }
    }
    match links.first_that_leaves() {
        Some(path) => Err(refuse(path, "is a link that leads out of the source")),
        None => Ok(()),
    }
}
