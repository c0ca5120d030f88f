//! The seam to where a project's folder is kept between builds.

use std::io;
use std::ops::AddAssign;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use protocol::{Owner, ProjectKey};

use crate::project::ProjectLock;

/// What a cache works on: one project's folder.
#[derive(Debug, Clone)]
pub struct CachedProject {
    /// Whose it is.
    pub owner: Owner,
    /// The project.
    pub key: ProjectKey,
    /// Its folder on this machine: `target/`, `manifest.json` (to be saved after `target/` and restored before it is
    /// used), `source/` (not worth saving: it is in the next upload).
    pub folder: PathBuf,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Freed {
    /// Files, or objects.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

impl AddAssign for Freed {
    fn add_assign(&mut self, more: Self) {
        self.files += more.files;
        self.bytes += more.bytes;
    }
}

/// Brings a project's folder to this machine, and keeps it. Both happen while the project is locked.
#[async_trait]
pub trait Cache: Send + Sync {
    /// Whether it keeps something that isn't on this machine.
    async fn has_more(&self, project: &CachedProject) -> bool;

    /// Fetches what an earlier build left, after [`Cache::has_more`]. An error costs time, not the build: the engine goes
    /// on with what is there, or with nothing.
    async fn restore(&self, project: &CachedProject) -> io::Result<()>;

    /// Keeps what a build left.
    async fn save(&self, project: &CachedProject) -> io::Result<()>;

    /// How long saving may take, as far as is known: an attempt with a deadline stops cargo this much earlier.
    async fn time_to_save(&self, project: &CachedProject) -> Duration;

    /// Removes what it keeps of a project, or of all of the owner's, beside the folders on this machine. Tells what that
    /// was.
    async fn forget(&self, owner: &Owner, project: Option<&ProjectKey>) -> io::Result<Freed>;
}

/// The cache of one machine: folders stay where they are.
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

/// A project's folder after a build, still locked.
pub struct Unsaved {
    pub(crate) cache: Arc<dyn Cache>,
    pub(crate) project: CachedProject,
    pub(crate) lock: ProjectLock,
}

impl Unsaved {
    /// Saves the folder, and gives it back to other builds of the project.
    pub async fn save(self) -> io::Result<()> {
        let saved = self.cache.save(&self.project).await;
        drop(self.lock);
        saved
    }
}
