//! Why an attempt ended before cargo's result was known and packed.

use std::io;

use crate::archive::ArchiveError;
use crate::supervisor::SupervisorError;

/// Why an attempt ended early.
#[derive(Debug)]
pub(crate) enum AttemptError {
    /// The request can't be carried out. The text tells its sender why, and what to change.
    Refused(String),
    /// The machine or the engine failed.
    Crashed(String),
    /// The backend cancelled the build.
    Cancelled,
    /// The time was up; see [`crate::Ending::Paused`] for the fields.
    OutOfTime { advanced: bool, working_on: String },
}

impl From<ArchiveError> for AttemptError {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Bad(why) => AttemptError::Refused(why),
            ArchiveError::Io(error) => disk_error("unpack the source", &error),
        }
    }
}

impl From<SupervisorError> for AttemptError {
    fn from(error: SupervisorError) -> Self {
        AttemptError::Crashed(error.to_string())
    }
}

/// An error of the backend's disk. `action` is what the backend tried to do, as a verb with its object.
pub(super) fn disk_error(action: &str, error: &io::Error) -> AttemptError {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ": its disk is full; free some space and build again"
        }
        _ => "",
    };
    AttemptError::Crashed(format!("the backend could not {action}: {error}{advice}"))
}
