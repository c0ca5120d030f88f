//! Errors of calls of the table, and of its rows.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use thiserror::Error;

/// Why the table could not be read or written.
#[derive(Debug, Error)]
pub enum TableError {
    /// DynamoDB could not be reached, refused the call, or was too busy for too long.
    #[error("DynamoDB: {operation} failed ({code}): {why}")]
    Call {
        /// Name of the DynamoDB operation.
        operation: &'static str,
        /// DynamoDB's name for the error, for example `ProvisionedThroughputExceededException`.
        code: String,
        /// The full error message, with its causes.
        why: String,
    },
    /// A row does not have the form that this version writes.
    #[error("the row `{pk}` `{sk}` can't be read: {why}")]
    Row {
        /// Partition key of the row.
        pk: String,
        /// Sort key of the row.
        sk: String,
        /// What is wrong with the row.
        why: String,
    },
}

impl TableError {
    /// Converts the error of a failed call of `operation`.
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
