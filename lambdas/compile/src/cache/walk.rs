//! Lists what is saved of a project's folder: cargo's target directory, and the source with its times, because cargo
//! compares them.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Name of cargo's target directory in a project's folder.
pub(super) const TARGET: &str = "target";

/// Name of the source's folder in a project's folder.
pub(super) const SOURCE: &str = "source";

/// How the names of the engine's notes about the source begin and end: `manifest….json`.
const NOTES: (&str, &str) = ("manifest", ".json");

/// The note that says when the last build ended. Its change alone doesn't change the digest.
const UNIMPORTANT: &str = "manifest.after.json";

/// The deepest level of folders that is read: a build script can nest folders without limit.
const MAX_DEPTH: usize = 200;

/// The part of a project's folder that is saved.
#[derive(Debug, Default)]
pub(super) struct FolderTree {
    /// Files, folders and links; each folder comes before its content.
    pub items: Vec<FolderItem>,
    /// Total size of all files in bytes, hard links counted once.
    pub bytes: u64,
    /// SHA-256 of paths, kinds, sizes, permissions and times: equal for equal content, as far as these tell.
    pub digest: String,
}

/// One file, folder or link below a folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FolderItem {
    /// Path relative to the folder that was walked.
    pub path: PathBuf,
    /// Whether it is a folder, a file or a link.
    pub kind: ItemKind,
    /// Permission bits, without the file type.
    pub mode: u32,
    /// Modification time in nanoseconds since 1970 (UTC).
    pub mtime: i64,
}

/// The kind of a file system entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ItemKind {
    Folder,
    File {
        /// Size of the file in bytes.
        size: u64,
    },
    /// Another hard link to a file that came before.
    Same {
        /// Path of that file, relative to the folder.
        file: PathBuf,
    },
    Link {
        /// Target of the symbolic link, unresolved.
        target: PathBuf,
    },
}

/// Whether an entry with this name, directly in a project's folder, is saved.
pub(super) fn is_kept(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name == TARGET.as_bytes()
        || name == SOURCE.as_bytes()
        || (name.starts_with(NOTES.0.as_bytes()) && name.ends_with(NOTES.1.as_bytes()))
}

/// Walks a project's folder. It is an error if folders are nested too deeply, or an entry can't be read.
pub(super) fn walk(folder: &Path) -> io::Result<FolderTree> {
    let mut walk = FolderWalk { root: folder, tree: FolderTree::default(), seen: HashMap::new() };
    for name in names(folder)? {
        if is_kept(&name) {
            walk.enter(PathBuf::from(name), 1)?;
        }
    }
    let mut tree = walk.tree;
    tree.digest = digest(&tree.items);
    Ok(tree)
}

struct FolderWalk<'a> {
    root: &'a Path,
    tree: FolderTree,
    /// Paths of files with several hard links, by device and inode.
    seen: HashMap<(u64, u64), PathBuf>,
}

impl FolderWalk<'_> {
    fn enter(&mut self, path: PathBuf, depth: usize) -> io::Result<()> {
        let place = self.root.join(&path);
        let metadata = fs::symlink_metadata(&place)?;
        let file_type = metadata.file_type();
        let is_folder = file_type.is_dir();
        let kind = if is_folder {
            ItemKind::Folder
        } else if file_type.is_symlink() {
            ItemKind::Link { target: fs::read_link(&place)? }
        } else if file_type.is_file() {
            self.file(&path, &metadata)
        } else {
            // Sockets and pipes are left out: the process at their other end is gone.
            return Ok(());
        };
        let mtime = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
        self.tree.items.push(FolderItem { path: path.clone(), kind, mode: metadata.mode() & 0o777, mtime });
        if is_folder {
            if depth >= MAX_DEPTH {
                return Err(io::Error::other("its folders are nested too deeply"));
            }
            for name in names(&place)? {
                self.enter(path.join(name), depth + 1)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, metadata: &Metadata) -> ItemKind {
        if metadata.nlink() > 1 {
            let file = self.seen.entry((metadata.dev(), metadata.ino())).or_insert_with(|| path.to_owned());
            if file != path {
                return ItemKind::Same { file: file.clone() };
            }
        }
        self.tree.bytes = self.tree.bytes.saturating_add(metadata.len());
        ItemKind::File { size: metadata.len() }
    }
}

/// The names in a folder, sorted, so that the order is always the same.
fn names(folder: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

fn digest(items: &[FolderItem]) -> String {
    let mut digest = Sha256::new();
    for item in items.iter().filter(|item| item.path != Path::new(UNIMPORTANT)) {
        let (kind, size, other) = match &item.kind {
            ItemKind::Folder => (b'd', 0, None),
            ItemKind::File { size } => (b'f', *size, None),
            ItemKind::Same { file } => (b's', 0, Some(file)),
            ItemKind::Link { target } => (b'l', 0, Some(target)),
        };
        for path in [Some(&item.path), other].into_iter().flatten() {
            digest.update((path.as_os_str().len() as u64).to_le_bytes());
            digest.update(path.as_os_str().as_bytes());
        }
        digest.update([kind]);
        digest.update(size.to_le_bytes());
        digest.update(item.mode.to_le_bytes());
        digest.update(item.mtime.to_le_bytes());
    }
    HEXLOWER.encode(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn the_digest_changes_with_a_file_but_not_with_the_end_of_a_build() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("target/debug")).unwrap();
        fs::create_dir_all(at("home/.cache")).unwrap();
        fs::write(at("target/debug/a"), "123").unwrap();
        fs::hard_link(at("target/debug/a"), at("target/debug/b")).unwrap();
        fs::write(at("manifest.after.json"), "1").unwrap();
        fs::write(at("artifact.json"), "1").unwrap();
        let tree = walk(folder.path()).unwrap();
        assert_eq!(tree.bytes, 4);
        let paths: Vec<_> = tree.items.iter().map(|item| item.path.to_str().unwrap()).collect();
        assert_eq!(paths, ["manifest.after.json", "target", "target/debug", "target/debug/a", "target/debug/b"]);
        assert_eq!(tree.items[4].kind, ItemKind::Same { file: "target/debug/a".into() });

        fs::write(at("manifest.after.json"), "later").unwrap();
        assert_eq!(walk(folder.path()).unwrap().digest, tree.digest);
        fs::File::options()
            .write(true)
            .open(at("target/debug/a"))
            .and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH))
            .unwrap();
        assert_ne!(walk(folder.path()).unwrap().digest, tree.digest);
    }

    #[test]
    fn a_folder_nested_too_deeply_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut deep = folder.path().join(TARGET);
        for _ in 0..=MAX_DEPTH {
            deep.push("d");
        }
        fs::create_dir_all(deep).unwrap();
        assert!(walk(folder.path()).is_err());
    }
}
