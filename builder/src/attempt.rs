//! What the engine is given for one attempt of a build, and how the attempt ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use protocol::{BuildId, BuildResult, CacheUse, Frame, Owner, Times};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::cache::{Cache, Unsaved};

/// One attempt of a build.
pub struct Attempt {
    /// The build.
    pub build: BuildId,
    /// Whose it is: their projects lie apart from other owners'.
    pub owner: Owner,
    /// From 1.
    pub number: u32,
    /// The number of the first event; what comes before it, the backend has sent.
    pub first_seq: u64,
    /// Metadata of the uploaded object, names in lower case without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// The source archive; it stays the backend's.
    pub source: PathBuf,
    /// An empty folder of the backend's, where the engine leaves `artifact.zip` and `log.jsonl`.
    pub output: PathBuf,
    /// Takes the events, one send per flush. A slow receiver slows cargo down, nothing is lost; a dropped one is
    /// taken as "nobody listens", and the log has everything all the same.
    pub events: mpsc::Sender<Frame>,
    /// Ends the build as cancelled.
    pub cancel: CancellationToken,
    /// When the attempt must have returned, as [`Ending::Paused`] at the latest. None: whenever it is done.
    pub deadline: Option<Instant>,
    /// What restores a project's folder, and keeps it.
    pub cache: Arc<dyn Cache>,
    /// What the earlier attempts of this build came to: [`Ending::Paused`] hands it over, the first attempt has
    /// [`History::default`].
    pub history: History,
}

/// What the attempts of a build came to so far, so that the last one's result tells of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// Where the time went.
    pub times: Times,
    /// What was found of earlier builds.
    pub cache: CacheUse,
    /// The most memory held at once, in bytes.
    pub peak_memory: u64,
    /// Encoded bytes of output sent to followers, of [`protocol::limits::MAX_STREAMED_BYTES`].
    pub streamed_bytes: u64,
    /// Units of cargo's plan that were finished when an attempt stopped, the most of all attempts.
    pub units_done: u64,
}

/// How an attempt ended. Every ending is one of the protocol's outcomes, or a pause.
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "there is one, and it is taken apart at once")]
pub enum Ending {
    /// The build is over.
    #[non_exhaustive]
    Finished {
        /// The result, but for what only the backend knows (`gb_seconds`, `times.uploading`).
        result: BuildResult,
        /// What was built: `artifact.zip` in the attempt's output folder.
        artifact: Option<PathBuf>,
        /// Every numbered event of the attempt, one JSON object a line.
        log: PathBuf,
        /// The project's folder, to be saved once the result is out; dropping it gives the folder back unsaved.
        unsaved: Option<Unsaved>,
    },
    /// Out of time; what was made is saved for the next attempt.
    #[non_exhaustive]
    Paused {
        /// `first_seq` of the next attempt.
        next_seq: u64,
        /// Every numbered event of the attempt, one JSON object a line.
        log: PathBuf,
        /// For the next attempt.
        history: History,
        /// Whether this attempt finished anything an earlier one had not. If not, the next one would get no further.
        advanced: bool,
        /// What was in work when time ran out: crate names as cargo lists them, or a phase of the engine's.
        working_on: String,
    },
}
