//! The first phases of an attempt: locking the project, restoring its folder and unpacking the source.

use std::sync::Arc;
use std::time::Instant;

use protocol::{Request, Status};

use super::error::disk_error;
use super::{AttemptError, AttemptRun, millis};
use crate::archive::SourceArchive;
use crate::cache::CachedProject;
use crate::project::{ProjectFolder, ProjectLock, clean_cargo_home};
use crate::source::{ApplyError, UploadChanges, apply_upload};

/// A project's folder that this attempt has locked.
pub(super) struct LockedProject {
    pub cached: CachedProject,
    pub lock: ProjectLock,
}

impl AttemptRun<'_> {
    /// Waits for the project's lock, restores its folder and removes everything that an earlier build may have planted
    /// for cargo to obey.
    pub(super) async fn open_project(&mut self, request: &Request) -> Result<ProjectFolder, AttemptError> {
        let project = ProjectFolder::new(&self.engine.config.work, &self.attempt.owner, &request.project);
        self.lock_project(request, &project).await?;
        self.stop_at = self.time_to_stop().await;
        let (folders, home, config) = (project.clone(), self.cargo_home(), self.engine.config.cargo_config.clone());
        self.blocking("preparing", move |_| {
            folders
                .prepare()
                .and_then(|()| clean_cargo_home(&home, config.as_deref()))
                .map_err(|error| disk_error("prepare the project's folder", &error))
        })
        .await?;
        if self.attempt.number == 1 {
            self.history.cache.warm = project.target.join("CACHEDIR.TAG").exists();
        }
        Ok(project)
    }

    async fn lock_project(&mut self, request: &Request, project: &ProjectFolder) -> Result<(), AttemptError> {
        let begun = Instant::now();
        let waiting = self.reporter.clone();
        let lock = project.lock(async move || waiting.status(Status::Waiting).await);
        let lock = match self.guarded("waiting for another build of the project", lock).await {
            // This build isn't stuck, it only waits for another: so it gets another attempt.
            Err(AttemptError::OutOfTime { working_on, .. }) => {
                return Err(AttemptError::OutOfTime { advanced: true, working_on });
            }
            lock => lock?,
        };
        self.history.times.waiting += millis(begun);
        let lock = lock.map_err(|error| disk_error("lock the project's folder", &error))?;
        let cached = CachedProject {
            owner: self.attempt.owner.clone(),
            key: request.project.clone(),
            folder: project.folder.clone(),
        };
        self.locked = Some(LockedProject { cached: cached.clone(), lock });
        let cache = Arc::clone(&self.attempt.cache);
        if cache.has_more(&cached).await {
            let begun = Instant::now();
            self.reporter.status(Status::Restoring).await;
            if let Err(error) = self.guarded("restoring the cache", cache.restore(&cached)).await? {
                tracing::warn!(%error, project = %request.project, "the cache could not be restored");
            }
            self.history.times.restoring += millis(begun);
        }
        Ok(())
    }

    /// Unpacks the archive into the project's source folder.
    pub(super) async fn unpack(&mut self, archive: SourceArchive, project: &ProjectFolder) -> Result<(), AttemptError> {
        let begun = Instant::now();
        self.reporter.status(Status::Unpacking).await;
        let project = project.clone();
        let changes = self
            .blocking("unpacking the source", move |cancel| match apply_upload(&archive, &project, cancel) {
                Ok(changes) => Ok(changes),
                Err(ApplyError::Archive(error)) => Err(error.into()),
                Err(ApplyError::Cancelled) => Ok(UploadChanges::default()),
            })
            .await?;
        self.history.times.unpacking += millis(begun);
        self.history.cache.changed_files += changes.files;
        Ok(())
    }
}
