//! The objects of the buckets, stored as files. Each object is written once as a whole and never changed.

mod key;
mod listing;
mod uploads;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::task::spawn_blocking;

use crate::files;
pub(crate) use key::{BucketKind, ObjectKey};
pub(crate) use listing::ListQuery;
pub(crate) use uploads::{AssembleError, MAX_PART_NUMBER, MultipartUpload, UploadTarget, Uploads};

/// Metadata that is stored beside an uploaded object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectMeta {
    /// The ETag, without quotation marks.
    pub etag: String,
    /// Media type from the upload request, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// User metadata; names are without `x-amz-meta-`.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// An object that exists in a bucket.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub path: PathBuf,
    pub size: u64,
    pub modified: SystemTime,
    pub meta: ObjectMeta,
}

/// The reason why an object was not written.
#[derive(Debug, Error)]
pub(crate) enum PublishError {
    #[error("the object exists already")]
    Exists,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The objects of both buckets, as files on disk.
#[derive(Debug, Clone)]
pub(crate) struct Objects {
    root: PathBuf,
    staging: PathBuf,
    /// Locked from the check that a key is free until the object is in place. Only one process uses the folder, so this
    /// makes the step atomic.
    commit: Arc<Mutex<()>>,
}

impl Objects {
    /// Creates a store with its buckets in `root`. `staging` must be on the same file system, because files are moved.
    pub fn new(root: PathBuf, staging: PathBuf) -> Self {
        Self { root, staging, commit: Arc::default() }
    }

    /// The folder for request bodies while they arrive.
    pub fn staging(&self) -> &Path {
        &self.staging
    }

    /// Moves a file to its key, unless the key is taken. When this returns, the object survives a power cut.
    pub async fn publish(
        &self,
        bucket: BucketKind,
        key: &ObjectKey,
        file: PathBuf,
        meta: Option<ObjectMeta>,
    ) -> Result<(), PublishError> {
        let path = self.path(bucket, key);
        let commit = self.commit.clone();
        try_blocking(move || {
            File::open(&file)?.sync_all()?;
            let folder = path.parent().unwrap_or(Path::new("/"));
            files::make_private_folder(folder)?;
            let _guard = commit.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if path.try_exists()? {
                return Err(PublishError::Exists);
            }
            match meta {
                // Written before the object, because metadata without an object is ignored.
                Some(meta) => {
                    files::write_atomically(&sidecar(&path), &serde_json::to_vec(&meta).map_err(io::Error::from)?)?
                }
                None => files::remove_if_there(&sidecar(&path))?,
            }
            fs::rename(&file, &path)?;
            files::sync_folder(folder)?;
            Ok(())
        })
        .await
    }

    /// Writes a small object, unless one exists already.
    pub async fn publish_bytes(&self, bucket: BucketKind, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), PublishError> {
        let staging = self.staging.clone();
        let file = blocking(move || {
            use std::io::Write;
            let mut file = tempfile::NamedTempFile::new_in(staging)?;
            file.write_all(&bytes)?;
            Ok(file.into_temp_path())
        })
        .await?;
        // The temporary path is dropped after the move, when there is no file left to remove.
        self.publish(bucket, key, file.to_path_buf(), None).await
    }

    /// Returns the object with this key, if there is one.
    pub async fn find(&self, bucket: BucketKind, key: &ObjectKey) -> io::Result<Option<Object>> {
        let path = self.path(bucket, key);
        blocking(move || describe(path)).await
    }

    /// Reads a whole object of at most `limit` bytes; a larger one is an error. None if there is none.
    pub async fn read(&self, bucket: BucketKind, key: &ObjectKey, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(object) = self.find(bucket, key).await? else { return Ok(None) };
        if object.size > limit {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{key} is larger than {limit} bytes")));
        }
        Ok(Some(tokio::fs::read(object.path).await?))
    }

