//! Publishes a build's result and then notifies the followers. The first `result.json` that is written is final.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use protocol::{BuildResult, BuildSummary, keys};
use tracing::{error, info};

use super::Builds;
use super::build::BuildHandle;
use super::record::StoredBuild;
use crate::objects::{BucketKind, ObjectKey, PublishError, blocking};

/// How long to wait before trying again to store a result.
const RETRY: Duration = Duration::from_secs(15);

impl Builds {
    /// Ends a build with this result, or with the stored result if there is one already.
    pub(super) async fn publish_result(&self, build: &Arc<BuildHandle>, result: BuildResult) {
        let result = BuildResult { summary: summary_of(build).await, ..result };
        let ending = match self.store_result(build, &result).await {
            Ok(ending) => ending,
            Err(error) => {
                error!(build = %build.id, %error, "the result can't be stored; trying again");
                self.tasks.spawn(retry(self.objects.clone(), build.clone(), result.clone(), self.stopping.clone()));
                result
            }
        };
        let outcome = ending.outcome;
        info!(owner = %build.owner, build = %build.id, ?outcome, attempts = ending.attempts, "ended");
        build.end(ending).await;
    }

    async fn store_result(&self, build: &BuildHandle, result: &BuildResult) -> io::Result<BuildResult> {
        let key = result_key(build)?;
        match self.objects.publish_bytes(BucketKind::Output, &key, serde_json::to_vec(result)?).await {
            Ok(()) => Ok(result.clone()),
            Err(PublishError::Exists) => {
                Ok(self.stored_result(&build.owner, &build.id).await?.unwrap_or_else(|| result.clone()))
            }
            Err(PublishError::Io(error)) => Err(error),
        }
    }
}

/// The summary of the request, from the build's record. None if the record can't be read; the result then has no
/// summary.
async fn summary_of(build: &BuildHandle) -> Option<BuildSummary> {
    let folder = build.folder().to_owned();
    let record = blocking(move || StoredBuild::load(&folder)).await.ok()?;
    BuildSummary::of(&record.metadata)
}

fn result_key(build: &BuildHandle) -> io::Result<ObjectKey> {
    keys::result(&build.owner, &build.id).parse().map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// Tries again until the result is stored or the backend stops. The next start ends a build that has no result.
async fn retry(
    objects: crate::objects::Objects,
    build: Arc<BuildHandle>,
    result: BuildResult,
    stopping: tokio_util::sync::CancellationToken,
) {
    while stopping.run_until_cancelled(tokio::time::sleep(RETRY)).await.is_some() {
        let (Ok(key), Ok(json)) = (result_key(&build), serde_json::to_vec(&result)) else { return };
        match objects.publish_bytes(BucketKind::Output, &key, json).await {
            Ok(()) | Err(PublishError::Exists) => return,
            Err(PublishError::Io(error)) => error!(build = %build.id, %error, "the result still can't be stored"),
        }
    }
}
