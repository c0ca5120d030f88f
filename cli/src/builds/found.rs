//! One build, and where it is.

use protocol::{BuildId, BuildResult, BuildSummary, Owner};

use crate::storage::{Storage, StorageError};

/// A build, and where it is.
#[derive(Debug)]
pub struct Found {
    /// Which.
    pub id: BuildId,
    /// Where.
    pub state: State,
}

/// Where a build is.
#[derive(Debug)]
pub enum State {
    /// It has ended.
    Ended(Box<BuildResult>),
    /// It waits or works.
    Going {
        /// Whether someone works on it, as far as is known.
        begun: bool,
        /// What was asked for.
        asked: Option<BuildSummary>,
    },
    /// It was cancelled, and its result is not out yet.
    Ending,
    /// There is nothing of it.
    Gone,
}

impl Found {
    /// Looks where a build is.
    pub fn by_id(storage: &Storage, owner: &Owner, id: &BuildId) -> Result<Self, StorageError> {
        let found = |state| Self { id: id.clone(), state };
        if let Some(result) = storage.result(owner, id)? {
            return Ok(found(State::Ended(result)));
        }
        let metadata = storage.source_metadata(owner, id)?;
        let output = storage.has_output(owner, id)?;
        Ok(found(match (metadata, output) {
            // A source stays for a day after its build has ended: the result may have come since.
            (metadata, true) => match (storage.result(owner, id)?, metadata) {
                (Some(result), _) => State::Ended(result),
                (None, Some(metadata)) => State::Going { begun: true, asked: BuildSummary::of(&metadata) },
                (None, None) => State::Ending,
            },
            (Some(metadata), false) => State::Going { begun: false, asked: BuildSummary::of(&metadata) },
            (None, false) => State::Gone,
        }))
    }

    /// What was asked for, as far as is known.
    pub fn summary(&self) -> Option<&BuildSummary> {
        match &self.state {
            State::Ended(result) => result.summary.as_ref(),
            State::Going { asked, .. } => asked.as_ref(),
            State::Ending | State::Gone => None,
        }
    }
}
