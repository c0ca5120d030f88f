//! Why an attempt ended before its end.

use std::io;

use crate::archive::ArchiveError;
use crate::supervisor::SupervisorError;

/// Why an attempt ended before its end.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It can't be done as asked.
    Refused(String),
    /// The machine failed.
    Crashed(String),
    /// Told to stop.
    Cancelled,
    /// The deadline came.
    OutOfTime { advanced: bool, working_on: String },
}

impl From<ArchiveError> for Fault {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Bad(why) => Fault::Refused(why),
            ArchiveError::Io(error) => disk("unpack the source", &error),
        }
    }
}

impl From<SupervisorError> for Fault {
    fn from(error: SupervisorError) -> Self {
        Fault::Crashed(error.to_string())
    }
}

/// What the backend's disk did while it was to `what`.
pub(super) fn disk(what: &str, error: &io::Error) -> Fault {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ": its disk is full, make room and build again",
        _ => "",
    };
    Fault::Crashed(format!("the backend could not {what}: {error}{advice}"))
}
