//! How long things are kept, the same times as the platform's buckets have.

use std::io;
use std::time::{Duration, SystemTime};

use protocol::{BuildId, Owner, keys};
use tracing::{info, warn};

use super::Builds;
use crate::files;
use crate::objects::{BucketKind, Object, Uploads, blocking};

/// Sources of ended builds.
const KEEP_SOURCES: Duration = Duration::from_secs(24 * 3600);

/// Results, artifacts and logs.
const KEEP_OUTPUTS: Duration = Duration::from_secs(7 * 24 * 3600);

/// What is kept of a project between its builds.
const KEEP_PROJECTS: Duration = Duration::from_secs(30 * 24 * 3600);

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_secs(3600);

impl Builds {
    /// Removes what is too old, now and every hour, until the backend is stopped.
    pub async fn keep_tidy(&self, uploads: &Uploads) {
        loop {
            let now = SystemTime::now();
            let removed = self.remove_old(now).await;
            let removed = removed.and(uploads.remove_old(now).await);
            if let Err(error) = removed.and(self.remove_unused_projects(now).await) {
                warn!(%error, "what is too old can't be removed");
            }
            if self.stopping.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none() {
                return;
            }
        }
    }

    /// Removes what is too old at `now`: only of builds that have ended.
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

    /// Removes what is kept of projects that nobody builds any more.
    async fn remove_unused_projects(&self, now: SystemTime) -> io::Result<()> {
        for unused in self.projects.unused(now.checked_sub(KEEP_PROJECTS).unwrap_or(SystemTime::UNIX_EPOCH)).await? {
            // Nothing starts while this is held. What is set aside then, no build finds.
            let queue = self.queue.lock().await;
            if queue.iter().any(|job| unused.is_of(&job.build.owner, &job.record.metadata)) {
                continue;
            }
            let aside = unused.set_aside(&self.folders.attempts).await?;
            drop(queue);
            info!(project = %unused, "what was kept of it is removed");
            blocking(move || files::remove_folder_if_there(&aside)).await?;
        }
        Ok(())
    }

    async fn forget(&self, owner: &Owner, id: &BuildId) -> io::Result<()> {
        let output = self.objects.bucket_folder(BucketKind::Output).join(owner.as_str()).join(id.as_str());
        let build = self.folder(owner, id);
        blocking(move || {
            // The record last: as long as it is there, the id is taken.
            files::remove_folder_if_there(&output)?;
            files::remove_folder_if_there(&build)
        })
        .await
    }
}

fn age(object: &Object, now: SystemTime) -> Duration {
    now.duration_since(object.modified).unwrap_or_default()
}
