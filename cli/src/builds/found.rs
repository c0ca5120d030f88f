//! One build and its state, read from the buckets.

use protocol::{BuildId, BuildResult, BuildSummary, Outcome, Owner};

use crate::storage::{Storage, StorageError};

/// A build and its state.
#[derive(Debug)]
pub struct FoundBuild {
    /// The id of the build.
    pub id: BuildId,
    /// The state that it had when the buckets were read.
    pub state: BuildState,
}

/// How far a build has come.
#[derive(Debug)]
pub enum BuildState {
    /// The build has ended with this result.
    Ended(Box<BuildResult>),
    /// The build waits or runs.
    Unfinished {
        /// Whether it has started, as far as is known.
        started: bool,
        /// What was requested, if its metadata can be read.
        summary: Option<BuildSummary>,
    },
    /// The build was cancelled and has no result yet.
    Ending,
    /// Nothing is known of the build: it never was, or it has expired.
    Gone,
}

impl FoundBuild {
    /// Reads the state of a build from the buckets.
    ///
    /// # Errors
    /// If the backend can't be reached or refuses.
    pub fn by_id(storage: &Storage, owner: &Owner, id: &BuildId) -> Result<Self, StorageError> {
        let found = |state| Self { id: id.clone(), state };
        if let Some(result) = storage.result(owner, id)? {
            return Ok(found(BuildState::Ended(result)));
        }
        let metadata = storage.source_metadata(owner, id)?;
        let output = storage.has_output(owner, id)?;
        Ok(found(match (metadata, output) {
            // A source is kept for a day after its build's end, so the result may have come since it was first asked for.
            (metadata, true) => match (storage.result(owner, id)?, metadata) {
                (Some(result), _) => BuildState::Ended(result),
                (None, Some(metadata)) => {
                    BuildState::Unfinished { started: true, summary: BuildSummary::of(&metadata) }
                }
                (None, None) => BuildState::Ending,
            },
            (Some(metadata), false) => BuildState::Unfinished { started: false, summary: BuildSummary::of(&metadata) },
            (None, false) => BuildState::Gone,
        }))
    }

    /// What was requested, as far as is known.
    pub fn summary(&self) -> Option<&BuildSummary> {
        match &self.state {
            BuildState::Ended(result) => result.summary.as_ref(),
            BuildState::Unfinished { summary, .. } => summary.as_ref(),
            BuildState::Ending | BuildState::Gone => None,
        }
    }
}

/// The name of an outcome, as lists and messages have it.
pub fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Cancelled => "cancelled",
        Outcome::TimedOut => "timed out",
        Outcome::Crashed => "crashed",
        Outcome::Refused => "refused",
        _ => "unknown",
    }
}
