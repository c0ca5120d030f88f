//! Unpacks the files that will be written to the source folder, into another folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use data_encoding::HEXLOWER;
use protocol::limits::MAX_UNPACKED_BYTES;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::file_action::{FileAction, KnownFile, by_content, by_record};
use super::manifest::{FileStamp, ManifestEntry, SourceState};
use super::{ApplyError, from_ns};
use crate::archive::{ArchiveEntry, EntryContent, EntryReader, SourceArchive, content_error, too_large};
use crate::project::ProjectFolder;

/// Number of bytes to read at a time.
const CHUNK: usize = 128 * 1024;

/// Files up to this size, in bytes, are unpacked in memory.
const SMALL: u64 = 2 * 1024 * 1024;

/// The most threads that unpack. They share one disk, so more don't help.
const MAX_THREADS: usize = 8;

/// How many entries justify one more thread.
const PER_THREAD: usize = 64;

/// The changes to make in the source folder.
#[derive(Debug, Default)]
pub(super) struct StagedChanges {
    /// The files of the new manifest.
    pub files: BTreeMap<String, ManifestEntry>,
    /// Files to move: the path in the staging folder, and the one below the source folder.
    pub writes: Vec<(PathBuf, String)>,
    /// How many of these files are changed, and not only restored.
    pub changed: u64,
    /// Files whose executable bit must be set (`true`) or cleared.
    pub modes: Vec<(String, bool)>,
    /// Folders that the archive lists by themselves.
    pub folders: Vec<String>,
}

/// The state that the unpacking threads share.
struct StagingJob<'a> {
    archive: &'a SourceArchive,
    project: &'a ProjectFolder,
    before: &'a SourceState,
    stamp: i64,
    cancel: &'a CancellationToken,
    next: AtomicUsize,
    unpacked: AtomicU64,
    failed: AtomicBool,
    staged: Mutex<StagedChanges>,
}

/// Unpacks and compares all files. `stamp` is the modification time for changed ones, in nanoseconds since 1970.
pub(super) fn stage(
    archive: &SourceArchive,
    project: &ProjectFolder,
    before: &SourceState,
    stamp: i64,
    cancel: &CancellationToken,
) -> Result<StagedChanges, ApplyError> {
    crate::project::remove(&project.staging)?;
    fs::create_dir(&project.staging)?;
    let job = StagingJob {
        archive,
        project,
        before,
        stamp,
        cancel,
        next: AtomicUsize::new(0),
        unpacked: AtomicU64::new(0),
        failed: AtomicBool::new(false),
        staged: Mutex::new(StagedChanges::default()),
    };
    let threads = thread::available_parallelism().map_or(1, |n| n.get()).min(MAX_THREADS);
    let threads = threads.min(archive.entries.len() / PER_THREAD).max(1);
    let results = thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(|| job.run())).collect();
        let mine = job.run();
        let joined = workers.into_iter().map(|worker| {
            worker.join().unwrap_or_else(|_| Err(io::Error::other("a thread failed while unpacking").into()))
        });
        [mine].into_iter().chain(joined).collect::<Vec<_>>()
    });
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    Ok(job.staged.into_inner().unwrap_or_else(PoisonError::into_inner))
}

