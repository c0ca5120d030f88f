//! Posts messages to WebSocket connections.

use std::time::Duration;

use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::config::Builder;
use aws_sdk_apigatewaymanagement::error::{DisplayErrorContext, SdkError};
use aws_sdk_apigatewaymanagement::operation::post_to_connection::PostToConnectionError;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use common::aws::{SdkConfig, retry, timeouts};
use common::{MissingVariable, variable};
use thiserror::Error;

/// The most calls for one message. A follower that misses the message resumes by itself.
const ATTEMPTS: u32 = 4;

/// The longest one call may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// The longest that all calls for one message may take together.
const TIMEOUT: Duration = Duration::from_secs(8);

/// A client that posts messages to WebSocket connections.
pub(crate) struct Connections {
    client: Client,
}

/// Why a message could not be posted.
#[derive(Debug, Error)]
pub(crate) enum PostError {
    /// The connection was closed, or is not open yet.
    #[error("the connection is gone")]
    Gone,
    #[error("{0}")]
    Failed(String),
}

impl Connections {
    /// Makes a client of the WebSocket API that the environment variable `SOCKET_ENDPOINT` names.
    pub fn from_env(config: &SdkConfig) -> Result<Self, MissingVariable> {
        let config = Builder::from(config)
            .endpoint_url(variable("SOCKET_ENDPOINT")?)
            .retry_config(retry(ATTEMPTS))
            .timeout_config(timeouts(ATTEMPT_TIMEOUT).to_builder().operation_timeout(TIMEOUT).build())
            .build();
        Ok(Self { client: Client::from_conf(config) })
    }

    /// Sends a message to a connection.
    pub async fn post(&self, connection: &str, message: &str) -> Result<(), PostError> {
        let message = Blob::new(message.as_bytes());
        let sent = self.client.post_to_connection().connection_id(connection).data(message).send().await;
        sent.map(drop).map_err(unposted)
    }
}

fn unposted(error: SdkError<PostToConnectionError>) -> PostError {
    let gone = error.as_service_error().is_some_and(PostToConnectionError::is_gone_exception)
        || error.raw_response().is_some_and(|response| response.status().as_u16() == 410);
    if gone { PostError::Gone } else { PostError::Failed(DisplayErrorContext(error).to_string()) }
}
