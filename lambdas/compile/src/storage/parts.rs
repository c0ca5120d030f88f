//! Multipart uploads, with several parts sent at a time.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};

use super::{S3Bucket, S3Error};

/// Size of one part in bytes. S3 accepts 10,000 parts, so this is enough for 160 GB.
pub const PART: usize = 16 * 1024 * 1024;

/// Number of parts sent at once: one connection alone doesn't fill the line.
const AT_ONCE: usize = 4;

impl S3Bucket {
    /// Begins a multipart upload. An upload that is never completed costs nothing after a day: the bucket's lifecycle
    /// rule removes it.
    pub(super) async fn begin_parts(&self, key: &str, content_type: &str) -> Result<String, S3Error> {
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type)
            .send()
            .await
            .map_err(S3Error::call("CreateMultipartUpload", key))?;
        Ok(begun.upload_id.unwrap_or_default())
    }

    /// Uploads parts as the stream delivers them, and returns them in order.
    pub(super) async fn upload_parts(
        &self,
        key: &str,
        upload: &str,
        content: impl Stream<Item = Result<Bytes, S3Error>>,
    ) -> Result<Vec<CompletedPart>, S3Error> {
        let numbered = content.zip(futures_util::stream::iter(1i32..));
        let parts = numbered.map(|(content, number)| async move {
            let sent = self
                .client
                .upload_part()
                .bucket(&self.name)
                .key(key)
                .upload_id(upload)
                .part_number(number)
                .body(ByteStream::from(content?))
                .send()
                .await
                .map_err(S3Error::call("UploadPart", key))?;
            Ok::<_, S3Error>(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build())
        });
        parts.buffered(AT_ONCE).try_collect().await
    }
}

/// Makes the list of parts that completes an upload.
pub(super) fn completed(parts: &[CompletedPart]) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec())).build()
}
