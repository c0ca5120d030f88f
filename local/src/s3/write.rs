//! Write operations: uploads of sources, each at most once, in one piece or in parts. Deleting a source cancels its
//! build.

use std::collections::BTreeMap;

use protocol::limits::{MAX_METADATA_BYTES, MAX_SOURCE_BYTES};
use protocol::{BuildId, Owner, keys};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, Checksum, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput,
    DeleteObjectOutput, ETag, ETagCondition, Metadata, PutObjectInput, PutObjectOutput, UploadPartInput,
    UploadPartOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, s3_error};
use tempfile::TempPath;

use super::receive::{Claims, receive, too_large};
use super::{Buckets, errors, object_key};
use crate::builds::AcceptError;
use crate::objects::{BucketKind, MAX_PART_NUMBER, MultipartUpload, ObjectMeta, UploadTarget};

impl Buckets {
    pub(super) async fn put(&self, request: S3Request<PutObjectInput>) -> S3Result<PutObjectOutput> {
        let trailers = request.trailing_headers;
        let trailer = header(&request.headers, "x-amz-trailer");
        let input = request.input;
        let (owner, id) = self.free_source(&input.key, input.if_none_match.as_ref()).await?;
        let metadata = metadata(input.metadata)?;
        let claims = Claims {
            md5: input.content_md5,
            checksum: Checksum {
                checksum_crc32: input.checksum_crc32,
                checksum_crc32c: input.checksum_crc32c,
                checksum_crc64nvme: input.checksum_crc64nvme,
                checksum_sha1: input.checksum_sha1,
                checksum_sha256: input.checksum_sha256,
                ..Checksum::default()
            },
            trailers,
            algorithm: trailer,
        };
        let received = receive(&self.objects, input.body, input.content_length, MAX_SOURCE_BYTES, claims).await?;
        let meta = ObjectMeta { etag: received.etag.clone(), content_type: input.content_type, metadata };
        self.store(&owner, &id, received.file, received.size, meta).await?;
        Ok(PutObjectOutput { e_tag: Some(ETag::Strong(received.etag)), ..Default::default() })
    }

