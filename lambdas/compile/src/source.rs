//! Fetches the source of a build, and watches for its deletion while it is built.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use builder::lifecycle::StopReason;
use futures_util::TryStreamExt;
use protocol::limits::CANCEL_POLL;
use protocol::{BuildSummary, Capabilities, InvalidRequest, RequestHead};
use thiserror::Error;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::storage::{ObjectDownload, OpenedObject, S3Bucket, S3Error};

/// How long S3 may take to answer one check of the source.
const LOOK_PATIENCE: Duration = Duration::from_secs(10);

/// Why a source is not built.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The source was deleted or replaced.
    #[error("the build was stopped: {0:?}")]
    Stopped(StopReason),
    /// The request is invalid or asks for something that this builder can't do.
    #[error(transparent)]
    Refused(#[from] InvalidRequest),
    /// S3 or the disk failed while the source was fetched.
    #[error("the source can't be fetched: {0}; build again")]
    Storage(S3Error),
}

impl From<S3Error> for SourceError {
    fn from(error: S3Error) -> Self {
        match error {
            S3Error::Deleted(_) => Self::Stopped(StopReason::SourceDeleted),
            S3Error::Replaced(_) => Self::Stopped(StopReason::SourceReplaced),
            other => Self::Storage(other),
        }
    }
}

/// A source that was admitted, before its content is saved.
pub struct Source {
    /// The object's metadata. Names are in lower case, without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// The ETag of the object, with its quotation marks.
    pub etag: String,
    download: ObjectDownload,
}

/// Opens a source and checks its metadata and size. With `etag`, only the source with this ETag is accepted. `asked` is
/// set even if the source is refused, so that the result can say what was asked for.
pub async fn open(
    bucket: &S3Bucket,
    key: &str,
    etag: Option<&str>,
    asked: &OnceLock<BuildSummary>,
    capabilities: impl AsyncFnOnce() -> Option<Capabilities>,
) -> Result<Source, SourceError> {
    let download = match bucket.open(key, etag).await? {
        OpenedObject::Object(download) => *download,
        OpenedObject::Missing => return Err(SourceError::Stopped(StopReason::SourceDeleted)),
        OpenedObject::Different => return Err(SourceError::Stopped(StopReason::SourceReplaced)),
        OpenedObject::Empty => return Err(InvalidRequest::Empty.into()),
    };
    let metadata = download.metadata();
    if let Some(told) = BuildSummary::of(&metadata) {
        let _ = asked.set(told);
    }
    admit(&metadata, download.size, capabilities).await?;
    Ok(Source { metadata, etag: download.etag().to_owned(), download })
}

async fn admit(
    metadata: &BTreeMap<String, String>,
    size: u64,
    capabilities: impl AsyncFnOnce() -> Option<Capabilities>,
) -> Result<(), InvalidRequest> {
    let head = RequestHead::decode(metadata)?;
    // The engine may still be starting, so only a request that names a target waits for it.
    let can = if head.target.is_empty() { None } else { capabilities().await };
    protocol::admit(&head, size, can.as_ref())
}

impl Source {
    /// Writes the source to a file.
    pub async fn save(self, path: &Path) -> Result<(), SourceError> {
        let mut file = File::create(path).await.map_err(S3Error::from)?;
        let mut pieces = std::pin::pin!(self.download.pieces());
        while let Some(piece) = pieces.try_next().await? {
            file.write_all(&piece).await.map_err(S3Error::from)?;
        }
        file.flush().await.map_err(S3Error::from)?;
        Ok(())
    }
}

/// Checks every few seconds whether the source still exists, and cancels the build if it was deleted or replaced.
pub struct SourceWatch {
    task: tokio::task::JoinHandle<()>,
    why: Arc<OnceLock<StopReason>>,
}

impl SourceWatch {
    /// Starts to watch the object. `cancel` is cancelled once the object is missing or has another ETag than `etag`.
    pub fn start(bucket: S3Bucket, key: String, etag: String, cancel: CancellationToken) -> Self {
        let why = Arc::new(OnceLock::new());
        let found = why.clone();
        let task = tokio::spawn(async move {
            let reason = loop {
                tokio::time::sleep(CANCEL_POLL).await;
                match tokio::time::timeout(LOOK_PATIENCE, bucket.etag(&key)).await {
                    Ok(Ok(Some(now))) if now == etag => {}
                    Ok(Ok(Some(_))) => break StopReason::SourceReplaced,
                    Ok(Ok(None)) => break StopReason::SourceDeleted,
                    Ok(Err(error)) => warn!(%error, "could not check whether the source still exists"),
                    Err(_) => warn!("S3 did not answer in time whether the source still exists"),
                }
            };
            info!(?reason, "the build is stopped");
            let _ = found.set(reason);
            cancel.cancel();
        });
        Self { task, why }
    }

    /// Stops watching, and returns why the build was cancelled, if it was.
    pub fn stop(self) -> Option<StopReason> {
        self.task.abort();
        self.why.get().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn admitted(fields: &[(&str, &str)], size: u64) -> Result<(), InvalidRequest> {
        let metadata = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let can = Capabilities { targets: vec!["h".to_owned()], ..Capabilities::new("h", "0.1.0") };
        admit(&metadata, size, async || Some(can)).await
    }

    #[tokio::test]
    async fn a_source_is_admitted_or_refused_by_its_metadata_and_size() {
        let good = [("protocol", "1"), ("client", "0.1.0"), ("command", "build"), ("project", "demo-00")];
        assert!(admitted(&good, 5).await.is_ok());
        assert!(admitted(&good[1..], 5).await.unwrap_err().to_string().contains("`protocol`"));
        assert!(admitted(&good, u64::MAX).await.unwrap_err().to_string().contains("MiB"));
        let with = |name, value| good.iter().copied().chain([(name, value)]).collect::<Vec<_>>();
        assert!(admitted(&with("target", "h"), 5).await.is_ok());
        assert!(admitted(&with("target", "x"), 5).await.unwrap_err().to_string().contains("can't build for `x`"));
        let long = "x".repeat(3000);
        assert!(admitted(&with("more", &long), 5).await.unwrap_err().to_string().contains("too long"));
    }
}
