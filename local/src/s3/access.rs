//! Access control with the same rules as the platform's policies.

use std::sync::Arc;

use protocol::{Owner, keys};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::path::S3Path;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::capabilities::is_capabilities;
use crate::keys::Keys;
use crate::objects::BucketKind;

/// Gives `s3s` the secrets that it checks signatures with.
pub(super) struct Auth(pub Arc<Keys>);

#[async_trait::async_trait]
impl S3Auth for Auth {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.find(access_key) {
            Some(key) => Ok(SecretKey::from(key.secret)),
            None => Err(s3_error!(
                InvalidAccessKeyId,
                "this backend has no such access key: write a new client configuration with --client-config"
            )),
        }
    }
}

/// Allows each owner only its own objects, and only the operations that a client needs.
pub(super) struct Access(pub Arc<Keys>);

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(key) = context.credentials().and_then(|given| self.0.find(&given.access_key)) else {
            return Err(s3_error!(AccessDenied, "the request is not signed"));
        };
        check_signed_headers(context)?;
        allow(context.s3_op().name(), context.s3_path(), &key.owner)?;
        context.extensions_mut().insert(key.owner);
        Ok(())
    }
}

fn allow(operation: &str, path: &S3Path, owner: &Owner) -> S3Result<()> {
    if let S3Path::Object { bucket, key } = path
        && operation == "GetObject"
        && is_capabilities(bucket, key)
    {
        return Ok(());
    }
    let (bucket, key) = match path {
        S3Path::Root => return Err(denied()),
        S3Path::Bucket { bucket } => (bucket, None),
        S3Path::Object { bucket, key } => (bucket, Some(key)),
    };
    let Some(bucket) = BucketKind::named(bucket) else {
        return Err(s3_error!(NoSuchBucket, "the buckets of this backend are `input` and `output`"));
    };
    let Some(key) = key else {
        // The code that makes the listing checks the prefix.
        return if operation == "ListObjectsV2" { Ok(()) } else { Err(denied()) };
    };
    if !key.strip_prefix(owner.as_str()).is_some_and(|rest| rest.starts_with('/')) {
        return Err(denied());
    }
    match (bucket, operation) {
        (_, "GetObject" | "HeadObject") | (BucketKind::Input, "DeleteObject") => Ok(()),
        (
            BucketKind::Input,
            "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" | "AbortMultipartUpload",
        ) => match keys::parse_source(key) {
            Ok(_) => Ok(()),
            Err(why) => Err(S3Error::with_message(S3ErrorCode::AccessDenied, why.to_string())),
        },
        _ => Err(denied()),
    }
}

fn denied() -> S3Error {
    s3_error!(AccessDenied, "this access key may not do that: it has access only to objects under its owner's prefix")
}

/// Refuses `x-amz-` headers that the signature doesn't cover, as S3 does: someone could have added them on the way.
fn check_signed_headers(context: &S3AccessContext<'_>) -> S3Result<()> {
    let header = context.headers().get("authorization").and_then(|value| value.to_str().ok());
    let Some(header) = header else { return Ok(()) };
    let signed = header.split_once("SignedHeaders=").map_or("", |(_, rest)| rest);
    let signed = signed.split([',', ' ']).next().unwrap_or_default();
    let unsigned = context
        .headers()
        .keys()
        .map(|name| name.as_str())
        .filter(|name| name.starts_with("x-amz-") || *name == "host")
        .find(|name| !signed.split(';').any(|covered| covered == *name));
    match unsigned {
        Some(name) => Err(s3_error!(AccessDenied, "the header {} is not signed", name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01923456-789a-7fff-bfff-ffffffffffff";

    fn may(operation: &str, bucket: &str, key: &str) -> Result<(), S3ErrorCode> {
        let path = if key.is_empty() { S3Path::bucket(bucket) } else { S3Path::object(bucket, key) };
        allow(operation, &path, &"me".parse().unwrap()).map_err(|error| error.code().clone())
    }

    #[test]
    fn a_client_may_send_sources_and_read_its_own_objects() {
        let source = format!("me/{ID}.zip");
        for operation in ["PutObject", "UploadPart", "CompleteMultipartUpload", "DeleteObject", "HeadObject"] {
            assert_eq!(may(operation, "input", &source), Ok(()), "{operation}");
            assert_eq!(
                may(operation, "input", &format!("mean/{ID}.zip")),
                Err(S3ErrorCode::AccessDenied),
                "{operation}"
            );
        }
        assert_eq!(may("GetObject", "output", &format!("me/{ID}/result.json")), Ok(()));
        assert_eq!(may("GetObject", "output", "_backend.json"), Ok(()));
        assert_eq!(may("ListObjectsV2", "output", ""), Ok(()));
    }

    #[test]
    fn everything_else_is_denied() {
        for (operation, bucket, key) in [
            ("PutObject", "output", format!("me/{ID}/result.json")),
            ("DeleteObject", "output", format!("me/{ID}/result.json")),
            ("PutObject", "input", format!("me/{ID}/x.zip")),
            ("PutObject", "input", "me/x.zip".to_owned()),
            ("PutObject", "input", format!("me/../other/{ID}.zip")),
            ("GetObject", "output", format!("other/{ID}/result.json")),
            ("GetObject", "output", "me".to_owned()),
            ("GetObject", "input", "_backend.json".to_owned()),
            ("PutObject", "output", "_backend.json".to_owned()),
            ("DeleteObject", "output", "_backend.json".to_owned()),
            ("CopyObject", "input", format!("me/{ID}.zip")),
            ("DeleteObjects", "input", String::new()),
            ("PostObject", "input", String::new()),
            ("ListObjects", "input", String::new()),
        ] {
            assert_eq!(may(operation, bucket, &key), Err(S3ErrorCode::AccessDenied), "{operation} {bucket} {key}");
        }
        assert_eq!(may("GetObject", "elsewhere", "me/x"), Err(S3ErrorCode::NoSuchBucket));
        assert!(allow("ListBuckets", &S3Path::root(), &Owner::default()).is_err());
    }
}
