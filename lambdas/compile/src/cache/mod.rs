//! Keeps projects between builds: in `/tmp` of this sandbox, and in the cache bucket for all other sandboxes.
//!
//! A sandbox can be ended at any moment, and the project's folder stays usable: cargo and the engine survive that in
//! the folder they work in (what was half written is compiled again), and a restored folder takes its place by one
//! rename. So an existing folder is used as it is, unless the bucket has a newer state than the one it came from.

mod cargo_home;
mod cleaning;
mod disk_space;
mod note;
mod pack;
mod piece_reader;
mod piece_writer;
mod rate;
mod unpack;
mod walk;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use builder::{Cache, CachedProject, Freed};
use protocol::{Owner, ProjectKey, keys};
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;
use tracing::{info, warn};

use self::note::CacheNote;
use self::unpack::Unpacked;
use crate::storage::{OpenedObject, S3Bucket};

pub use self::disk_space::tidy;
pub use self::rate::Rate;

/// Name of the object with the packed project, below the project's prefix.
const OBJECT: &str = "project.tar.zst";

/// Name of the folder in the engine's work folder that all builds use as `CARGO_HOME`.
const CARGO_HOME: &str = "cargo-home";

/// How long the bucket may take to answer. A build without a cache is only slower.
const LOOK_PATIENCE: Duration = Duration::from_secs(5);

/// The project cache of one attempt.
pub struct ProjectCache {
    bucket: S3Bucket,
    work: PathBuf,
    /// When saving is given up.
    until: Instant,
    rate: Rate,
    /// ETag of the newer state in the bucket that is to be restored.
    newer: Mutex<Option<String>>,
}

impl ProjectCache {
    /// Makes the cache of an attempt. `work` is the engine's work folder; saving is given up at `until`.
    pub fn new(bucket: S3Bucket, work: PathBuf, until: Instant, rate: Rate) -> Self {
        Self { bucket, work, until, rate, newer: Mutex::new(None) }
    }

    fn newer(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.newer.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn note(&self, project: &CachedProject) -> PathBuf {
        note::path(&self.work, &project.owner, &project.key)
    }

    fn home(&self) -> PathBuf {
        self.work.join(CARGO_HOME)
    }

    async fn restore_from(&self, project: &CachedProject, etag: String) -> io::Result<()> {
        let begun = Instant::now();
        let download = match self.bucket.open(&key(project), Some(&etag)).await.map_err(io::Error::other)? {
            OpenedObject::Object(download) => *download,
            // Another build has just saved: this build begins with the folder that is here.
            OpenedObject::Missing | OpenedObject::Different | OpenedObject::Empty => {
                return Err(io::Error::other("it has just changed"));
            }
        };
        let packed = download.size;
        let reader = piece_reader::reader(download);
        let (work, folder) = (self.work.clone(), project.folder.clone());
        let unpacked = blocking(move || unpack::unpack(reader, &work, &folder)).await?;
        let bytes = unpacked.bytes;
        // Not in the blocking thread, which continues when the attempt is already over: the folder must then stay as it
        // was.
        let old = unpacked.swap_in(&project.folder, &self.home())?;
        let digest = {
            let folder = project.folder.clone();
            blocking(move || Ok(walk::walk(&folder)?.digest)).await?
        };
        CacheNote { etag: Some(etag), digest: Some(digest), cleaned: None }.write(&self.note(project))?;
        let old_is_gone = spawn_blocking(move || drop(old));
        info!(packed, bytes, ms = millis(begun), project = %project.key, "restored");
        drop(old_is_gone);
        Ok(())
    }

    async fn save_to(&self, project: &CachedProject) -> io::Result<()> {
        let begun = Instant::now();
        let path = self.note(project);
        let note = CacheNote::read(&path);
        if self.was_cleaned_meanwhile(project, &note).await.map_err(io::Error::other)? {
            info!(project = %project.key, "the project was cleaned during the build and is not saved");
            return self.start_cold(project).await;
        }
        let folder = project.folder.clone();
        let tree = blocking(move || walk::walk(&folder)).await?;
        if note.etag.is_some() && note.digest.as_ref() == Some(&tree.digest) {
            info!(project = %project.key, "unchanged since it was saved");
            return Ok(());
        }
        let most = disk_space::capacity(&self.work)? / 10 * 6;
        if tree.bytes > most {
            let why =
                format!("it holds {} bytes, more than the {most} another sandbox would have room for", tree.bytes);
            return Err(io::Error::other(why));
        }
        let (writer, pieces) = piece_writer::channel();
        let (digest, bytes, home, folder) = (tree.digest.clone(), tree.bytes, self.home(), project.folder.clone());
        let packing = spawn_blocking(move || pack::pack(&folder, &tree, &home, writer));
        let etag = self.bucket.replace(&key(project), "application/zstd", pieces).await;
        // Packing and uploading stop each other: when one fails, the other fails too.
        let packed = packing.await.map_err(io::Error::other)?;
        let etag = etag.map_err(io::Error::other)?;
        let packed = packed?;
        CacheNote { etag, digest: Some(digest), cleaned: note.cleaned }.write(&path)?;
        self.rate.measured(bytes, begun.elapsed());
        info!(packed, bytes, ms = millis(begun), project = %project.key, "saved");
        Ok(())
    }
}

#[async_trait]
impl Cache for ProjectCache {
    /// The engine asks at the beginning of every build, so this also makes room for the build.
    async fn has_more(&self, project: &CachedProject) -> bool {
        let note = self.note(project);
        let known = CacheNote::read(&note);
        let (work, folder) = (self.work.clone(), project.folder.clone());
        let used = known.clone();
        let prepared = blocking(move || {
            used.write(&note)?;
            disk_space::make(&work, &folder, 0)
        });
        if let Err(why) = prepared.await {
            warn!(%why, "could not free disk space");
        }
        match tokio::time::timeout(LOOK_PATIENCE, self.bucket.etag(&key(project))).await {
            Ok(Ok(Some(etag))) if is_newer(&etag, &known, &project.folder) => {
                *self.newer() = Some(etag);
                true
            }
            Ok(Ok(Some(_))) => false,
            Ok(Ok(None)) => {
                if let Err(why) = self.heed_cleaning(project, known).await {
                    warn!(%why, "could not check whether the project was cleaned");
                }
                false
            }
            Ok(Err(why)) => {
                warn!(%why, "could not look into the cache bucket");
                false
            }
            Err(_) => {
                warn!("the cache bucket did not answer in time");
                false
            }
        }
    }

