//! Downloads objects in ranges, with several ranges fetched at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStreamError;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tracing::warn;

use super::{S3Bucket, S3Error, status};

/// Size of one range in bytes.
const RANGE: u64 = 8 * 1024 * 1024;

/// Number of ranges that are fetched at once.
const AT_ONCE: usize = 4;

/// How often a range is requested when its connection breaks, the first request included.
const TRIES: u32 = 4;

/// The wait before a range is fetched again.
const WAIT: Duration = Duration::from_millis(300);

/// The outcome of opening an object.
pub enum OpenedObject {
    /// The object exists, and its first bytes are being fetched.
    Object(Box<ObjectDownload>),
    /// There is no object with this key.
    Missing,
    /// The object has a different ETag than the one asked for.
    Different,
    /// The object has no bytes at all.
    Empty,
}

/// An object whose first range is being fetched.
pub struct ObjectDownload {
    bucket: S3Bucket,
    key: String,
    first: GetObjectOutput,
    etag: String,
    /// Size of the object in bytes.
    pub size: u64,
}

impl S3Bucket {
    /// Requests an object. With `etag`, only the object with this ETag is accepted.
    pub async fn open(&self, key: &str, etag: Option<&str>) -> Result<OpenedObject, S3Error> {
        let get = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key)
            .range(header(&(0..RANGE)))
            .set_if_match(etag.map(str::to_owned));
        let first = match get.send().await {
            Ok(first) => first,
            Err(error) => {
                return match status(&error) {
                    Some(404) => Ok(OpenedObject::Missing),
                    Some(412) => Ok(OpenedObject::Different),
                    Some(416) => Ok(OpenedObject::Empty),
                    _ => Err(S3Error::call("GetObject", key)(error)),
                };
            }
        };
        let whole = first.content_range().and_then(|range| range.rsplit_once('/')?.1.parse().ok());
        let length = first.content_length().and_then(|length| u64::try_from(length).ok());
        let size = whole.or(length).unwrap_or_default();
        let etag = first.e_tag().unwrap_or_default().to_owned();
        Ok(OpenedObject::Object(Box::new(ObjectDownload {
            bucket: self.clone(),
            key: key.to_owned(),
            first,
            etag,
            size,
        })))
    }

    async fn range(&self, key: &str, etag: &str, range: Range<u64>) -> Result<Bytes, S3Error> {
        let mut tries = 1;
        loop {
            let get = self.client.get_object().bucket(&self.name).key(key).range(header(&range)).if_match(etag);
            let got = get.send().await.map_err(|error| match status(&error) {
                Some(404) => S3Error::Deleted(key.to_owned()),
                Some(412) => S3Error::Replaced(key.to_owned()),
                _ => S3Error::call("GetObject", key)(error),
            })?;
            match got.body.collect().await {
                Ok(bytes) => return Ok(bytes.into_bytes()),
                Err(error) if tries < TRIES => warn!(%error, key, "the connection was lost; fetching the range again"),
                Err(error) => return Err(broken(key, &error)),
            }
            tries += 1;
            tokio::time::sleep(WAIT).await;
        }
    }
}

impl ObjectDownload {
    /// The user-defined metadata. Names are in lower case, without `x-amz-meta-`.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let given = self.first.metadata().into_iter().flatten();
        given.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
    }

    /// The ETag of the object, with its quotation marks.
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// The content of the object, range by range, in order.
    pub fn pieces(self) -> impl Stream<Item = Result<Bytes, S3Error>> {
        let Self { bucket, key, first, etag, size } = self;
        let mut first = Some(first);
        let ranges: Vec<_> = ranges(size).map(|range| (range, first.take())).collect();
        futures_util::stream::iter(ranges)
            .map(move |(range, begun)| {
                let (bucket, key, etag) = (bucket.clone(), key.clone(), etag.clone());
                async move {
                    let length = range.end - range.start;
                    let bytes = match begun {
                        // The response to the opening request already contains the first range.
                        Some(begun) => match begun.body.collect().await {
                            Ok(bytes) => bytes.into_bytes(),
                            Err(_) => bucket.range(&key, &etag, range).await?,
                        },
                        None => bucket.range(&key, &etag, range).await?,
                    };
                    if bytes.len() as u64 == length { Ok(bytes) } else { Err(short(&key)) }
                }
            })
            .buffered(AT_ONCE)
    }
}

fn ranges(size: u64) -> impl Iterator<Item = Range<u64>> {
    (0..size.div_ceil(RANGE)).map(move |n| n * RANGE..((n + 1) * RANGE).min(size))
}

fn header(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end - 1)
}

fn broken(key: &str, error: &ByteStreamError) -> S3Error {
    S3Error::Call {
        operation: "GetObject",
        key: key.to_owned(),
        code: "connection lost".to_owned(),
        why: error.to_string(),
    }
}

fn short(key: &str) -> S3Error {
    let why = "fewer bytes than announced".to_owned();
    S3Error::Call { operation: "GetObject", key: key.to_owned(), code: "short answer".to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_an_object() {
        assert_eq!(ranges(0).count(), 0);
        assert_eq!((ranges(5).count(), ranges(5).next()), (1, Some(0..5)));
        let all: Vec<_> = ranges(2 * RANGE + 1).collect();
        assert_eq!((all.len(), all[2].clone()), (3, 2 * RANGE..2 * RANGE + 1));
        assert_eq!(header(&all[0]), format!("bytes=0-{}", RANGE - 1));
    }
}
