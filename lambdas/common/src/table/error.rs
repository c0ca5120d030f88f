//! What goes wrong at the table.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use thiserror::Error;

/// Why something was not read or written.
#[derive(Debug, Error)]
pub enum TableError {
    /// DynamoDB could not be reached, refused the call, or was too busy for too long.
    #[error("DynamoDB: {operation} failed ({code}): {why}")]
    Call {
        /// Name of the DynamoDB operation.
        operation: &'static str,
        /// DynamoDB's name for the error, for example `ProvisionedThroughputExceededException`.
        code: String,
        /// The whole error, with its causes.
        why: String,
    },
    /// A row that was not written by this version.
    #[error("the row `{pk}` `{sk}` can't be read: {why}")]
    Row {
        /// Partition key of the row.
        pk: String,
        /// Sort key of the row.
        sk: String,
        /// What is wrong with it.
        why: String,
    },
}

impl TableError {
    /// A failed call of an operation.
    pub fn call<E>(operation: &'static str) -> impl FnOnce(SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        move |error| {
            let code = error.code().unwrap_or("no answer").to_owned();
            Self::Call { operation, code, why: DisplayErrorContext(error).to_string() }
        }
    }
}
