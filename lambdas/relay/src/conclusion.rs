//! Writes the results of builds that the `compile` function can't end itself.

use std::time::SystemTime;

use common::table::TableError;
use protocol::{BuildResult, Event, EventKind, Frame, Owner, unix_millis};
use thiserror::Error;

use crate::Relay;
use crate::outputs::{ResultWrite, ResultWriteError};

/// Why a build could not be ended. Lambda then repeats the invocation.
#[derive(Debug, Error)]
pub(crate) enum EndError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Output(#[from] ResultWriteError),
}

impl Relay {
    /// Ends a build with this result, unless it has a result already. In that case its followers have received that
    /// result, or read it from the bucket.
    pub async fn end(&self, owner: &Owner, result: BuildResult) -> Result<(), EndError> {
        match self.outputs.write(owner, &result).await? {
            ResultWrite::Late => {
                tracing::info!("the build has a result already");
                Ok(())
            }
            ResultWrite::First => {
                tracing::warn!(outcome = ?result.outcome, message = result.message, "ended the build");
                let build = result.id.clone();
                let finished =
                    Event::new(build, None, unix_millis(SystemTime::now()), EventKind::Finished(Box::new(result)));
                Ok(self.publish(owner, Frame::new(vec![finished])).await?)
            }
        }
    }
}
