//! The entries of a source: the files, links and empty folders that are sent.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::SystemTime;

/// A file, link or empty folder that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceEntry {
    /// Absolute path on the device.
    pub path: PathBuf,
    /// Path below the source's top, with `/` between its parts.
    pub name: String,
    /// Whether it is a file, a link or a folder.
    pub content: SourceContent,
}

/// The kind of an entry and its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceContent {
    /// A regular file, whose content is sent.
    File {
        /// Size of the file in bytes.
        size: u64,
        /// Time of its last change (mtime).
        modified: SystemTime,
        /// Unix permission bits, at most 0o777.
        mode: u32,
    },
    /// A symbolic link to a path inside the folders that are sent.
    Link {
        /// Relative path that the link points to.
        target: String,
    },
    /// A folder with nothing in it.
    Folder,
}

impl SourceEntry {
    /// Size of the content in bytes.
    pub fn size(&self) -> u64 {
        match &self.content {
            SourceContent::File { size, .. } => *size,
            SourceContent::Link { target } => target.len() as u64,
            SourceContent::Folder => 0,
        }
    }
}

/// The content of a regular file, described by its current metadata.
pub fn file_content(metadata: &Metadata) -> std::io::Result<SourceContent> {
    let mode = metadata.permissions().mode() & 0o777;
    Ok(SourceContent::File { size: metadata.len(), modified: metadata.modified()?, mode })
}

/// Everything that is sent of a project.
#[derive(Debug, Default)]
pub struct SourceListing {
    /// The entries in the order of their names.
    pub entries: Vec<SourceEntry>,
    /// Messages about entries that are left out although nothing excludes them, with the reason.
    pub notes: Vec<String>,
    /// Names of files that look like secrets and are not listed in `include`.
    pub secrets: Vec<String>,
}

impl SourceListing {
    /// Total size in bytes before compression.
    pub fn size(&self) -> u64 {
        self.entries.iter().map(SourceEntry::size).sum()
    }
}

/// The largest folders, at most two levels deep, each with its bytes and number of files. They help the user to choose
/// what to leave out.
pub fn biggest_folders(entries: &[SourceEntry], count: usize) -> Vec<(String, u64, usize)> {
    let mut folders: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
    for entry in entries {
        let slashes: Vec<usize> = entry.name.match_indices('/').map(|(at, _)| at).collect();
        let Some(end) = slashes.get(1).or(slashes.first()) else { continue };
        let sums = folders.entry(&entry.name[..*end]).or_default();
        *sums = (sums.0 + entry.size(), sums.1 + 1);
    }
    let mut list: Vec<_> = folders.into_iter().map(|(name, (size, files))| (name.to_owned(), size, files)).collect();
    list.sort_by_key(|(_, size, files)| std::cmp::Reverse((*size, *files)));
    list.truncate(count);
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_folders_come_first() {
        let entry = |name: &str, size| SourceEntry {
            path: PathBuf::from(name),
            name: name.to_owned(),
            content: SourceContent::File { size, modified: SystemTime::UNIX_EPOCH, mode: 0o644 },
        };
        let entries = [entry("Cargo.toml", 1), entry("data/a/x/y", 5), entry("data/a/z", 6), entry("src/main.rs", 3)];
        assert_eq!(biggest_folders(&entries, 2), [("data/a".to_owned(), 11, 2), ("src".to_owned(), 3, 1)]);
    }
}
