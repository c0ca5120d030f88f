//! What an attempt returns to the backend at its end.

use std::path::PathBuf;

use protocol::BuildResult;

use super::History;
use crate::cache::Unsaved;

/// How an attempt ended: with one of the protocol's outcomes, or with a pause.
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "there is one value, and the caller takes it apart at once")]
pub enum Ending {
    /// The build is over, and this is its result.
    #[non_exhaustive]
    Finished {
        /// The result, without what only the backend knows (`gb_seconds`, `times.uploading`).
        result: BuildResult,
        /// `artifact.zip` in the attempt's output folder, if the build made anything for the device.
        artifact: Option<PathBuf>,
        /// The attempt's numbered events, one JSON object a line.
        log: PathBuf,
        /// The project's folder, still locked. Save it after the result is out; dropping it unlocks the folder unsaved.
        unsaved: Option<Unsaved>,
    },
    /// The time was up. The project's folder is saved for the next attempt.
    #[non_exhaustive]
    Paused {
        /// The `first_seq` for the next attempt.
        next_seq: u64,
        /// The attempt's numbered events, one JSON object a line.
        log: PathBuf,
        /// The `history` for the next attempt.
        history: History,
        /// Whether this attempt finished anything that no earlier one had. If not, another attempt gets no further.
        advanced: bool,
        /// What was in progress when the time was up: crate names as cargo lists them, or a phase of the engine.
        working_on: String,
    },
}
