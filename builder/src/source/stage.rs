//! Unpacks beside the source what is to be written into it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use protocol::limits::MAX_UNPACKED_BYTES;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::decide::{self, FileAction, by_content, by_record};
use super::manifest::{Known, Look, Record};
use super::{ReceiveError, from_ns};
use crate::archive::{Archive, Content, Entry, Reader, content_error, too_large};
use crate::hex;
use crate::project::Project;

/// Bytes read at a time.
const CHUNK: usize = 128 * 1024;

/// Files up to this size are unpacked in memory.
const SMALL: u64 = 2 * 1024 * 1024;

/// More threads don't pay: the disk is one.
const MAX_THREADS: usize = 8;

/// Entries worth a thread.
const PER_THREAD: usize = 64;

/// What is to be done to the source.
#[derive(Debug, Default)]
pub(super) struct Staged {
    /// What the new manifest says.
    pub files: BTreeMap<String, Record>,
    /// Files to put into place: from here, to there below the source.
    pub writes: Vec<(PathBuf, String)>,
    /// How many of them are changes, and not just brought back.
    pub changed: u64,
    /// Files whose executable bit is to be set or taken.
    pub modes: Vec<(String, bool)>,
    /// Folders that are in the archive by themselves.
    pub folders: Vec<String>,
}

/// What the threads share.
struct Work<'a> {
    archive: &'a Archive,
    project: &'a Project,
    before: &'a Known,
    stamp: i64,
    cancel: &'a CancellationToken,
    next: AtomicUsize,
    unpacked: AtomicU64,
    failed: AtomicBool,
    staged: Mutex<Staged>,
}

/// Unpacks and compares everything. `stamp` is the modification time of what changed, in nanoseconds since 1970.
pub(super) fn stage(
    archive: &Archive,
    project: &Project,
    before: &Known,
    stamp: i64,
    cancel: &CancellationToken,
) -> Result<Staged, ReceiveError> {
    crate::project::remove(&project.staging)?;
    fs::create_dir(&project.staging)?;
    let work = Work {
        archive,
        project,
        before,
        stamp,
        cancel,
        next: AtomicUsize::new(0),
        unpacked: AtomicU64::new(0),
        failed: AtomicBool::new(false),
        staged: Mutex::new(Staged::default()),
    };
    let threads = thread::available_parallelism().map_or(1, |n| n.get()).min(MAX_THREADS);
    let threads = threads.min(archive.entries.len() / PER_THREAD).max(1);
    let results = thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(|| work.run())).collect();
        let mine = work.run();
        let joined = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err(io::Error::other("unpacking stopped short").into())));
        [mine].into_iter().chain(joined).collect::<Vec<_>>()
    });
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    Ok(work.staged.into_inner().unwrap_or_else(PoisonError::into_inner))
}

impl Work<'_> {
    fn run(&self) -> Result<(), ReceiveError> {
        let done = self.entries();
        if done.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        done
    }

    fn entries(&self) -> Result<(), ReceiveError> {
        let mut reader = self.archive.reader()?;
        let mut buffer = vec![0; CHUNK];
        while let Some(entry) = self.archive.entries.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if self.failed.load(Ordering::Relaxed) {
                return Ok(());
            }
            match &entry.content {
                Content::Folder => {
                    let mut staged = self.staged();
                    staged.folders.push(entry.path.clone());
                    staged.files.insert(entry.path.clone(), Record::Folder);
                }
                Content::Link { target } => {
                    self.staged().files.insert(entry.path.clone(), Record::Link { target: target.clone() });
                }
                Content::File { size, executable } => {
                    self.file(&mut reader, &mut buffer, entry, *size, *executable)?;
                }
            }
        }
        Ok(())
    }

    fn staged(&self) -> std::sync::MutexGuard<'_, Staged> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(
        &self,
        reader: &mut Reader<'_>,
        buffer: &mut [u8],
        entry: &Entry,
        claimed: u64,
        executable: bool,
    ) -> Result<(), ReceiveError> {
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
        let (fate, mode_differs) = self.fate(&entry.path, &path, &sha256, executable)?;
        let mtime = match fate {
            FileAction::Keep { mtime } | FileAction::Restore { mtime } => mtime,
            FileAction::Write => self.stamp,
        };
        let record = Record::File { sha256, size, mtime, executable };
        if let FileAction::Keep { .. } = fate {
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
        staged.changed += u64::from(fate == FileAction::Write);
        staged.writes.push((staging, entry.path.clone()));
        Ok(())
    }

    /// Reads an entry to its end, where its checksum is compared, and counts what really comes out of it.
    fn unpack(
        &self,
        reader: &mut Reader<'_>,
        buffer: &mut [u8],
        entry: &Entry,
        write: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(String, u64), ReceiveError> {
        let Content::File { size: claimed, .. } = entry.content else { return Err(ReceiveError::Cancelled) };
        let mut content = reader.entry(entry.index, &entry.path)?;
        let (mut hasher, mut size) = (Sha256::new(), 0u64);
        loop {
            if self.cancel.is_cancelled() {
                return Err(ReceiveError::Cancelled);
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
                // More than it claims: a bomb, whatever the sum is.
                return Err(too_large().into());
            }
            hasher.update(&buffer[..read]);
            write(&buffer[..read])?;
        }
        if size != claimed {
            let short = io::Error::new(io::ErrorKind::UnexpectedEof, format!("{size} bytes instead of {claimed}"));
            return Err(content_error(short, &entry.path).into());
        }
        Ok((hex::encode(&hasher.finalize()), size))
    }

    fn fate(&self, name: &str, path: &Path, sha256: &str, executable: bool) -> io::Result<(FileAction, bool)> {
        // What is found over a link lies elsewhere, and is gone when a folder takes the link's place.
        let look = if over_real_folders(&self.project.source, name) { Look::at(path)? } else { None };
        let fate = match (&self.before.announced, &self.before.manifest) {
            (None, Some(manifest)) => {
                let altered = self.before.aftermath.altered.get(name).copied();
                // A build script may look at the mode: another one is a change, though cargo can't see it.
                let record = manifest.files.get(name);
                if matches!(record, Some(Record::File { executable: was, .. }) if *was != executable) {
                    return Ok((FileAction::Write, false));
                }
                let known = decide::Path { record, disk: look, altered };
                by_record(sha256, known, || hash_file(path))?
            }
            _ => by_content(sha256, look.map(|look| Ok::<_, io::Error>((look, hash_file(path)?))).transpose()?),
        };
        let mode_differs = match fate {
            FileAction::Keep { .. } => (fs::symlink_metadata(path)?.permissions().mode() & 0o100 != 0) != executable,
            _ => false,
        };
        Ok((fate, mode_differs))
    }
}

/// Whether every folder on the way to `name` below `root` is one, and no link.
fn over_real_folders(root: &Path, name: &str) -> bool {
    let mut above = name.match_indices('/').map(|(at, _)| root.join(&name[..at]));
    above.all(|folder| fs::symlink_metadata(folder).is_ok_and(|there| there.is_dir()))
}

/// SHA-256 of a file, in hex.
pub(crate) fn hash_file(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex::encode(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}
