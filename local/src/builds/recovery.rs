//! Recovers the builds of earlier runs at the start: each gets a result or is queued again.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use builder::lifecycle::{Abort, AttemptStart, Lifecycle, StopReason, StorageReport};
use protocol::{BuildId, Owner, keys};
use tracing::{info, warn};

use super::build::BuildHandle;
use super::record::StoredBuild;
use super::run::LIMITS;
use super::{AcceptError, Builds};
use crate::objects::{BucketKind, ListQuery, blocking};

impl Builds {
    /// Ends builds that were running when the backend died, queues those that were waiting, and receives sources that
    /// were not recorded yet.
    pub async fn recover(self: &Arc<Self>) -> io::Result<()> {
        let mut waiting = Vec::new();
        for (owner, id) in self.folders_of_builds().await? {
            if self.stored_result(&owner, &id).await.is_ok_and(|result| result.is_some()) {
                continue;
            }
            let build = self.open(&owner, &id).await?;
            let folder = build.folder().to_owned();
            match blocking(move || StoredBuild::load(&folder)).await {
                Ok(record) if record.attempt == 0 => waiting.push((build, record)),
                Ok(record) => self.end_unfinished(&build, record.attempt).await,
                Err(error) => {
                    warn!(build = %id, %error, "the build's record can't be read");
                    self.end_unfinished(&build, 0).await;
                }
            }
        }
        waiting.sort_by_key(|(_, record)| record.received);
        for (build, record) in waiting {
            self.requeue(build, record).await?;
        }
        self.take_up_new_sources().await
    }

    /// Ends a build whose attempt number `attempt` was running; 0 if the number is unknown.
    async fn end_unfinished(&self, build: &Arc<BuildHandle>, attempt: u32) {
        let stop = self.stop_reason(build).await;
        self.abort(build, attempt, Abort::BackendDied, stop).await;
    }

    /// Ends a build that isn't running, after `attempt` attempts.
    pub(super) async fn abort(&self, build: &Arc<BuildHandle>, attempt: u32, why: Abort, stop: Option<StopReason>) {
        let start = AttemptStart { number: attempt.max(1), ..AttemptStart::first(build.last() + 1) };
        let mut life = Lifecycle::new(build.id.clone(), LIMITS, start);
        if attempt > 0 {
            life.begin();
        }
        let result = life.aborted(why, stop, StorageReport::default());
        self.publish_result(build, result).await;
    }

    async fn requeue(self: &Arc<Self>, build: Arc<BuildHandle>, record: StoredBuild) -> io::Result<()> {
        let Ok(key) = keys::source(&build.owner, &build.id).parse() else { return Ok(()) };
        if self.objects.find(BucketKind::Input, &key).await?.is_none() {
            self.abort(&build, 0, Abort::Stopped, Some(StopReason::SourceDeleted)).await;
            return Ok(());
        }
        info!(owner = %build.owner, build = %build.id, "queued again");
        if build.last() == 0 {
            build.post_status(protocol::Status::Received).await?;
        }
        self.admit(build, record).await;
        Ok(())
    }

    /// Receives sources that have no record, because the backend died right after it stored them.
    async fn take_up_new_sources(self: &Arc<Self>) -> io::Result<()> {
        for owner in self.owners().await? {
            let listing = self.objects.list(BucketKind::Input, ListQuery::all_of(&owner)).await?;
            for (key, object) in listing.objects {
                let Ok((owner, id)) = keys::parse_source(key.as_str()) else { continue };
                if self.is_known(&owner, &id).await? {
                    continue;
                }
                match self.receive(&owner, &id, object.size, object.meta.metadata).await {
                    Ok(()) | Err(AcceptError::Known) => {}
                    Err(AcceptError::Io(error)) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Owners that have sent a source or have a build.
    pub(super) async fn owners(&self) -> io::Result<Vec<Owner>> {
        let folders = [self.folders.builds.clone(), self.objects.bucket_folder(BucketKind::Input)];
        blocking(move || {
            let mut owners = Vec::new();
            for folder in folders {
                owners.extend(names(folder)?.into_iter().filter_map(|name| name.parse::<Owner>().ok()));
            }
            owners.sort();
            owners.dedup();
            Ok(owners)
        })
        .await
    }

    /// All builds that have a folder on disk.
    pub(super) async fn folders_of_builds(&self) -> io::Result<Vec<(Owner, BuildId)>> {
        let owners = self.owners().await?;
        let root = self.folders.builds.clone();
        blocking(move || {
            let mut builds = Vec::new();
            for owner in owners {
                for name in names(root.join(owner.as_str()))? {
                    if let Ok(id) = name.parse() {
                        builds.push((owner.clone(), id));
                    }
                }
            }
            Ok(builds)
        })
        .await
    }
}

fn names(folder: PathBuf) -> io::Result<Vec<String>> {
    match folder.read_dir() {
        Ok(entries) => {
            entries.filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose()).collect()
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
