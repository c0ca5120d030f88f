//! What a start makes of the builds it finds: none is forgotten.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use protocol::{BuildId, BuildResult, Outcome, Owner, keys};
use tracing::{info, warn};

use super::build::Build;
use super::record::Record;
use super::{Builds, ReceiveError};
use crate::objects::{Bucket, blocking};

impl Builds {
    /// Ends builds that ran when the backend died, queues those that waited, and takes up sources that had just come.
    pub async fn recover(self: &Arc<Self>) -> io::Result<()> {
        let mut waiting = Vec::new();
        for (owner, id) in self.folders_of_builds().await? {
            if self.stored_result(&owner, &id).await.is_ok_and(|result| result.is_some()) {
                continue;
            }
            let build = self.open(&owner, &id).await?;
            let folder = build.folder().to_owned();
            match blocking(move || Record::load(&folder)).await {
                Ok(record) if record.attempt == 0 => waiting.push((build, record)),
                Ok(record) => self.end_dead(&build, record.attempt).await,
                Err(error) => {
                    warn!(build = %id, %error, "its record can't be read");
                    self.end_dead(&build, 0).await;
                }
            }
        }
        waiting.sort_by_key(|(_, record)| record.received);
        for (build, record) in waiting {
            self.requeue(build, record).await?;
        }
        self.take_up_new_sources().await
    }

    async fn end_dead(&self, build: &Arc<Build>, attempt: u32) {
        let message = format!(
            "the backend stopped while attempt {attempt} of this build was running; start it again, it goes on from \
             what was compiled"
        );
        let result = BuildResult::new(build.id.clone(), Outcome::Crashed, build.last()).with_message(message);
        self.conclude(build, BuildResult { complete: false, attempts: attempt, ..result }).await;
    }

    async fn requeue(self: &Arc<Self>, build: Arc<Build>, record: Record) -> io::Result<()> {
        let Ok(key) = keys::source(&build.owner, &build.id).parse() else { return Ok(()) };
        if self.objects.find(Bucket::Input, &key).await?.is_none() {
            let result = BuildResult::new(build.id.clone(), Outcome::Cancelled, build.last());
            self.conclude(&build, result.with_message(protocol::messages::SOURCE_DELETED)).await;
            return Ok(());
        }
        info!(owner = %build.owner, build = %build.id, "queued again");
        if build.last() == 0 {
            build.post_status(protocol::Status::Received).await?;
        }
        self.admit(build, record).await;
        Ok(())
    }

    /// Sources that were stored when the backend died before it had noted the build.
    async fn take_up_new_sources(self: &Arc<Self>) -> io::Result<()> {
        for owner in self.owners().await? {
            let prefix = format!("{owner}/");
            let listing =
                self.objects.list(Bucket::Input, owner.as_str(), prefix, None, String::new(), usize::MAX).await?;
            for (key, object) in listing.objects {
                let Ok((owner, id)) = keys::parse_source(key.as_str()) else { continue };
                if self.is_known(&owner, &id).await? {
                    continue;
                }
                match self.receive(&owner, &id, object.size, object.meta.metadata).await {
                    Ok(()) | Err(ReceiveError::Known) => {}
                    Err(ReceiveError::Io(error)) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Owners who ever sent a source, or have a build.
    pub(super) async fn owners(&self) -> io::Result<Vec<Owner>> {
        let folders = [self.folders.builds.clone(), self.objects.bucket_folder(Bucket::Input)];
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

    /// Every build there is a folder of.
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
