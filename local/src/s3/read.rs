//! Read operations: objects, whole or as ranges, and listings.

use std::io::SeekFrom;
use std::time::SystemTime;

use protocol::Owner;
use s3s::dto::{
    CommonPrefix, ETag, ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    ListObjectsV2Input, ListObjectsV2Output, Metadata, Object as Listed, Range, StreamingBlob, Timestamp,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::{Buckets, bucket, errors, no_such_key, object_key};
use crate::objects::{ListQuery, Object};

/// How many bytes are read from disk at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// The most entries of one listing; this is S3's limit.
const MAX_KEYS: i32 = 1000;

/// Which bytes of an object are sent.
struct ByteSelection {
    from: u64,
    len: u64,
    /// Value of `Content-Range`; none for the whole object.
    range: Option<String>,
}

impl Buckets {
    pub(super) async fn get(&self, input: GetObjectInput) -> S3Result<S3Response<GetObjectOutput>> {
        let object = self.find(&input.bucket, &input.key).await?;
        check_conditions(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let selection = select(object.size, input.range.as_ref())?;
        let mut file = tokio::fs::File::open(&object.path).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => no_such_key(),
            _ => errors::of_io(error),
        })?;
        file.seek(SeekFrom::Start(selection.from)).await.map_err(errors::of_io)?;
        let body = ReaderStream::with_capacity(file.take(selection.len), CHUNK_BYTES);
        let partial = selection.range.is_some();
        let output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(StreamingBlob::wrap(body)),
            content_length: signed(selection.len),
            content_range: selection.range,
            content_type: object.meta.content_type.clone(),
            e_tag: Some(ETag::Strong(object.meta.etag.clone())),
            last_modified: Some(Timestamp::from(object.modified)),
            metadata: user_metadata(&object),
            ..Default::default()
        };
        let status = if partial { hyper::StatusCode::PARTIAL_CONTENT } else { hyper::StatusCode::OK };
        Ok(S3Response::with_status(output, status))
    }

    pub(super) async fn head(&self, input: HeadObjectInput) -> S3Result<HeadObjectOutput> {
        let object = self.find(&input.bucket, &input.key).await?;
        check_conditions(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        Ok(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: signed(object.size),
            content_type: object.meta.content_type.clone(),
            e_tag: Some(ETag::Strong(object.meta.etag.clone())),
            last_modified: Some(Timestamp::from(object.modified)),
            metadata: user_metadata(&object),
            ..Default::default()
        })
    }

    pub(super) async fn list(&self, request: S3Request<ListObjectsV2Input>) -> S3Result<ListObjectsV2Output> {
        let owner = request.extensions.get::<Owner>().cloned().ok_or_else(|| s3_error!(AccessDenied))?;
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        if !prefix.starts_with(&format!("{owner}/")) {
            return Err(s3_error!(AccessDenied, "list with a prefix that begins with `{}/`", owner));
        }
        let limit = input.max_keys.unwrap_or(MAX_KEYS).clamp(0, MAX_KEYS);
        let after = input.continuation_token.clone().or(input.start_after.clone()).unwrap_or_default();
        let limit_keys = usize::try_from(limit).unwrap_or_default();
        let delimiter = input.delimiter.clone();
        let query = ListQuery { folder: owner.to_string(), prefix, delimiter, after, limit: limit_keys };
        let listing = self.objects.list(bucket(&input.bucket)?, query).await.map_err(errors::of_io)?;
        let count = listing.objects.len() + listing.folders.len();
        let folders = listing.folders.into_iter().map(|prefix| CommonPrefix { prefix: Some(prefix) });
        Ok(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            start_after: input.start_after,
            continuation_token: input.continuation_token,
            max_keys: Some(limit),
            key_count: i32::try_from(count).ok(),
            is_truncated: Some(listing.next.is_some()),
            next_continuation_token: listing.next,
            contents: Some(
                listing.objects.into_iter().map(|(key, object)| listed(key.as_str().to_owned(), &object)).collect(),
            ),
            common_prefixes: Some(folders.collect()),
            ..Default::default()
        })
    }

    async fn find(&self, bucket_name: &str, key: &str) -> S3Result<Object> {
        let found = self.objects.find(bucket(bucket_name)?, &object_key(key)?).await.map_err(errors::of_io)?;
        found.ok_or_else(no_such_key)
    }
}

fn check_conditions(object: &Object, wanted: Option<&ETagCondition>, unwanted: Option<&ETagCondition>) -> S3Result<()> {
    let is = |condition: &ETagCondition| condition.as_etag().is_none_or(|etag| etag.value() == object.meta.etag);
    if wanted.is_some_and(|condition| !is(condition)) {
        return Err(s3_error!(PreconditionFailed, "the object has a different ETag"));
    }
    if unwanted.is_some_and(is) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}

fn select(size: u64, range: Option<&Range>) -> S3Result<ByteSelection> {
    let Some(range) = range else { return Ok(ByteSelection { from: 0, len: size, range: None }) };
    let bytes = range.check(size)?;
    if bytes.is_empty() {
        return Err(s3_error!(InvalidRange));
    }
    Ok(ByteSelection {
        from: bytes.start,
        len: bytes.end - bytes.start,
        range: Some(format!("bytes {}-{}/{size}", bytes.start, bytes.end - 1)),
    })
}

fn signed(size: u64) -> Option<i64> {
    i64::try_from(size).ok()
}

fn user_metadata(object: &Object) -> Option<Metadata> {
    Some(object.meta.metadata.clone().into_iter().collect())
}

fn listed(key: String, object: &Object) -> Listed {
    let modified: SystemTime = object.modified;
    Listed {
        key: Some(key),
        size: signed(object.size),
        e_tag: Some(ETag::Strong(object.meta.etag.clone())),
        last_modified: Some(Timestamp::from(modified)),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(size: u64, range: &str) -> Option<(u64, u64, String)> {
        let selection = select(size, Some(&Range::parse(range).unwrap())).ok()?;
        Some((selection.from, selection.len, selection.range.unwrap()))
    }

    #[test]
    fn ranges_end_at_the_end_of_the_object() {
        assert_eq!(selected(10, "bytes=2-4"), Some((2, 3, "bytes 2-4/10".to_owned())));
        assert_eq!(selected(10, "bytes=7-"), Some((7, 3, "bytes 7-9/10".to_owned())));
        assert_eq!(selected(10, "bytes=0-99"), Some((0, 10, "bytes 0-9/10".to_owned())));
        assert_eq!(selected(10, "bytes=-4"), Some((6, 4, "bytes 6-9/10".to_owned())));
        assert_eq!(selected(10, "bytes=10-"), None);
        assert_eq!(selected(0, "bytes=-4"), None);
    }
}