    pub(super) async fn create_upload(
        &self,
        input: CreateMultipartUploadInput,
    ) -> S3Result<CreateMultipartUploadOutput> {
        let about = UploadTarget {
            key: input.key.clone(),
            content_type: input.content_type,
            metadata: metadata(input.metadata)?,
        };
        let id = self.uploads.create(about).await.map_err(errors::of_io)?;
        Ok(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            ..Default::default()
        })
    }

    pub(super) async fn add_part(&self, request: S3Request<UploadPartInput>) -> S3Result<UploadPartOutput> {
        let trailers = request.trailing_headers;
        let trailer = header(&request.headers, "x-amz-trailer");
        let input = request.input;
        let number = input.part_number;
        if !(1..=MAX_PART_NUMBER).contains(&number) {
            return Err(s3_error!(InvalidArgument, "part numbers go from 1 to {}", MAX_PART_NUMBER));
        }
        let upload = self.upload(&input.upload_id, &input.key).await?;
        let others = self.uploads.size_without(&upload, number).await.map_err(errors::of_io)?;
        let claims = Claims {
            md5: input.content_md5,
            checksum: Checksum {
                checksum_crc32: input.checksum_crc32,
                checksum_crc32c: input.checksum_crc32c,
                checksum_crc64nvme: input.checksum_crc64nvme,
                checksum_sha1: input.checksum_sha1,
                checksum_sha256: input.checksum_sha256,
                ..Checksum::default()
            },
            trailers,
            algorithm: trailer,
        };
        let limit = MAX_SOURCE_BYTES.saturating_sub(others);
        let received = receive(&self.objects, input.body, input.content_length, limit, claims).await?;
        let etag = received.etag;
        self.uploads.add(&upload, number, received.file, etag.clone()).await.map_err(errors::of_io)?;
        Ok(UploadPartOutput { e_tag: Some(ETag::Strong(etag)), ..Default::default() })
    }

    pub(super) async fn complete_upload(
        &self,
        input: CompleteMultipartUploadInput,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        // Checked before the upload is looked up: a client that lost the first answer and completes again learns that
        // the source exists.
        let (owner, id) = self.free_source(&input.key, input.if_none_match.as_ref()).await?;
        let upload = self.upload(&input.upload_id, &input.key).await?;
        let named = input.multipart_upload.and_then(|parts| parts.parts).unwrap_or_default();
        let named = named
            .into_iter()
            .map(|part| Some((part.part_number?, part.e_tag?.value().to_owned())))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| s3_error!(MalformedXML, "each part needs a number and an ETag"))?;
        let whole = self.uploads.assemble(&upload, named).await.map_err(errors::of_assembly)?;
        if whole.size > MAX_SOURCE_BYTES {
            return Err(too_large());
        }
        let meta = ObjectMeta {
            etag: whole.etag.clone(),
            content_type: upload.about.content_type.clone(),
            metadata: upload.about.metadata.clone(),
        };
        self.store(&owner, &id, whole.file, whole.size, meta).await?;
        if let Err(error) = self.uploads.remove(upload).await {
            tracing::warn!(%error, "the parts of a completed upload could not be removed; they go after a day");
        }
        Ok(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(whole.etag)),
            ..Default::default()
        })
    }

    pub(super) async fn abort_upload(&self, input: AbortMultipartUploadInput) -> S3Result<AbortMultipartUploadOutput> {
        let upload = self.upload(&input.upload_id, &input.key).await?;
        self.uploads.remove(upload).await.map_err(errors::of_io)?;
        Ok(AbortMultipartUploadOutput::default())
    }

    pub(super) async fn delete(&self, input: DeleteObjectInput) -> S3Result<DeleteObjectOutput> {
        // Like S3, the answer is the same whether the object existed or not.
        if let (Ok(key), Ok((owner, id))) = (object_key(&input.key), keys::parse_source(&input.key)) {
            self.objects.delete(BucketKind::Input, &key).await.map_err(errors::of_io)?;
            self.builds.cancel(&owner, &id).await.map_err(errors::of_io)?;
        }
        Ok(DeleteObjectOutput::default())
    }

    /// Returns the owner and build of a source that may be written. The key must be free, and the request must have the
    /// condition `If-None-Match: *`.
    async fn free_source(&self, key: &str, condition: Option<&ETagCondition>) -> S3Result<(Owner, BuildId)> {
        if !condition.is_some_and(ETagCondition::is_any) {
            return Err(s3_error!(AccessDenied, "sources can be written only once; send `If-None-Match: *`"));
        }
        let (owner, id) =
            keys::parse_source(key).map_err(|why| S3Error::with_message(S3ErrorCode::AccessDenied, why.to_string()))?;
        if self.builds.is_known(&owner, &id).await.map_err(errors::of_io)? {
            return Err(errors::exists());
        }
        Ok((owner, id))
    }

    /// Stores a source and records its build. Once the client gets a success, the build survives a restart.
    async fn store(&self, owner: &Owner, id: &BuildId, file: TempPath, size: u64, meta: ObjectMeta) -> S3Result<()> {
        let key = object_key(&keys::source(owner, id))?;
        let metadata = meta.metadata.clone();
        self.objects
            .publish(BucketKind::Input, &key, file.to_path_buf(), Some(meta))
            .await
            .map_err(errors::of_publish)?;
        let Err(error) = self.builds.receive(owner, id, size, metadata).await else { return Ok(()) };
        if let Err(error) = self.objects.delete(BucketKind::Input, &key).await {
            tracing::warn!(%error, "could not remove a source that starts no build");
        }
        Err(match error {
            AcceptError::Known => errors::exists(),
            AcceptError::Io(source) => errors::of_io(source),
        })
    }

    async fn upload(&self, id: &str, key: &str) -> S3Result<MultipartUpload> {
        let upload = self.uploads.find(id, key).await.map_err(errors::of_io)?;
        upload.ok_or_else(|| s3_error!(NoSuchUpload, "this upload was completed, aborted or never begun"))
    }
}

fn header(headers: &hyper::HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// User metadata with names in lower case. Fails if it is larger than S3's limit.
fn metadata(given: Option<Metadata>) -> S3Result<BTreeMap<String, String>> {
    let metadata: BTreeMap<String, String> =
        given.unwrap_or_default().into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let size: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_METADATA_BYTES {
        return Err(s3_error!(
            MetadataTooLarge,
            "the metadata has {} bytes, the limit is {}",
            size,
            MAX_METADATA_BYTES
        ));
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_has_a_limit() {
        let of = |len: usize| Some([("Target".to_owned(), "x".repeat(len))].into_iter().collect());
        assert_eq!(metadata(of(3)).unwrap()["target"], "xxx");
        assert_eq!(metadata(None).unwrap(), BTreeMap::new());
        assert_eq!(metadata(of(MAX_METADATA_BYTES)).unwrap_err().code(), &S3ErrorCode::MetadataTooLarge);
    }
}
