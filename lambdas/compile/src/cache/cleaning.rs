//! Removes what `clean` asks for, and makes sure that it stays removed: other sandboxes may still have older folders of
//! the project.
//!
//! A folder that was saved or restored knows its state in the bucket. If that state is gone, the project was cleaned
//! (or was not built for so long that the bucket expired it). A folder that was never saved knows which marks existed
//! when it was begun: `clean` writes a new mark each time, beside the objects it removes.

use std::io;

use builder::{CachedProject, Freed};
use protocol::{Owner, ProjectKey, keys};
use tracing::info;

use super::note::{CacheNote, Marks};
use super::{ProjectCache, blocking, disk_space, key};
use crate::storage::{S3Bucket, S3Error};

/// Name of the object that marks a cleaning, below the prefix of a project or an owner. No project key has this name.
const MARK: &str = "cleaned";

impl ProjectCache {
    /// Called when the bucket has no state of the project. Removes the folder in this sandbox if the project was
    /// cleaned since the folder was begun, and notes the current marks.
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

    /// Whether the project was cleaned while this sandbox built it.
    pub(super) async fn was_cleaned_meanwhile(
        &self,
        project: &CachedProject,
        note: &CacheNote,
    ) -> Result<bool, S3Error> {
        match (&note.etag, &note.cleaned) {
            (Some(_), _) => Ok(self.bucket.etag(&key(project)).await?.is_none()),
            (None, Some(marks)) => Ok(self.marks(project).await? != *marks),
            // The bucket did not answer when the folder was begun, so the marks of that time are unknown.
            (None, None) => Ok(false),
        }
    }

    /// Removes the project's folder in this sandbox, and its note.
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

/// Removes a project, or all projects of the owner, from the bucket, and leaves a mark of the cleaning.
pub(super) async fn forget(bucket: &S3Bucket, owner: &Owner, project: Option<&ProjectKey>) -> Result<Freed, S3Error> {
    let mark = mark(owner, project);
    // Write the mark first, so that a folder saved from now on knows it.
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
