//! Reads an archive's table of contents and checks it as a whole.

use std::collections::BTreeMap;
use std::io::Read;

use protocol::limits::MAX_UNPACKED_BYTES;

use super::links::LinkMap;
use super::names::{refuse, source_path};
use super::{ArchiveError, SourceArchive, content_error};

/// The longest target of a symbolic link, in bytes: what Linux accepts as a path (PATH_MAX).
const MAX_LINK_BYTES: u64 = 4096;

/// The bits of a Unix mode that contain a file's kind (inode(7)).
const KIND: u32 = 0o170_000;

/// One entry of the archive's source folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArchiveEntry {
    /// Its index in the archive.
    pub index: usize,
    /// Its path below the source folder, with `/` between parts.
    pub path: String,
    /// Whether it is a file, a link or a folder.
    pub content: EntryContent,
}

/// What kind of entry it is, with its properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryContent {
    /// A regular file. `size` is the size in bytes that the archive claims.
    File { size: u64, executable: bool },
    /// A symbolic link that leads to a place inside the source.
    Link { target: String },
    /// A folder, listed by itself.
    Folder,
}

/// Lists and checks all entries after the request.
pub(super) fn list(archive: &SourceArchive) -> Result<Vec<ArchiveEntry>, ArchiveError> {
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
            0o120_000 if !folder => EntryContent::Link { target: read_link(&mut reader, index, &path)? },
            0o040_000 => EntryContent::Folder,
            0o100_000 | 0 if folder => EntryContent::Folder,
            0o100_000 | 0 => EntryContent::File { size, executable: mode & 0o111 != 0 },
            _ => return Err(refuse(&path, "is neither a file nor a folder nor a link")),
        };
        if matches!(content, EntryContent::File { .. }) {
            claimed = claimed.saturating_add(size);
        }
        if claimed > MAX_UNPACKED_BYTES {
            return Err(too_large());
        }
        if entries.insert(path.clone(), ArchiveEntry { index, path: path.clone(), content }).is_some() {
            return Err(refuse(&path, "is in it twice"));
        }
    }
    check_tree(&entries)?;
    Ok(entries.into_values().collect())
}

/// The refusal of a source whose unpacked size is over the limit.
pub(crate) fn too_large() -> ArchiveError {
    ArchiveError::bad(format!(
        "the source is larger than the limit of {} MiB unpacked: exclude large folders with `exclude` under \
         [workspace.metadata.cloud]; `cargo cloud package --list` shows what is sent",
        MAX_UNPACKED_BYTES / (1024 * 1024)
    ))
}

fn read_link(reader: &mut super::EntryReader<'_>, index: usize, path: &str) -> Result<String, ArchiveError> {
    let mut target = Vec::new();
    let content = reader.entry(index, path)?;
    content.take(MAX_LINK_BYTES + 1).read_to_end(&mut target).map_err(|error| content_error(error, path))?;
    match String::from_utf8(target) {
        Ok(target) if !target.is_empty() && target.len() as u64 <= MAX_LINK_BYTES && !target.contains('\0') => {
            Ok(target)
        }
        _ => Err(refuse(path, "is a link whose target is not a valid path")),
    }
}

/// Checks that nothing lies below a file or a link, and that no link leads out of the source.
fn check_tree(entries: &BTreeMap<String, ArchiveEntry>) -> Result<(), ArchiveError> {
    let mut links = LinkMap::default();
    for entry in entries.values() {
        if let EntryContent::Link { target } = &entry.content {
            links.insert(&entry.path, target);
        }
        for (at, _) in entry.path.match_indices('/') {
            let above = entries.get(&entry.path[..at]);
            if above.is_some_and(|above| above.content != EntryContent::Folder) {
                return Err(refuse(&entry.path, "lies below something that is not a folder"));
            }
        }
    }
    match links.first_that_leads_out() {
        Some(path) => Err(refuse(path, "is a link that leads out of the source")),
        None => Ok(()),
    }
}