    async fn restore(&self, project: &CachedProject) -> io::Result<()> {
        let newer = self.newer().take();
        match newer {
            Some(etag) => self.restore_from(project, etag).await,
            None => Ok(()),
        }
    }

    async fn save(&self, project: &CachedProject) -> io::Result<()> {
        let saved = timeout_at(self.until.into(), self.save_to(project)).await;
        saved.unwrap_or_else(|_| {
            Err(io::Error::new(io::ErrorKind::TimedOut, "there was not enough time left to save the project"))
        })
    }

    async fn time_to_save(&self, project: &CachedProject) -> Duration {
        let folder = project.folder.clone();
        let bytes = blocking(move || Ok(walk::walk(&folder)?.bytes)).await.unwrap_or_default();
        self.rate.time_for(bytes)
    }

    async fn forget(&self, owner: &Owner, project: Option<&ProjectKey>) -> io::Result<Freed> {
        cleaning::forget(&self.bucket, owner, project).await.map_err(io::Error::other)
    }
}

fn is_newer(etag: &str, known: &CacheNote, folder: &Path) -> bool {
    known.etag.as_deref() != Some(etag) || !folder.join(walk::TARGET).is_dir()
}

fn key(project: &CachedProject) -> String {
    format!("{}{OBJECT}", keys::cache(&project.owner, &project.key))
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

impl Unpacked {
    /// Moves the unpacked project to `folder`. The old folder is deleted when the returned value is dropped.
    fn swap_in(self, folder: &Path, home: &Path) -> io::Result<tempfile::TempDir> {
        cargo_home::take_in(&self.folder.path().join(CARGO_HOME), home);
        let fresh = self.folder.path().join(unpack::PROJECT);
        let old = self.folder.path().join("old");
        if let Some(above) = folder.parent() {
            std::fs::create_dir_all(above)?;
        }
        match std::fs::rename(folder, old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => std::fs::rename(fresh, folder)?,
        }
        Ok(self.folder)
    }
}
