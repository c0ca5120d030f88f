//! Creates objects that must not replace an existing one.

use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::time::timeout_at;
use tracing::warn;

use super::parts::{PART, completed};
use super::{S3Bucket, S3Error, etag, status};

/// How often a write is repeated when S3 reports that another write of the same object is under way (409).
const CONFLICTS: u32 = 5;

/// The wait before such a write is repeated.
const CONFLICT_WAIT: Duration = Duration::from_millis(200);

/// Whose content an object has after an attempt to create it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The content is ours, written now or by a call whose answer was lost.
    Ours,
    /// Another writer created the object first, with different content.
    Others,
}

impl S3Bucket {
    /// Creates an object, unless one with this key exists.
    pub async fn create(
        &self,
        key: &str,
        content: Bytes,
        content_type: &str,
        until: Instant,
    ) -> Result<Created, S3Error> {
        timeout_at(until.into(), self.put_new(key, content, content_type)).await.unwrap_or(Err(S3Error::OutOfTime))
    }

    /// Creates an object from a file, in parts if the file is larger than [`PART`].
    pub async fn create_from_file(
        &self,
        key: &str,
        file: &Path,
        content_type: &str,
        until: Instant,
    ) -> Result<Created, S3Error> {
        let work = async {
            let size = tokio::fs::metadata(file).await?.len();
            if size <= PART as u64 {
                return self.put_new(key, tokio::fs::read(file).await?.into(), content_type).await;
            }
            self.put_new_in_parts(key, file, size, content_type).await
        };
        timeout_at(until.into(), work).await.unwrap_or(Err(S3Error::OutOfTime))
    }

    async fn put_new(&self, key: &str, content: Bytes, content_type: &str) -> Result<Created, S3Error> {
        let mut conflicts = 0;
        loop {
            let put = self
                .client
                .put_object()
                .bucket(&self.name)
                .key(key)
                .if_none_match("*")
                .content_type(content_type)
                .body(ByteStream::from(content.clone()));
            let error = match put.send().await {
                Ok(_) => return Ok(Created::Ours),
                Err(error) => error,
            };
            match WriteConflict::of(&error) {
                WriteConflict::Exists => {
                    return self.whose(key, content.len() as u64, &etag::of_content(&content)).await;
                }
                WriteConflict::Conflict if conflicts < CONFLICTS => conflicts += 1,
                _ => return Err(S3Error::call("PutObject", key)(error)),
            }
            tokio::time::sleep(CONFLICT_WAIT).await;
        }
    }

    /// After a conflict all parts are sent again, as S3 requires (docs.aws.amazon.com/AmazonS3, conditional writes).
    async fn put_new_in_parts(
        &self,
        key: &str,
        file: &Path,
        size: u64,
        content_type: &str,
    ) -> Result<Created, S3Error> {
        let mut conflicts = 0;
        loop {
            let upload = self.begin_parts(key, content_type).await?;
            let parts = self.upload_parts(key, &upload, parts_of(file.to_owned(), size)).await?;
            let complete = self
                .client
                .complete_multipart_upload()
                .bucket(&self.name)
                .key(key)
                .upload_id(&upload)
                .if_none_match("*")
                .multipart_upload(completed(&parts));
            let error = match complete.send().await {
                Ok(_) => return Ok(Created::Ours),
                Err(error) => error,
            };
            match WriteConflict::of(&error) {
                // S3 doesn't know the upload any more: an earlier call, whose answer was lost, has completed it.
                WriteConflict::Exists | WriteConflict::Gone => {
                    let ours = etag::of_parts(parts.iter().filter_map(|part| part.e_tag())).unwrap_or_default();
                    return self.whose(key, size, &ours).await;
                }
                WriteConflict::Conflict if conflicts < CONFLICTS => conflicts += 1,
                _ => return Err(S3Error::call("CompleteMultipartUpload", key)(error)),
            }
            tokio::time::sleep(CONFLICT_WAIT).await;
        }
    }

    /// Checks whether the existing object is the one we meant to write, by its size and ETag in a listing: that needs
    /// no permission to read objects.
    async fn whose(&self, key: &str, size: u64, etag: &str) -> Result<Created, S3Error> {
        let listed = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(key)
            .max_keys(1)
            .send()
            .await
            .map_err(S3Error::call("ListObjectsV2", key))?;
        let found = listed.contents().iter().find(|object| object.key() == Some(key));
        let ours = found.is_some_and(|object| {
            object.size().and_then(|size| u64::try_from(size).ok()) == Some(size)
                && object.e_tag().is_some_and(|there| etag::bare(there) == etag)
        });
        if ours {
            warn!(key, "the object was stored by a call whose answer was lost");
        }
        Ok(if ours { Created::Ours } else { Created::Others })
    }
}

/// Why S3 refused to create an object.
#[derive(Debug, PartialEq, Eq)]
enum WriteConflict {
    Exists,
    Conflict,
    Gone,
    Other,
}

impl WriteConflict {
    fn of<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Self {
        match status(error) {
            Some(412) => Self::Exists,
            Some(409) => Self::Conflict,
            Some(404) if error.code() == Some("NoSuchUpload") => Self::Gone,
            _ => Self::Other,
        }
    }
}

/// Reads a file part by part, each when it is needed.
fn parts_of(file: std::path::PathBuf, size: u64) -> impl futures_util::Stream<Item = Result<Bytes, S3Error>> {
    futures_util::stream::try_unfold((None, size), move |(open, left)| {
        let path = file.clone();
        async move {
            if left == 0 {
                return Ok(None);
            }
            let mut open = match open {
                Some(open) => open,
                None => tokio::fs::File::open(path).await?,
            };
            let length = usize::try_from(left).unwrap_or(PART).min(PART);
            let mut part = vec![0; length];
            open.read_exact(&mut part).await?;
            Ok(Some((Bytes::from(part), (Some(open), left - length as u64))))
        }
    })
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn a_file_is_read_part_by_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let content: Vec<u8> = (0..PART + 5).map(|n| n as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let parts: Vec<Bytes> = parts_of(path.clone(), content.len() as u64).try_collect().await.unwrap();
        assert_eq!((parts.len(), parts[0].len(), parts[1].len()), (2, PART, 5));
        assert_eq!(parts.concat(), content);
        // It is an error if the file became shorter: the artifact would be incomplete.
        assert!(parts_of(path, content.len() as u64 + 1).try_collect::<Vec<_>>().await.is_err());
    }
}
