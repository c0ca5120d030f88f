//! The table: who follows a build, what it said, how it ended. Reads are consistent, every row has an end (`ttl`).

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

/// Calls of one operation. A burst of events uses up the table's writes now and then (25 a second, and what the last
/// five minutes left); it is worth waiting some seconds before Lambda has to repeat a whole invocation.
const ATTEMPTS: u32 = 8;

/// The longest one call may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);

/// The table, and what is done with it.
#[derive(Debug, Clone)]
pub struct Table {
    /// For operations that are not among the methods here.
    pub client: Client,
    /// Name of the DynamoDB table.
    pub name: String,
}

impl Table {
    /// The table named by the variable `TABLE`.
    pub fn from_env(config: &SdkConfig) -> Result<Self, MissingVariable> {
        let config = Builder::from(config).retry_config(retry(ATTEMPTS)).timeout_config(timeouts(ATTEMPT_TIMEOUT));
        let client = Client::from_conf(config.build());
        Ok(Self { client, name: crate::variable("TABLE")? })
    }
}
