//! Clients of the S3 buckets, which write, read and remove objects.

mod create;
mod download;
mod etag;
mod parts;
mod remove;
mod replace;

use std::io;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use thiserror::Error;

pub use create::Created;
pub use download::{ObjectDownload, OpenedObject};
pub use parts::PART;

/// Why an object was not stored, fetched or removed.
#[derive(Debug, Error)]
pub enum S3Error {
    /// S3 could not be reached, refused the call, or was too busy for too long.
    #[error("S3: {operation} of `{key}` failed ({code}): {why}")]
    Call {
        /// Name of the S3 operation.
        operation: &'static str,
        /// Key of the object, or the prefix of a listing.
        key: String,
        /// S3's name for the error.
        code: String,
        /// What S3 or the network reported.
        why: String,
    },
    /// An object with the same key and different content exists.
    #[error("`{0}` exists already, with different content")]
    Exists(String),
    /// The object was deleted while it was fetched.
    #[error("`{0}` was deleted while it was fetched")]
    Deleted(String),
    /// The object was replaced while it was fetched.
    #[error("`{0}` was replaced while it was fetched")]
    Replaced(String),
    /// Reading or writing a local file failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The call did not finish before its deadline.
    #[error("there was not enough time left")]
    OutOfTime,
}

impl S3Error {
    fn call<E>(operation: &'static str, key: &str) -> impl FnOnce(SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let key = key.to_owned();
        move |error| {
            let code = error.code().map(str::to_owned).or_else(|| status(&error).map(|status| status.to_string()));
            let code = code.unwrap_or_else(|| "no answer".to_owned());
            Self::Call { operation, key, code, why: reason(&error) }
        }
    }

    /// Whether the error is permanent, so that it is useless to try again.
    pub fn lasts(&self) -> bool {
        match self {
            Self::Call { code, .. } => matches!(code.as_str(), "AccessDenied" | "NoSuchBucket" | "InvalidAccessKeyId"),
            Self::Exists(_) | Self::Deleted(_) | Self::Replaced(_) | Self::OutOfTime => true,
            Self::Io(_) => false,
        }
    }
}

/// The reason of an error in a few words: people read it in the results of their builds.
pub fn reason<E>(error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if let Some(said) = error.meta().message() {
        return said.to_owned();
    }
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(deeper) = source {
        words = format!("{words}: {deeper}");
        source = deeper.source();
    }
    words
}

/// The HTTP status of an error response, if there was a response.
fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// A client of one S3 bucket.
#[derive(Debug, Clone)]
pub struct S3Bucket {
    client: Client,
    name: String,
}

impl S3Bucket {
    /// Makes a client of the bucket with this name.
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// Asks for the ETag of an object, with its quotation marks. `None` if there is no such object.
    pub async fn etag(&self, key: &str) -> Result<Option<String>, S3Error> {
        match self.client.head_object().bucket(&self.name).key(key).send().await {
            Ok(head) => Ok(head.e_tag),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(S3Error::call("HeadObject", key)(error)),
        }
    }
}