    /// Removes an object and its metadata. True if there was one.
    pub async fn delete(&self, bucket: BucketKind, key: &ObjectKey) -> io::Result<bool> {
        let path = self.path(bucket, key);
        let commit = self.commit.clone();
        blocking(move || {
            let _guard = commit.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            match fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error),
            }
            files::remove_if_there(&sidecar(&path))?;
            files::sync_folder(path.parent().unwrap_or(Path::new("/")))?;
            Ok(true)
        })
        .await
    }

    /// The folder that holds the owners' folders of a bucket.
    pub fn bucket_folder(&self, bucket: BucketKind) -> PathBuf {
        self.root.join(bucket.name())
    }

    fn path(&self, bucket: BucketKind, key: &ObjectKey) -> PathBuf {
        self.bucket_folder(bucket).join(key.as_str())
    }
}

fn describe(path: PathBuf) -> io::Result<Option<Object>> {
    let file = match fs::symlink_metadata(&path) {
        Ok(file) if file.is_file() => file,
        Ok(_) => return Ok(None),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let modified = file.modified()?;
    let meta = match fs::read(sidecar(&path)) {
        Ok(json) => serde_json::from_slice(&json)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let since = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            // Objects never change, so size and time identify one without reading it.
            ObjectMeta {
                etag: format!("{:x}-{:x}", file.len(), since.as_nanos()),
                content_type: None,
                metadata: BTreeMap::new(),
            }
        }
        Err(error) => return Err(error),
    };
    Ok(Some(Object { path, size: file.len(), modified, meta }))
}

/// Path of the metadata file beside an object. No valid key ends with its suffix.
fn sidecar(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(key::SIDECAR);
    PathBuf::from(name)
}

/// Runs blocking work on a separate thread. A panic in it becomes an error.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    try_blocking(work).await
}

/// Like [`blocking`], for work that has its own error type.
async fn try_blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<io::Error> + Send + 'static,
{
    spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(folder: &Path) -> Objects {
        let staging = folder.join("staging");
        fs::create_dir(&staging).unwrap();
        Objects::new(folder.join("objects"), staging)
    }

    fn staged(objects: &Objects, name: &str) -> PathBuf {
        let path = objects.staging().join(name);
        fs::write(&path, name).unwrap();
        path
    }

    fn meta(etag: &str) -> ObjectMeta {
        ObjectMeta { etag: etag.to_owned(), content_type: None, metadata: [("a".to_owned(), "b".to_owned())].into() }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn one_of_many_concurrent_writes_of_a_key_wins_with_its_own_metadata() {
        let folder = tempfile::tempdir().unwrap();
        let objects = objects(folder.path());
        let key: ObjectKey = "me/x.zip".parse().unwrap();
        let mut tasks = Vec::new();
        for n in 0..20 {
            let (objects, key) = (objects.clone(), key.clone());
            let file = staged(&objects, &n.to_string());
            tasks.push(tokio::spawn(async move {
                objects.publish(BucketKind::Input, &key, file, Some(meta(&n.to_string()))).await
            }));
        }
        let mut won = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(()) => won += 1,
                Err(PublishError::Exists) => {}
                Err(PublishError::Io(error)) => panic!("{error}"),
            }
        }
        assert_eq!(won, 1);
        let object = objects.find(BucketKind::Input, &key).await.unwrap().unwrap();
        assert_eq!(fs::read_to_string(&object.path).unwrap(), object.meta.etag);
        assert_eq!(object.meta.metadata["a"], "b");
    }

    #[tokio::test]
    async fn deleting_an_object_deletes_its_metadata() {
        let folder = tempfile::tempdir().unwrap();
        let objects = objects(folder.path());
        let key: ObjectKey = "me/x.zip".parse().unwrap();
        objects.publish(BucketKind::Input, &key, staged(&objects, "one"), Some(meta("one"))).await.unwrap();
        assert!(objects.delete(BucketKind::Input, &key).await.unwrap());
        assert!(!objects.delete(BucketKind::Input, &key).await.unwrap());
        assert!(objects.find(BucketKind::Input, &key).await.unwrap().is_none());
        objects.publish_bytes(BucketKind::Input, &key, b"two".to_vec()).await.unwrap();
        let object = objects.find(BucketKind::Input, &key).await.unwrap().unwrap();
        assert!(object.meta.metadata.is_empty() && object.meta.etag.starts_with("3-"));
        assert_eq!(fs::read_dir(objects.staging()).unwrap().count(), 0);
    }
}
