//! Reads an attempt's source from the input bucket and stores its outputs in the output bucket.

use std::io;
use std::path::{Path, PathBuf};

use protocol::keys;
use tracing::warn;

use super::Builds;
use super::build::BuildHandle;
use super::record::StoredBuild;
use crate::files;
use crate::objects::{BucketKind, ObjectKey, PublishError, blocking};

impl Builds {
    /// Path of a build's source archive; none if it was deleted.
    pub(super) async fn source(&self, build: &BuildHandle) -> io::Result<Option<PathBuf>> {
        let key = object_key(&keys::source(&build.owner, &build.id))?;
        Ok(self.objects.find(BucketKind::Input, &key).await?.map(|object| object.path))
    }

    /// Records in the build's folder and in the output bucket that an attempt begins, and creates the attempt's folder.
    pub(super) async fn note_attempt(
        &self,
        build: &BuildHandle,
        record: &StoredBuild,
        number: u32,
        output: &Path,
    ) -> io::Result<()> {
        let claim = object_key(&keys::claim(&build.owner, &build.id, number))?;
        match self.objects.publish_bytes(BucketKind::Output, &claim, b"{}".to_vec()).await {
            Ok(()) | Err(PublishError::Exists) => {}
            Err(PublishError::Io(error)) => return Err(error),
        }
        let record = StoredBuild { attempt: number, ..record.clone() };
        let (folder, output) = (build.folder().to_owned(), output.to_owned());
        blocking(move || {
            record.save(&folder)?;
            files::make_private_folder(&output)
        })
        .await
    }

    /// Moves the artifact into the output bucket.
    pub(super) async fn store_artifact(&self, build: &BuildHandle, artifact: PathBuf) -> io::Result<()> {
        self.store(build, &keys::artifact(&build.owner, &build.id), artifact).await
    }

    /// Moves the log of attempt `number` into the output bucket.
    pub(super) async fn store_log(&self, build: &BuildHandle, number: u32, log: PathBuf) -> io::Result<()> {
        self.store(build, &keys::log(&build.owner, &build.id, number), log).await
    }

    async fn store(&self, build: &BuildHandle, key: &str, file: PathBuf) -> io::Result<()> {
        match self.objects.publish(BucketKind::Output, &object_key(key)?, file, None).await {
            Ok(()) => Ok(()),
            Err(PublishError::Exists) => {
                warn!(build = %build.id, key, "the object exists already and is left as it is");
                Ok(())
            }
            Err(PublishError::Io(error)) => Err(error),
        }
    }
}

/// Describes an I/O error for the person who reads the build's result.
pub(super) fn io_reason(error: &io::Error) -> String {
    if files::is_full(error) {
        "the backend's disk is full, free some space for its data folder".to_owned()
    } else {
        error.to_string()
    }
}

fn object_key(key: &str) -> io::Result<ObjectKey> {
    key.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("`{key}` is not an object key")))
}
