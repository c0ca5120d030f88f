//! Makes room in `/tmp` by removing the projects that were not built for the longest time.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::sys::statvfs::statvfs;
use tracing::{info, warn};

use super::CARGO_HOME;
use super::note;

/// Name of the folder in the work folder where projects are unpacked.
pub(super) const RESTORING: &str = "restoring";

/// Divisor of the disk's size: a quarter of the disk should be free before a build begins, for the files that the build
/// makes.
const FREE_PART: u64 = 4;

/// Folders in cargo's home that cargo can make again from its downloads.
const REMADE: [&str; 2] = ["registry/src", "git/checkouts"];

/// Size of the disk that a folder is on, in bytes.
pub(super) fn capacity(folder: &Path) -> io::Result<u64> {
    let disk = statvfs(folder)?;
    Ok(disk.blocks() * disk.fragment_size())
}

/// Free space of the disk that a folder is on, in bytes.
fn free(folder: &Path) -> io::Result<u64> {
    let disk = statvfs(folder)?;
    Ok(disk.blocks_available() * disk.fragment_size())
}

/// Makes room for `bytes` and for the files that a build makes. The project in `keep` is not removed. It is an error if
/// there is no room for `bytes`.
pub(super) fn make(work: &Path, keep: &Path, bytes: u64) -> io::Result<()> {
    let wanted = bytes.saturating_add(capacity(work)? / FREE_PART);
    let mut others = others(work, keep)?;
    while free(work)? < wanted {
        let Some((_, folder)) = others.pop() else { break };
        remove_project(work, &folder);
    }
    if free(work)? < wanted {
        for folder in REMADE {
            remove(&work.join(CARGO_HOME).join(folder));
        }
    }
    if free(work)? < bytes {
        return Err(io::Error::new(io::ErrorKind::StorageFull, "there is no room for the saved project"));
    }
    Ok(())
}

/// Removes unfinished restores of earlier processes. If the owner changes, it removes everything in the work folder:
/// another owner's code could write to all of it, so no build may use it.
pub fn tidy(work: &Path, owner: &str) -> io::Result<()> {
    fs::create_dir_all(work)?;
    remove(&work.join(RESTORING));
    let mark = work.join("owner");
    match fs::read_to_string(&mark) {
        Ok(before) if before == owner => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        _ => {
            info!("removing another owner's projects");
            for entry in fs::read_dir(work)? {
                remove(&entry?.path());
            }
            // The engine made this folder when it started, and still needs it.
            fs::create_dir_all(work.join(CARGO_HOME))?;
        }
    }
    fs::write(mark, owner)
}

/// All projects except `keep`, the most recently used first.
fn others(work: &Path, keep: &Path) -> io::Result<Vec<(SystemTime, PathBuf)>> {
    let mut others = Vec::new();
    for owner in folders(&work.join("projects"))? {
        for folder in folders(&owner)? {
            if folder != keep {
                let note = note::path_of(work, &folder).and_then(|note| note.metadata().ok()?.modified().ok());
                others.push((note.unwrap_or(SystemTime::UNIX_EPOCH), folder));
            }
        }
    }
    others.sort_unstable_by(|a, b| b.cmp(a));
    Ok(others)
}

fn folders(above: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(above) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let all = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(all.into_iter().filter(|path| path.symlink_metadata().is_ok_and(|there| there.is_dir())).collect())
}

pub(super) fn remove_project(work: &Path, folder: &Path) {
    info!(project = %folder.display(), "removed a project's folder");
    remove(folder);
    if let Some(note) = note::path_of(work, folder) {
        remove(&note);
    }
}

/// Removes a file or a folder. If that fails, it is logged and the path stays.
fn remove(path: &Path) {
    if let Err(error) = try_remove(path).or_else(|_| make_removable(path).and_then(|()| try_remove(path))) {
        warn!(path = %path.display(), %error, "could not be removed");
    }
}

fn try_remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Gives the function's user all rights to `path` and every folder below it: a build script can make folders that are
/// write-protected.
fn make_removable(path: &Path) -> io::Result<()> {
    if !path.symlink_metadata()?.is_dir() {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    folders(path)?.iter().try_for_each(|folder| make_removable(folder))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cache::note::CacheNote;

    fn project(work: &Path, owner: &str, key: &str, age: u64) -> PathBuf {
        let folder = work.join("projects").join(owner).join(key);
        fs::create_dir_all(folder.join("target")).unwrap();
        let note = note::path_of(work, &folder).unwrap();
        CacheNote::default().write(&note).unwrap();
        let used = SystemTime::now() - Duration::from_secs(age);
        fs::File::options().write(true).open(note).unwrap().set_modified(used).unwrap();
        folder
    }

    #[test]
    fn the_project_unused_for_longest_is_removed_first() {
        let work = tempfile::tempdir().unwrap();
        let (a, b, c) = (
            project(work.path(), "me", "a", 5),
            project(work.path(), "me", "b", 50),
            project(work.path(), "you", "c", 20),
        );
        let order: Vec<_> = others(work.path(), &a).unwrap().into_iter().map(|(_, folder)| folder).collect();
        assert_eq!(order, [c.clone(), b.clone()]);
        // No disk has this much: all other projects are removed, and the call fails.
        assert!(make(work.path(), &a, u64::MAX).is_err());
        assert!(a.exists() && !b.exists() && !c.exists());
        assert!(make(work.path(), &a, 0).is_ok());
    }

    #[test]
    fn a_write_protected_folder_can_be_removed() {
        let work = tempfile::tempdir().unwrap();
        let closed = work.path().join("closed/inside");
        fs::create_dir_all(closed.join("deep")).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
        remove(&work.path().join("closed"));
        assert!(!closed.exists());
    }

    #[test]
    fn another_owners_projects_are_removed() {
        let work = tempfile::tempdir().unwrap();
        let mine = project(work.path(), "me", "a", 5);
        tidy(work.path(), "me").unwrap();
        tidy(work.path(), "me").unwrap();
        assert!(mine.exists());
        tidy(work.path(), "you").unwrap();
        assert!(!mine.exists() && work.path().join(CARGO_HOME).is_dir());
    }
}
