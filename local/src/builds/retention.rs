//! Removes old sources, outputs and projects. They are kept as long as in the platform's buckets.

use std::io;
use std::time::{Duration, SystemTime};

use protocol::{BuildId, Owner, keys};
use tracing::{info, warn};

use super::Builds;
use crate::files;
use crate::objects::{BucketKind, Object, Uploads, blocking};

/// How long the source of an ended build is kept.
const KEEP_SOURCES: Duration = Duration::from_secs(24 * 3600);

/// How long results, artifacts and logs are kept.
const KEEP_OUTPUTS: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long a project's folder is kept after its last build.
const KEEP_PROJECTS: Duration = Duration::from_secs(30 * 24 * 3600);

/// How often the backend looks for old builds, uploads and projects.
const INTERVAL: Duration = Duration::from_secs(3600);

impl Builds {
    /// Removes old builds, uploads and projects, now and every hour, until the backend is stopped.
    pub async fn keep_tidy(&self, uploads: &Uploads) {
        loop {
            let now = SystemTime::now();
            let removed = self.remove_old(now).await;
            let removed = removed.and(uploads.remove_old(now).await);
            if let Err(error) = removed.and(self.remove_unused_projects(now).await) {
                warn!(%error, "old builds, uploads and projects can't be removed");
            }
            if self.stopping.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none() {
                return;
            }
        }
    }

    /// Removes the sources and outputs of builds that ended too long before `now`. Builds that have not ended keep
    /// theirs.
    async fn remove_old(&self, now: SystemTime) -> io::Result<()> {
        for (owner, id) in self.folders_of_builds().await? {
            let (Ok(source), Ok(result)) = (keys::source(&owner, &id).parse(), keys::result(&owner, &id).parse())
            else {
                continue;
            };
            let Some(ended) = self.objects.find(BucketKind::Output, &result).await? else { continue };
            let kept = age(&ended, now);
            if kept > KEEP_SOURCES {
                self.objects.delete(BucketKind::Input, &source).await?;
            }
            if kept > KEEP_OUTPUTS {
                self.forget(&owner, &id).await?;
                info!(%owner, build = %id, "removed");
            }
        }
        Ok(())
    }

    /// Removes the folders of projects that were not built for a long time.
    async fn remove_unused_projects(&self, now: SystemTime) -> io::Result<()> {
        for unused in self.projects.unused(now.checked_sub(KEEP_PROJECTS).unwrap_or(SystemTime::UNIX_EPOCH)).await? {
            // No build starts while the queue is locked, and afterwards no build finds the folder that was set aside.
            let queue = self.queue.lock().await;
            if queue.iter().any(|job| unused.is_of(&job.build.owner, &job.record.metadata)) {
                continue;
            }
            let aside = unused.set_aside(&self.folders.attempts).await?;
            drop(queue);
            info!(project = %unused, "removed a project that was not built for a long time");
            blocking(move || files::remove_folder_if_there(&aside)).await?;
        }
        Ok(())
    }

    async fn forget(&self, owner: &Owner, id: &BuildId) -> io::Result<()> {
        let output = self.objects.bucket_folder(BucketKind::Output).join(owner.as_str()).join(id.as_str());
        let build = self.folder(owner, id);
        blocking(move || {
            // The record is removed last: as long as it exists, the build id can't be used again.
            files::remove_folder_if_there(&output)?;
            files::remove_folder_if_there(&build)
        })
        .await
    }
}

fn age(object: &Object, now: SystemTime) -> Duration {
    now.duration_since(object.modified).unwrap_or_default()
}
