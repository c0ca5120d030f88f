//! The table: who follows a build, what it said, how it ended. Reads are consistent, every row has an end (`ttl`).

mod error;
mod events;
mod fate;
mod followers;
pub mod keys;
pub(crate) mod row;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;

pub use error::TableError;
pub use events::{Stored, StoredRows};
pub use fate::Fate;
pub use followers::Follower;

use crate::MissingVariable;

/// Calls of one operation. A burst of events uses up the table's writes now and then (25 a second, and what the last
/// five minutes left); it is worth waiting some seconds before Lambda has to repeat a whole invocation.
const ATTEMPTS: u32 = 8;

/// The table, and what is done with it.
#[derive(Debug, Clone)]
pub struct Table {
    /// For operations that are not among the methods here.
    pub client: Client,
    /// Its name.
    pub name: String,
}

impl Table {
    /// The table named by the variable `TABLE`.
    pub fn from_env(config: &SdkConfig) -> Result<Self, MissingVariable> {
        let client = Client::from_conf(Builder::from(config).retry_config(crate::aws::retry(ATTEMPTS)).build());
        Ok(Self { client, name: crate::variable("TABLE")? })
    }
}
