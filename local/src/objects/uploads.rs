//! Multipart uploads, kept on disk until they are completed or aborted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use protocol::multipart_etag;
use s3s::crypto::{Checksum as _, Md5};
use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempPath};
use thiserror::Error;

use super::{Objects, blocking, try_blocking};
use crate::files;
use crate::keys::random_id;

/// The smallest size of a part in bytes, except for the last part. This is S3's limit (docs.aws.amazon.com/AmazonS3,
/// multipart upload limits).
const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;

/// The highest part number; this is S3's limit.
pub(crate) const MAX_PART_NUMBER: i32 = 10_000;

/// How long an incomplete upload is kept.
const KEEP: Duration = Duration::from_secs(24 * 3600);

const ABOUT_FILE: &str = "upload.json";

/// Key and metadata from the request that began the upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UploadTarget {
    pub key: String,
    pub content_type: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

/// A multipart upload that is under way.
#[derive(Debug, Clone)]
pub(crate) struct MultipartUpload {
    pub about: UploadTarget,
    folder: PathBuf,
}

/// A part that was uploaded. Its file is named `<number>.<MD5>`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UploadedPart {
    path: PathBuf,
    etag: String,
    size: u64,
}

/// The reason why parts can't be put together.
#[derive(Debug, Error)]
pub(crate) enum AssembleError {
    /// S3 calls this error `InvalidPart`.
    #[error("part {0} is missing, or was sent with different content")]
    Missing(i32),
    /// S3 calls this error `InvalidPartOrder`.
    #[error("list at least one part, in ascending order, each once")]
    Order,
    /// S3 calls this error `EntityTooSmall`.
    #[error("part {0} is smaller than 5 MiB, which only the last part may be")]
    TooSmall(i32),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// An object that was put together from its parts.
#[derive(Debug)]
pub(crate) struct Assembled {
    pub file: TempPath,
    pub size: u64,
    pub etag: String,
}

/// All multipart uploads that are under way.
#[derive(Debug, Clone)]
pub(crate) struct Uploads {
    root: PathBuf,
    staging: PathBuf,
}

impl Uploads {
    /// Keeps uploads in `root`, which must be on the same file system as the objects.
    pub fn new(root: PathBuf, objects: &Objects) -> Self {
        Self { root, staging: objects.staging().to_owned() }
    }

    /// Begins an upload and returns its id.
    pub async fn create(&self, about: UploadTarget) -> io::Result<String> {
        let id = random_id().map_err(io::Error::other)?;
        let folder = self.root.join(&id);
        blocking(move || {
            files::make_private_folder(&folder)?;
            files::write_atomically(&folder.join(ABOUT_FILE), &serde_json::to_vec(&about)?)
        })
        .await?;
        Ok(id)
    }

