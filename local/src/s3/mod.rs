//! The S3 interface. `s3s` implements the protocol and checks signatures; this module implements the operations.

mod access;
mod capabilities;
mod errors;
mod read;
mod receive;
mod write;

use std::sync::Arc;

use s3s::config::{S3Config, StaticConfigProvider};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput, CompleteMultipartUploadOutput,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput, GetObjectInput,
    GetObjectOutput, HeadObjectInput, HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output, PutObjectInput,
    PutObjectOutput, UploadPartInput, UploadPartOutput,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};

use crate::builds::Builds;
use crate::keys::Keys;
use crate::objects::{BucketKind, ObjectKey, Objects, Uploads};

/// The largest XML body of a request, in bytes. The longest list of parts is smaller.
const MAX_XML_BYTES: usize = 4 * 1024 * 1024;

/// The buckets and their operations, as clients see them.
pub(crate) struct Buckets {
    objects: Objects,
    uploads: Uploads,
    builds: Arc<Builds>,
}

/// Creates the S3 interface as an HTTP service.
pub(crate) fn service(objects: Objects, uploads: Uploads, builds: Arc<Builds>, keys: Arc<Keys>) -> S3Service {
    let mut service = S3ServiceBuilder::new(Buckets { objects, uploads, builds });
    let mut config = S3Config::default();
    config.xml_max_body_size = MAX_XML_BYTES;
    service.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    service.set_auth(access::Auth(keys.clone()));
    service.set_access(access::Access(keys));
    service.build()
}

/// Parses an object key. An invalid key is reported as missing, because nothing can be stored under it.
fn object_key(key: &str) -> S3Result<ObjectKey> {
    key.parse().map_err(|_| no_such_key())
}

fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "no object has this key")
}

fn bucket(name: &str) -> S3Result<BucketKind> {
    BucketKind::named(name).ok_or_else(|| s3_error!(NoSuchBucket))
}

#[async_trait::async_trait]
impl S3 for Buckets {
    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        self.put(request).await.map(S3Response::new)
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.create_upload(request.input).await.map(S3Response::new)
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        self.add_part(request).await.map(S3Response::new)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        self.complete_upload(request.input).await.map(S3Response::new)
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.abort_upload(request.input).await.map(S3Response::new)
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.delete(request.input).await.map(S3Response::new)
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        match self.get_capabilities(&request.input).await? {
            Some(capabilities) => Ok(S3Response::new(capabilities)),
            None => self.get(request.input).await,
        }
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        self.head(request.input).await.map(S3Response::new)
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.list(request).await.map(S3Response::new)
    }
}
