//! The DynamoDB table: followers, events, results and usage of builds. Reads are strongly consistent, and every row
//! expires (`ttl`).

mod attempt_outcome;
mod error;
mod events;
mod followers;
pub mod keys;
pub(crate) mod row;

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;

pub use attempt_outcome::AttemptOutcome;
pub use error::TableError;
pub use events::{StoredRow, StoredRows};
pub use followers::StoredFollower;

use crate::MissingVariable;
use crate::aws::{retry, timeouts};

/// The most calls for one operation, the first one included. A burst of events sometimes uses up the table's writes (25
/// per second, plus the unused ones of the last five minutes). It is better to wait some seconds than to have Lambda
/// repeat a whole invocation.
const ATTEMPTS: u32 = 8;

/// The longest one call may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);

/// A client of the table, with the operations on it.
#[derive(Debug, Clone)]
pub struct Table {
    /// Client for operations that have no method here.
    pub client: Client,
    /// Name of the DynamoDB table.
    pub name: String,
}

impl Table {
    /// Makes a client of the table that the environment variable `TABLE` names.
    pub fn from_env(config: &SdkConfig) -> Result<Self, MissingVariable> {
        let config = Builder::from(config).retry_config(retry(ATTEMPTS)).timeout_config(timeouts(ATTEMPT_TIMEOUT));
        let client = Client::from_conf(config.build());
        Ok(Self { client, name: crate::variable("TABLE")? })
    }
}
