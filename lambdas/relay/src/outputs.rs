//! Writes results into the output bucket. A build has one result: the first that is written.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_s3::primitives::ByteStream;
use common::aws::{SdkConfig, timeouts};
use common::{MissingVariable, variable};
use protocol::{BuildResult, Owner, keys};
use thiserror::Error;

/// The longest one call may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a write is repeated while S3 reports that another write of the same object is under way (409), and the
/// wait between the calls.
const CONFLICTS: u32 = 5;
const CONFLICT_WAIT: Duration = Duration::from_millis(200);

/// A client that writes results into the output bucket.
pub(crate) struct Outputs {
    client: Client,
    bucket: String,
}

/// Whether the result was written or came too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResultWrite {
    /// The result was written, and it counts.
    First,
    /// The build had a result already, and that one counts.
    Late,
}

/// Why a result could not be stored.
#[derive(Debug, Error)]
pub(crate) enum ResultWriteError {
    #[error("the result can't be encoded: {0}")]
    Json(#[from] serde_json::Error),
    #[error("S3: PutObject of `{key}` failed: {why}")]
    S3 { key: String, why: String },
}

impl Outputs {
    /// Makes a client of the bucket that the environment variable `OUTPUT_BUCKET` names.
    pub fn from_env(config: &SdkConfig) -> Result<Self, MissingVariable> {
        let client = Client::from_conf(Builder::from(config).timeout_config(timeouts(ATTEMPT_TIMEOUT)).build());
        Ok(Self { client, bucket: variable("OUTPUT_BUCKET")? })
    }

    /// Writes `result.json`, unless it exists. If S3's answer to the first call is lost, the repeated call finds the
    /// object and reports `Late`, although this relay wrote it. Followers then read the result from the bucket instead
    /// of receiving it over the WebSocket.
    pub async fn write(&self, owner: &Owner, result: &BuildResult) -> Result<ResultWrite, ResultWriteError> {
        let key = keys::result(owner, &result.id);
        let json = serde_json::to_vec(result)?;
        let mut conflicts = 0;
        loop {
            let put = self
                .client
                .put_object()
                .bucket(&self.bucket)
                .key(&key)
                .if_none_match("*")
                .content_type("application/json")
                .body(ByteStream::from(json.clone()))
                .send()
                .await;
            let Err(error) = put else { return Ok(ResultWrite::First) };
            match error.code() {
                Some("PreconditionFailed") => return Ok(ResultWrite::Late),
                Some("ConditionalRequestConflict") if conflicts < CONFLICTS => {
                    conflicts += 1;
                    tokio::time::sleep(CONFLICT_WAIT).await;
                }
                _ => return Err(ResultWriteError::S3 { key, why: DisplayErrorContext(error).to_string() }),
            }
        }
    }
}
