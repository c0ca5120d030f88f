//! Unpacks a project into a new folder. A build script may have changed what is packed, so the archive is not trusted:
//! only folders, files and links are made, and symbolic links are made last so that nothing is written through one.

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use tar::{Archive, Entry, EntryType};
use tempfile::TempDir;

use super::disk_space::RESTORING;
use super::pack::{HEAD, Head, MTIME, VERSION};
use super::{CARGO_HOME, disk_space, walk};

/// Name of the project's folder inside the unpacked folder.
pub(super) const PROJECT: &str = "project";

/// The largest size of the head, in bytes.
const MAX_HEAD_BYTES: u64 = 4096;

/// A project that is unpacked, but not yet in its place.
#[derive(Debug)]
pub(super) struct Unpacked {
    /// Temporary folder with [`PROJECT`] and the files for cargo's home.
    pub folder: TempDir,
    /// Total size of all files in the archive, in bytes.
    pub bytes: u64,
}

/// Makes room for the project and unpacks it into a temporary folder in `work`. `project` is its later place, which is
/// not deleted to make room.
pub(super) fn unpack(reader: impl Read, work: &Path, project: &Path) -> io::Result<Unpacked> {
    let mut archive = Archive::new(zstd::Decoder::new(reader)?);
    let mut entries = archive.entries()?;
    let mut first = entries.next().ok_or_else(|| bad("it is empty"))??;
    let head = read_head(&mut first)?;
    disk_space::make(work, project, head.bytes)?;
    let above = work.join(RESTORING);
    fs::create_dir_all(&above)?;
    let folder = tempfile::tempdir_in(above)?;
    fs::create_dir(folder.path().join(PROJECT))?;
    let mut into = FolderWriter { root: folder.path(), left: head.bytes, folders: Vec::new(), links: Vec::new() };
    for entry in entries {
        into.take(entry?)?;
    }
    into.finish()?;
    Ok(Unpacked { folder, bytes: head.bytes })
}

fn read_head(entry: &mut Entry<'_, impl Read>) -> io::Result<Head> {
    if entry.path()? != Path::new(HEAD) || entry.size() > MAX_HEAD_BYTES {
        return Err(bad("it has no head"));
    }
    let head: Head = serde_json::from_reader(entry)?;
    if head.v != VERSION {
        return Err(bad("it is of another version"));
    }
    Ok(head)
}

struct FolderWriter<'a> {
    root: &'a Path,
    /// Bytes that the archive may still contain, by its head.
    left: u64,
    /// Folders with their permissions and times, which are set once nothing more is written into them.
    folders: Vec<(PathBuf, u32, SystemTime)>,
    /// Symbolic links, which are made last: path, target and time.
    links: Vec<(PathBuf, PathBuf, SystemTime)>,
}

impl FolderWriter<'_> {
    fn take(&mut self, mut entry: Entry<'_, impl Read>) -> io::Result<()> {
        let place = self.place(&entry.path()?)?;
        let mode = entry.header().mode()? & 0o777;
        let time = time(&mut entry)?;
        if let Some(above) = place.parent() {
            fs::create_dir_all(above)?;
        }
        match entry.header().entry_type() {
            EntryType::Directory => {
                fs::create_dir_all(&place)?;
                self.folders.push((place, mode, time));
                Ok(())
            }
            EntryType::Regular => {
                self.left = self.left.checked_sub(entry.size()).ok_or_else(|| bad("it holds more than it says"))?;
                let mut file = File::options().write(true).create_new(true).open(&place)?;
                if io::copy(&mut entry, &mut file)? != entry.size() {
                    return Err(bad("it ends in the middle of a file"));
                }
                file.set_modified(time)?;
                file.set_permissions(Permissions::from_mode(mode))
            }
            EntryType::Link => {
                let file = entry.link_name()?.ok_or_else(|| bad("a second name of no file"))?;
                fs::hard_link(self.place(&file)?, place)
            }
            EntryType::Symlink => {
                let target = entry.link_name()?.ok_or_else(|| bad("a link to nothing"))?.into_owned();
                self.links.push((place, target, time));
                Ok(())
            }
            _ => Err(bad("it holds something that is never saved")),
        }
    }

    /// The path that an entry is unpacked to. An entry outside of the project and of cargo's home is an error.
    fn place(&self, path: &Path) -> io::Result<PathBuf> {
        let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        let top = path.components().next().map(Component::as_os_str).filter(|_| plain);
        match top {
            Some(top) if top == CARGO_HOME => Ok(self.root.join(path)),
            Some(top) if walk::is_kept(top) => Ok(self.root.join(PROJECT).join(path)),
            _ => Err(bad("it holds something that is no part of a project")),
        }
    }

    fn finish(self) -> io::Result<()> {
        for (place, target, time) in self.links {
            // This fails if the path exists, so a link can't replace a folder that another link is made in.
            symlink(target, &place)?;
            let time = TimeSpec::from_duration(time.duration_since(UNIX_EPOCH).unwrap_or_default());
            utimensat(AT_FDCWD, &place, &time, &time, UtimensatFlags::NoFollowSymlink)?;
        }
        for (place, mode, time) in self.folders.into_iter().rev() {
            File::open(&place)?.set_modified(time)?;
            // The function's user keeps all rights: a folder that this user can't empty could never be removed.
            fs::set_permissions(place, Permissions::from_mode(mode | 0o700))?;
        }
        Ok(())
    }
}

fn time(entry: &mut Entry<'_, impl Read>) -> io::Result<SystemTime> {
    let seconds = entry.header().mtime()?;
    let extensions = entry.pax_extensions()?.into_iter().flatten().flatten();
    let exact =
        extensions.filter(|extension| extension.key() == Ok(MTIME)).filter_map(|e| e.value().ok()?.parse().ok());
    let at = |ns: i64| {
        let distance = Duration::from_nanos(ns.unsigned_abs());
        if ns >= 0 { UNIX_EPOCH + distance } else { UNIX_EPOCH - distance }
    };
    Ok(exact.last().map_or_else(|| UNIX_EPOCH + Duration::from_secs(seconds.min(1 << 33)), at))
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the saved project can't be used: {why}"))
}

#[cfg(test)]
mod tests;