impl StagingJob<'_> {
    fn run(&self) -> Result<(), ApplyError> {
        let done = self.entries();
        if done.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        done
    }

    fn entries(&self) -> Result<(), ApplyError> {
        let mut reader = self.archive.reader()?;
        let mut buffer = vec![0; CHUNK];
        while let Some(entry) = self.archive.entries.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if self.failed.load(Ordering::Relaxed) {
                return Ok(());
            }
            match &entry.content {
                EntryContent::Folder => {
                    let mut staged = self.staged();
                    staged.folders.push(entry.path.clone());
                    staged.files.insert(entry.path.clone(), ManifestEntry::Folder);
                }
                EntryContent::Link { target } => {
                    self.staged().files.insert(entry.path.clone(), ManifestEntry::Link { target: target.clone() });
                }
                EntryContent::File { size, executable } => {
                    self.file(&mut reader, &mut buffer, entry, *size, *executable)?;
                }
            }
        }
        Ok(())
    }

    fn staged(&self) -> std::sync::MutexGuard<'_, StagedChanges> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(
        &self,
        reader: &mut EntryReader<'_>,
        buffer: &mut [u8],
        entry: &ArchiveEntry,
        claimed: u64,
        executable: bool,
    ) -> Result<(), ApplyError> {
        let path = self.project.source.join(&entry.path);
        let staging = self.project.staging.join(entry.index.to_string());
        let mut memory = Vec::new();
        let (sha256, size) = if claimed <= SMALL {
            self.unpack(reader, buffer, entry, &mut |chunk: &[u8]| {
                memory.extend_from_slice(chunk);
                Ok(())
            })?
        } else {
            let mut file = File::options().write(true).create_new(true).mode(0o644).open(&staging)?;
            self.unpack(reader, buffer, entry, &mut |chunk: &[u8]| file.write_all(chunk))?
        };
        let (action, mode_differs) = self.action(&entry.path, &path, &sha256, executable)?;
        let mtime = match action {
            FileAction::Keep { mtime } | FileAction::Restore { mtime } => mtime,
            FileAction::Write => self.stamp,
        };
        let record = ManifestEntry::File { sha256, size, mtime, executable };
        if let FileAction::Keep { .. } = action {
            crate::project::remove(&staging)?;
            let mut staged = self.staged();
            staged.files.insert(entry.path.clone(), record);
            if mode_differs {
                staged.modes.push((entry.path.clone(), executable));
            }
            return Ok(());
        }
        let file = if claimed <= SMALL {
            let mut file = File::options().write(true).create_new(true).mode(0o644).open(&staging)?;
            file.write_all(&memory)?;
            file
        } else {
            File::options().write(true).open(&staging)?
        };
        file.set_permissions(fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }))?;
        file.set_modified(from_ns(mtime))?;
        let mut staged = self.staged();
        staged.files.insert(entry.path.clone(), record);
        staged.changed += u64::from(action == FileAction::Write);
        staged.writes.push((staging, entry.path.clone()));
        Ok(())
    }

    /// Reads an entry to its end, where its checksum is compared, and counts the bytes that it really contains. Returns
    /// their SHA-256 in hex and their number.
    fn unpack(
        &self,
        reader: &mut EntryReader<'_>,
        buffer: &mut [u8],
        entry: &ArchiveEntry,
        write: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(String, u64), ApplyError> {
        let EntryContent::File { size: claimed, .. } = entry.content else { return Err(ApplyError::Cancelled) };
        let mut content = reader.entry(entry.index, &entry.path)?;
        let (mut hasher, mut size) = (Sha256::new(), 0u64);
        loop {
            if self.cancel.is_cancelled() {
                return Err(ApplyError::Cancelled);
            }
            let read = match content.read(buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(content_error(error, &entry.path).into()),
            };
            size += read as u64;
            let total = self.unpacked.fetch_add(read as u64, Ordering::Relaxed) + read as u64;
            if total > MAX_UNPACKED_BYTES || size > claimed {
                // An entry that contains more than it claims is meant to fill the disk.
                return Err(too_large().into());
            }
            hasher.update(&buffer[..read]);
            write(&buffer[..read])?;
        }
        if size != claimed {
            let short = io::Error::new(io::ErrorKind::UnexpectedEof, format!("{size} bytes instead of {claimed}"));
            return Err(content_error(short, &entry.path).into());
        }
        Ok((HEXLOWER.encode(&hasher.finalize()), size))
    }

    /// What happens to a file, and whether the mode of the one on disk must change.
    fn action(&self, name: &str, path: &Path, sha256: &str, executable: bool) -> io::Result<(FileAction, bool)> {
        // A file behind a link is outside the source folder, and is no longer there when a folder replaces the link.
        let stamp = if is_below_real_folders(&self.project.source, name) { FileStamp::at(path)? } else { None };
        let action = match (&self.before.announced, &self.before.manifest) {
            (None, Some(manifest)) => {
                let altered = self.before.after_build.altered.get(name).copied();
                // A build script may read the mode, so another mode is a change, although cargo doesn't see it.
                let record = manifest.files.get(name);
                if matches!(record, Some(ManifestEntry::File { executable: was, .. }) if *was != executable) {
                    return Ok((FileAction::Write, false));
                }
                let known = KnownFile { record, disk: stamp, altered };
                by_record(sha256, known, || hash_file(path))?
            }
            _ => by_content(sha256, stamp.map(|stamp| Ok::<_, io::Error>((stamp, hash_file(path)?))).transpose()?),
        };
        let mode_differs = match action {
            FileAction::Keep { .. } => (fs::symlink_metadata(path)?.permissions().mode() & 0o100 != 0) != executable,
            _ => false,
        };
        Ok((action, mode_differs))
    }
}

/// Whether every folder on the way from `root` to `name` is a real folder and not a link.
fn is_below_real_folders(root: &Path, name: &str) -> bool {
    let mut above = name.match_indices('/').map(|(at, _)| root.join(&name[..at]));
    above.all(|folder| fs::symlink_metadata(folder).is_ok_and(|there| there.is_dir()))
}

/// The SHA-256 of a file's content, in hex.
pub(crate) fn hash_file(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(HEXLOWER.encode(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}
