//! What `clean` removes, and that it stays removed: folders in other sandboxes are older than it.
//!
//! A folder that was saved, or restored, knows its state in the bucket: when that is gone, the project was cleaned (or not
//! built for so long that the bucket let it go). A folder that was never saved knows which marks there were when it was
//! begun: `clean` leaves one beside what it removes, a new one each time.

use std::io;

use builder::{CachedProject, Freed};
use protocol::{Owner, ProjectKey, keys};
use tracing::info;

use super::note::{CacheNote, Marks};
use super::{ProjectCache, blocking, disk_space, key};
use crate::storage::{S3Bucket, S3Error};

/// Below a project's prefix, or an owner's; the name is no project's key.
const MARK: &str = "cleaned";

impl ProjectCache {
    /// The bucket has no state of the project: whatever of it is here from before it was cleaned, goes.
    pub(super) async fn heed_cleaning(&self, project: &CachedProject, known: CacheNote) -> Result<(), S3Error> {
        let marks = self.marks(project).await?;
        let was_cleaned = known.etag.is_some() || known.cleaned.as_ref() != Some(&marks);
        let cleared = async {
            if was_cleaned {
                self.start_cold(project).await?;
            }
            CacheNote { cleaned: Some(marks), ..CacheNote::default() }.write(&self.note(project))
        };
        cleared.await.map_err(S3Error::from)
    }

    /// Whether the project was cleaned while it was built here.
    pub(super) async fn was_cleaned_meanwhile(
        &self,
        project: &CachedProject,
        note: &CacheNote,
    ) -> Result<bool, S3Error> {
        match (&note.etag, &note.cleaned) {
            (Some(_), _) => Ok(self.bucket.etag(&key(project)).await?.is_none()),
            (None, Some(marks)) => Ok(self.marks(project).await? != *marks),
            // Nothing could be seen when it was begun.
            (None, None) => Ok(false),
        }
    }

    /// Removes the project's folder in this sandbox, and what is noted of it.
    pub(super) async fn start_cold(&self, project: &CachedProject) -> io::Result<()> {
        let (work, folder) = (self.work.clone(), project.folder.clone());
        blocking(move || {
            if folder.exists() {
                info!(project = %folder.display(), "the project was cleaned; its folder here is removed");
                disk_space::remove_project(&work, &folder);
            }
            Ok(())
        })
        .await
    }

    async fn marks(&self, project: &CachedProject) -> Result<Marks, S3Error> {
        let (of_project, of_owner) = (mark(&project.owner, Some(&project.key)), mark(&project.owner, None));
        let (project, owner) = tokio::try_join!(self.bucket.etag(&of_project), self.bucket.etag(&of_owner))?;
        Ok(Marks { project, owner })
    }
}

/// Removes what the bucket keeps of a project, or of all the owner's, and marks that.
pub(super) async fn forget(bucket: &S3Bucket, owner: &Owner, project: Option<&ProjectKey>) -> Result<Freed, S3Error> {
    let mark = mark(owner, project);
    // First: a folder that is saved from now on knows of it.
    bucket.put_unique(&mark).await?;
    let prefix = project.map_or_else(|| format!("{owner}/"), |project| keys::cache(owner, project));
    let mut freed = Freed::default();
    for page in bucket.list(&prefix).await? {
        let old: Vec<_> = page.into_iter().filter(|(key, _)| *key != mark).collect();
        bucket.delete(old.iter().map(|(key, _)| key.as_str())).await?;
        for (_, size) in old.iter().filter(|(key, _)| !key.ends_with(&format!("/{MARK}"))) {
            freed += Freed { files: 1, bytes: *size };
        }
    }
    Ok(freed)
}

fn mark(owner: &Owner, project: Option<&ProjectKey>) -> String {
    match project {
        Some(project) => format!("{}{MARK}", keys::cache(owner, project)),
        None => format!("{owner}/{MARK}"),
    }
}
