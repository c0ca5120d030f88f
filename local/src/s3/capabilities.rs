//! The object that lists what this backend can build. It is generated for each request, so it is always current.

use s3s::dto::{GetObjectInput, GetObjectOutput, StreamingBlob};
use s3s::{Body, S3Result, s3_error};

use super::Buckets;
use crate::objects::BucketKind;

/// Whether this bucket and key name the capabilities object.
pub(super) fn is_capabilities(bucket: &str, key: &str) -> bool {
    BucketKind::named(bucket) == Some(BucketKind::Output) && key == protocol::keys::CAPABILITIES
}

impl Buckets {
    /// Answers a GET of the capabilities. None if the request is for another object.
    pub(super) async fn get_capabilities(&self, input: &GetObjectInput) -> S3Result<Option<GetObjectOutput>> {
        if !is_capabilities(&input.bucket, &input.key) {
            return Ok(None);
        }
        let json = serde_json::to_vec(&self.builds.capabilities());
        let json = json.map_err(|error| s3_error!(InternalError, "the capabilities are not JSON: {error}"))?;
        Ok(Some(GetObjectOutput {
            content_length: i64::try_from(json.len()).ok(),
            content_type: Some("application/json".to_owned()),
            body: Some(StreamingBlob::from(Body::from(json))),
            ..Default::default()
        }))
    }
}