    /// Returns the upload with this id and key. None for an invalid or unknown id.
    pub async fn find(&self, id: &str, key: &str) -> io::Result<Option<MultipartUpload>> {
        if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let folder = self.root.join(id);
        let about = match tokio::fs::read(folder.join(ABOUT_FILE)).await {
            Ok(json) => serde_json::from_slice::<UploadTarget>(&json)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok((about.key == key).then_some(MultipartUpload { about, folder }))
    }

    /// Total size of all parts in bytes, except part `number`, which may be uploaded again.
    pub async fn size_without(&self, upload: &MultipartUpload, number: i32) -> io::Result<u64> {
        let folder = upload.folder.clone();
        let parts = blocking(move || parts(&folder)).await?;
        Ok(parts.iter().filter(|(n, _)| **n != number).map(|(_, part)| part.size).sum())
    }

    /// Adds a part. It replaces an earlier part with the same number.
    pub async fn add(&self, upload: &MultipartUpload, number: i32, file: TempPath, etag: String) -> io::Result<()> {
        let folder = upload.folder.clone();
        blocking(move || {
            let old = parts(&folder)?.remove(&number);
            let path = folder.join(format!("{number}.{etag}"));
            file.persist(&path)?;
            match old {
                Some(old) if old.path != path => files::remove_if_there(&old.path),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Puts the listed parts together in a new file. The parts stay until [`Uploads::remove`].
    pub async fn assemble(
        &self,
        upload: &MultipartUpload,
        named: Vec<(i32, String)>,
    ) -> Result<Assembled, AssembleError> {
        let (folder, staging) = (upload.folder.clone(), self.staging.clone());
        try_blocking(move || {
            let chosen = choose(parts(&folder)?, &named)?;
            let mut whole = NamedTempFile::new_in(staging)?;
            let mut size = 0;
            for part in &chosen {
                size += io::copy(&mut File::open(&part.path)?, whole.as_file_mut())?;
            }
            // This program named the part files, so their names hold MD5s.
            let etag = combined_etag(&chosen).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
            Ok(Assembled { file: whole.into_temp_path(), size, etag })
        })
        .await
    }

    /// Removes an upload that was aborted or completed.
    pub async fn remove(&self, upload: MultipartUpload) -> io::Result<()> {
        blocking(move || files::remove_folder_if_there(&upload.folder)).await
    }

    /// Removes uploads that were last changed more than a day before `now`.
    pub async fn remove_old(&self, now: SystemTime) -> io::Result<()> {
        let root = self.root.clone();
        blocking(move || {
            for entry in root.read_dir()? {
                let entry = entry?;
                let age = now.duration_since(entry.metadata()?.modified()?).unwrap_or_default();
                if age > KEEP {
                    files::remove_folder_if_there(&entry.path())?;
                }
            }
            Ok(())
        })
        .await
    }
}

fn parts(folder: &std::path::Path) -> io::Result<BTreeMap<i32, UploadedPart>> {
    let mut parts = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some((number, etag)) = name.to_str().and_then(|name| name.split_once('.')) else { continue };
        if let Ok(number) = number.parse() {
            let part = UploadedPart { path: entry.path(), etag: etag.to_owned(), size: entry.metadata()?.len() };
            parts.insert(number, part);
        }
    }
    Ok(parts)
}

fn choose(mut parts: BTreeMap<i32, UploadedPart>, named: &[(i32, String)]) -> Result<Vec<UploadedPart>, AssembleError> {
    if named.is_empty() || named.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return Err(AssembleError::Order);
    }
    let mut chosen = Vec::new();
    for (index, (number, etag)) in named.iter().enumerate() {
        let part = parts.remove(number).filter(|part| part.etag == *etag).ok_or(AssembleError::Missing(*number))?;
        if part.size < MIN_PART_BYTES && index + 1 < named.len() {
            return Err(AssembleError::TooSmall(*number));
        }
        chosen.push(part);
    }
    Ok(chosen)
}

/// The ETag of the object that these parts make. None if a part's name holds no MD5.
fn combined_etag(parts: &[UploadedPart]) -> Option<String> {
    multipart_etag(parts.iter().map(|part| part.etag.as_str()), |digests| {
        let mut md5 = Md5::new();
        md5.update(digests);
        md5.finalize()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(sizes: &[u64]) -> BTreeMap<i32, UploadedPart> {
        (1..)
            .zip(sizes)
            .map(|(number, size)| {
                (number, UploadedPart { path: PathBuf::new(), etag: format!("e{number}"), size: *size })
            })
            .collect()
    }

    fn named(numbers: &[i32]) -> Vec<(i32, String)> {
        numbers.iter().map(|number| (*number, format!("e{number}"))).collect()
    }

    #[test]
    fn parts_are_chosen_as_s3_does() {
        let sizes = [MIN_PART_BYTES, MIN_PART_BYTES, 1];
        assert_eq!(choose(there(&sizes), &named(&[1, 3])).unwrap().len(), 2);
        assert!(matches!(choose(there(&sizes), &named(&[1, 3, 2])), Err(AssembleError::Order)));
        assert!(matches!(choose(there(&sizes), &named(&[1, 1])), Err(AssembleError::Order)));
        assert!(matches!(choose(there(&sizes), &[]), Err(AssembleError::Order)));
        assert!(matches!(choose(there(&sizes), &named(&[4])), Err(AssembleError::Missing(4))));
        assert!(matches!(choose(there(&sizes), &[(1, "other".to_owned())]), Err(AssembleError::Missing(1))));
        assert!(matches!(choose(there(&[1, 1]), &named(&[1, 2])), Err(AssembleError::TooSmall(1))));
    }

    #[test]
    fn the_etag_of_parts_is_computed_as_s3_does() {
        // `printf '' | md5sum` twice, decoded, then md5sum again.
        let part = UploadedPart { path: PathBuf::new(), etag: "d41d8cd98f00b204e9800998ecf8427e".to_owned(), size: 0 };
        assert_eq!(combined_etag(std::slice::from_ref(&part)).as_deref(), Some("59adb24ef3cdbe0297f05b395827453f-1"));
        assert!(combined_etag(&[part.clone(), part]).is_some_and(|etag| etag.ends_with("-2")));
    }

    #[tokio::test]
    async fn a_part_sent_again_replaces_the_first_and_invalid_ids_find_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::new(folder.path().join("objects"), folder.path().to_owned());
        let uploads = Uploads::new(folder.path().join("uploads"), &objects);
        let about = UploadTarget { key: "me/x.zip".to_owned(), content_type: None, metadata: BTreeMap::new() };
        let id = uploads.create(about).await.unwrap();
        for strange in ["", "..", "../x", "0123"] {
            assert!(uploads.find(strange, "me/x.zip").await.unwrap().is_none(), "{strange}");
        }
        assert!(uploads.find(&id, "other/x.zip").await.unwrap().is_none());
        let upload = uploads.find(&id, "me/x.zip").await.unwrap().unwrap();
        for text in ["first", "second one"] {
            let file = NamedTempFile::new_in(folder.path()).unwrap();
            fs::write(file.path(), text).unwrap();
            uploads.add(&upload, 1, file.into_temp_path(), format!("{:032x}", text.len())).await.unwrap();
        }
        assert_eq!(uploads.size_without(&upload, 2).await.unwrap(), 10);
        assert_eq!(uploads.size_without(&upload, 1).await.unwrap(), 0);
        let whole = uploads.assemble(&upload, vec![(1, format!("{:032x}", 10))]).await.unwrap();
        assert_eq!(fs::read_to_string(&whole.file).unwrap(), "second one");
        uploads.remove_old(SystemTime::now()).await.unwrap();
        assert!(uploads.find(&id, "me/x.zip").await.unwrap().is_some());
        uploads.remove_old(SystemTime::now() + KEEP * 2).await.unwrap();
        assert!(uploads.find(&id, "me/x.zip").await.unwrap().is_none());
    }
}
