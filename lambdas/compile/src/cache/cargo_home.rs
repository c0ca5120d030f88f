//! Finds the files in cargo's home that a project needs: the archives of its crates, their entries of the registry's
//! index, and clones of its git dependencies. With them, a build that has its lock file needs no registry.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tracing::debug;

use super::walk::{FolderTree, ItemKind, SOURCE};

/// The most bytes of clones that are saved for one git dependency. It is faster to fetch larger ones again.
const MAX_GIT_BYTES: u64 = 256 * 1024 * 1024;

/// The largest lock file that is read, in bytes.
const MAX_LOCK_BYTES: u64 = 16 * 1024 * 1024;

/// A file in cargo's home that is saved with a project.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CargoHomeFile {
    /// Path of the file, relative to cargo's home.
    pub path: PathBuf,
    /// Size of the file in bytes.
    pub size: u64,
}

#[derive(Debug, Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<LockedPackage>,
}

#[derive(Debug, Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    checksum: Option<String>,
}

/// Finds the files in cargo's home that the lock files of a project's source name.
pub(super) fn needed(home: &Path, folder: &Path, tree: &FolderTree) -> BTreeSet<CargoHomeFile> {
    let mut files = BTreeSet::new();
    for item in &tree.items {
        let is_lock = item.path.starts_with(SOURCE) && item.path.file_name().is_some_and(|name| name == "Cargo.lock");
        if is_lock && matches!(item.kind, ItemKind::File { size } if size <= MAX_LOCK_BYTES) {
            let lock = fs::read_to_string(folder.join(&item.path)).ok();
            for package in lock.and_then(|text| toml::from_str::<Lock>(&text).ok()).into_iter().flat_map(|l| l.package)
            {
                package.files(home, &mut files);
            }
        }
    }
    files
}

impl LockedPackage {
    fn files(&self, home: &Path, files: &mut BTreeSet<CargoHomeFile>) {
        let Some(source) = &self.source else { return };
        if !is_plain(&self.name) || !is_plain(&self.version) {
            return;
        }
        if source.starts_with("git+") {
            let clones = clone_name(source).map(|name| clones(home, name)).unwrap_or_default();
            if clones.iter().map(|file| file.size).sum::<u64>() <= MAX_GIT_BYTES {
                files.extend(clones);
            }
            return;
        }
        let archive = format!("{}-{}.crate", self.name, self.version);
        for registry in folders(&home.join("registry/cache")) {
            let path = Path::new("registry/cache").join(registry).join(&archive);
            // Build scripts can write here, so only an archive with the lock file's checksum is saved.
            if self.checksum.is_some() && checksum(&home.join(&path)) == self.checksum {
                files.extend(CargoHomeFile::at(home, path));
            }
        }
        for registry in folders(&home.join("registry/index")) {
            let index = Path::new("registry/index").join(registry);
            let entry = CargoHomeFile::at(home, index.join(".cache").join(index_path(&self.name)));
            if entry.is_some() {
                files.extend(entry);
                files.extend(CargoHomeFile::at(home, index.join("config.json")));
            }
        }
    }
}

impl CargoHomeFile {
    fn at(home: &Path, path: PathBuf) -> Option<Self> {
        let there = fs::symlink_metadata(home.join(&path)).ok().filter(fs::Metadata::is_file)?;
        Some(Self { path, size: there.len() })
    }
}

/// Whether a name is safe as part of a file name: not empty, and only letters, digits, `-`, `_`, `.` and `+`.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'+'))
}

/// Path of a crate's entry in a registry's index (doc.rust-lang.org/cargo, registry index).
fn index_path(name: &str) -> PathBuf {
    let name = name.to_ascii_lowercase();
    match name.len() {
        1 | 2 => Path::new(&name.len().to_string()).join(&name),
        3 => Path::new("3").join(&name[..1]).join(&name),
        _ => Path::new(&name[..2]).join(&name[2..4]).join(&name),
    }
}

fn checksum(file: &Path) -> Option<String> {
    let there = fs::symlink_metadata(file).ok().filter(fs::Metadata::is_file)?;
    let mut digest = Sha256::new();
    let mut open = fs::File::open(file).ok().filter(|_| there.len() > 0)?;
    io::copy(&mut open, &mut Hashing(&mut digest)).ok()?;
    Some(HEXLOWER.encode(&digest.finalize()))
}

struct Hashing<'a>(&'a mut Sha256);

