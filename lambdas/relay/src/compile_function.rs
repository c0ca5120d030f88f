//! Invokes the `compile` function for the next attempt of a build.

use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::Builder;
use aws_sdk_lambda::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use common::aws::{SdkConfig, retry, timeouts};
use common::{MissingVariable, NextAttempt, variable};
use thiserror::Error;

/// The most calls for one invocation, the first one included.
const ATTEMPTS: u32 = 6;

/// The longest one call may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client that invokes the `compile` function.
pub(crate) struct CompileFunction {
    client: Client,
    name: String,
}

/// Why an attempt was not started.
#[derive(Debug, Error)]
pub(crate) enum InvokeError {
    #[error("the order can't be encoded: {0}")]
    Json(#[from] serde_json::Error),
    #[error("Lambda refused to start it ({code}): {why}")]
    Refused { code: String, why: String },
    #[error("Lambda could not be reached: {0}")]
    Unreachable(String),
}

impl CompileFunction {
    /// Makes a client of the function that the environment variable `COMPILE_FUNCTION` names.
    pub fn from_env(config: &SdkConfig) -> Result<Self, MissingVariable> {
        let config =
            Builder::from(config).retry_config(retry(ATTEMPTS)).timeout_config(timeouts(ATTEMPT_TIMEOUT)).build();
        Ok(Self { client: Client::from_conf(config), name: variable("COMPILE_FUNCTION")? })
    }

    /// Starts an attempt, and does not wait for its end.
    pub async fn invoke(&self, next: &NextAttempt) -> Result<(), InvokeError> {
        let sent = self
            .client
            .invoke()
            .function_name(&self.name)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(serde_json::to_vec(next)?))
            .send()
            .await;
        sent.map(drop).map_err(|error| match (error.code(), error.message()) {
            (Some(code), why) => {
                InvokeError::Refused { code: code.to_owned(), why: why.unwrap_or("no reason").to_owned() }
            }
            (None, _) => InvokeError::Unreachable(DisplayErrorContext(error).to_string()),
        })
    }
}
