//! The interface to a cache that keeps projects' folders between builds.

use std::io;
use std::ops::AddAssign;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use protocol::{Owner, ProjectKey};

use crate::project::ProjectLock;

/// The folder of one project, which a cache restores and saves.
#[derive(Debug, Clone)]
pub struct CachedProject {
    /// The owner of the project.
    pub owner: Owner,
    /// The project's key, unique for its owner.
    pub key: ProjectKey,
    /// The folder on this machine. Save `target/` before `manifest.json`, and restore the manifest before the target
    /// directory is used. `source/` need not be saved, because the next upload contains it.
    pub folder: PathBuf,
}

/// How much was removed from a disk or a cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Freed {
    /// Number of files or objects.
    pub files: u64,
    /// Size of these files in bytes.
    pub bytes: u64,
}

impl AddAssign for Freed {
    fn add_assign(&mut self, more: Self) {
        self.files += more.files;
        self.bytes += more.bytes;
    }
}

/// Restores projects' folders on this machine and saves them. The engine calls it only while the project is locked.
#[async_trait]
pub trait Cache: Send + Sync {
    /// Whether the cache has something of the project that isn't on this machine.
    async fn has_more(&self, project: &CachedProject) -> bool;

    /// Restores what an earlier build saved; called after [`Cache::has_more`].
    ///
    /// # Errors
    /// An error doesn't fail the build: the engine continues with the files that are there.
    async fn restore(&self, project: &CachedProject) -> io::Result<()>;

    /// Saves the folder after a build.
    ///
    /// # Errors
    /// When the folder can't be read or stored. The next build then starts from an older state.
    async fn save(&self, project: &CachedProject) -> io::Result<()>;

    /// An estimate of how long saving takes. An attempt with a deadline stops cargo that much earlier.
    async fn time_to_save(&self, project: &CachedProject) -> Duration;

    /// Removes what the cache has of a project, or of all the owner's projects, and returns how much that was. The folders
    /// on this machine don't belong to it.
    ///
    /// # Errors
    /// When something could not be removed.
    async fn forget(&self, owner: &Owner, project: Option<&ProjectKey>) -> io::Result<Freed>;
}

/// The cache of a backend on one machine: the folders stay on its disk, so there is nothing to do.
#[derive(Debug, Clone, Copy, Default)]
pub struct FolderCache;

#[async_trait]
impl Cache for FolderCache {
    async fn has_more(&self, _: &CachedProject) -> bool {
        false
    }

    async fn restore(&self, _: &CachedProject) -> io::Result<()> {
        Ok(())
    }

    async fn save(&self, _: &CachedProject) -> io::Result<()> {
        Ok(())
    }

    async fn time_to_save(&self, _: &CachedProject) -> Duration {
        Duration::ZERO
    }

    async fn forget(&self, _: &Owner, _: Option<&ProjectKey>) -> io::Result<Freed> {
        Ok(Freed::default())
    }
}

/// A project's folder after a build, still locked. Dropping it unlocks the folder without saving it.
pub struct Unsaved {
    pub(crate) cache: Arc<dyn Cache>,
    pub(crate) project: CachedProject,
    pub(crate) lock: ProjectLock,
}

impl Unsaved {
    /// Saves the folder, then unlocks it for other builds of the project.
    ///
    /// # Errors
    /// See [`Cache::save`]. The folder is unlocked all the same.
    pub async fn save(self) -> io::Result<()> {
        let saved = self.cache.save(&self.project).await;
        drop(self.lock);
        saved
    }
}
