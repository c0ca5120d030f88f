//! What a backend gives to the engine for one attempt of a build.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use protocol::{BuildId, CacheUse, Frame, Owner, Times};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::cache::Cache;

/// One attempt of a build.
pub struct Attempt {
    /// Id of the build that the attempt belongs to.
    pub build: BuildId,
    /// The owner of the project. Each owner has a folder of projects, separate from all others.
    pub owner: Owner,
    /// Number of the attempt; the first is 1.
    pub number: u32,
    /// Sequence number of the attempt's first event. The backend has sent all events before it.
    pub first_seq: u64,
    /// Metadata of the uploaded object: names in lower case, without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// Path of the source archive. The engine reads it and leaves it where it is.
    pub source: PathBuf,
    /// An empty folder, in which the engine leaves `artifact.zip` and `log.jsonl`.
    pub output: PathBuf,
    /// Receives the events, one send per flush. A slow receiver slows cargo down, and nothing is lost. When the receiver
    /// is dropped, the build goes on without followers; the log is complete all the same.
    pub events: mpsc::Sender<Frame>,
    /// Cancels the build when the backend cancels it.
    pub cancel: CancellationToken,
    /// When [`crate::Engine::run`] must have returned, with [`crate::Ending::Paused`] if the build isn't finished. `None`
    /// for an attempt without a time limit.
    pub deadline: Option<Instant>,
    /// Restores the project's folder before the build and saves it afterwards.
    pub cache: Arc<dyn Cache>,
    /// Totals of the earlier attempts: [`History::default`] for the first attempt, else what [`crate::Ending::Paused`]
    /// returned.
    pub history: History,
}

/// Totals over the attempts of a build so far, which end up in the build's result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// Time spent in each phase.
    pub times: Times,
    /// How much of earlier builds could be reused.
    pub cache: CacheUse,
    /// The most memory that the build's processes held at once, in bytes.
    pub peak_memory: u64,
    /// Encoded bytes of output sent to followers, at most [`protocol::limits::MAX_STREAMED_BYTES`].
    pub streamed_bytes: u64,
    /// Units of cargo's plan that were finished when an attempt stopped: the highest number of all attempts.
    pub units_done: u64,
}
