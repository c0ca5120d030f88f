//! Writes objects that replace older ones.

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::parts::{PART, completed};
use super::{S3Bucket, S3Error};

impl S3Bucket {
    /// Writes an object from pieces of [`PART`] bytes (the last may be shorter) as they arrive. Returns its ETag.
    pub async fn replace(
        &self,
        key: &str,
        content_type: &str,
        content: impl Stream<Item = Result<Bytes, S3Error>> + Unpin,
    ) -> Result<Option<String>, S3Error> {
        let mut content = content;
        let first = content.next().await.transpose()?.unwrap_or_default();
        if first.len() < PART {
            let put = self
                .client
                .put_object()
                .bucket(&self.name)
                .key(key)
                .content_type(content_type)
                .body(ByteStream::from(first));
            return Ok(put.send().await.map_err(S3Error::call("PutObject", key))?.e_tag);
        }
        let upload = self.begin_parts(key, content_type).await?;
        let content = futures_util::stream::iter([Ok(first)]).chain(content);
        let parts = self.upload_parts(key, &upload, content).await?;
        let complete = self
            .client
            .complete_multipart_upload()
            .bucket(&self.name)
            .key(key)
            .upload_id(&upload)
            .multipart_upload(completed(&parts));
        Ok(complete.send().await.map_err(S3Error::call("CompleteMultipartUpload", key))?.e_tag)
    }
}