impl io::Write for Hashing<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.update(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Name of a repository's clone, to which cargo adds a hyphen and a hash.
fn clone_name(source: &str) -> Option<&str> {
    let url = source.strip_prefix("git+")?.split(['?', '#']).next()?.trim_end_matches('/');
    let name = url.rsplit('/').next()?;
    Some(name.strip_suffix(".git").unwrap_or(name)).filter(|name| is_plain(name))
}

/// The files of all clones that have this name.
fn clones(home: &Path, name: &str) -> Vec<CargoHomeFile> {
    let is_clone = |folder: &String| {
        let hash = folder.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
        hash.is_some_and(|hash| hash.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let mut files = Vec::new();
    for clone in folders(&home.join("git/db")).into_iter().filter(is_clone) {
        below(home, Path::new("git/db").join(clone), 0, &mut files);
    }
    files
}

/// Adds every file below a folder, at most 16 levels deep: clones have few levels.
fn below(home: &Path, folder: PathBuf, depth: usize, files: &mut Vec<CargoHomeFile>) {
    for entry in fs::read_dir(home.join(&folder)).into_iter().flatten().flatten() {
        let path = folder.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < 16 => below(home, path, depth + 1, files),
            _ => files.extend(CargoHomeFile::at(home, path)),
        }
    }
}

fn folders(above: &Path) -> Vec<String> {
    let entries = fs::read_dir(above).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Moves files that are missing in cargo's home into it. Cargo fetches what could not be moved.
pub(super) fn take_in(from: &Path, home: &Path) {
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let place = home.join(entry.file_name());
        let moved = match fs::symlink_metadata(&place) {
            Err(_) => fs::rename(entry.path(), place),
            // A clone is moved whole or not at all: a mixture of two clones would not work.
            Ok(there) if there.is_dir() && from.ends_with("git/db") => Ok(()),
            Ok(there) if there.is_dir() => {
                take_in(&entry.path(), &place);
                Ok(())
            }
            Ok(_) => Ok(()),
        };
        if let Err(error) = moved {
            debug!(%error, path = %entry.path().display(), "could not move a file into cargo's home");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::walk::walk;

    #[test]
    fn crates_and_clones_have_the_paths_that_cargo_gives_them() {
        for (name, path) in [("a", "1/a"), ("ab", "2/ab"), ("abc", "3/a/abc"), ("Serde_json", "se/rd/serde_json")] {
            assert_eq!(index_path(name), Path::new(path));
        }
        assert_eq!(clone_name("git+https://x.org/a/b.git?branch=m#0f"), Some("b"));
        assert_eq!(clone_name("git+https://x.org/a/b/#0f"), Some("b"));
        assert_eq!(clone_name("registry+https://x.org"), None);
        assert!(!is_plain("../x") && !is_plain("") && is_plain("a-b_c.1+2"));
    }

    #[test]
    fn only_files_that_the_lock_file_names_are_kept_and_archives_must_match_its_checksum() {
        let at = tempfile::tempdir().unwrap();
        let (home, project) = (at.path().join("home"), at.path().join("project"));
        let write = |path: PathBuf, text: &str| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for (path, text) in [
            ("registry/cache/r-1/good-1.0.0.crate", "good"),
            ("registry/cache/r-1/evil-1.0.0.crate", "changed"),
            ("registry/cache/r-1/other-1.0.0.crate", "other"),
            ("registry/index/r-1/config.json", "{}"),
            ("registry/index/r-1/.cache/go/od/good", "1"),
            ("registry/index/r-1/.cache/ot/he/other", "1"),
            ("git/db/dep-0f1e/HEAD", "ref"),
            ("git/db/dep-more-0f1e/HEAD", "ref"),
        ] {
            write(home.join(path), text);
        }
        let sum = checksum(&home.join("registry/cache/r-1/good-1.0.0.crate")).unwrap();
        let lock = format!(
            "version = 4\n[[package]]\nname = \"good\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\nchecksum = \"{sum}\"\n\
             [[package]]\nname = \"evil\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\nchecksum = \"{sum}\"\n\
             [[package]]\nname = \"dep\"\nversion = \"1.0.0\"\nsource = \"git+https://x.org/dep#0f\"\n\
             [[package]]\nname = \"me\"\nversion = \"1.0.0\"\n"
        );
        write(project.join("source/app/Cargo.lock"), &lock);
        let files = needed(&home, &project, &walk(&project).unwrap());
        let paths: Vec<_> = files.iter().map(|file| file.path.to_str().unwrap()).collect();
        assert_eq!(
            paths,
            [
                "git/db/dep-0f1e/HEAD",
                "registry/cache/r-1/good-1.0.0.crate",
                "registry/index/r-1/.cache/go/od/good",
                "registry/index/r-1/config.json"
            ]
        );
    }

    #[test]
    fn existing_files_in_cargo_home_are_kept() {
        let at = tempfile::tempdir().unwrap();
        let (from, home) = (at.path().join("from"), at.path().join("home"));
        for (path, text) in [("from/registry/a", "new"), ("from/registry/b", "new"), ("home/registry/a", "old")] {
            let path = at.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        take_in(&from, &home);
        let read = |name: &str| fs::read_to_string(home.join("registry").join(name)).unwrap();
        assert_eq!((read("a").as_str(), read("b").as_str()), ("old", "new"));
    }
}
