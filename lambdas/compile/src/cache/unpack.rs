//! Unpacks a project into a folder of its own. A build script has had a hand in what is packed: nothing is written
//! through a link, because links are made last, and nothing is made but folders, files and links.

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

/// Where in the unpacked folder the project is.
pub(super) const PROJECT: &str = "project";

/// The largest size of the head, in bytes.
const MAX_HEAD_BYTES: u64 = 4096;

/// A project, unpacked beside its place.
#[derive(Debug)]
pub(super) struct Unpacked {
    /// Holds [`PROJECT`] and what comes from cargo's home.
    pub folder: TempDir,
    /// Bytes of all files in the archive together.
    pub bytes: u64,
}

/// Unpacks a project for `project`'s place in `work`, and makes room for it.
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
    /// Bytes that may still come.
    left: u64,
    /// Times and permissions of folders: set when nothing comes into them any more.
    folders: Vec<(PathBuf, u32, SystemTime)>,
    /// Symbolic links, made last: path, target and time.
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

    /// The path that an entry is unpacked to. An error for one outside of what is kept.
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
            // Fails where something is: so no link can come before another one's folder.
            symlink(target, &place)?;
            let time = TimeSpec::from_duration(time.duration_since(UNIX_EPOCH).unwrap_or_default());
            utimensat(AT_FDCWD, &place, &time, &time, UtimensatFlags::NoFollowSymlink)?;
        }
        for (place, mode, time) in self.folders.into_iter().rev() {
            File::open(&place)?.set_modified(time)?;
            // What its owner could not empty would stay for ever.
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
